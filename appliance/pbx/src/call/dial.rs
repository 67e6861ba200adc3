//! A call that begins with us: its first leg is one that we ring, and its flow begins when that leg is answered, or when
//! it rings.
//!
//! It is made at once, and rung as soon as there is a port for it: whoever asked for it knows its record before anything
//! of it can change.

use bytes::Bytes;
use sip::header::NameAddr;
use sip::message::HeaderName;
use sip::{Flow, Transport, Uri};
use smallvec::SmallVec;
use uuid::Uuid;

use super::audio::Preference;
use super::cause::Cause;
use super::ladder::{self, Ladder};
use super::leg::new_record;
use super::setup::describe;
use super::waiting::Destination;
use super::{Address, AddressKind, Affair, CALLER, Call, CallRecord, Calls, Ending, HangupReason};
use super::{Callee, Direction, Leg, LegKey, Peer, Stage, Status, Way, invite};
use crate::context::Context;
use crate::event::EventKind;
use crate::flow::Script;
use crate::index::Asked;
use crate::limits;
use crate::timers::Timer;

/// A call to be dialled.
#[derive(Debug, Clone)]
pub struct Dialling {
    /// Who calls.
    pub source: Address,
    /// Who is called.
    pub destination: Address,
    /// How to ring it; `None`: it is not to be reached now.
    pub callee: Option<Box<Callee>>,
    /// The ways there, where it is beyond the box.
    pub way: Option<Box<Way>>,
    /// What it goes through.
    pub script: Script,
    /// Whether that begins when it rings.
    pub early_execution: bool,
    /// Whether the callee may not see who calls.
    pub anonymous: bool,
    /// Who has it made.
    pub maker: Maker,
    /// The groupcall that it belongs to.
    pub groupcall: Option<Uuid>,
}

/// Who has a call made; nobody: whoever asked for it by API.
#[derive(Debug, Clone, Copy, Default)]
pub struct Maker {
    /// The call that it is chained to.
    pub master: Option<Uuid>,
    /// The activeflow that wants it.
    pub activeflow: Option<Uuid>,
}

/// What a call that begins with us does when it is answered.
#[derive(Debug)]
pub struct Purpose {
    /// What it goes through.
    script: Script,
    /// Whether that begins when it rings.
    early_execution: bool,
}

impl Calls {
    /// Makes a call, which is rung once the caller of this is done.
    pub fn dial(&mut self, ctx: &mut Context, dialling: Dialling) -> CallRecord {
        let key = self.next_key();
        let call = Call::dialled(ctx, LegKey { call: key, place: CALLER as u8 }, dialling);
        let record = call.legs[CALLER].record.clone();
        self.insert(ctx, call);
        self.waiting.push(key);
        record
    }
}

impl Call {
    /// A call whose first leg is still to be rung.
    fn dialled(ctx: &mut Context, key: LegKey, dialling: Dialling) -> Call {
        let Dialling { source, destination, callee, way, script, early_execution, anonymous, maker, groupcall } =
            dialling;
        ctx.totals.calls_made += 1;
        let (id, at) = (ctx.uuid(), ctx.unix());
        let flow = callee.as_ref().map_or_else(|| nowhere(ctx), |callee| callee.flow);
        let mut record = new_record(id, Direction::Outgoing, (source, destination), at);
        (record.master_call_id, record.made_by) = (maker.master, maker.activeflow);
        record.groupcall_id = groupcall;
        record.flow_id = script.flow_id;
        record.peer = if callee.is_some() { describe(&flow) } else { String::new() };
        record.sip_call_id = format!("{}@tandem", id.simple());
        ctx.index.records.insert(id, key);
        ctx.index.sip_call_ids.insert(Bytes::copy_from_slice(record.sip_call_id.as_bytes()), key);
        let ladder = Ladder::new((id, record.destination.target.clone(), record.peer.clone()), Vec::new());
        let callee = callee.map(|callee| Box::new(named(ctx, *callee, (&record.source, anonymous))));
        let peer = callee.as_ref().map_or(Peer::Uri, |callee| callee.peer);
        let leg = Leg { callee, way, ..Leg::new(key, record, (peer, flow), Stage::Waiting) };
        let mut call = Call {
            legs: SmallVec::from_iter([leg]),
            waiting: Some(Destination::Callee),
            is_anonymous: anonymous,
            purpose: Some(Box::new(Purpose { script, early_execution })),
            limit: Some(ctx.arm(limits::PORT_WAIT, Timer::PortWait(key.call))),
            ..Call::new(ctx, key.call, ladder)
        };
        call.ladder.internal(at, (ladder::CALL, ladder::CALL), "a call was asked for", String::new());
        call.state(ctx, CALLER, EventKind::CallCreated);
        call
    }

