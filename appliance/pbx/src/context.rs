//! What every part of the exchange has at hand: the time, the SIP endpoint, the pools, the outputs.

use std::collections::VecDeque;

use bytes::Bytes;
use media::StreamId;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha12Rng;
use rustc_hash::FxHashMap;
use uuid::Uuid;

use crate::billing::{Billing, CostType, Usage};
use crate::call::{Affair, CallKey};
use crate::conference::Conferences;
use crate::counters::Totals;
use crate::directory::{Agents, DirectHashes, Numbers, OutboundConfig, Providers, Routes, Tags, Trunks};
use crate::errand::Errands;
use crate::event::{Event, EventKind};
use crate::exchange::Output;
use crate::flow::Flows;
use crate::groupcall::Groupcalls;
use crate::index::Index;
use crate::message::Messages;
use crate::names::Names;
use crate::ports::Ports;
use crate::provider::Links;
use crate::public_address::PublicAddress;
use crate::recording::Recordings;
use crate::settings::{Advertise, Settings};
use crate::timers::{Timer, TimerId, Timers};
use crate::{Time, UnixMicros};

/// The parts that all features share. One value, handed down by `&mut`.
pub struct Context {
    /// The time of the input that is being handled.
    pub now: Time,
    /// What the wall clock showed at time zero of `now`, in microseconds since 1970.
    pub epoch: i64,
    /// The same by the clock that what goes on is dated by; `None` before it was read for the first time.
    pub dated: Option<i64>,
    /// What the administrator set.
    pub settings: Settings,
    /// Transactions and dialogs.
    pub sip: sip::Endpoint,
    /// RTP ports.
    pub ports: Ports,
    /// What is left to be spent.
    pub billing: Billing,
    /// What is due when.
    pub timers: Timers,
    /// Who waits for what.
    pub index: Index,
    /// The conferences.
    pub conferences: Conferences,
    /// The flows.
    pub flows: Flows,
    /// Calls of which the first that is answered ends the others.
    pub groupcalls: Groupcalls,
    /// The numbers.
    pub numbers: Numbers,
    /// The agents.
    pub agents: Agents,
    /// Their tags.
    pub tags: Tags,
    /// The trunks.
    pub trunks: Trunks,
    /// The providers.
    pub providers: Providers,
    /// The routes.
    pub routes: Routes,
    /// What whoever has no password calls.
    pub direct_hashes: DirectHashes,
    /// What counts for every call beyond the box.
    pub outbound_config: OutboundConfig,
    /// What goes on between us and the providers.
    pub links: Links,
    /// Where names are.
    pub names: Names,
    /// What goes on between us and a STUN server.
    pub public_address: PublicAddress,
    /// What is recorded, or was and waits for its file.
    pub recordings: Recordings,
    /// What is wanted of the world.
    pub errands: Errands,
    /// Texts of flows that are on their way.
    pub messages: Messages,
    /// The programs that listen to calls: their streams and the ports of those.
    pub programs: FxHashMap<StreamId, u16>,
    /// Calls whose flows can go on.
    pub flows_ready: VecDeque<CallKey>,
    /// What calls have brought about for other calls.
    pub affairs: VecDeque<Affair>,
    /// What was counted since the start.
    pub totals: Totals,
    /// Whether new calls are refused.
    pub draining: bool,
    rng: ChaCha12Rng,
    outputs: VecDeque<Output>,
}

impl Context {
    /// Everything empty.
    pub fn new(settings: Settings, seed: [u8; 32]) -> Context {
        let mut rng = ChaCha12Rng::from_seed(seed);
        let sip = sip::Endpoint::new(endpoint_config(&settings), rng.random());
        Context {
            now: Time::ZERO,
            epoch: 0,
            dated: None,
            sip,
            ports: Ports::new(settings.rtp_ports, settings.media_threads),
            billing: Billing::default(),
            timers: Timers::default(),
            index: Index::default(),
            conferences: Conferences::default(),
            flows: Flows::default(),
            groupcalls: Groupcalls::default(),
            numbers: Numbers::default(),
            agents: Agents::default(),
            tags: Tags::default(),
            trunks: Trunks::default(),
            providers: Providers::default(),
            routes: Routes::default(),
            direct_hashes: DirectHashes::default(),
            outbound_config: OutboundConfig::default(),
            links: Links::default(),
            names: Names::default(),
            public_address: PublicAddress::default(),
            recordings: Recordings::default(),
            errands: Errands::default(),
            messages: Messages::default(),
            programs: FxHashMap::default(),
            flows_ready: VecDeque::new(),
            affairs: VecDeque::new(),
            totals: Totals::default(),
            draining: false,
            rng,
            outputs: VecDeque::new(),
            settings,
        }
    }

