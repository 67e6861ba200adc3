//! How long to wait before the next try.

use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

/// A quarter more or less: boxes that lost the same server do not come back all at once.
pub(crate) fn jittered(delay: Duration) -> Duration {
    let part = RandomState::new().hash_one(()) % 512;
    delay.mul_f64(0.75 + part as f64 / 1_024.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_wait_is_a_quarter_off() {
        let second = Duration::from_secs(1);
        for _ in 0..1_000 {
            let wait = jittered(second);
            assert!(second * 3 / 4 <= wait && wait <= second * 5 / 4, "{wait:?}");
        }
    }
}
