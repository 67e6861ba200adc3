//! The non-INVITE client transaction: RFC 3261 §17.1.2.

use bytes::Bytes;
use smallvec::smallvec;

use super::{Action, Actions, Failure, Timer, TimerTable};
use crate::{StatusCode, Time};

/// A request of ours that is no INVITE.
///
/// ```text
///           1xx              200–699
/// Trying ───────► Proceeding ───────► Completed ──K──► Terminated
///    │ E: again       │ E: again          ▲ anything: absorbed
///    │ 200–699 ───────┼───────────────────┘
///    └─F, broken──────┴──► Terminated
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ClientNonInvite {
    /// Sent, and repeated on UDP.
    Trying(Trying),
    /// Somebody works on it; repeated more slowly.
    Proceeding(Proceeding),
    /// Answered; the answer may be repeated.
    Completed,
    /// Over.
    Terminated,
}

/// See [`ClientNonInvite::Trying`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trying {
    request: Bytes,
    interval: Time,
}

/// See [`ClientNonInvite::Proceeding`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proceeding {
    request: Bytes,
}

impl ClientNonInvite {
    /// Sends the request and waits.
    pub fn start(request: Bytes, table: &TimerTable) -> (ClientNonInvite, Actions) {
        let interval = table.length(Timer::E);
        let mut actions: Actions = smallvec![Action::Send(request.clone())];
        if !table.is_reliable() {
            actions.push(Action::Arm(Timer::E, interval));
        }
        actions.push(Action::Arm(Timer::F, table.length(Timer::F)));
        (ClientNonInvite::Trying(Trying { request, interval }), actions)
    }

    /// A response with the branch of the request has come.
    pub fn handle_response(&mut self, status: StatusCode, table: &TimerTable) -> Actions {
        match self {
            ClientNonInvite::Trying(Trying { request, .. }) | ClientNonInvite::Proceeding(Proceeding { request }) => {
                if status.is_provisional() {
                    let request = std::mem::take(request);
                    *self = ClientNonInvite::Proceeding(Proceeding { request });
                    return smallvec![Action::Deliver];
                }
                if table.is_reliable() {
                    *self = ClientNonInvite::Terminated;
                    return smallvec![Action::Deliver, Action::Finish];
                }
                *self = ClientNonInvite::Completed;
                smallvec![Action::Deliver, Action::Arm(Timer::K, table.length(Timer::K))]
            }
            ClientNonInvite::Completed | ClientNonInvite::Terminated => Actions::new(),
        }
    }

    /// A timer has run out.
    pub fn handle_timer(&mut self, timer: Timer, table: &TimerTable) -> Actions {
        match (&mut *self, timer) {
            (ClientNonInvite::Trying(trying), Timer::E) => {
                trying.interval = table.backed_off(trying.interval);
                smallvec![Action::Send(trying.request.clone()), Action::Arm(Timer::E, trying.interval)]
            }
            (ClientNonInvite::Proceeding(Proceeding { request }), Timer::E) => {
                smallvec![Action::Send(request.clone()), Action::Arm(Timer::E, table.t2())]
            }
            (ClientNonInvite::Trying(_) | ClientNonInvite::Proceeding(_), Timer::F) => self.fail(Failure::Timeout),
            (ClientNonInvite::Completed, Timer::K) => {
                *self = ClientNonInvite::Terminated;
                smallvec![Action::Finish]
            }
            _ => Actions::new(),
        }
    }

    /// The flow is broken: no answer will come any more.
    pub fn handle_transport_error(&mut self) -> Actions {
        match self {
            ClientNonInvite::Trying(_) | ClientNonInvite::Proceeding(_) => self.fail(Failure::Transport),
            ClientNonInvite::Completed => {
                *self = ClientNonInvite::Terminated;
                smallvec![Action::Finish]
            }
            ClientNonInvite::Terminated => Actions::new(),
        }
    }

    fn fail(&mut self, failure: Failure) -> Actions {
        *self = ClientNonInvite::Terminated;
        smallvec![Action::Fail(failure), Action::Finish]
    }

    /// Whether the timer still means something.
    pub fn awaits(&self, timer: Timer) -> bool {
        matches!(
            (self, timer),
            (ClientNonInvite::Trying(_) | ClientNonInvite::Proceeding(_), Timer::E | Timer::F)
                | (ClientNonInvite::Completed, Timer::K)
        )
    }
}
