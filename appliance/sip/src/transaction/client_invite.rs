//! The INVITE client transaction: RFC 3261 §17.1.1 with the Accepted state of RFC 6026 §8.4.

use bytes::Bytes;
use smallvec::smallvec;

use super::{Action, Actions, Failure, Timer, TimerTable};
use crate::{StatusCode, Time};

/// An INVITE of ours.
///
/// ```text
///            1xx              2xx
/// Calling ────────► Proceeding ────► Accepted ──M──► Terminated
///    │ A: again         │               ▲ 2xx: delivered
///    │ 2xx ─────────────┼───────────────┘
///    │ 3xx–6xx: ACK     │ 3xx–6xx: ACK
///    ├──────────────────┴──► Completed ──D──► Terminated
///    └─B, broken──► Terminated   └ 3xx–6xx: ACK again
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ClientInvite {
    /// Sent, and repeated on UDP, until anything comes back.
    Calling(Calling),
    /// Somebody has it.
    Proceeding(Proceeding),
    /// Answered 2xx; further ones may come, repeated or from other forks.
    Accepted,
    /// Refused and acknowledged; the refusal may be repeated.
    Completed(Completed),
    /// Over.
    Terminated,
}

/// See [`ClientInvite::Calling`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Calling {
    request: Bytes,
    interval: Time,
}

/// See [`ClientInvite::Proceeding`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proceeding {
    request: Bytes,
}

/// See [`ClientInvite::Completed`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Completed {
    ack: Bytes,
}

impl ClientInvite {
    /// Sends the request and waits.
    pub fn start(request: Bytes, table: &TimerTable) -> (ClientInvite, Actions) {
        let interval = table.length(Timer::A);
        let mut actions: Actions = smallvec![Action::Send(request.clone())];
        if !table.is_reliable() {
            actions.push(Action::Arm(Timer::A, interval));
        }
        actions.push(Action::Arm(Timer::B, table.length(Timer::B)));
        (ClientInvite::Calling(Calling { request, interval }), actions)
    }

    /// A response with the branch of the request has come. `ack` makes the ACK to a refusal from the request (RFC 3261 §17.1.1.3).
    pub fn handle_response(
        &mut self,
        status: StatusCode,
        table: &TimerTable,
        ack: impl FnOnce(&Bytes) -> Bytes,
    ) -> Actions {
        match self {
            ClientInvite::Calling(Calling { request, .. }) | ClientInvite::Proceeding(Proceeding { request }) => {
                let request = std::mem::take(request);
                self.handle_first_final(status, table, request, ack)
            }
            ClientInvite::Accepted if status.is_success() => smallvec![Action::Deliver],
            ClientInvite::Completed(Completed { ack }) if is_refusal(status) => smallvec![Action::Send(ack.clone())],
            ClientInvite::Accepted | ClientInvite::Completed(_) | ClientInvite::Terminated => Actions::new(),
        }
    }

    fn handle_first_final(
        &mut self,
        status: StatusCode,
        table: &TimerTable,
        request: Bytes,
        ack: impl FnOnce(&Bytes) -> Bytes,
    ) -> Actions {
        if status.is_provisional() {
            *self = ClientInvite::Proceeding(Proceeding { request });
            return smallvec![Action::Deliver];
        }
        if status.is_success() {
            *self = ClientInvite::Accepted;
            return smallvec![Action::Deliver, Action::Arm(Timer::M, table.length(Timer::M))];
        }
        let ack = ack(&request);
        if table.is_reliable() {
            *self = ClientInvite::Terminated;
            return smallvec![Action::Deliver, Action::Send(ack), Action::Finish];
        }
        *self = ClientInvite::Completed(Completed { ack: ack.clone() });
        smallvec![Action::Deliver, Action::Send(ack), Action::Arm(Timer::D, table.length(Timer::D))]
    }

    /// A timer has run out.
    pub fn handle_timer(&mut self, timer: Timer) -> Actions {
        match (&mut *self, timer) {
            (ClientInvite::Calling(calling), Timer::A) => {
                calling.interval *= 2;
                smallvec![Action::Send(calling.request.clone()), Action::Arm(Timer::A, calling.interval)]
            }
            (ClientInvite::Calling(_), Timer::B) => self.fail(Failure::Timeout),
            (ClientInvite::Completed(_), Timer::D) | (ClientInvite::Accepted, Timer::M) => {
                *self = ClientInvite::Terminated;
                smallvec![Action::Finish]
            }
            _ => Actions::new(),
        }
    }

    /// The flow is broken: no answer will come any more.
    pub fn handle_transport_error(&mut self) -> Actions {
        match self {
            ClientInvite::Calling(_) | ClientInvite::Proceeding(_) => self.fail(Failure::Transport),
            ClientInvite::Completed(_) => {
                *self = ClientInvite::Terminated;
                smallvec![Action::Finish]
            }
            // Further 2xx may still come over another connection.
            ClientInvite::Accepted | ClientInvite::Terminated => Actions::new(),
        }
    }

    /// Gives up without an answer.
    pub fn fail(&mut self, failure: Failure) -> Actions {
        *self = ClientInvite::Terminated;
        smallvec![Action::Fail(failure), Action::Finish]
    }

    /// Whether the timer still means something.
    pub fn awaits(&self, timer: Timer) -> bool {
        matches!(
            (self, timer),
            (ClientInvite::Calling(_), Timer::A | Timer::B)
                | (ClientInvite::Completed(_), Timer::D)
                | (ClientInvite::Accepted, Timer::M)
        )
    }

    /// The request, while an ACK to a refusal or a CANCEL may still be made from it.
    pub fn request(&self) -> Option<&Bytes> {
        match self {
            ClientInvite::Calling(Calling { request, .. }) => Some(request),
            ClientInvite::Proceeding(Proceeding { request }) => Some(request),
            ClientInvite::Accepted | ClientInvite::Completed(_) | ClientInvite::Terminated => None,
        }
    }
}

fn is_refusal(status: StatusCode) -> bool {
    !status.is_provisional() && !status.is_success()
}
