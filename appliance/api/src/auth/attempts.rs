//! Failed logins, counted for each source.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Mutex, PoisonError};

use store::Timestamp;

use crate::limits;

/// Remembers who failed to log in, and how often, within the last minute.
#[derive(Default)]
pub struct Attempts {
    sources: Mutex<HashMap<IpAddr, Window>>,
}

#[derive(Clone, Copy)]
struct Window {
    since: Timestamp,
    failures: u32,
}

const WINDOW: i64 = limits::LOGIN_WINDOW.as_micros() as i64;

impl Attempts {
    /// Counts an attempt that may fail; the error is after how many seconds the source may try again. A login that
    /// succeeds is taken back by [`Attempts::forgive`], so that a program may log in as often as it likes.
    pub fn begin(&self, source: IpAddr, now: Timestamp) -> Result<(), u64> {
        let source = whole(source);
        let mut sources = self.sources.lock().unwrap_or_else(PoisonError::into_inner);
        if sources.len() >= limits::LOGIN_SOURCES && !sources.contains_key(&source) {
            make_room(&mut sources, now);
        }
        let window = sources.entry(source).or_insert(Window { since: now, failures: 0 });
        // A clock that was set back must not lock anybody out.
        if !(0..WINDOW).contains(&(now.0 - window.since.0)) {
            *window = Window { since: now, failures: 0 };
        }
        if window.failures >= limits::LOGINS {
            let left = WINDOW - (now.0 - window.since.0);
            return Err((left as u64).div_ceil(1_000_000));
        }
        window.failures += 1;
        Ok(())
    }

    /// Whether the source may try at all; counts nothing. The error is after how many seconds it may.
    pub fn check(&self, source: IpAddr, now: Timestamp) -> Result<(), u64> {
        let sources = self.sources.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(window) = sources.get(&whole(source)) else { return Ok(()) };
        let passed = now.0 - window.since.0;
        if window.failures < limits::LOGINS || !(0..WINDOW).contains(&passed) {
            return Ok(());
        }
        Err(((WINDOW - passed) as u64).div_ceil(1_000_000))
    }

    /// Takes back what [`Attempts::begin`] counted.
    pub fn forgive(&self, source: IpAddr) {
        let source = whole(source);
        let mut sources = self.sources.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(window) = sources.get_mut(&source) {
            window.failures = window.failures.saturating_sub(1);
            if window.failures == 0 {
                sources.remove(&source);
            }
        }
    }
}

/// What one owner holds: a whole IPv4 address, or an IPv6 network of 64 bits.
fn whole(source: IpAddr) -> IpAddr {
    match source.to_canonical() {
        IpAddr::V4(address) => IpAddr::V4(address),
        IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() >> 64 << 64)),
    }
}

fn make_room(sources: &mut HashMap<IpAddr, Window>, now: Timestamp) {
    sources.retain(|_, window| (0..WINDOW).contains(&(now.0 - window.since.0)));
    if sources.len() >= limits::LOGIN_SOURCES {
        let oldest = sources.iter().min_by_key(|(_, window)| window.since).map(|(source, _)| *source);
        oldest.map(|source| sources.remove(&source));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp(1_795_342_560_000_000);

    fn later(seconds: i64) -> Timestamp {
        Timestamp(NOW.0 + seconds * 1_000_000)
    }

    #[test]
    fn the_eleventh_failure_within_a_minute_waits_for_its_end() {
        let attempts = Attempts::default();
        let source = IpAddr::from([192, 0, 2, 1]);
        for _ in 0..10 {
            assert_eq!(attempts.begin(source, NOW), Ok(()));
        }
        assert_eq!(attempts.begin(source, later(20)), Err(40));
        assert_eq!((attempts.check(source, later(20)), attempts.check(source, later(60))), (Err(40), Ok(())));
        assert_eq!(attempts.begin(IpAddr::from([192, 0, 2, 2]), NOW), Ok(()));
        assert_eq!(attempts.begin(source, later(60)), Ok(()));
        assert_eq!(attempts.begin(source, later(-3600)), Ok(()), "the clock was set back");
    }

    #[test]
    fn successes_do_not_count_and_leave_nothing_behind() {
        let attempts = Attempts::default();
        let source = IpAddr::from([192, 0, 2, 1]);
        for _ in 0..100 {
            assert_eq!(attempts.begin(source, NOW), Ok(()));
            attempts.forgive(source);
        }
        assert!(attempts.sources.lock().expect("nobody panicked").is_empty());
    }

    #[test]
    fn an_ipv6_network_counts_as_one_and_an_embedded_ipv4_as_itself() {
        let attempts = Attempts::default();
        for host in 0..10u16 {
            assert_eq!(attempts.begin(Ipv6Addr::new(0x2001, 0xdb8, 0, 1, host, 0, 0, 1).into(), NOW), Ok(()));
        }
        assert!(attempts.begin(Ipv6Addr::new(0x2001, 0xdb8, 0, 1, 99, 0, 0, 1).into(), NOW).is_err());
        assert_eq!(attempts.begin(Ipv6Addr::new(0x2001, 0xdb8, 0, 2, 0, 0, 0, 1).into(), NOW), Ok(()));
        assert_eq!(whole("::ffff:192.0.2.1".parse().expect("an address")), IpAddr::from([192, 0, 2, 1]));
    }

    #[test]
    fn a_flood_of_sources_stays_within_its_bound() {
        let attempts = Attempts::default();
        for number in 0..30_000u32 {
            assert_eq!(attempts.begin(IpAddr::from(number.to_be_bytes()), NOW), Ok(()));
        }
        assert_eq!(attempts.sources.lock().expect("nobody panicked").len(), limits::LOGIN_SOURCES);
    }
}
