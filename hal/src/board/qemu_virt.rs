//! QEMU's `virt` machine under Linux: i6300esb watchdog, power button on the PL061, PL031 clock. A light only where the
//! device tree names one.
use core::mem::ManuallyDrop;
use core::time::Duration;
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use rustix::ioctl::{Opcode, Setter, Updater, opcode};

use crate::Error;
use crate::button::{Button, Edge};
use crate::clock::{Clock, Date};
use crate::led::Led;
use crate::watchdog::Watchdog;

fn refused(piece: &'static str) -> impl Fn(io::Error) -> Error {
    move |error| match error.kind() {
        io::ErrorKind::NotFound => Error::Missing(piece),
        _ => Error::Refused(piece, error.raw_os_error().unwrap_or(0)),
    }
}

/// `/dev/watchdog`. Opening it starts it; it is never closed, since that would not stop it but alarm the kernel.
#[derive(Debug)]
pub struct LinuxWatchdog {
    file: ManuallyDrop<File>,
}

impl LinuxWatchdog {
    /// Opens and thereby starts the watchdog, with whatever timeout its driver has.
    pub fn open() -> Result<LinuxWatchdog, Error> {
        let file = OpenOptions::new().write(true).open("/dev/watchdog").map_err(refused("watchdog"))?;
        Ok(LinuxWatchdog { file: ManuallyDrop::new(file) })
    }
}

impl Watchdog for LinuxWatchdog {
    fn set_timeout(&mut self, timeout: Duration) -> Result<Duration, Error> {
        /// `WDIOC_SETTIMEOUT`: takes seconds, gives back those it will keep.
        const SET_TIMEOUT: Opcode = opcode::read_write::<i32>(b'W', 6);
        let mut seconds = i32::try_from(timeout.as_secs().max(1)).unwrap_or(i32::MAX);
        // SAFETY: the driver reads and writes one `int`, which `seconds` is.
        unsafe { rustix::ioctl::ioctl(&*self.file, Updater::<SET_TIMEOUT, i32>::new(&mut seconds)) }
            .map_err(|error| Error::Refused("watchdog", error.raw_os_error()))?;
        u64::try_from(seconds).map(Duration::from_secs).map_err(|_| Error::Nonsense("watchdog"))
    }

    fn pet(&mut self) -> Result<(), Error> {
        self.file.write_all(&[0]).map_err(refused("watchdog"))
    }
}

/// The power button: a key of `gpio-keys`.
#[derive(Debug)]
pub struct PowerButton {
    events: File,
}

/// One `struct input_event` of a 64-bit kernel: 16 bytes of time, then type, code and value.
const INPUT_EVENT: usize = 24;
const EV_KEY: u16 = 1;
const KEY_POWER: u16 = 116;

impl PowerButton {
    /// Finds and opens the button.
    pub fn open() -> Result<PowerButton, Error> {
        let event = find("/sys/class/input", "event", |path| {
            std::fs::read_to_string(path.join("device/name")).is_ok_and(|name| name.trim() == "gpio-keys")
        });
        let event = event.ok_or(Error::Missing("power button"))?;
        let node = Path::new("/dev/input").join(event.file_name().ok_or(Error::Missing("power button"))?);
        let nonblocking = rustix::fs::OFlags::NONBLOCK.bits() as i32;
        let events = OpenOptions::new().read(true).custom_flags(nonblocking).open(node);
        Ok(PowerButton { events: events.map_err(refused("power button"))? })
    }
}

impl AsFd for PowerButton {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.events.as_fd()
    }
}

impl Button for PowerButton {
    fn poll_edge(&mut self) -> Result<Option<Edge>, Error> {
        let mut event = [0; INPUT_EVENT];
        loop {
            match self.events.read(&mut event) {
                Ok(INPUT_EVENT) => {}
                Ok(_) => return Err(Error::Nonsense("power button")),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(None),
                Err(error) => return Err(refused("power button")(error)),
            }
            if let Some(edge) = edge_of(&event) {
                return Ok(Some(edge));
            }
        }
    }
}

fn edge_of(event: &[u8; INPUT_EVENT]) -> Option<Edge> {
    let word = |at: usize| u16::from_ne_bytes([event[at], event[at + 1]]);
    let value = i32::from_ne_bytes([event[20], event[21], event[22], event[23]]);
    match (word(16), word(18), value) {
        (EV_KEY, KEY_POWER, 1) => Some(Edge::Pressed),
        (EV_KEY, KEY_POWER, 0) => Some(Edge::Released),
        _ => None,
    }
}

