//! The four transaction machines of RFC 3261 §17, corrected by RFC 6026, as pure enums.

pub mod timer;

pub use timer::Timings;

/// Why a request of ours ended without a final answer (RFC 3261 §8.1.3.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failure {
    /// No answer in time (timer B or F): to be read as 408.
    Timeout,
    /// The connection could not be opened or broke: to be read as 503.
    Transport,
    /// We have too many requests under way already: to be read as 503.
    Overload,
}
