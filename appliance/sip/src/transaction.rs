//! The four transaction machines of RFC 3261 §17, corrected by RFC 6026, as pure enums.
//!
//! Each machine is an enum whose states hold only what the state needs. Its `handle_*` take what happened and return [`Actions`], in
//! order: what to send, which timer to arm, what to tell the transaction user, and that it is over. A machine knows neither clock nor
//! address: its owner sends, and arms timers on a [`TimerQueue`]. A timer is never disarmed. A machine ignores one it does
//! not await any more, and its owner drops it from the queue when it comes up.
//!
//! | machine | figure | states |
//! | --- | --- | --- |
//! | [`ClientInvite`] | RFC 3261 figure 5, RFC 6026 §8.4 | Calling, Proceeding, Accepted, Completed |
//! | [`ClientNonInvite`] | RFC 3261 figure 6 | Trying, Proceeding, Completed |
//! | [`ServerInvite`] | RFC 3261 figure 7, RFC 6026 §8.5 | Proceeding, Accepted, Completed, Confirmed |
//! | [`ServerNonInvite`] | RFC 3261 figure 8 | Trying, Proceeding, Completed |

pub mod client_invite;
pub mod client_non_invite;
pub mod key;
pub mod server_invite;
pub mod server_non_invite;
pub mod timer;
pub mod timer_queue;

use bytes::Bytes;
use smallvec::SmallVec;

pub use client_invite::ClientInvite;
pub use client_non_invite::ClientNonInvite;
pub use key::{Fingerprint, KeySecret};
pub use server_invite::ServerInvite;
pub use server_non_invite::ServerNonInvite;
pub use timer::{Timer, TimerTable, Timings};
pub use timer_queue::TimerQueue;

use crate::Time;

/// What the owner of a machine has to do, in this order.
pub type Actions = SmallVec<[Action; 3]>;

/// One thing a machine asks of its owner.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Send this message along the flow of the transaction.
    Send(Bytes),
    /// Call `handle_timer` after this time.
    Arm(Timer, Time),
    /// Hand the message just taken in to the transaction user.
    Deliver,
    /// Tell the transaction user that no final answer will come.
    Fail(Failure),
    /// Forget the machine: it is terminated.
    Finish,
}

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
