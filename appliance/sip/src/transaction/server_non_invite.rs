//! The non-INVITE server transaction: RFC 3261 §17.2.2.

use bytes::Bytes;
use smallvec::smallvec;

use super::{Action, Actions, Timer, TimerTable};
use crate::StatusCode;

/// A request to us that is no INVITE.
///
/// ```text
///           1xx              200–699
/// Trying ───────► Proceeding ───────► Completed ──J──► Terminated
///    │                └ request: 1xx again  └ request: answer again
///    └ request: absorbed
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ServerNonInvite {
    /// Not yet answered at all.
    Trying,
    /// Answered provisionally.
    Proceeding(Proceeding),
    /// Answered; the request may be repeated.
    Completed(Completed),
    /// Over.
    Terminated,
}

/// See [`ServerNonInvite::Proceeding`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proceeding {
    response: Bytes,
}

/// See [`ServerNonInvite::Completed`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Completed {
    response: Bytes,
}

impl ServerNonInvite {
    /// The request has come again.
    pub fn handle_request(&self) -> Actions {
        match self {
            ServerNonInvite::Proceeding(Proceeding { response })
            | ServerNonInvite::Completed(Completed { response }) => smallvec![Action::Send(response.clone())],
            ServerNonInvite::Trying | ServerNonInvite::Terminated => Actions::new(),
        }
    }

    /// The user answers. After the final answer anything further is ignored.
    pub fn handle_reply(&mut self, status: StatusCode, response: Bytes, table: &TimerTable) -> Actions {
        if !self.is_proceeding() {
            return Actions::new();
        }
        if status.is_provisional() {
            *self = ServerNonInvite::Proceeding(Proceeding { response: response.clone() });
            return smallvec![Action::Send(response)];
        }
        if table.is_reliable() {
            *self = ServerNonInvite::Terminated;
            return smallvec![Action::Send(response), Action::Finish];
        }
        *self = ServerNonInvite::Completed(Completed { response: response.clone() });
        smallvec![Action::Send(response), Action::Arm(Timer::J, table.length(Timer::J))]
    }

    /// A timer has run out.
    pub fn handle_timer(&mut self, timer: Timer) -> Actions {
        if !self.awaits(timer) {
            return Actions::new();
        }
        *self = ServerNonInvite::Terminated;
        smallvec![Action::Finish]
    }

    /// Whether the timer still means something.
    pub fn awaits(&self, timer: Timer) -> bool {
        matches!((self, timer), (ServerNonInvite::Completed(_), Timer::J))
    }

    /// Whether it still waits for its final answer.
    pub fn is_proceeding(&self) -> bool {
        matches!(self, ServerNonInvite::Trying | ServerNonInvite::Proceeding(_))
    }
}
