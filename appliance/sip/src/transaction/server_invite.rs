//! The INVITE server transaction: RFC 3261 §17.2.1 with the Accepted state of RFC 6026 §8.5.

use bytes::Bytes;
use smallvec::smallvec;

use super::{Action, Actions, Failure, Timer, TimerTable};
use crate::{StatusCode, Time};

/// An INVITE to us.
///
/// ```text
///             2xx
/// Proceeding ─────► Accepted ──L──► Terminated
///   │ INVITE: 1xx      └ INVITE: absorbed; 2xx: sent; ACK: delivered
///   │ again
///   │ 3xx–6xx          ACK
///   └──────► Completed ───► Confirmed ──I──► Terminated
///              │ INVITE, G: again
///              └─H──► Terminated
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ServerInvite {
    /// Not yet answered for good.
    Proceeding(Proceeding),
    /// Answered 2xx, which the owner repeats until its ACK comes.
    Accepted,
    /// Refused; repeated until its ACK comes.
    Completed(Completed),
    /// Refused and acknowledged; the ACK may be repeated.
    Confirmed,
    /// Over.
    Terminated,
}

/// See [`ServerInvite::Proceeding`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proceeding {
    provisional: Option<Bytes>,
}

/// See [`ServerInvite::Completed`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Completed {
    response: Bytes,
    interval: Time,
}

impl ServerInvite {
    /// The request has come. If nothing is answered within 200 ms a 100 is due.
    pub fn start(table: &TimerTable) -> (ServerInvite, Actions) {
        let actions = smallvec![Action::Arm(Timer::Trying, table.length(Timer::Trying))];
        (ServerInvite::Proceeding(Proceeding { provisional: None }), actions)
    }

    /// The request has come again.
    pub fn handle_request(&self) -> Actions {
        match self {
            ServerInvite::Proceeding(Proceeding { provisional: Some(response) })
            | ServerInvite::Completed(Completed { response, .. }) => smallvec![Action::Send(response.clone())],
            _ => Actions::new(),
        }
    }

    /// The user answers. What cannot be sent any more in this state is ignored.
    pub fn handle_reply(&mut self, status: StatusCode, response: Bytes, table: &TimerTable) -> Actions {
        match self {
            ServerInvite::Proceeding(proceeding) if status.is_provisional() => {
                proceeding.provisional = Some(response.clone());
                smallvec![Action::Send(response)]
            }
            ServerInvite::Proceeding(_) if status.is_success() => {
                *self = ServerInvite::Accepted;
                smallvec![Action::Send(response), Action::Arm(Timer::L, table.length(Timer::L))]
            }
            ServerInvite::Proceeding(_) => {
                let interval = table.length(Timer::G);
                *self = ServerInvite::Completed(Completed { response: response.clone(), interval });
                let mut actions: Actions = smallvec![Action::Send(response)];
                if !table.is_reliable() {
                    actions.push(Action::Arm(Timer::G, interval));
                }
                actions.push(Action::Arm(Timer::H, table.length(Timer::H)));
                actions
            }
            ServerInvite::Accepted if status.is_success() => smallvec![Action::Send(response)],
            _ => Actions::new(),
        }
    }

    /// An ACK with the branch of the request has come.
    pub fn handle_ack(&mut self, table: &TimerTable) -> Actions {
        match self {
            ServerInvite::Completed(_) if table.is_reliable() => {
                *self = ServerInvite::Terminated;
                smallvec![Action::Finish]
            }
            ServerInvite::Completed(_) => {
                *self = ServerInvite::Confirmed;
                smallvec![Action::Arm(Timer::I, table.length(Timer::I))]
            }
            ServerInvite::Accepted => smallvec![Action::Deliver],
            _ => Actions::new(),
        }
    }

    /// A timer has run out.
    pub fn handle_timer(&mut self, timer: Timer, table: &TimerTable) -> Actions {
        match (&mut *self, timer) {
            (ServerInvite::Completed(completed), Timer::G) => {
                completed.interval = table.backed_off(completed.interval);
                smallvec![Action::Send(completed.response.clone()), Action::Arm(Timer::G, completed.interval)]
            }
            (ServerInvite::Completed(_), Timer::H) => {
                *self = ServerInvite::Terminated;
                smallvec![Action::Fail(Failure::Timeout), Action::Finish]
            }
            (ServerInvite::Confirmed, Timer::I) | (ServerInvite::Accepted, Timer::L) => {
                *self = ServerInvite::Terminated;
                smallvec![Action::Finish]
            }
            _ => Actions::new(),
        }
    }

    /// Whether the timer still means something.
    pub fn awaits(&self, timer: Timer) -> bool {
        matches!(
            (self, timer),
            (ServerInvite::Proceeding(Proceeding { provisional: None }), Timer::Trying)
                | (ServerInvite::Completed(_), Timer::G | Timer::H)
                | (ServerInvite::Confirmed, Timer::I)
                | (ServerInvite::Accepted, Timer::L)
        )
    }

    /// Whether it still waits for its final answer.
    pub fn is_proceeding(&self) -> bool {
        matches!(self, ServerInvite::Proceeding(_))
    }
}
