//! Free ports of 127.0.0.1 for programs that are told theirs when they start.
//!
//! Between the look whether a port is free and the program that binds it, nobody may come in between. Ports that the system
//! itself gives away (`bind` to port 0, connections that go out) are of another range; those of other tests are kept apart by
//! a file that each process locks as long as it lives, and by counting within the process.
use std::fs::{self, File, TryLockError};
use std::net::{TcpListener, UdpSocket};
use std::sync::{Mutex, OnceLock};

/// Above what services listen on. The last lane ends below the range that Linux gives away, 32768 to 60999.
const FIRST: u16 = 11_000;
/// How many ports a process has for itself.
const LANE: u16 = 1_000;
const LANES: u16 = 21;

/// What belongs to this process.
struct Lane {
    first: u16,
    next: Mutex<u16>,
    /// Locked until the process ends, however it ends.
    _lock: File,
}

/// The first of `count` consecutive ports, even, on which nothing listens on 127.0.0.1, neither UDP nor TCP. No other test
/// gets them, until this process has gone through all it has.
///
/// # Panics
///
/// When more than twenty test processes run on this machine, or `count` are never free.
pub fn free(count: u16) -> u16 {
    static LANE_OF_THIS_PROCESS: OnceLock<Lane> = OnceLock::new();
    LANE_OF_THIS_PROCESS.get_or_init(Lane::take).free(count)
}

impl Lane {
    fn take() -> Lane {
        let folder = std::env::temp_dir().join("tandem-test-ports");
        fs::create_dir_all(&folder).expect("the folder for temporary files can be written");
        let free = (0..LANES).find_map(|number| {
            let lock = File::create(folder.join(number.to_string())).expect("its files can be written");
            match lock.try_lock() {
                Ok(()) => Some(Lane { first: FIRST + number * LANE, next: Mutex::new(0), _lock: lock }),
                Err(TryLockError::WouldBlock) => None,
                Err(TryLockError::Error(error)) => panic!("{} cannot be locked: {error}", folder.display()),
            }
        });
        free.expect("fewer than twenty test processes run at once")
    }

    fn free(&self, count: u16) -> u16 {
        let even = count + count % 2;
        assert!(even <= LANE, "{count} ports are more than a process has");
        let mut next = self.next.lock().expect("whoever holds it panics only at the end of its search");
        for _ in 0..LANE {
            if *next + even > LANE {
                *next = 0;
            }
            let first = self.first + *next;
            let are_free = (first..first + count).all(is_free);
            *next += if are_free { even } else { 2 };
            if are_free {
                return first;
            }
        }
        panic!("no {count} ports in a row are free from {} on", self.first);
    }
}

fn is_free(port: u16) -> bool {
    TcpListener::bind(("127.0.0.1", port)).is_ok() && UdpSocket::bind(("127.0.0.1", port)).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_gets_the_same() {
        let given: Vec<u16> = (0..8).map(|_| free(33)).collect();
        assert!(given.iter().all(|first| first % 2 == 0 && *first >= FIRST && first + 33 <= FIRST + LANES * LANE));
        assert!(given.windows(2).all(|pair| pair[0].abs_diff(pair[1]) >= 33), "{given:?}");
        let (own, other) = (Lane::take(), Lane::take());
        assert_ne!(own.first, other.first, "who lives has its lane for itself");
    }

    #[test]
    fn what_is_taken_is_passed_over() {
        let lane = Lane::take();
        let taken = UdpSocket::bind(("127.0.0.1", lane.first + 3)).expect("it is ours");
        assert_eq!(lane.free(4), lane.first + 4);
        drop(taken);
        assert_eq!(lane.free(LANE - 2), lane.first, "at its end it begins again");
    }
}
