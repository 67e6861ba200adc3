//! Calls.

pub mod record;

pub use record::{Address, CallRecord, Direction, HangupBy, HangupReason, Status};
