//! Calls: a back-to-back user agent. Each leg has a dialog of its own, so that neither phone learns anything of the other.
//!
//! A [`Call`] begins with the caller's [`Leg`] ([`setup`]) or with one that we ring for somebody who asked ([`dial`]), rings others ([`callee`], [`outbound`], [`progress`]), bridges the one that
//! answers, or goes into a conference ([`joining`]) or through a flow ([`mod@flow`]), is transferred ([`transfer`], [`moving`]), follows what either side changes ([`session`]) and what is ordered
//! of it ([`controls`]), and ends in one place ([`hangup`]). What is heard is agreed
//! on in [`audio`], what it costs in [`billing`], why it ended in [`cause`], what happened in [`ladder`].

pub mod affair;
pub mod archive;
pub mod audio;
pub mod billing;
pub mod browser;
pub mod callee;
pub mod calls;
pub mod cause;
pub mod controls;
pub mod dial;
pub mod digits;
pub mod flow;
pub mod guest;
pub mod hangup;
pub mod invite;
pub mod joining;
pub mod ladder;
pub mod leg;
pub mod moving;
pub mod outbound;
pub mod pickup;
pub mod progress;
pub mod proof;
pub mod record;
pub mod recording;
pub mod refresh;
pub mod rtp_debug;
pub mod session;
pub mod session_timer;
pub mod setup;
pub mod transfer;
pub mod waiting;

use media::Lane;
use smallvec::SmallVec;
use uuid::Uuid;

pub use affair::Affair;
pub use callee::{Callee, Peer, Presented};
pub use calls::Calls;
pub use controls::Control;
pub use dial::{Dialling, Maker};
pub use digits::Dtmf;
pub use leg::{Ending, Leg, Stage};
pub use outbound::Way;
pub use record::{Address, AddressKind, CallRecord, Controls, Direction, HangupBy, HangupReason, Quality, Status};

use crate::context::Context;
use crate::correction::Correction;
use crate::event::EventKind;
use crate::limits;
use crate::timers::TimerId;
use cause::Cause;
use ladder::Ladder;
use waiting::Destination;

/// A call within the exchange.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CallKey(pub u64);

/// A leg within the exchange: the call and the leg's place in it. The leg that the call began with has place 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct LegKey {
    /// The call.
    pub call: CallKey,
    /// The place.
    pub place: u8,
}

/// The place of the leg that the call began with, and that its flow is for: the one that came in, or, where the call
/// began with us, the one that we rang first. Whoever has it is the caller of all whom the call rings after that.
pub const CALLER: usize = 0;

/// A call: the caller's leg, the legs of the phones that ring, and the one that answered. One without legs is a flow
/// that runs by itself.
#[derive(Debug)]
pub struct Call {
    /// Its name within the exchange.
    pub key: CallKey,
    /// The media thread that all its legs are on.
    pub lane: Lane,
    /// The leg that it began with first.
    pub legs: SmallVec<[Leg; 2]>,
    /// The place of the called leg that the caller is bridged to.
    pub bridged: Option<usize>,
    /// Whom to ring as soon as there are ports.
    pub waiting: Option<Destination>,
    /// What the caller's INVITE offered, until it is answered.
    pub offer: Option<sip::sdp::SessionDescription>,
    /// The most telling failure of the phones that rang.
    pub failure: Option<Failure>,
    /// Whether the caller does not want to be known (RFC 3323).
    pub is_anonymous: bool,
    /// Hops that a request of ours may still make.
    pub max_forwards: u8,
    /// What a call that began with us does once it is answered.
    pub purpose: Option<Box<dial::Purpose>>,
    /// How many keys were told within which second.
    pub digits_told: (i64, u32),
    /// What ends with it.
    pub chained: Vec<Affair>,
    /// The flow that it goes through.
    pub run: Option<Box<flow::Run>>,
    /// Where the leg that it began with is being transferred to.
    pub transfer: Option<Box<transfer::Transfer>>,
    /// The leg that waits in a call of its own while the two of this one consult, by its name.
    pub consults: Option<LegKey>,
    /// Where its audio is looked at closely: what was seen.
    pub rtp_debug: Option<Box<rtp_debug::RtpDebug>>,
    /// What happened.
    pub ladder: Ladder,
    /// While it waits for ports: how long it may. While it rings: the dial timeout. Then, and in a flow: the longest duration.
    pub limit: Option<TimerId>,
}

