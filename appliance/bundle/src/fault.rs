//! Why a bundle is not taken, in sentences for whoever gave it.

use crate::PartName;

/// Why a bundle is not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// It begins as no bundle does.
    #[error("This file is not an update for this kind of box.")]
    NoBundle,
    /// Its manifest is longer than [`crate::limits::MANIFEST`], or it has no signature or too many.
    #[error("This file is damaged: its head makes no sense.")]
    Head,
    /// A signature says that the manifest is good, and yet it cannot be read.
    #[error("This update cannot be read: {0}.")]
    Manifest(String),
    /// Nobody whom the box trusts has signed it.
    #[error("This update is not signed by anybody whom this box trusts.")]
    UnknownKey,
    /// Somebody whom the box trusts seems to have signed it, and has not.
    #[error("The signature of this update is wrong: the file was changed or damaged.")]
    WrongSignature,
    /// It is for another board.
    #[error("This update is for another kind of board: for {wanted}, and this is {here}.")]
    WrongBoard {
        /// For which it is.
        wanted: String,
        /// Which this is.
        here: String,
    },
    /// It is older than what the box may go back to.
    #[error("This version ({version}, build {build}) is too old: this box does not go back behind build {floor}.")]
    BelowFloor {
        /// What it calls itself.
        version: String,
        /// Its number.
        build: u64,
        /// The lowest that is taken.
        floor: u64,
    },
    /// Its parts need more room than a slot has.
    #[error("This update is too large: it needs {needed} octets, and there is room for {room}.")]
    TooLarge {
        /// What they need.
        needed: u64,
        /// What there is.
        room: u64,
    },
    /// A part is not what was signed.
    #[error("The update is damaged: its {0} is not what was signed.")]
    WrongHash(PartName),
    /// It ends too early.
    #[error("The update is not complete: {missing} octets are missing at least.")]
    Truncated {
        /// How many, as far as that is known.
        missing: u64,
    },
    /// Something follows where it should have ended.
    #[error("The update is longer than it says: the file was changed or damaged.")]
    TooLong,
}

impl Fault {
    /// Which fault it is, for programs.
    pub fn reason(&self) -> &'static str {
        match self {
            Fault::NoBundle => "NO_BUNDLE",
            Fault::Head => "DAMAGED_HEAD",
            Fault::Manifest(_) => "UNREADABLE_MANIFEST",
            Fault::UnknownKey => "UNKNOWN_KEY",
            Fault::WrongSignature => "WRONG_SIGNATURE",
            Fault::WrongBoard { .. } => "WRONG_BOARD",
            Fault::BelowFloor { .. } => "BELOW_FLOOR",
            Fault::TooLarge { .. } => "TOO_LARGE",
            Fault::WrongHash(_) => "WRONG_HASH",
            Fault::Truncated { .. } => "TRUNCATED",
            Fault::TooLong => "TOO_LONG",
        }
    }
}
