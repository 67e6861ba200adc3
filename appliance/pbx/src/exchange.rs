//! The exchange: one value that takes every input and gives every output.

use std::time::Duration;

use bytes::Bytes;
use sip::transport::ConnectionId;
use sip::{Flow, Transmit, Transport, stun};

use crate::authentication::Gate;
use crate::billing::BillingAccount;
use crate::call::setup::Whereabouts;
use crate::call::{Calls, Maker};
use crate::command::{Command, Counters, Rejection, Reply, RequestId};
use crate::conference::{Conference, rooms};
use crate::context::Context;
use crate::directory::{Agent, DirectHash, Directory, Extension, Number, OutboundConfig, Provider, Route, Tag, Trunk};
use crate::errand::{self, Errand, ErrandId, ErrandReport};
use crate::event::{Event, EventKind};
use crate::flow::{Flow as CallFlow, flows};
use crate::names::{Answer, Question, Unresolved};
use crate::ports::{PortOrder, PortReport};
use crate::provider::{self, Identity, health, registration};
use crate::public_address;
use crate::recording::{RecordingOrder, RecordingReport};
use crate::registrar::{Binding, Registrar};
use crate::sequence::Sequence;
use crate::settings::{Settings, is_time_zone};
use crate::timers::Timer;
use crate::{Deadline, Time};

pub mod agents;
pub mod billing;
pub mod clock;
pub mod conferences;
pub mod direct_hashes;
pub mod dispatch;
pub mod extensions;
pub mod numbers;
pub mod outbound_config;
pub mod outgoing;
pub mod pickups;
pub mod recordings;
pub mod transfers;
pub mod trunks;

/// Everything that reaches the exchange.
#[derive(Debug)]
pub enum Input {
    /// A whole SIP message: a datagram, or a framed piece of a stream.
    Sip(Flow, Bytes),
    /// A stream connection is gone, or could not be opened.
    SipClosed(Flow),
    /// A connection that the exchange named could not be opened, in words; that it is closed is said besides.
    SipTrouble(Flow, String),
    /// Whoever opened the connection of this flow has logged in, and speaks for these extensions (by number or by id) without a
    /// password as long as the connection is there. The last word counts; an empty list takes it back.
    SipVouched(Flow, Vec<String>),
    /// The media engine reports.
    Media(media::Event),
    /// What became of the way to a browser.
    Webrtc(media::webrtc::Event),
    /// What came of an order about a pair of ports.
    Port(PortReport),
    /// What came of a recording.
    Recording(RecordingReport),
    /// What came of an errand.
    Errand(ErrandReport),
    /// Somebody asks.
    Command(RequestId, Command),
    /// The wall clock was read: at this `now` it showed this time since 1970. Given once before anything else, and after each adjustment.
    Clock(Duration),
    /// What the store remembers, before anything else but the clock.
    Restore(Vec<Extension>, Vec<Binding>),
    /// The conferences that the store remembers; after the clock.
    RestoreConferences(Vec<Conference>),
    /// The flows and the numbers that the store remembers.
    RestoreFlows(Vec<CallFlow>, Vec<Number>),
    /// The agents and the tags that the store remembers.
    RestoreAgents(Vec<Agent>, Vec<Tag>),
    /// The trunks, the providers and the routes that the store remembers; after the clock.
    RestoreTrunks(Vec<Trunk>, Vec<Provider>, Vec<Route>),
    /// The billing account that the store remembers.
    RestoreBilling(Box<BillingAccount>),
    /// What counts for every call beyond the box, as the store remembers it.
    RestoreOutboundConfig(Box<OutboundConfig>),
    /// The direct hashes that the store remembers, after all that they lead to.
    RestoreDirectHashes(Vec<DirectHash>),
    /// What came of a question: where a name is.
    Resolved(Question, Result<Answer, Unresolved>),
    /// SIGTERM: no new calls, running calls go on.
    Drain,
}

