//! The hardware of the box: one trait per piece, the logic that needs no hardware, and the boards that carry them.
//!
//! Nothing here needs an operating system unless the feature `linux` is on, which brings the boards that run Linux.
//! Time is a [`core::time::Duration`] since any fixed start and is always passed in.
#![no_std]

#[cfg(any(feature = "linux", test))]
extern crate std;

pub mod board;
pub mod button;
pub mod clock;
pub mod led;
pub mod partition_table;
pub mod slot;
pub mod storage;
pub mod watchdog;

use core::fmt;

/// What a piece of hardware answers when it does not do what it was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Error {
    /// The board has no such piece, or its driver is not there.
    Missing(&'static str),
    /// The driver of the piece named first refused with this error number.
    Refused(&'static str, i32),
    /// The piece named answered something that makes no sense.
    Nonsense(&'static str),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Missing(piece) => write!(f, "this board has no {piece}"),
            Error::Refused(piece, number) => write!(f, "the {piece} refused with error {number}"),
            Error::Nonsense(piece) => write!(f, "the {piece} answered nonsense"),
        }
    }
}

impl core::error::Error for Error {}
