//! How fast what leaves the box may go: a thin line is there for calls first.

use std::io::{self, Read};
use std::num::NonZeroU64;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use ureq::SendBody;

use crate::limits;

/// So many octets a second for all who share it, or as many as go.
#[derive(Debug)]
pub struct Pace {
    octets_a_second: Option<NonZeroU64>,
    // When the next octet may go.
    free_at: Mutex<Instant>,
}

/// What is sent, at its pace.
struct Paced<'a> {
    pace: &'a Pace,
    rest: &'a [u8],
}

impl Pace {
    /// A pace that all keep together.
    pub fn new(octets_a_second: Option<NonZeroU64>) -> Pace {
        Pace { octets_a_second, free_at: Mutex::new(Instant::now()) }
    }

    /// Sends a body with a request that says its length.
    pub(crate) fn send<'a>(&'a self, octets: &'a [u8], send: impl FnOnce(SendBody<'_>) -> Sent) -> Sent {
        send(SendBody::from_reader(&mut Paced { pace: self, rest: octets }))
    }

    /// How many of so many octets may go at once, and when.
    fn book(&self, wanted: usize, now: Instant) -> (usize, Instant) {
        let Some(rate) = self.octets_a_second else { return (wanted, now) };
        // A piece is short on the line, so that no packet of a call waits behind much.
        let piece = wanted.min((rate.get() / limits::PIECES_A_SECOND).max(1) as usize);
        let takes = Duration::from_secs_f64(piece as f64 / rate.get() as f64);
        let mut free_at = self.free_at.lock().unwrap_or_else(PoisonError::into_inner);
        let begin = now.max(*free_at);
        *free_at = begin + takes;
        (piece, begin)
    }
}

type Sent = Result<ureq::http::Response<ureq::Body>, ureq::Error>;

impl Read for Paced<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let most = buffer.len().min(self.rest.len());
        if most == 0 {
            return Ok(0);
        }
        let now = Instant::now();
        let (count, begin) = self.pace.book(most, now);
        std::thread::sleep(begin.saturating_duration_since(now));
        let (piece, rest) = self.rest.split_at(count);
        buffer[..piece.len()].copy_from_slice(piece);
        self.rest = rest;
        Ok(piece.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_goes_together_goes_no_faster_than_it_may() {
        let pace = Pace::new(NonZeroU64::new(100_000));
        let now = Instant::now();
        // Two who share it take turns.
        let mut left = [10_000, 10_000];
        let mut last = now;
        while left != [0, 0] {
            for left in left.iter_mut().filter(|left| **left > 0) {
                let (piece, begin) = pace.book(*left, now);
                assert!(piece <= 2_000 && begin >= last, "short pieces, one after the other");
                (*left, last) = (*left - piece, begin);
            }
        }
        let (_, next) = pace.book(1, now);
        assert_eq!((next - now).as_millis(), 200, "twenty thousand octets");
        let (_, later) = pace.book(1, now + Duration::from_secs(9));
        assert_eq!(later, now + Duration::from_secs(9), "what was not used is not made up for");
    }

    #[test]
    fn without_a_limit_nothing_waits_and_all_of_it_comes() {
        let (pace, what) = (Pace::new(None), vec![7; 100_000]);
        let mut found = Vec::new();
        Paced { pace: &pace, rest: &what }.read_to_end(&mut found).expect("memory can be read");
        assert_eq!(found, what);
    }
}
