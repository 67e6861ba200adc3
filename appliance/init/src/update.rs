//! Updates: a bundle is written into the slot that does not run, and that slot is tried when somebody says so.
//!
//! Nothing is written before a signature was found good. The trailer, which makes a slot whole, is erased first and written last,
//! behind parts that were read back; so whenever the power is cut, the running slot is the permanent one and the other one is
//! either what it was before, or nothing at all, or the whole new version.
mod installation;
mod slots;

use std::fmt;
use std::fs::{self, File, OpenOptions};
use std::io::{Seek, SeekFrom};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bundle::{Expected, Fault, Reader, Trusted};
use hal::slot::TRAILER_LENGTH;

pub use installation::{Installation, Medium};
pub use slots::{Content, Slots, Standing};

/// Whose updates are taken; the builder of the image says it.
const TRUSTED: Option<&str> = option_env!("TANDEM_UPDATE_KEYS");
/// So often a new version is started before the old one comes back.
const TRIES: u8 = 1;

/// Why nothing is installed, in a sentence for people and a word for programs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trouble {
    pub reason: &'static str,
    pub sentence: String,
}

impl Trouble {
    fn new(reason: &'static str, sentence: impl Into<String>) -> Trouble {
        Trouble { reason, sentence: sentence.into() }
    }

    /// Whoever wrote it is gone.
    pub fn lost() -> Trouble {
        Trouble::new("LOST", "The update was given up: the box could not go on with it.")
    }

    fn of_disk(error: impl fmt::Display) -> Trouble {
        Trouble::new("DISK", format!("The update cannot be written: {error}."))
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.sentence)
    }
}

impl From<Fault> for Trouble {
    fn from(fault: Fault) -> Trouble {
        Trouble::new(fault.reason(), fault.to_string())
    }
}

/// A file that stands for a partition is read back from where it was written to.
impl Medium for File {
    fn forget(&mut self) {
        // Where the kernel does not let go of what it holds, what it holds is compared.
        let _ = rustix::fs::fadvise(&*self, 0, None, rustix::fs::Advice::DontNeed);
    }

    fn rest(&mut self, time: Duration) {
        std::thread::sleep(time);
    }
}

/// Installs updates, one at a time.
#[derive(Clone)]
pub struct Updater {
    trusted: Trusted,
    slots: Result<Slots, Trouble>,
    /// The board that this is.
    board: String,
    /// Below this the running version does not let go back.
    floor: u64,
    busy: Arc<AtomicBool>,
}

/// An installation that runs; no other begins before it is dropped.
pub struct Running {
    pub installation: Installation<File>,
    _place: Place,
}

struct Place(Arc<AtomicBool>);

impl Drop for Place {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Release);
    }
}

impl Running {
    /// See [`Installation::finish`]; another may begin once that is over.
    pub fn finish(self, look: impl FnMut(u64)) -> Result<Content, Trouble> {
        let Running { installation, _place } = self;
        installation.finish(look)
    }
}

impl Updater {
    /// The one of this box, as its image says.
    pub fn of_the_box(command_line: &str) -> Updater {
        let slots = Slots::find(command_line, Path::new("/sys/class/block"));
        let board = fs::read_to_string("/etc/board").unwrap_or_default().trim().to_owned();
        Updater::new((slots, board), floor(), Trusted::from_hex(TRUSTED.unwrap_or_default()))
    }

    /// One of a box that has no slots.
    #[cfg(test)]
    pub fn of_no_box() -> Updater {
        let none = Slots::find("", Path::new("/nowhere"));
        Updater::new((none, String::new()), 0, Trusted::default())
    }

    /// One for these slots and this board.
    pub fn new((slots, board): (Result<Slots, Trouble>, String), floor: u64, trusted: Trusted) -> Updater {
        Updater { trusted, slots, board, floor, busy: Arc::default() }
    }

    /// What is where, and what became of the last trial.
    pub fn standing(&self) -> Result<Standing, Trouble> {
        let slots = self.slots()?;
        slots.standing().map(|standing| Standing { floor: standing.floor.max(self.floor), ..standing })
    }

    /// Begins to install. What is in the other slot stays as it is until a signature was found good.
    pub fn begin(&self) -> Result<Running, Trouble> {
        let slots = self.slots()?;
        if self.busy.swap(true, Ordering::AcqRel) {
            return Err(Trouble::new("BUSY", "Another update is being written at the moment."));
        }
        let place = Place(Arc::clone(&self.busy));
        let standing = self.standing()?;
        if standing.on_trial == Some(standing.running) {
            let sentence = "The version that runs has yet to prove itself. Try again in a few minutes.";
            return Err(Trouble::new("ON_TRIAL", sentence));
        }
        let mut slot = open(slots.partition(slots.running.other()))?;
        let length = slot.seek(SeekFrom::End(0)).map_err(Trouble::of_disk)?;
        let room = length.saturating_sub(TRAILER_LENGTH as u64);
        let expected = Expected { board: self.board.clone(), floor: standing.floor, room };
        let reader = Reader::new(self.trusted.clone(), expected);
        let installation = Installation::new(reader, (slot, length), (open(&slots.state)?, slots.running));
        Ok(Running { installation, _place: place })
    }

    /// Has the other slot started the next time, on trial; says what it holds.
    pub fn switch(&self) -> Result<Content, Trouble> {
        let slots = self.slots()?;
        if self.busy.load(Ordering::Acquire) {
            return Err(Trouble::new("BUSY", "An update is being written at the moment."));
        }
        let standing = self.standing()?;
        let nothing = || Trouble::new("EMPTY_SLOT", "There is no other version on this box that could be started.");
        let other = standing.of(slots.running.other()).cloned().ok_or_else(nothing)?;
        if other.build < standing.floor {
            let (version, build, floor) = (other.version, other.build, standing.floor);
            return Err(Fault::BelowFloor { version, build, floor }.into());
        }
        slots.begin_trial(TRIES)?;
        Ok(other)
    }

    /// Somebody was told how the last trial ended.
    pub fn forget_failure(&self) -> Result<(), Trouble> {
        self.slots()?.forget_failure()
    }

    fn slots(&self) -> Result<&Slots, Trouble> {
        self.slots.as_ref().map_err(Clone::clone)
    }
}

/// The build below which the version of this image does not let go back.
pub fn floor() -> u64 {
    fs::read_to_string("/etc/floor").ok().and_then(|floor| floor.trim().parse().ok()).unwrap_or(0)
}

fn open(path: &Path) -> Result<File, Trouble> {
    let opened = OpenOptions::new().read(true).write(true).open(path);
    opened.map_err(|error| Trouble::of_disk(format_args!("{} cannot be opened: {error}", path.display())))
}

#[cfg(test)]
pub mod tests;
