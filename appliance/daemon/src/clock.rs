//! The only place where clocks and the system's randomness are read.

use std::io;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use store::{Boot, Timestamp};
use uuid::Uuid;

/// When the process looked at its clocks first: everything is counted from there.
static START: LazyLock<Start> = LazyLock::new(Start::now);
/// What the wall clock showed at the start, as far as it is known by now, in microseconds since 1970. All threads see it change
/// at the same moment.
static EPOCH: LazyLock<AtomicI64> = LazyLock::new(|| AtomicI64::new(START.unix));

struct Start {
    instant: Instant,
    unix: i64,
    // Since the boot.
    uptime: Duration,
}

impl Start {
    fn now() -> Start {
        Start { instant: Instant::now(), unix: wall().as_micros() as i64, uptime: since_boot() }
    }
}

/// Time since the process started, for all threads the same.
#[derive(Debug, Clone, Copy)]
pub struct Clock {
    start: Instant,
}

impl Clock {
    /// Starts at zero.
    pub fn start() -> Clock {
        Clock { start: Instant::now() }
    }

    /// Time since the start.
    pub fn now(&self) -> Duration {
        self.start.elapsed()
    }
}

/// The wall clock: time since 1970, as [`read`] last found it.
pub fn unix() -> Duration {
    let epoch = EPOCH.load(Ordering::Relaxed);
    Duration::from_micros(epoch.max(0) as u64) + START.instant.elapsed()
}

/// The wall clock as it was at the start: it goes on, and nobody sets it.
pub fn steady() -> Timestamp {
    Timestamp(START.unix + START.instant.elapsed().as_micros() as i64)
}

/// Looks at the system's wall clock, and has everybody see it where somebody has set it.
pub fn read() {
    let epoch = wall().as_micros() as i64 - START.instant.elapsed().as_micros() as i64;
    if EPOCH.load(Ordering::Relaxed).abs_diff(epoch) > WallClock::JUMP.as_micros() as u64 {
        EPOCH.store(epoch, Ordering::Relaxed);
    }
}

/// Which boot this is, and how long ago.
pub fn boot() -> Boot {
    let id = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").ok();
    let id = id.and_then(|text| Uuid::parse_str(text.trim()).ok());
    let (uptime, passed) = (START.uptime.as_micros() as i64, START.instant.elapsed().as_micros() as i64);
    // Without a name of its own each process counts as a boot.
    let id = id.unwrap_or_else(|| Uuid::from_u128(START.unix as u128));
    Boot { id, uptime: uptime + passed, now: Timestamp(unix().as_micros() as i64) }
}

/// What the system's wall clock shows. One before 1970 (a board without a battery) reads as 1970.
fn wall() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}

fn since_boot() -> Duration {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the structure outlives the call, which fills it.
    unsafe { libc::clock_gettime(libc::CLOCK_BOOTTIME, &mut time) };
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

/// Watches how the wall clock moves against the monotonic one, and says when the others must be told.
#[derive(Debug)]
pub struct WallClock {
    told_at: Duration,
    told: Duration,
}

impl WallClock {
    /// How far the two may drift apart before it counts as a jump.
    const JUMP: Duration = Duration::from_millis(500);
    /// After this time it is told again in any case.
    const INTERVAL: Duration = Duration::from_secs(60);
    /// How often to look.
    pub const WATCH: Duration = Duration::from_secs(2);

    /// A watch that was just told `unix` at `now`.
    pub fn new(now: Duration, unix: Duration) -> WallClock {
        WallClock { told_at: now, told: unix }
    }

    /// Whether the others must be told that it is `unix` at `now`; if so, they count as told.
    pub fn observe(&mut self, now: Duration, unix: Duration) -> bool {
        let expected = self.told + now.saturating_sub(self.told_at);
        let due = expected.abs_diff(unix) > Self::JUMP || now.saturating_sub(self.told_at) >= Self::INTERVAL;
        if due {
            (self.told_at, self.told) = (now, unix);
        }
        due
    }
}

/// A seed for a part that draws its own random numbers from it.
pub fn seed() -> io::Result<[u8; 32]> {
    random()
}

/// What keys and passwords are made of.
pub fn entropy() -> io::Result<[u8; 64]> {
    random()
}

fn random<const OCTETS: usize>() -> io::Result<[u8; OCTETS]> {
    let mut octets = [0; OCTETS];
    let mut filled = 0;
    while filled < OCTETS {
        // SAFETY: the pointer and the length describe the unfilled rest of `octets`.
        let count = unsafe { libc::getrandom(octets[filled..].as_mut_ptr().cast(), OCTETS - filled, 0) };
        match usize::try_from(count) {
            Ok(count) => filled += count,
            Err(_) => match io::Error::last_os_error() {
                error if error.kind() == io::ErrorKind::Interrupted => {}
                error => return Err(error),
            },
        }
    }
    Ok(octets)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_jump_and_the_passing_of_a_minute_are_told() {
        let seconds = Duration::from_secs;
        let mut wall = WallClock::new(seconds(0), seconds(1_000));
        assert!(!wall.observe(seconds(10), seconds(1_010)));
        assert!(!wall.observe(seconds(20), seconds(1_020) + Duration::from_millis(400)));
        assert!(wall.observe(seconds(30), seconds(5_000)), "forward");
        assert!(!wall.observe(seconds(40), seconds(5_010)));
        assert!(wall.observe(seconds(41), seconds(100)), "back");
        assert!(!wall.observe(seconds(100), seconds(159)));
        assert!(wall.observe(seconds(101), seconds(160)), "a minute later");
    }

    #[test]
    fn seeds_differ() {
        assert_ne!(seed().expect("the kernel gives randomness"), seed().expect("the kernel gives randomness"));
    }
}
