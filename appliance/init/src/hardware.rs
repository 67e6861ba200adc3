//! The hardware of the board this image was built for. A piece that is missing is said once and done without.
use std::time::Duration;

use hal::board::qemu_virt::{LinuxClock, LinuxLed, LinuxWatchdog, PowerButton};
use hal::clock::{Clock, sane};
use hal::led::Led;
use hal::watchdog::Watchdog;
use rustix::time::{ClockId, Timespec, clock_gettime, clock_settime};

use crate::console::say;

/// When this image was made, in seconds since 1970; no sane clock shows less.
const MADE: &str = "/etc/made";

/// What the board has.
pub struct Hardware {
    pub watchdog: Option<Box<dyn Watchdog>>,
    pub button: Option<PowerButton>,
    pub led: Option<Box<dyn Led>>,
    clock: Option<LinuxClock>,
}

impl Hardware {
    /// Opens everything and starts the watchdog.
    pub fn open(watchdog_timeout: Duration) -> Hardware {
        Hardware {
            watchdog: present(open_watchdog(watchdog_timeout)),
            button: present(PowerButton::open()),
            led: LinuxLed::open().ok().map(|led| Box::new(led) as Box<dyn Led>),
            clock: present(LinuxClock::open()),
        }
    }

    /// Sets the system's time to one that can be believed.
    pub fn set_time(&self) {
        let made = Duration::from_secs(made().unwrap_or(0));
        let shown = self.clock.as_ref().map_or(Err(hal::Error::Missing("clock")), |clock| clock.read());
        let time = sane(shown, made);
        if shown == Ok(time) {
            return;
        }
        say(format_args!("the clock shows no sane time, going by {} s since 1970", time.as_secs()));
        defmt::warn!("the clock shows no sane time, going by {=u64} s since 1970", time.as_secs());
        let time = Timespec { tv_sec: time.as_secs() as i64, tv_nsec: 0 };
        if let Err(error) = clock_settime(ClockId::Realtime, time) {
            say(format_args!("the time cannot be set: {error}"));
        }
    }
}

/// When the image was made, where it says so.
pub fn made() -> Option<u64> {
    std::fs::read_to_string(MADE).ok()?.trim().parse().ok()
}

/// Leaves the system's time in the clock that runs on while the box is off. A board without one has said so at its start.
pub fn keep_time() {
    let Ok(seconds) = u64::try_from(clock_gettime(ClockId::Realtime).tv_sec) else { return };
    let Ok(mut clock) = LinuxClock::open() else { return };
    if let Err(error) = clock.set(Duration::from_secs(seconds)) {
        say(error);
    }
}

fn open_watchdog(timeout: Duration) -> Result<Box<dyn Watchdog>, hal::Error> {
    let mut watchdog = LinuxWatchdog::open()?;
    let taken = watchdog.set_timeout(timeout)?;
    if taken != timeout {
        say(format_args!("the watchdog waits {} s and not {}", taken.as_secs(), timeout.as_secs()));
    }
    Ok(Box::new(watchdog))
}

fn present<T>(piece: Result<T, hal::Error>) -> Option<T> {
    piece
        .inspect_err(|error| {
            say(error);
            defmt::warn!("{}", error);
        })
        .ok()
}
