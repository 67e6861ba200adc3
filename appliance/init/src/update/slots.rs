//! Where the slots are, what they hold, and which is started.
use std::fs::File;
use std::io::{Seek, SeekFrom};
use std::path::{Path, PathBuf};

use hal::slot::{BootState, Failure, Reason, STATE_PARTITION, Slot, TRAILER_LENGTH, Trailer, load, save};
use hal::storage::Storage;

use super::{Trouble, open};
use crate::mount;

/// The partitions with the slots.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Slots {
    /// The one that runs.
    pub running: Slot,
    /// Of slots A and B.
    pub partitions: [PathBuf; 2],
    /// The partition with the [`BootState`].
    pub state: PathBuf,
}

/// What a slot holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Content {
    pub build: u64,
    pub version: String,
}

/// How things stand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    pub running: Slot,
    pub permanent: Slot,
    pub on_trial: Option<Slot>,
    /// How the last trial ended, if it did not end well, until somebody was told.
    pub failure: Option<Failure>,
    /// No build below this is taken.
    pub floor: u64,
    /// Of slots A and B; a slot that was not written to its end holds nothing.
    pub contents: [Option<Content>; 2],
}

impl Standing {
    /// What is in a slot.
    pub fn of(&self, slot: Slot) -> Option<&Content> {
        self.contents[slot as usize].as_ref()
    }
}

impl Slots {
    /// Finds them by the kernel's command line and the labels of partitions.
    pub fn find(command_line: &str, block_devices: &Path) -> Result<Slots, Trouble> {
        let none = || Trouble::new("NO_SLOTS", "This box was not started from a slot, so it cannot update itself.");
        let word = command_line.split_whitespace().rev().find_map(|word| word.strip_prefix("tandem.slot="));
        let running = word.and_then(Slot::from_letter).ok_or_else(none)?;
        let partition = |label| mount::partition(label, block_devices).ok_or_else(none);
        let [a, b] = Slot::ALL.map(|slot| partition(slot.partition()));
        Ok(Slots { running, partitions: [a?, b?], state: partition(STATE_PARTITION)? })
    }

    /// Where a slot is.
    pub fn partition(&self, slot: Slot) -> &Path {
        &self.partitions[slot as usize]
    }

    /// Looks at all of them.
    pub fn standing(&self) -> Result<Standing, Trouble> {
        let state = self.load(&mut open(&self.state)?);
        Ok(Standing {
            running: self.running,
            permanent: state.permanent(),
            on_trial: state.on_trial(),
            failure: state.failure(),
            floor: state.floor(),
            contents: Slot::ALL.map(|slot| content(self.partition(slot))),
        })
    }

    /// Has the slot that does not run started the next time.
    pub fn begin_trial(&self, tries: u8) -> Result<(), Trouble> {
        self.change(|state, running| {
            // Whatever was before: what runs is what there is to come back to.
            settle(state, running);
            state.begin_trial(tries);
        })
    }

    /// The failure of the last trial has been told.
    pub fn forget_failure(&self) -> Result<(), Trouble> {
        self.change(|state, _| state.forget_failure())
    }

    fn change(&self, how: impl FnOnce(&mut BootState, Slot)) -> Result<(), Trouble> {
        let mut storage = open(&self.state)?;
        let mut state = self.load(&mut storage);
        how(&mut state, self.running);
        save(&mut storage, &state).map_err(Trouble::of_disk)
    }

    fn load(&self, storage: &mut File) -> BootState {
        load(storage).unwrap_or_else(|| BootState::new(self.running))
    }
}

/// Ends any trial of the slot that does not run, so that what runs is started the next time.
pub fn settle(state: &mut BootState, running: Slot) {
    if state.on_trial() == Some(running.other()) {
        state.fall_back(Reason::Ordered);
    }
    if state.permanent() != running {
        state.swap(Reason::Ordered);
    }
    // Nobody has to be told of what was ordered.
    state.forget_failure();
}

/// What a partition holds; nothing where that cannot be read.
fn content(partition: &Path) -> Option<Content> {
    let mut file = File::open(partition).ok()?;
    let length = file.seek(SeekFrom::End(0)).ok()?;
    let mut octets = [0; TRAILER_LENGTH];
    file.read_at(length.checked_sub(TRAILER_LENGTH as u64)?, &mut octets).ok()?;
    let trailer = Trailer::decode(&octets, length).ok()?;
    Some(Content { build: trailer.build, version: trailer.version.as_str().to_owned() })
}