    /// Rings the first leg.
    pub(super) fn ring_first(&mut self, ctx: &mut Context) {
        let leg = &mut self.legs[CALLER];
        if leg.way.is_some() {
            return self.ring_first_outside(ctx);
        }
        let Some(callee) = leg.callee.clone() else {
            let at = ctx.unix();
            self.ladder.internal(at, (ladder::CALL, ladder::REGISTRAR), "not registered", String::new());
            return self.end_leg(ctx, CALLER, Ending::local(HangupReason::Dialout, Cause::ABSENT));
        };
        if let Err(cause) = leg.audio.open(ctx, leg.key, self.lane) {
            return self.end_leg(ctx, CALLER, Ending::local(HangupReason::Dialout, cause));
        }
        leg.audio.begin_anew(ctx, callee.encryption);
        leg.audio.offer(ctx, &leg.flow, &Preference::default().limited_to(&callee.codecs));
        let client = invite::send(ctx, leg, self.max_forwards, None);
        if let Some(client) = client {
            leg.stage = Stage::Outgoing { client };
            ctx.index.clients.insert(client, Asked::Invite(leg.key));
        }
        let audio = std::mem::take(&mut self.legs[CALLER].audio);
        self.note_open(ctx, &audio, CALLER);
        self.legs[CALLER].audio = audio;
        self.limit = Some(ctx.arm(ctx.settings.dial_timeout, Timer::DialTimeout(self.key)));
    }

    /// Rings the first leg beyond the box.
    fn ring_first_outside(&mut self, ctx: &mut Context) {
        if let Some(cost_type) = self.legs[CALLER].way.as_ref().and_then(|way| way.cost_type()) {
            match self.pay_in_advance(ctx, cost_type) {
                Ok(admission) => self.meter(CALLER, admission),
                Err(cause) => return self.end_leg(ctx, CALLER, Ending::local(HangupReason::Dialout, cause)),
            }
        }
        let leg = &mut self.legs[CALLER];
        if let Err(cause) = leg.audio.open(ctx, leg.key, self.lane) {
            return self.end_leg(ctx, CALLER, Ending::local(HangupReason::Dialout, cause));
        }
        let audio = std::mem::take(&mut self.legs[CALLER].audio);
        self.note_open(ctx, &audio, CALLER);
        self.legs[CALLER].audio = audio;
        self.limit = Some(ctx.arm(ctx.settings.dial_timeout, Timer::DialTimeout(self.key)));
        self.begin_ways(ctx, CALLER);
    }

    /// Whether its first leg is one that we ring, and that has not answered.
    pub fn is_dialling(&self) -> bool {
        self.legs
            .first()
            .is_some_and(|leg| matches!(leg.stage, Stage::Waiting | Stage::Locating | Stage::Outgoing { .. }))
    }

    /// The first leg rings: who asked for that has the flow begin.
    pub(super) fn begin_early(&mut self, ctx: &mut Context) {
        if self.legs[CALLER].record.status == Status::Ringing
            && let Some(purpose) = self.purpose.take_if(|purpose| purpose.early_execution)
        {
            self.begin_flow(ctx, purpose.script);
            self.state(ctx, CALLER, EventKind::CallUpdated);
        }
    }

    /// The first leg was answered: the flow begins, or goes on with what needed the phone.
    pub(super) fn take_up(&mut self, ctx: &mut Context) {
        ctx.totals.calls_answered += 1;
        match self.purpose.take() {
            Some(purpose) => self.begin_flow(ctx, purpose.script),
            None => self.offer_pickup_to_flow(ctx),
        }
        self.set_progressing(ctx, &[CALLER]);
        let record = &self.legs[CALLER].record;
        if let Some(groupcall) = record.groupcall_id {
            ctx.affairs.push_back(Affair::Answered { groupcall, call: record.id });
        }
    }

    /// The first leg ends, and with it whatever depended on it.
    pub(super) fn end_chained(&mut self, ctx: &mut Context) {
        self.purpose = None;
        ctx.affairs.extend(self.chained.drain(..));
    }

    /// The end of a leg was stated: if a call began with it, wherever it is now, its groupcall may know.
    pub(super) fn tell_groupcall(&self, ctx: &mut Context, place: usize) {
        let leg = &self.legs[place];
        let record = &leg.record;
        if usize::from(leg.key.place) == CALLER
            && let (Some(groupcall), Direction::Outgoing) = (record.groupcall_id, record.direction)
        {
            ctx.affairs.push_back(Affair::Over { groupcall });
        }
    }
}

/// The path to somebody who is nowhere.
fn nowhere(ctx: &Context) -> Flow {
    let local = ctx.settings.sip;
    let remote = std::net::SocketAddr::from(([0, 0, 0, 0], 0));
    Flow { transport: Transport::Udp, local, remote, connection: None }
}

/// The callee as it is told who calls.
fn named(ctx: &Context, mut callee: Callee, (source, anonymous): (&Address, bool)) -> Callee {
    if callee.from.is_some() {
        return callee;
    }
    if anonymous {
        let nobody = Uri::parse(b"sip:anonymous@anonymous.invalid").expect("RFC 3323 writes this URI");
        callee.from = Some(NameAddr::new(nobody).with_display_name("Anonymous"));
        callee.headers.push(HeaderName::Other("Privacy".into()), "id");
        return callee;
    }
    let uri = Uri::parse(source.target.as_bytes()).ok().filter(|_| source.kind == AddressKind::Sip);
    let here = ctx.host_of(&callee.flow);
    let from = NameAddr::new(uri.unwrap_or_else(|| Uri::sip(Some(&source.target), here.0, here.1)));
    callee.from = Some(from.with_display_name(&source.target_name));
    callee
}