/// `/dev/rtc0`.
#[derive(Debug)]
pub struct LinuxClock {
    device: File,
}

/// `struct rtc_time` of the kernel: like C's `struct tm`, the month from 0 and the year from 1900.
#[repr(C)]
struct RtcTime {
    second: i32,
    minute: i32,
    hour: i32,
    day: i32,
    month: i32,
    year: i32,
    unused: [i32; 3],
}

impl LinuxClock {
    /// Opens the clock.
    pub fn open() -> Result<LinuxClock, Error> {
        Ok(LinuxClock { device: File::open("/dev/rtc0").map_err(refused("clock"))? })
    }
}

impl Clock for LinuxClock {
    fn read(&self) -> Result<Duration, Error> {
        let shown = std::fs::read_to_string("/sys/class/rtc/rtc0/since_epoch").map_err(refused("clock"))?;
        shown.trim().parse().map(Duration::from_secs).map_err(|_| Error::Nonsense("clock"))
    }

    fn set(&mut self, time: Duration) -> Result<(), Error> {
        /// `RTC_SET_TIME`.
        const SET_TIME: Opcode = opcode::write::<RtcTime>(b'p', 0x0a);
        let date = Date::of(time);
        let rtc_time = RtcTime {
            second: (date.second_of_day % 60) as i32,
            minute: (date.second_of_day / 60 % 60) as i32,
            hour: (date.second_of_day / 3600) as i32,
            day: date.day as i32,
            month: date.month as i32 - 1,
            year: date.year as i32 - 1900,
            unused: [0; 3],
        };
        // SAFETY: the driver reads one `struct rtc_time`, which has the layout of `RtcTime`.
        unsafe { rustix::ioctl::ioctl(&self.device, Setter::<SET_TIME, RtcTime>::new(rtc_time)) }
            .map_err(|error| Error::Refused("clock", error.raw_os_error()))
    }
}

/// The status light, as the kernel's LED class shows it.
#[derive(Debug)]
pub struct LinuxLed {
    brightness: PathBuf,
}

impl LinuxLed {
    /// Finds the light whose name ends in `status`.
    pub fn open() -> Result<LinuxLed, Error> {
        let led = find("/sys/class/leds", "", |path| path.to_string_lossy().ends_with("status"));
        led.map(|path| LinuxLed { brightness: path.join("brightness") }).ok_or(Error::Missing("status LED"))
    }
}

impl Led for LinuxLed {
    fn set(&mut self, lit: bool) -> Result<(), Error> {
        std::fs::write(&self.brightness, if lit { "1" } else { "0" }).map_err(refused("status LED"))
    }
}

/// The first entry of a folder, by name, that begins with `prefix` and satisfies `wanted`.
fn find(folder: &str, prefix: &str, wanted: impl Fn(&Path) -> bool) -> Option<PathBuf> {
    let entries = std::fs::read_dir(folder).ok()?.flatten().map(|entry| entry.path());
    let named = |path: &PathBuf| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(prefix));
    entries.filter(|path| named(path) && wanted(path)).min()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(kind: u16, code: u16, value: i32) -> [u8; INPUT_EVENT] {
        let mut event = [0xa5; INPUT_EVENT];
        event[16..18].copy_from_slice(&kind.to_ne_bytes());
        event[18..20].copy_from_slice(&code.to_ne_bytes());
        event[20..24].copy_from_slice(&value.to_ne_bytes());
        event
    }

    #[test]
    fn only_the_power_key_is_the_power_button() {
        assert_eq!(edge_of(&event(EV_KEY, KEY_POWER, 1)), Some(Edge::Pressed));
        assert_eq!(edge_of(&event(EV_KEY, KEY_POWER, 0)), Some(Edge::Released));
        assert_eq!(edge_of(&event(EV_KEY, KEY_POWER, 2)), None, "auto-repeat");
        assert_eq!(edge_of(&event(EV_KEY, 30, 1)), None);
        assert_eq!(edge_of(&event(0, 0, 0)), None, "the end of a report");
    }

    #[test]
    fn a_light_is_a_file() {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let mut led = LinuxLed { brightness: folder.path().join("brightness") };
        for (lit, text) in [(true, "1"), (false, "0")] {
            led.set(lit).expect("the folder is ours");
            assert_eq!(std::fs::read_to_string(&led.brightness).expect("it was just written"), text);
        }
        led.brightness = folder.path().join("gone/brightness");
        assert_eq!(led.set(true), Err(Error::Missing("status LED")));
    }
}