/// Everything that leaves the exchange, in an order that matters: a [`Output::Reply`] follows the events it stands for.
#[derive(Debug)]
pub enum Output {
    /// A SIP message to be sent.
    Sip(Transmit),
    /// The media engine's orders.
    Media(media::Command),
    /// An order to whoever finds and secures the ways to browsers.
    Webrtc(media::webrtc::Command),
    /// An order about the sockets of a pair of ports.
    Port(PortOrder),
    /// An order to whoever writes the files of recordings. It comes before the order to the media engine that it belongs to.
    Recording(RecordingOrder),
    /// Something that is wanted of the world: it is answered by exactly one [`Input::Errand`], within a limit of its own.
    Errand(ErrandId, Box<Errand>),
    /// Who has to be at the other end of a connection that messages will go along; `None`: nothing will any more.
    Connection(ConnectionId, Option<Box<Identity>>),
    /// Find out where a name is; answered once by [`Input::Resolved`].
    Resolve(Question),
    /// A fact for the event log.
    Event(Event),
    /// A refreshed registration: its row changes, no event is written; the latest for a contact wins.
    Refreshed(Box<Binding>),
    /// The ladder of a call that is over, to be kept.
    Sequence(Box<Sequence>),
    /// The answer to a command.
    Reply(RequestId, Result<Reply, Rejection>),
    /// After [`Input::Drain`]: the last call is over.
    Drained,
}

/// The exchange.
pub struct Pbx {
    ctx: Context,
    directory: Directory,
    registrar: Registrar,
    gate: Gate,
    calls: Calls,
}

impl Pbx {
    /// An exchange with nobody in it. Whoever seeds it with the same bytes and gives it the same inputs sees the same outputs.
    pub fn new(settings: Settings, seed: [u8; 32]) -> Pbx {
        let realm = settings.realm.clone();
        let mut ctx = Context::new(settings, seed);
        let secret = ctx.secret();
        let gate = Gate::new(&realm, &ctx.settings.digest, secret);
        public_address::begin(&mut ctx);
        let (directory, registrar, calls) = (Directory::default(), Registrar::default(), Calls::default());
        Pbx { ctx, directory, registrar, gate, calls }
    }

    /// Takes one input. Drain [`Pbx::poll_output`] afterwards.
    pub fn handle(&mut self, now: Time, input: Input) {
        self.ctx.now = now;
        match input {
            Input::Sip(flow, message) => self.handle_sip(flow, &message),
            Input::SipClosed(flow) => {
                self.ctx.sip.handle_closed(now, &flow);
                self.gate.handle_closed(&flow);
                self.registrar.handle_closed(&mut self.ctx, &flow);
                self.calls.handle_closed(&flow);
                provider::note_closed(&mut self.ctx, &flow);
            }
            Input::SipTrouble(flow, why) => provider::note_trouble(&mut self.ctx, &flow, why),
            Input::SipVouched(flow, extensions) => self.gate.vouch(&flow, extensions),
            Input::Media(event) => self.handle_media(event),
            Input::Webrtc(event) => self.handle_webrtc(&event),
            Input::Port(report) => {
                self.ctx.totals.ports_held += u64::from(matches!(report, PortReport::Held(_)));
                self.ctx.ports.handle_report(now, report);
            }
            Input::Recording(report) => {
                if let RecordingReport::Lost(recording, reason) | RecordingReport::Failed(recording, reason) = &report {
                    self.handle_recording_lost(*recording, reason);
                }
                self.ctx.handle_recording_report(report);
                self.calls.finish_draining(&mut self.ctx);
            }
            Input::Errand(report) => self.handle_errand(report),
            Input::Command(request, command) => {
                let result = self.carry_out(command);
                self.drain_sip();
                self.ctx.output(Output::Reply(request, result));
            }
            Input::Clock(unix) => self.handle_clock(unix),
            Input::Restore(extensions, bindings) => {
                self.directory.restore(extensions);
                let known = bindings.into_iter().filter(|binding| self.directory.get(binding.extension_id).is_some());
                self.registrar.restore(&mut self.ctx, known.collect());
            }
            Input::RestoreConferences(conferences) => rooms::restore(&mut self.ctx, conferences),
            Input::RestoreFlows(flows, numbers) => {
                self.ctx.flows.restore(flows);
                self.ctx.numbers.restore(numbers);
            }
            Input::RestoreAgents(agents, tags) => {
                self.ctx.agents.restore(agents);
                self.ctx.tags.restore(tags);
            }
            Input::RestoreTrunks(trunks, providers, routes) => self.restore_trunks(trunks, providers, routes),
            Input::RestoreBilling(account) => self.ctx.billing.restore(*account),
            Input::RestoreOutboundConfig(config) => self.ctx.outbound_config = *config,
            Input::RestoreDirectHashes(hashes) => self.restore_direct_hashes(hashes),
            Input::Resolved(question, answer) => self.handle_resolved(&question, answer),
            Input::Drain => {
                self.ctx.draining = true;
                registration::end_all(&mut self.ctx);
                self.calls.finish_draining(&mut self.ctx);
            }
        }
        self.drain_sip();
        self.go_on();
    }

