//! Calls that wait until the daemon has bound ports for them: after a burst that was faster than the reserve is refilled.

use std::collections::VecDeque;

use media::Lane;
use uuid::Uuid;

use super::cause::Cause;
use super::pickup::Pickup;
use super::{Address, CALLER, Call, CallKey, Calls, Failure, Way, ladder};
use crate::context::Context;
use crate::directory::Extension;
use crate::flow::Flow;
use crate::limits;
use crate::registrar::Binding;
use crate::timers::Timer;

/// Where a call goes.
#[derive(Debug, Clone)]
pub enum Destination {
    /// Phones ring.
    Phones {
        /// Who is called.
        extension: Extension,
        /// Where its phones are; at least one.
        contacts: Vec<Binding>,
    },
    /// Somebody beyond the box is rung.
    Outside {
        /// Who is called.
        address: Address,
        /// The ways there.
        way: Box<Way>,
    },
    /// The caller is answered into a conference.
    Conference {
        /// Its id.
        id: Uuid,
        /// Its name.
        name: String,
    },
    /// The caller takes the place of another phone.
    Pickup(Box<Pickup>),
    /// The call goes through a flow.
    Flow(Box<Flow>),
    /// The call begins with us: its first leg rings.
    Callee,
}

impl Destination {
    /// How many port pairs it takes: one for the caller, one for each phone that rings.
    pub fn pairs(&self) -> usize {
        match self {
            Destination::Phones { contacts, .. } => 1 + contacts.len(),
            Destination::Outside { .. } => 2,
            Destination::Conference { .. } | Destination::Pickup(_) | Destination::Flow(_) | Destination::Callee => 1,
        }
    }
}

/// The calls that wait, the first one first. Those that ended meanwhile are passed over.
#[derive(Debug, Default)]
pub struct Waiting {
    calls: VecDeque<CallKey>,
}

impl Waiting {
    /// Whether a call that needs so many pairs of a media thread has to wait.
    pub fn is_needed(&self, ctx: &Context, (lane, pairs): (Lane, usize)) -> bool {
        !self.calls.is_empty() || ctx.ports.is_short_of(lane, pairs)
    }

    /// Puts a call behind the others.
    pub fn push(&mut self, call: CallKey) {
        self.calls.push_back(call);
    }
}

impl Calls {
    /// There may be ports again: rings for those who wait, as far as the ports go.
    pub fn ring_waiting(&mut self, ctx: &mut Context) {
        while let Some(key) = self.waiting.calls.front().copied() {
            let needs = self.get(key).and_then(|call| Some((call.lane, call.waiting.as_ref()?.pairs())));
            if needs.is_some_and(|(lane, pairs)| ctx.ports.is_short_of(lane, pairs)) {
                return;
            }
            self.waiting.calls.pop_front();
            self.with_call(ctx, key, |call, ctx| {
                if let Some(destination) = call.waiting.take() {
                    ctx.cancel(&mut call.limit);
                    call.proceed(ctx, &destination);
                }
            });
        }
    }
}

impl Call {
    /// Rings as soon as there are ports.
    pub fn wait_for_ports(&mut self, ctx: &mut Context, destination: Destination) {
        self.ladder.media(ctx.unix(), (ladder::CALL, ladder::MEDIA), "wait for ports", String::new());
        self.waiting = Some(destination);
        self.limit = Some(ctx.arm(limits::PORT_WAIT, Timer::PortWait(self.key)));
    }

    /// The media thread has not bound a port for too long.
    pub fn handle_port_wait(&mut self, ctx: &mut Context) {
        self.limit = None;
        if self.waiting.take().is_some() && self.legs[CALLER].is_live() {
            self.refuse(ctx, Failure::of(Cause::NO_CIRCUIT));
        }
    }
}
