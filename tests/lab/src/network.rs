//! The network between phones and exchange: delay, loss, duplicates, reordering, NAT. All of it drawn from a seed.

pub mod nat;

use std::time::Duration;

use rand::RngExt;
use rand_chacha::ChaCha8Rng;

pub use nat::Nat;

/// What a path does to datagrams. Streams only know the delay.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Path {
    /// The time every packet takes.
    pub delay: Duration,
    /// A further time up to this, drawn for each packet: packets overtake each other.
    pub jitter: Duration,
    /// The share of packets that never arrive, 0.0 to 1.0.
    pub loss: f64,
    /// The share of packets that arrive twice.
    pub duplicates: f64,
}

impl Default for Path {
    fn default() -> Self {
        Path { delay: Duration::from_millis(5), jitter: Duration::ZERO, loss: 0.0, duplicates: 0.0 }
    }
}

impl Path {
    /// A path that loses this share of packets, repeats some and lets them overtake.
    pub fn bad(loss: f64) -> Path {
        Path { delay: Duration::from_millis(20), jitter: Duration::from_millis(30), loss, duplicates: loss / 4.0 }
    }

    /// After which times a datagram arrives: never, once, or twice.
    pub fn arrivals(&self, rng: &mut ChaCha8Rng) -> Vec<Duration> {
        if self.loss > 0.0 && rng.random_bool(self.loss) {
            return Vec::new();
        }
        let copies = if self.duplicates > 0.0 && rng.random_bool(self.duplicates) { 2 } else { 1 };
        (0..copies).map(|_| self.delay + self.drawn_jitter(rng)).collect()
    }

    fn drawn_jitter(&self, rng: &mut ChaCha8Rng) -> Duration {
        match self.jitter.is_zero() {
            true => Duration::ZERO,
            false => Duration::from_micros(rng.random_range(0..self.jitter.as_micros() as u64)),
        }
    }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;

    use super::*;

    #[test]
    fn losses_are_as_many_as_asked_for() {
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let path = Path { loss: 0.2, duplicates: 0.1, ..Path::default() };
        let counts: Vec<usize> = (0..10_000).map(|_| path.arrivals(&mut rng).len()).collect();
        let lost = counts.iter().filter(|count| **count == 0).count();
        let twice = counts.iter().filter(|count| **count == 2).count();
        assert!((1_900..2_100).contains(&lost) && (700..900).contains(&twice), "{lost} {twice}");
        assert_eq!(Path::default().arrivals(&mut rng), [Duration::from_millis(5)]);
    }
}