    fn handle_errand(&mut self, report: ErrandReport) {
        let (sender, again) = errand::come_home(&mut self.ctx, &report);
        self.calls.handle_errand(&mut self.ctx, sender, (report, again));
        self.calls.finish_draining(&mut self.ctx);
    }

    /// Runs what is due.
    pub fn handle_timeout(&mut self, now: Time) {
        self.ctx.now = now;
        self.ctx.sip.handle_timeout(now);
        self.drain_sip();
        while let Some(timer) = self.ctx.timers.pop(now) {
            self.handle_timer(timer);
            self.drain_sip();
        }
        self.go_on();
        self.gate.handle_timeout(now);
        // Transactions and dialogs outlive their calls: what they leave behind after a burst goes here.
        if self.calls.is_empty() {
            self.ctx.index.shrink();
        }
    }

    /// The next output, until there is none.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.ctx.poll_output()
    }

    /// When to call [`Pbx::handle_timeout`] at the latest.
    pub fn poll_timeout(&self) -> Option<Deadline> {
        let own = self.ctx.timers.next().map(|(at, timer)| Deadline { at, reason: timer.name() });
        let sip = self.ctx.sip.poll_timeout().map(|deadline| Deadline { at: deadline.at, reason: deadline.reason });
        let ports = self.ctx.ports.poll_timeout().map(|(at, reason)| Deadline { at, reason });
        own.into_iter().chain(sip).chain(ports).min()
    }

    fn handle_sip(&mut self, flow: Flow, message: &Bytes) {
        let source = flow.remote.ip();
        if self.gate.guard.blocks(self.ctx.now, source) {
            self.ctx.totals.dropped_from_blocked += 1;
            return;
        }
        if flow.transport == Transport::Udp
            && let Some(bytes) = stun::answer(message, flow.remote)
        {
            return self.ctx.output(Output::Sip(Transmit { flow, bytes }));
        }
        if flow.transport == Transport::Udp && public_address::handle_datagram(&mut self.ctx, &flow, message) {
            return;
        }
        self.calls.note(&self.ctx, true, message);
        self.ctx.sip.handle_message(self.ctx.now, flow, message);
    }

    /// Lets what the endpoint has to tell and to send out, until it has nothing more.
    fn drain_sip(&mut self) {
        loop {
            while let Some(transmit) = self.ctx.sip.poll_transmit() {
                self.calls.note(&self.ctx, false, &transmit.bytes);
                self.ctx.output(Output::Sip(transmit));
            }
            let Some(event) = self.ctx.sip.poll_event() else { return };
            self.dispatch(event);
        }
    }

    /// Lets those ring who waited for ports, and flows go on, and keeps the reserve of ports full.
    fn go_on(&mut self) {
        self.ctx.tend_ports();
        self.calls.ring_waiting(&mut self.ctx);
        self.drain_sip();
        loop {
            if let Some(affair) = self.ctx.affairs.pop_front() {
                self.settle(affair);
                self.calls.ring_waiting(&mut self.ctx);
            } else if let Some(call) = self.ctx.flows_ready.pop_front() {
                let Pbx { ctx, directory, registrar, calls, .. } = self;
                calls.step_flow(ctx, call, &Whereabouts { directory, registrar });
            } else {
                break;
            }
            self.drain_sip();
        }
        self.calls.finish_draining(&mut self.ctx);
        self.ctx.tend_ports();
    }

    fn carry_out(&mut self, command: Command) -> Result<Reply, Rejection> {
        match command {
            Command::CreateExtension(new) => self.create_extension(new),
            Command::UpdateExtension(id, change) => self.update_extension(id, change),
            Command::DeleteExtension(id) => self.delete_extension(id),
            Command::CreateConference(new) => self.create_conference(new),
            Command::UpdateConference(id, change) => self.update_conference(id, change),
            Command::DeleteConference(id) => self.end_conference(id).map(|ended| Reply::Conference(Box::new(ended))),
            Command::DeleteConferencecall(id) => self.end_conferencecall(id),
            Command::CreateFlow(new) => flows::create(&mut self.ctx, new),
            Command::UpdateFlow(id, new) => flows::update(&mut self.ctx, id, new),
            Command::DeleteFlow(id) => flows::delete(&mut self.ctx, id),
            Command::CreateNumber(new) => self.create_number(new),
            Command::UpdateNumber(id, change) => self.update_number(id, change),
            Command::DeleteNumber(id) => self.delete_number(id),
            Command::CreateAgent(new, by) => self.create_agent(*new, by),
            Command::UpdateAgent(id, change, by) => self.update_agent(id, *change, by),
            Command::DeleteAgent(id, by) => self.delete_agent(id, by),
            Command::CreateTag(new) => self.create_tag(new),
            Command::UpdateTag(id, change) => self.update_tag(id, change),
            Command::DeleteTag(id) => self.delete_tag(id),
            Command::CreateActiveflow(new) => self.create_activeflow(*new),
            Command::CreateTrunk(_)
            | Command::UpdateTrunk(..)
            | Command::DeleteTrunk(_)
            | Command::ReadTrunk(_)
            | Command::CreateProvider(_)
            | Command::SetUpProvider(_)
            | Command::UpdateProvider(..)
            | Command::DeleteProvider(_)
            | Command::ReadProvider(_)
            | Command::ListProviders
            | Command::CreateRoute(_)
            | Command::UpdateRoute(..)
            | Command::DeleteRoute(_)
            | Command::ReadRoute(_) => self.carry_out_for_trunks(command),
            Command::UpdateBillingAccount(data) => self.update_billing_account(*data),
            Command::AdjustBalance(adjustment) => self.adjust_balance(adjustment),
            Command::RegenerateDirectHash(to) => self.regenerate_direct_hash(to),
            Command::DeleteDirectHash(to) => self.delete_direct_hash(to),
            Command::UpdateOutboundConfig(change) => self.update_outbound_config(*change),
            Command::StopActiveflow(id) => self.stop_activeflow(id),
            Command::CreateCalls(new) => {
                self.create_calls(*new, Maker::default()).map(|made| Reply::Calls(made.calls, made.groupcalls))
            }
            Command::CreateGroupcall(new) => self.create_groupcall(*new),
            Command::HangupGroupcall(id) => self.calls.hang_up_group(&mut self.ctx, id),
            Command::SendDigits { call, digits, duration } => {
                let order = (digits, duration);
                self.calls.within(&mut self.ctx, call, |call, ctx, place| call.send_digits(ctx, place, order))
            }
            Command::ControlCall(id, control) => self.calls.control(&mut self.ctx, id, control),
            Command::Talk(id, speech) => {
                self.calls.within(&mut self.ctx, id, |call, ctx, place| call.talk_on_request(ctx, place, speech))
            }
            Command::HangupCall(id) => self.calls.hang_up(&mut self.ctx, id),
            Command::StartRecording(of, options) => self.start_recording(of, &options),
            Command::StopRecording(of) => self.stop_recording(of),
            Command::PauseRecording { of, paused } => self.pause_recording(of, paused),
            Command::CreateTransfer(new) => self.create_transfer(new),
            Command::ReadSequence(id) => self.calls.sequence(&self.ctx, id),
            Command::ListBindings(extension) => Ok(Reply::Bindings(self.registrar.list(extension))),
            Command::ReadPublicAddress => Ok(Reply::PublicAddress(public_address::known(&self.ctx))),
            Command::SetTimeZone(name) => self.set_time_zone(name),
            Command::ReadCounters => Ok(Reply::Counters(Box::new(self.counters()))),
        }
    }

    fn set_time_zone(&mut self, name: String) -> Result<Reply, Rejection> {
        if !is_time_zone(&name) {
            let reason = "must be the name of a time zone, as Europe/Berlin is";
            return Err(Rejection::Invalid { field: "time_zone", reason });
        }
        self.ctx.settings.time_zone.clone_from(&name);
        Ok(Reply::TimeZone(name))
    }

    fn counters(&self) -> Counters {
        let held = self.ctx.sip.counts();
        let mut values = self.ctx.totals.list();
        values.extend([
            ("calls", "Calls that are up or on their way", self.calls.len() as u64),
            ("legs", "Legs of those calls", self.calls.legs() as u64),
            ("bindings", "Contacts registered", self.registrar.len() as u64),
            ("flows", "Flows that are kept", self.ctx.flows.len() as u64),
            ("numbers", "Numbers", self.ctx.numbers.len() as u64),
            ("agents", "Agents", self.ctx.agents.len() as u64),
            ("trunks", "Trunks", self.ctx.trunks.len() as u64),
            ("providers", "Providers", self.ctx.providers.len() as u64),
            ("providers_registered", "Providers that we are registered with", self.ctx.links.registered() as u64),
            ("routes", "Routes", self.ctx.routes.len() as u64),
            ("names", "Names whose addresses are remembered", self.ctx.names.len() as u64),
            ("activeflows", "Flows that run", self.ctx.index.activeflows.len() as u64),
            ("groupcalls", "Groupcalls that are not over", self.ctx.groupcalls.len() as u64),
            ("conferences", "Conferences", self.ctx.conferences.len() as u64),
            ("conferencecalls", "Calls in conferences", self.ctx.conferences.members() as u64),
            ("errands", "Errands that run or wait", self.ctx.errands.len() as u64),
            ("messages", "Texts that are on their way", self.ctx.messages.len() as u64),
            ("programs", "Programs that listen to calls", self.ctx.programs.len() as u64),
            ("extensions", "Extensions", self.directory.len() as u64),
            ("rtp_ports_used", "RTP port pairs in use", self.ctx.ports.used() as u64),
            ("rtp_ports_set_aside", "RTP port pairs that another process held", self.ctx.ports.set_aside() as u64),
            (
                "billing_reserved",
                "Micros that calls which are not over have begun to use",
                self.ctx.billing.reserved().0 as u64,
            ),
            ("recordings", "Recordings that run, or wait for their file", self.ctx.recordings.len() as u64),
            ("timers", "Timers armed, besides those of transactions", self.ctx.timers.len() as u64),
            ("transactions", "SIP transactions", (held.clients + held.servers) as u64),
            ("dialogs", "SIP dialogs", held.dialogs as u64),
            ("index_entries", "Entries of the lookups from SIP and media to calls", self.ctx.index.len() as u64),
            (
                "vouched_connections",
                "Connections of logins, whose extensions need no password",
                self.gate.vouched() as u64,
            ),
            ("guarded_sources", "Sources remembered by the guard", self.gate.guard.len() as u64),
        ]);
        values.extend(sip_counters(&self.ctx.sip.statistics()));
        Counters { values }
    }

    fn handle_timer(&mut self, timer: Timer) {
        if let Timer::ConferenceTimeout(id) = timer {
            // It is there as long as its timer is.
            let _ = self.end_conference(id);
            return;
        }
        let Pbx { ctx, calls, registrar, gate, .. } = self;
        match timer {
            Timer::PortWait(call) => calls.with_call(ctx, call, |call, ctx| call.handle_port_wait(ctx)),
            Timer::DialTimeout(call) => calls.with_call(ctx, call, |call, ctx| call.handle_dial_timeout(ctx)),
            Timer::TransferDone(call) => calls.with_call(ctx, call, |call, ctx| call.handle_transfer_done(ctx)),
            Timer::FlowWait(call) => calls.with_call(ctx, call, |call, ctx| call.handle_flow_wait(ctx)),
            Timer::CallLimit(call) => calls.with_call(ctx, call, |call, ctx| call.handle_call_limit(ctx)),
            Timer::SessionRefresh(leg) | Timer::Reinvite(leg) => {
                calls.with(ctx, leg, |call, ctx, place| call.send_refresh(ctx, place));
            }
            Timer::SessionExpired(leg) => {
                calls.with(ctx, leg, |call, ctx, place| call.handle_session_expired(ctx, place));
            }
            Timer::Statistics(leg) => {
                calls.with(ctx, leg, |call, ctx, place| call.handle_closed(ctx, place, None));
            }
            Timer::Balance(leg) => {
                calls.with(ctx, leg, |call, ctx, place| call.handle_balance(ctx, place));
            }
            Timer::RtpDebug(call) => calls.with_call(ctx, call, |call, ctx| call.handle_rtp_debug(ctx)),
            Timer::RecordingLimit(recording) => self.handle_recording_limit(recording),
            Timer::ErrandRest(id) => errand::handle_rested(ctx, id),
            Timer::Archive(call) => calls.archive(ctx, call),
            Timer::BindingExpires(key) => {
                registrar.remove(ctx, key);
            }
            Timer::NatKeepalive(key) => registrar.handle_keepalive(ctx, key),
            Timer::Attempt(leg) => {
                calls.with(ctx, leg, |call, ctx, place| call.handle_attempt_over(ctx, place));
            }
            Timer::Registration(id) => registration::attempt(ctx, id),
            Timer::Health(id) => health::ask(ctx, id),
            Timer::PublicAddress => public_address::handle_timer(ctx),
            Timer::ConferenceTimeout(_) => {}
            Timer::GuardRelease => {
                for source in gate.guard.handle_timeout(ctx.now) {
                    ctx.event(EventKind::SourceUnblocked { source });
                }
            }
        }
    }
}

fn sip_counters(sip: &sip::endpoint::Statistics) -> [(&'static str, &'static str, u64); 12] {
    [
        ("sip_requests_total", "SIP requests received, repetitions included", sip.requests_in),
        ("sip_responses_total", "SIP responses received, repetitions included", sip.responses_in),
        ("sip_sent_total", "SIP messages sent", sip.sent),
        ("sip_retransmissions_sent_total", "SIP messages sent again", sip.repeated),
        ("sip_retransmissions_received_total", "SIP requests that came again", sip.repetitions_in),
        ("sip_malformed_total", "Messages that could not be read", sip.malformed),
        ("sip_stray_total", "Responses and ACKs that belong to nothing", sip.stray_responses + sip.stray_acks),
        ("sip_overload_total", "SIP requests refused because a limit was reached", sip.overload),
        ("sip_forgotten_total", "SIP transactions forgotten before their time", sip.forgotten),
        ("sip_refused_total", "SIP requests refused by the endpoint itself", sip.refused),
        ("sip_timeouts_total", "SIP requests of ours that nobody answered", sip.timeouts),
        ("sip_transport_failures_total", "SIP requests of ours whose connection failed", sip.transport_failures),
    ]
}