    /// The wall clock at the input that is being handled.
    pub fn unix(&self) -> UnixMicros {
        self.unix_at(self.now)
    }

    /// The wall clock at another moment.
    pub fn unix_at(&self, at: Time) -> UnixMicros {
        UnixMicros(self.epoch + at.as_micros() as i64)
    }

    /// A new id (version 4 of RFC 9562, from the seed).
    pub fn uuid(&mut self) -> Uuid {
        uuid::Builder::from_random_bytes(self.rng.random()).into_uuid()
    }

    /// A number evenly drawn from `0..bound`; 0 for a bound of 0.
    pub fn random_below(&mut self, bound: u64) -> u64 {
        if bound == 0 { 0 } else { self.rng.random_range(0..bound) }
    }

    /// A secret of 32 bytes.
    pub fn secret(&mut self) -> [u8; 32] {
        self.rng.random()
    }

    /// Fills octets of a key.
    pub fn fill(&mut self, octets: &mut [u8]) {
        self.rng.fill(octets);
    }

    /// Our host and port as the peer of a flow reaches us, for From, To and Contact.
    pub fn host_of(&self, flow: &sip::Flow) -> (sip::uri::Host, Option<u16>) {
        let reached = self.sip.reached().at(flow);
        (reached.ip().into(), (reached.port() != 5060).then_some(reached.port()))
    }

    /// States a fact.
    pub fn event(&mut self, kind: EventKind) {
        self.direct_hashes.observe(&kind);
        let event = Event { at: self.unix(), kind };
        self.output(Output::Event(event));
    }

    /// Charges so many units of something that was used, if it has a price. `key`: what it cannot be charged for twice; `of`: what it
    /// is for, how long it took, and the activeflow that used it.
    pub fn charge(&mut self, (cost_type, units): (CostType, usize), key: Option<Uuid>, of: (Uuid, Time, Option<Uuid>)) {
        let rate = self.billing.rate(cost_type);
        if rate.0 <= 0 || units == 0 {
            return;
        }
        let (key, units) = (key.unwrap_or_else(|| self.uuid()), i64::try_from(units).unwrap_or(i64::MAX));
        let (reference_id, duration, made_by) = of;
        let usage = Usage { key, cost_type, reference_id, made_by, rate, units, duration };
        self.billing.take(usage.amount());
        self.event(EventKind::BillingUsed(Box::new(usage)));
    }

    /// Keeps the reserve of ports full.
    pub fn tend_ports(&mut self) {
        self.ports.handle_timeout(self.now);
        while let Some(order) = self.ports.poll_order() {
            self.output(Output::Port(order));
        }
    }

    /// Orders something of the media engine.
    pub fn media(&mut self, command: media::Command) {
        self.output(Output::Media(command));
    }

    /// Queues an output.
    pub fn output(&mut self, output: Output) {
        self.outputs.push_back(output);
    }

    /// The next output.
    pub fn poll_output(&mut self) -> Option<Output> {
        let output = self.outputs.pop_front();
        if output.is_none() && self.outputs.capacity() > 4096 {
            self.outputs.shrink_to(64);
        }
        output
    }

    /// Arms a timer that far from now.
    pub fn arm(&mut self, after: Time, timer: Timer) -> TimerId {
        self.timers.arm(self.now + after, timer)
    }

    /// Cancels a timer, if it is one.
    pub fn cancel(&mut self, timer: &mut Option<TimerId>) {
        if let Some(id) = timer.take() {
            self.timers.cancel(id);
        }
    }
}

/// What this exchange can do, as Allow and Supported say it.
fn endpoint_config(settings: &Settings) -> sip::endpoint::Config {
    use sip::Method::{Ack, Bye, Cancel, Info, Invite, Options, Prack, Refer, Register, Update};
    sip::endpoint::Config {
        user_agent: Bytes::from_static(concat!("Tandem/", env!("CARGO_PKG_VERSION")).as_bytes()),
        advertise: match settings.advertise {
            Advertise::Address(address) => Some(address),
            Advertise::Nothing | Advertise::Stun { .. } | Advertise::Received => None,
        },
        supported: vec!["100rel", "timer", "path", "outbound"],
        allow: vec![Invite, Ack, Bye, Cancel, Options, Info, Prack, Update, Refer, Register],
        ..sip::endpoint::Config::default()
    }
}

impl std::fmt::Debug for Context {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Context").field("now", &self.now).field("timers", &self.timers.len()).finish_non_exhaustive()
    }
}
