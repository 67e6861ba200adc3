//! The two slots an image lives in, and what is remembered about them: so an update that does not run is undone by itself.
//!
//! A slot partition holds a read-only root at its start, a kernel behind it, and in its last octets a [`Trailer`] that says
//! what is where. Which slot is started stands in the [`BootState`], in two copies on a partition of its own. The program
//! that starts the kernel asks [`BootState::start`]; the running system ends a trial by [`BootState::make_permanent`] or
//! [`BootState::fall_back`].
//!
//! ```
//! use hal::slot::{BootState, Reason, Slot};
//! let mut state = BootState::new(Slot::A);
//! state.begin_trial(1);
//! assert_eq!(state.start(), Slot::B, "the only try");
//! assert_eq!(state.start(), Slot::A, "nobody made it permanent");
//! assert_eq!(state.failure().map(|failure| failure.reason), Some(Reason::NotFinished));
//! ```
mod boot_state;
mod copies;
mod trailer;

pub use boot_state::{BootState, Failure, Flaw, Reason};
pub use copies::{COPIES, load, save};
pub use trailer::{Part, TRAILER_LENGTH, Trailer, TrailerFlaw};

use core::fmt;

/// One of the two places for an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Slot {
    /// The partition `slot_a`.
    A,
    /// The partition `slot_b`.
    B,
}

impl Slot {
    /// Both of them.
    pub const ALL: [Slot; 2] = [Slot::A, Slot::B];

    /// The one this one is not.
    pub fn other(self) -> Slot {
        match self {
            Slot::A => Slot::B,
            Slot::B => Slot::A,
        }
    }

    /// `a` or `b`, as it stands after `tandem.slot=` on the kernel's command line.
    pub fn letter(self) -> &'static str {
        match self {
            Slot::A => "a",
            Slot::B => "b",
        }
    }

    /// The slot with this letter.
    pub fn from_letter(letter: &str) -> Option<Slot> {
        Slot::ALL.into_iter().find(|slot| slot.letter() == letter)
    }

    /// The name of its partition.
    pub fn partition(self) -> &'static str {
        match self {
            Slot::A => "slot_a",
            Slot::B => "slot_b",
        }
    }
}

impl fmt::Display for Slot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.letter())
    }
}

/// The name of the partition with the [`BootState`].
pub const STATE_PARTITION: &str = "boot_state";

/// The octets from a place on, or `None` behind the end.
fn field<const N: usize>(octets: &[u8], at: usize) -> Option<[u8; N]> {
    octets.get(at..at.checked_add(N)?)?.try_into().ok()
}

/// A number in the way all numbers are written here: least significant octet first.
fn number(octets: &[u8], at: usize) -> Option<u64> {
    field(octets, at).map(u64::from_le_bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_and_partitions_name_one_slot_each() {
        for slot in Slot::ALL {
            assert_eq!(Slot::from_letter(slot.letter()), Some(slot));
            assert_eq!(slot.other().other(), slot);
            assert!(slot.partition().ends_with(slot.letter()));
        }
        assert_eq!(Slot::from_letter("A"), None);
        assert_eq!(Slot::from_letter(""), None);
    }
}