/// Why a phone did not take the call, as its caller is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Failure {
    /// The final status.
    pub status: u16,
    /// The cause.
    pub cause: Cause,
}

impl Failure {
    /// The status that `spec/calls.md` gives to the cause.
    pub fn of(cause: Cause) -> Failure {
        Failure { status: cause.status(), cause }
    }

    /// Which of several failures tells the caller most: refused by a human, busy, not there, broken.
    fn weight(self) -> u8 {
        match self.status {
            600..=699 => 5,
            486 => 4,
            488 | 415 => 3,
            480 => 2,
            400..=499 => 1,
            _ => 0,
        }
    }
}

impl Call {
    /// A call without legs, on the calmest media thread.
    pub fn new(ctx: &mut Context, key: CallKey, ladder: Ladder) -> Call {
        Call {
            key,
            lane: ctx.ports.calmest(),
            legs: SmallVec::new(),
            bridged: None,
            waiting: None,
            offer: None,
            failure: None,
            is_anonymous: false,
            max_forwards: limits::HOPS,
            purpose: None,
            digits_told: (0, 0),
            chained: Vec::new(),
            run: None,
            transfer: None,
            consults: None,
            rtp_debug: None,
            ladder,
            limit: None,
        }
    }

    /// The id of the caller's leg, which stands for the whole call; nil of a flow that runs by itself.
    pub fn id(&self) -> Uuid {
        self.legs.first().map_or(Uuid::nil(), |leg| leg.record.id)
    }

    /// Whether every leg has stated its end, or, where there is none, the flow is over.
    pub fn is_over(&self) -> bool {
        self.legs.iter().all(|leg| leg.stage == Stage::Over) && (self.run.is_none() || !self.legs.is_empty())
    }

    /// Whether somebody still rings.
    pub fn is_ringing(&self) -> bool {
        self.legs.iter().skip(1).any(Leg::is_live)
    }

    /// The wall clock was set: what is not over is dated by the new one. What keys were told within which second may be wrong for a second.
    pub fn redate(&mut self, correction: &Correction) {
        for leg in self.legs.iter_mut().filter(|leg| leg.stage != Stage::Over) {
            let CallRecord { created, updated, ringing, progressing, hungup, .. } = &mut leg.record;
            let moments = [Some(created), Some(updated), ringing.as_mut(), progressing.as_mut(), hungup.as_mut()];
            correction.redate_all(moments);
        }
        if let Some(run) = &mut self.run {
            correction.redate_all([Some(&mut run.record.created), Some(&mut run.record.updated)]);
        }
        self.ladder.redate(correction);
    }

    /// The leg at the other end of the bridge.
    pub fn other(&self, place: usize) -> Option<usize> {
        let bridged = self.bridged?;
        match place {
            CALLER => Some(bridged),
            _ if place == bridged => Some(CALLER),
            _ => None,
        }
    }

    /// The ladder's column of a leg.
    pub fn column(place: usize) -> u8 {
        if place == CALLER { ladder::CALLER } else { ladder::FIRST_CALLED + place as u8 - 1 }
    }

    /// Keeps the more telling of two failures.
    pub fn note_failure(&mut self, failure: Failure) {
        if self.failure.is_none_or(|known| failure.weight() > known.weight()) {
            self.failure = Some(failure);
        }
    }

    /// States a fact about a leg, with its record as it is now.
    pub fn state(&mut self, ctx: &mut Context, place: usize, kind: fn(Box<CallRecord>) -> EventKind) {
        let at = ctx.unix();
        self.legs[place].record.updated = at;
        let event = kind(Box::new(self.legs[place].record.clone()));
        self.ladder.event(at, event.name());
        ctx.event(event);
    }
}
