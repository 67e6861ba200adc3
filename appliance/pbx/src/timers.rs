//! The exchange's own timers: what is due when, each cancellable, so that ended calls leave nothing behind.

use std::collections::BTreeMap;

use uuid::Uuid;

use crate::Time;
use crate::call::{CallKey, LegKey};
use crate::errand::ErrandId;
use crate::registrar::BindingKey;

/// What the exchange waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Timer {
    /// No port was bound for a call that waits for one.
    PortWait(CallKey),
    /// A destination rings too long.
    DialTimeout(CallKey),
    /// A flow has waited long enough.
    FlowWait(CallKey),
    /// A call lasts too long.
    CallLimit(CallKey),
    /// A minute that is paid for is about to end.
    Balance(LegKey),
    /// A phone that transferred has had its moment to hang up.
    TransferDone(CallKey),
    /// We are the refresher of a session (RFC 4028 §7.2), and half of its time is over.
    SessionRefresh(LegKey),
    /// The peer was to refresh the session and did not (RFC 4028 §10).
    SessionExpired(LegKey),
    /// A re-INVITE of ours met one of theirs (RFC 3261 §14.1): try again.
    Reinvite(LegKey),
    /// The media thread owes the last statistics of a leg.
    Statistics(LegKey),
    /// The audio of a call is looked at closely.
    RtpDebug(CallKey),
    /// A recording is as long as it was to be.
    RecordingLimit(media::RecordingId),
    /// The ladder of a call that is over is complete.
    Archive(CallKey),
    /// A binding expires.
    BindingExpires(BindingKey),
    /// A contact behind a NAT is to be kept reachable.
    NatKeepalive(BindingKey),
    /// One of several ways to ring somebody has had its time.
    Attempt(LegKey),
    /// It is time to register with a provider.
    Registration(Uuid),
    /// It is time to ask whether a provider is there.
    Health(Uuid),
    /// A conference has lasted as long as it was to.
    ConferenceTimeout(Uuid),
    /// An errand that failed is tried again.
    ErrandRest(ErrandId),
    /// It is time to ask where the world sees us.
    PublicAddress,
    /// A source that guessed is listened to again.
    GuardRelease,
}

impl Timer {
    /// The timer's name, for logs.
    pub fn name(self) -> &'static str {
        match self {
            Timer::PortWait(_) => "port wait",
            Timer::DialTimeout(_) => "dial timeout",
            Timer::FlowWait(_) => "flow",
            Timer::CallLimit(_) => "call limit",
            Timer::Balance(_) => "balance",
            Timer::TransferDone(_) => "end of a transfer",
            Timer::SessionRefresh(_) => "session refresh",
            Timer::SessionExpired(_) => "session expired",
            Timer::Reinvite(_) => "re-INVITE after glare",
            Timer::Statistics(_) => "last statistics",
            Timer::RtpDebug(_) => "close look at audio",
            Timer::RecordingLimit(_) => "recording limit",
            Timer::Archive(_) => "ladder complete",
            Timer::BindingExpires(_) => "binding expires",
            Timer::NatKeepalive(_) => "NAT keep-alive",
            Timer::Attempt(_) => "next way to ring",
            Timer::Registration(_) => "registration with a provider",
            Timer::Health(_) => "health of a provider",
            Timer::ConferenceTimeout(_) => "conference timeout",
            Timer::ErrandRest(_) => "errand",
            Timer::PublicAddress => "public address",
            Timer::GuardRelease => "guard release",
        }
    }
}

/// Names one entry, to cancel it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct TimerId(Time, u64);

/// The timers by time.
#[derive(Debug, Default)]
pub struct Timers {
    due: BTreeMap<TimerId, Timer>,
    armed: u64,
}

impl Timers {
    /// Arms a timer.
    pub fn arm(&mut self, at: Time, timer: Timer) -> TimerId {
        self.armed += 1;
        let id = TimerId(at, self.armed);
        self.due.insert(id, timer);
        id
    }

    /// Cancels a timer; one that fired already is not there, which is fine.
    pub fn cancel(&mut self, id: TimerId) {
        self.due.remove(&id);
    }

    /// Takes the next timer that is due.
    pub fn pop(&mut self, now: Time) -> Option<Timer> {
        let entry = self.due.first_entry()?;
        if entry.key().0 > now { None } else { Some(entry.remove()) }
    }

    /// The earliest moment, and what it is for.
    pub fn next(&self) -> Option<(Time, Timer)> {
        self.due.first_key_value().map(|(id, timer)| (id.0, *timer))
    }

    /// How many are armed.
    pub fn len(&self) -> usize {
        self.due.len()
    }

    /// Whether none is armed.
    pub fn is_empty(&self) -> bool {
        self.due.is_empty()
    }
}
