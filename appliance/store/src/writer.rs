//! The one writer: a batch of items becomes rows and events in one transaction.

mod billing;
mod clock;
mod directory;
mod outbox;

use std::net::IpAddr;
use std::sync::Arc;

use pbx::call::{CallRecord, Dtmf};
use pbx::conference::{Conference, Conferencecall, ConferencecallStatus};
use pbx::directory::Direct;
use pbx::flow::record::Origin;
use pbx::flow::{ActiveflowRecord, Flow};
use pbx::groupcall::Groupcall;
use pbx::message::record::MessageRecord;
use pbx::recording::RecordingRecord;
use pbx::registrar::Binding;
use pbx::sequence::Sequence;
use pbx::{Event, EventKind, UnixMicros};
use rusqlite::{Connection, TransactionBehavior};
use rustc_hash::FxHashMap;
use serde::Serialize;
use uuid::Uuid;

use crate::call::{CallHangupBy, CallHangupReason, CallStatus};
use crate::event_log::bounds::{self, Bounds};
use crate::setting::Identity;
use crate::timeline::Timeline;
use crate::timestamp::Timestamp;
use crate::webhook_delivery::DeliveryStatus;
use crate::{
    Error, Store, accesskey, activeflow, agent, belonging, call, certificate, conference, conferencecall,
    configuration, cursor, customer, direct_hash, dtmf, event_log, extension, flow, groupcall, kept, limits, message,
    number, recording, registration, sequence, setting, system, tag, update, webhook_delivery,
};

/// Something to be remembered.
#[derive(Debug, Clone, PartialEq)]
pub enum Item {
    /// A fact: appended to the log, and its resource's row changed.
    Event(Event),
    /// A refreshed registration: its row changes, nothing is logged; the latest of a batch wins.
    Refreshed(Box<Binding>),
    /// The ladder of a call that is over.
    Sequence(Box<Sequence>),
    /// A new access key, logged as `accesskey_created`.
    AccesskeyCreated(Box<accesskey::Account>),
    /// An access key changes, logged as `accesskey_updated`; nothing happens where it is deleted.
    AccesskeyUpdated(Uuid, accesskey::Change, Timestamp),
    /// An access key is deleted (softly), logged as `accesskey_deleted`; nothing happens where it is deleted.
    AccesskeyDeleted(Uuid, Timestamp),
    /// The customer changes, logged as `customer_updated`.
    CustomerUpdated(Box<customer::Change>, Timestamp),
    /// What became of a document of the cloud, logged as `configuration_applied`, `configuration_refused` or `configuration_conflicted`.
    Configuration(Box<configuration::Record>, Timestamp),
    /// Another certificate is shown, or something has come of asking for one, logged as `certificate_updated`.
    Certificate(Box<certificate::Record>, Timestamp),
    /// An update of the box has come further, logged as `update_<status>`.
    Update(Box<update::Record>),
    /// Something was asked of the box, or came of it, logged as [`system::Record`] says.
    System(Box<system::Record>, Timestamp),
    /// A call's record is deleted (softly), logged as `call_deleted`; nothing happens where it is not over.
    CallDeleted(Uuid, Timestamp),
    /// A groupcall's record is deleted (softly), logged as `groupcall_deleted`; nothing happens where it is not over.
    GroupcallDeleted(Uuid, Timestamp),
    /// An activeflow's record is deleted (softly), logged as `activeflow_deleted`; nothing happens where it still runs.
    ActiveflowDeleted(Uuid, Timestamp),
    /// A recording is deleted (softly), logged as `recording_deleted`; nothing happens where it is not ended.
    RecordingDeleted(Uuid, Timestamp),
    /// A recording of an earlier run has another file now, logged as `call_recording` or `conference_recording`; nothing happens where it is deleted.
    RecordingFiled(recording::Found, Timestamp),
    /// The file of a recording has come further, logged as `call_recording` or `conference_recording`; nothing is logged where the recording is deleted.
    RecordingStored(Uuid, recording::Step, Timestamp),
    /// A web server was told of an event, or not.
    WebhookDelivery(Box<webhook_delivery::Record>),
    /// A delivery is to be tried anew; nothing happens where it waits.
    WebhookRetried(Uuid, Timestamp),
    /// A reader of the log is done with everything up to this number.
    Cursor(String, i64),
    /// There is no reader of this name any more: what it did not read is not kept for it.
    CursorDropped(String),
    /// The box stands in this time zone.
    TimeZone(String),
    /// Nothing to remember: whether the disk can be written.
    Probe(Timestamp),
    /// For a while nothing could be written, logged as `database_delayed`.
    Delayed {
        /// From then on.
        since: Timestamp,
        /// Until then.
        until: Timestamp,
        /// Why, in words.
        reason: String,
    },
}

/// How safe a batch has to be when [`Writer::write`] returns; see the crate's page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Durability {
    /// Survives the end of the process.
    Batched,
    /// Survives a power cut.
    Acknowledged,
}

/// What a batch came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Committed {
    /// The last number in the log now.
    pub latest_seq: i64,
    /// How many events the batch appended.
    pub events: usize,
}

/// How many rows were deleted because a limit was reached.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Trimmed {
    /// Events that were too old or too many.
    pub events: usize,
    /// Ladders that were too many.
    pub sequences: usize,
    /// Call records that were too many.
    pub calls: usize,
    /// Records of conferences, and of places in them, that were too many.
    pub conferences: usize,
    /// Records of deleted flows, numbers, trunks, providers and routes that were too many.
    pub flows: usize,
    /// Records of deleted agents, tags and access keys that were too many.
    pub agents: usize,
    /// Records of flows that ran that were too many.
    pub activeflows: usize,
    /// Entries of the ledger that were too many.
    pub billings: usize,
    /// Deliveries to web servers, and what is remembered for them, that were too many.
    pub webhook_deliveries: usize,
}

/// Owns the connection that writes.
#[derive(Debug)]
pub struct Writer {
    connection: Connection,
    identity: Arc<Identity>,
    durability: Durability,
    /// The last number in the log, and what of it is there.
    latest: i64,
    bounds: Bounds,
    /// The time since the boot, once it is known.
    timeline: Option<Timeline>,
    /// Something was configured that the copy does not know.
    uncopied: bool,
    /// Whether web servers are told of the events of activeflows.
    tells: bool,
    store: Store,
}

impl Item {
    /// Whether anybody misses it when it is lost; a refreshed registration is refreshed again.
    pub fn is_missed(&self) -> bool {
        !matches!(self, Item::Refreshed(_) | Item::Probe(_))
    }

    /// How safe it has to be: whatever somebody may hear of must not be forgotten after that.
    pub fn durability(&self) -> Durability {
        match self {
            Item::Refreshed(_) | Item::Sequence(_) | Item::Probe(_) => Durability::Batched,
            // What a power cut takes of these is told once more.
            Item::WebhookDelivery(_) => Durability::Batched,
            Item::Cursor(name, _) if name == webhook_delivery::CURSOR => Durability::Batched,
            Item::Event(_)
            | Item::TimeZone(_)
            | Item::AccesskeyCreated(_)
            | Item::AccesskeyUpdated(..)
            | Item::AccesskeyDeleted(..)
            | Item::CustomerUpdated(..)
            | Item::Configuration(..)
            | Item::Certificate(..)
            | Item::Update(_)
            | Item::System(..)
            | Item::CallDeleted(..)
            | Item::GroupcallDeleted(..)
            | Item::ActiveflowDeleted(..)
            | Item::RecordingDeleted(..)
            | Item::RecordingFiled(..)
            | Item::RecordingStored(..)
            | Item::WebhookRetried(..)
            | Item::Cursor(..)
            | Item::CursorDropped(_)
            | Item::Delayed { .. } => Durability::Acknowledged,
        }
    }
}

impl Writer {
    pub(crate) fn new(connection: Connection, identity: Arc<Identity>, store: Store) -> Result<Writer, Error> {
        let ((_, latest), bounds) = (event_log::range(&connection)?, Bounds::of(&connection)?);
        let (uncopied, tells) = (!store.has_copy(), activeflow::tells_anybody(&connection)?);
        let durability = Durability::Acknowledged;
        let timeline = None;
        Ok(Writer { connection, identity, durability, latest, bounds, timeline, uncopied, tells, store })
    }

    /// Writes a batch: all of it, or nothing where it fails.
    pub fn write(&mut self, items: &[Item], durability: Durability) -> Result<Committed, Error> {
        self.transact(durability, |batch| {
            for item in items {
                batch.add(item)?;
            }
            batch.finish()
        })
    }

    /// Ends the calls that were up when the process died, and the flows that ran: at a start nothing of them is left.
    /// Returns how many calls.
    pub fn close_interrupted_calls(&mut self, now: Timestamp) -> Result<usize, Error> {
        let calls = call::interrupted(&self.connection, &self.identity)?;
        let places = conferencecall::interrupted(&self.connection)?;
        let activeflows = activeflow::interrupted(&self.connection)?;
        let groupcalls = groupcall::interrupted(&self.connection, &self.identity)?;
        let (count, paid) = (calls.len(), crate::billing::interrupted(&self.connection)?);
        self.transact(Durability::Acknowledged, |batch| {
            for mut record in calls {
                record.status = CallStatus::Hangup;
                record.hangup_by = CallHangupBy::Local;
                record.hangup_reason = CallHangupReason::Failed;
                record.recording_id = Uuid::nil();
                record.tm_hangup = Some(now);
                record.tm_update = now;
                batch.append(now, "call_hungup", record.id, &record)?;
                batch.tell((now, "call_hungup"), &[Some(record.id)])?;
                record.save(batch.connection)?;
            }
            batch.charge_interrupted(now, &paid)?;
            for mut place in places {
                place.status = ConferencecallStatus::Leaved;
                place.updated = UnixMicros(now.0);
                batch.conferencecall(now, "conferencecall_leaved", &place)?;
            }
            for mut groupcall in groupcalls {
                groupcall.interrupt(now);
                batch.append(now, "groupcall_hangup", groupcall.id, &groupcall)?;
                batch.tell((now, "groupcall_hangup"), &[Some(groupcall.id)])?;
                groupcall.save(batch.connection)?;
            }
            for mut activeflow in activeflows {
                activeflow::interrupt(&mut activeflow, now);
                batch.activeflow(now, "activeflow_updated", &activeflow)?;
            }
            Ok(())
        })?;
        Ok(count)
    }

    /// Ends the recordings that were not ended when the process died, each with the file that was found for it, if any.
    /// Returns how many.
    pub fn close_interrupted_recordings(&mut self, now: Timestamp, found: &[recording::Found]) -> Result<usize, Error> {
        let unfinished = recording::unfinished(&self.connection, &self.identity)?;
        let count = unfinished.len();
        self.transact(Durability::Acknowledged, |batch| {
            for mut record in unfinished {
                let file = found.iter().find(|found| found.id == record.id).map(|found| &found.file);
                record.interrupt(now, file);
                batch.append(now, record.event_name(), record.reference_id, &record)?;
                batch.tell((now, record.event_name()), &[Some(record.id)])?;
                record.save(batch.connection)?;
            }
            Ok(())
        })?;
        Ok(count)
    }

    /// Deletes what is beyond the limits of age and number, a step at a time; to be called now and then. What a batch
    /// adds beyond the number of events is deleted with the batch already.
    pub fn trim(&mut self, now: Timestamp) -> Result<Trimmed, Error> {
        let cutoff = Timestamp(now.0.saturating_sub(limits::EVENT_AGE.as_micros() as i64));
        self.durability(Durability::Batched)?;
        let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let mut timeline = self.timeline;
        let is_trusted = timeline.as_mut().map(|timeline| timeline.trusts(&transaction, now)).transpose()?;
        let first = match is_trusted {
            Some(false) => 0,
            Some(true) | None => bounds::first_since(&transaction, cutoff, limits::TRIM_STEP)?,
        };
        let first = first.min(cursor::first_owed(&transaction)?).max(self.bounds.first);
        let trimmed = Trimmed {
            events: bounds::trim_before(&transaction, first)?,
            sequences: sequence::trim(&transaction, limits::SEQUENCES)?,
            calls: call::trim(&transaction, limits::CALLS, limits::TRIM_STEP)?
                + groupcall::trim(&transaction, limits::GROUPCALLS, limits::TRIM_STEP)?,
            conferences: conference::trim(&transaction, limits::CONFERENCES, limits::TRIM_STEP)?
                + conferencecall::trim(&transaction, limits::CONFERENCECALLS, limits::TRIM_STEP)?,
            flows: flow::trim(&transaction, limits::FLOWS, limits::TRIM_STEP)?
                + number::trim(&transaction, limits::NUMBERS, limits::TRIM_STEP)?
                + trim_trunks(&transaction)?,
            agents: agent::trim(&transaction, limits::AGENTS, limits::TRIM_STEP)?
                + tag::trim(&transaction, limits::TAGS, limits::TRIM_STEP)?
                + accesskey::trim(&transaction, limits::ACCESSKEYS, limits::TRIM_STEP)?,
            activeflows: activeflow::trim(&transaction, limits::ACTIVEFLOWS, limits::TRIM_STEP)?,
            billings: crate::billing::trim(&transaction, limits::BILLINGS, limits::TRIM_STEP)?,
            webhook_deliveries: webhook_delivery::trim(&transaction, limits::TRIM_STEP)?
                + belonging::trim(&transaction, limits::TRIM_STEP)?,
        };
        transaction.commit()?;
        (self.bounds.first, self.timeline) = (first, timeline);
        Ok(trimmed)
    }

    /// Lets the file grow to so many pages of 2 KiB; beyond it a batch fails with [`Error::Full`].
    pub fn limit_pages(&mut self, pages: u32) -> Result<(), Error> {
        Ok(self.connection.pragma_update_and_check(None, "max_page_count", pages, |_| Ok(()))?)
    }

    /// Gives back the pages that the connection keeps in memory; the next batch reads them again.
    pub fn release_memory(&mut self) {
        if let Err(error) = self.connection.release_memory() {
            tracing::debug!(%error, "the connection's memory was not given back");
        }
    }

    /// Whether something was configured since the last [`Store::make_copy`].
    pub fn needs_copy(&self) -> bool {
        self.uncopied
    }

    /// Makes the copy from which a damaged database is restored.
    pub fn make_copy(&mut self) -> Result<(), Error> {
        self.store.make_copy()?;
        self.uncopied = false;
        Ok(())
    }

    /// The last number in the log.
    pub fn latest_seq(&self) -> i64 {
        self.latest
    }

    fn transact(
        &mut self,
        durability: Durability,
        work: impl FnOnce(&mut Batch<'_>) -> Result<(), Error>,
    ) -> Result<Committed, Error> {
        self.durability(durability)?;
        let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let (tells, timeline, mut bounds) = (self.tells, self.timeline, self.bounds);
        let mut batch = Batch { tells, timeline, ..Batch::new(&transaction, &self.identity, self.latest) };
        work(&mut batch)?;
        for gone in bounds.keep(&transaction, batch.latest)? {
            batch.append(batch.last_at, "event_log_trimmed", Uuid::nil(), &gone)?;
        }
        let (latest, sequences) = (batch.latest, batch.sequences);
        let (configured, tells, timeline) = (batch.configured, batch.tells, batch.timeline);
        if sequences > 0 {
            sequence::trim(&transaction, limits::SEQUENCES)?;
        }
        transaction.commit()?;
        let events = (latest - self.latest) as usize;
        (self.latest, self.tells) = (latest, tells);
        (self.bounds, self.timeline) = (bounds, timeline);
        self.uncopied |= configured;
        Ok(Committed { latest_seq: latest, events })
    }

    fn durability(&mut self, durability: Durability) -> Result<(), Error> {
        if self.durability != durability {
            let level = match durability {
                Durability::Batched => "NORMAL",
                Durability::Acknowledged => "FULL",
            };
            self.connection.pragma_update(None, "synchronous", level)?;
            self.durability = durability;
        }
        Ok(())
    }
}

/// A transaction while it fills. Of rows that change several times only the last state is written.
struct Batch<'a> {
    connection: &'a Connection,
    identity: &'a Identity,
    latest: i64,
    /// When the last event happened.
    last_at: Timestamp,
    timeline: Option<Timeline>,
    tells: bool,
    sequences: usize,
    /// One of the events is about what people configured.
    configured: bool,
    json: Vec<u8>,
    calls: Vec<call::Record>,
    call_place: FxHashMap<Uuid, usize>,
    refreshed: FxHashMap<(Uuid, String), Binding>,
}

/// What `extension_registered` and `extension_unregistered` carry: the extension, and which contact it is about.
#[derive(Serialize)]
struct Registered {
    #[serde(flatten)]
    extension: extension::Record,
    registration: registration::Record,
}

impl<'a> Batch<'a> {
    fn new(connection: &'a Connection, identity: &'a Identity, latest: i64) -> Batch<'a> {
        Batch {
            connection,
            identity,
            latest,
            last_at: Timestamp(0),
            timeline: None,
            tells: false,
            sequences: 0,
            configured: false,
            json: Vec::with_capacity(2048),
            calls: Vec::new(),
            call_place: FxHashMap::default(),
            refreshed: FxHashMap::default(),
        }
    }

    fn add(&mut self, item: &Item) -> Result<(), Error> {
        match item {
            Item::Event(event) => self.event(event),
            Item::Refreshed(binding) => {
                self.refreshed.insert((binding.extension_id, binding.contact.clone()), (**binding).clone());
                Ok(())
            }
            Item::Sequence(ladder) => {
                self.sequences += 1;
                sequence::save(self.connection, ladder)
            }
            Item::AccesskeyCreated(key) => self.accesskey(key.record.tm_create, "accesskey_created", key),
            Item::AccesskeyUpdated(id, change, at) => self.update_accesskey(*id, change, *at),
            Item::AccesskeyDeleted(id, at) => self.delete_accesskey(*id, *at),
            Item::CustomerUpdated(change, at) => self.update_customer(change, *at),
            Item::Configuration(record, at) => self.append(*at, record.kind(), Uuid::nil(), record),
            Item::Certificate(record, at) => self.append(*at, "certificate_updated", Uuid::nil(), record),
            Item::Update(record) => {
                update::save(self.connection, record)?;
                self.append(record.tm_update, record.status.event(), Uuid::nil(), record)
            }
            Item::System(record, at) => self.append(*at, record.kind(), Uuid::nil(), record),
            Item::RecordingDeleted(id, at) => self.delete_recording(*id, *at),
            Item::RecordingFiled(found, at) => self.refile_recording(found, *at),
            Item::RecordingStored(id, step, at) => self.store_recording(*id, step, *at),
            Item::CallDeleted(id, at) => self.delete_call(*id, *at),
            Item::GroupcallDeleted(id, at) => self.delete_groupcall(*id, *at),
            Item::ActiveflowDeleted(id, at) => self.delete_activeflow(*id, *at),
            Item::WebhookDelivery(delivery) => webhook_delivery::save(self.connection, delivery),
            Item::WebhookRetried(id, at) => self.retry_webhook(*id, *at),
            Item::Cursor(name, seq) => cursor::advance(self.connection, name, *seq),
            Item::CursorDropped(name) => cursor::forget(self.connection, name),
            Item::Delayed { since, until, reason } => self.delayed(*since, *until, reason),
            Item::TimeZone(name) => setting::write(self.connection, "time_zone", name.as_bytes()),
            Item::Probe(at) => setting::write(self.connection, "probe", &at.0.to_be_bytes()),
        }
    }

    /// Writes the rows whose last state is known now.
    fn finish(&mut self) -> Result<(), Error> {
        self.call_place.clear();
        for record in self.calls.drain(..) {
            record.save(self.connection)?;
        }
        for (_, binding) in self.refreshed.drain() {
            registration::save(self.connection, &binding)?;
        }
        Ok(())
    }

    fn event(&mut self, event: &Event) -> Result<(), Error> {
        let (at, name) = (event.at.into(), event.kind.name());
        match &event.kind {
            EventKind::ExtensionCreated(extension) | EventKind::ExtensionUpdated(extension) => {
                self.extension(at, name, extension)
            }
            EventKind::ExtensionDeleted(extension) => self.extension_deleted(at, name, extension),
            EventKind::ExtensionRegistered(binding) => self.registered(at, name, binding),
            EventKind::ExtensionUnregistered(binding) => self.unregistered(at, name, binding),
            EventKind::CallCreated(call)
            | EventKind::CallRinging(call)
            | EventKind::CallAnswered(call)
            | EventKind::CallUpdated(call)
            | EventKind::CallTerminating(call)
            | EventKind::CallCanceling(call)
            | EventKind::CallHungup(call) => self.call(at, &event.kind, call),
            EventKind::BillingAccountUpdated(_)
            | EventKind::BillingAdjusted(_)
            | EventKind::BillingUsed(_)
            | EventKind::BillingRefused(_)
            | EventKind::BillingSpent(_) => self.pay(at, &event.kind),
            EventKind::DtmfReceived(dtmf) => self.dtmf(at, name, dtmf),
            EventKind::MessageCreated(message) | EventKind::MessageUpdated(message) => self.message(at, name, message),
            EventKind::GroupcallCreated(groupcall)
            | EventKind::GroupcallUpdated(groupcall)
            | EventKind::GroupcallProgressing(groupcall)
            | EventKind::GroupcallHangup(groupcall) => self.groupcall(at, name, groupcall),
            EventKind::ConferenceCreated(conference)
            | EventKind::ConferenceUpdated(conference)
            | EventKind::ConferenceDeleted(conference) => self.conference(at, name, conference),
            EventKind::ConferencecallJoining(place)
            | EventKind::ConferencecallJoined(place)
            | EventKind::ConferencecallLeaving(place)
            | EventKind::ConferencecallLeaved(place) => self.conferencecall(at, name, place),
            EventKind::FlowCreated(flow) | EventKind::FlowUpdated(flow) | EventKind::FlowDeleted(flow) => {
                self.flow(at, name, flow)
            }
            EventKind::NumberCreated(number) | EventKind::NumberUpdated(number) | EventKind::NumberDeleted(number) => {
                self.number(at, name, number)
            }
            EventKind::AgentCreated(agent)
            | EventKind::AgentUpdated(agent)
            | EventKind::AgentStatusUpdated(agent)
            | EventKind::AgentDeleted(agent) => self.agent(at, name, agent),
            EventKind::TagCreated(tag) | EventKind::TagUpdated(tag) | EventKind::TagDeleted(tag) => {
                self.tag(at, name, tag)
            }
            EventKind::TrunkCreated(trunk) | EventKind::TrunkUpdated(trunk) | EventKind::TrunkDeleted(trunk) => {
                self.trunk(at, name, trunk)
            }
            EventKind::ProviderCreated(record)
            | EventKind::ProviderUpdated(record)
            | EventKind::ProviderDeleted(record) => self.provider(at, name, record),
            EventKind::RouteCreated(route) | EventKind::RouteUpdated(route) | EventKind::RouteDeleted(route) => {
                self.route(at, name, route)
            }
            EventKind::OutboundConfigUpdated(config) => self.outbound_config(at, name, config),
            EventKind::DirectHashUpdated(made) => self.direct_hash(at, name, made),
            EventKind::ActiveflowCreated(activeflow) | EventKind::ActiveflowUpdated(activeflow) => {
                self.activeflow(at, name, activeflow)
            }
            EventKind::Recording(recording) => self.recording(at, name, recording),
            EventKind::SourceBlocked { .. } | EventKind::SourceUnblocked { .. } => self.blocked(at, name, &event.kind),
            EventKind::ClockCorrected { from, to } => self.clock_corrected(name, (*from).into(), (*to).into()),
        }
    }

    fn blocked(&mut self, at: Timestamp, name: &str, kind: &EventKind) -> Result<(), Error> {
        let (source, failures, until) = match kind {
            EventKind::SourceBlocked { source, failures, until } => (source, Some(*failures), Some((*until).into())),
            EventKind::SourceUnblocked { source } => (source, None, None),
            _ => return Ok(()),
        };
        self.append(at, name, Uuid::nil(), &Blocked { source, failures, until })
    }

    fn dtmf(&mut self, at: Timestamp, name: &str, dtmf: &Dtmf) -> Result<(), Error> {
        self.append(at, name, dtmf.call_id, &dtmf::Record::new(dtmf, self.identity))?;
        self.tell((at, name), &[Some(dtmf.call_id)])
    }

    fn message(&mut self, at: Timestamp, name: &str, message: &MessageRecord) -> Result<(), Error> {
        self.append(at, name, message.id, &message::Record::new(message, self.identity))?;
        self.tell_of((at, name), message.id, &[Some(message.activeflow_id)])
    }

    fn conference(&mut self, at: Timestamp, name: &str, conference: &Conference) -> Result<(), Error> {
        conference::save(self.connection, conference)?;
        if conference.ended.is_some() {
            direct_hash::remove(self.connection, Direct::Conference(conference.id))?;
        }
        self.append(at, name, conference.id, &conference::Record::new(conference, self.identity))
    }

    fn groupcall(&mut self, at: Timestamp, name: &str, groupcall: &Groupcall) -> Result<(), Error> {
        let record = groupcall::Record::new(groupcall, self.identity);
        record.save(self.connection)?;
        self.append(at, name, record.id, &record)?;
        self.tell_of((at, name), record.id, &[groupcall.made_by, groupcall.master_call_id])
    }

    fn registered(&mut self, at: Timestamp, name: &str, binding: &Binding) -> Result<(), Error> {
        self.refreshed.remove(&(binding.extension_id, binding.contact.clone()));
        registration::save(self.connection, binding)?;
        self.contact(at, name, binding)
    }

    fn unregistered(&mut self, at: Timestamp, name: &str, binding: &Binding) -> Result<(), Error> {
        self.refreshed.remove(&(binding.extension_id, binding.contact.clone()));
        registration::remove(self.connection, binding.extension_id, &binding.contact)?;
        self.contact(at, name, binding)
    }

    fn contact(&mut self, at: Timestamp, name: &str, binding: &Binding) -> Result<(), Error> {
        let Some(extension) = extension::get_even_deleted(self.connection, binding.extension_id)? else {
            return self.append(at, name, binding.extension_id, &registration::Record::from(binding));
        };
        let extension = extension::Record::new(&extension, self.identity).without_password();
        let data = Registered { extension, registration: binding.into() };
        self.append(at, name, binding.extension_id, &data)
    }

    fn call(&mut self, at: Timestamp, kind: &EventKind, call: &CallRecord) -> Result<(), Error> {
        let (record, name) = (call::Record::new(call, self.identity), kind.name());
        self.append(at, name, record.id, &record)?;
        let origins = [call.activeflow_id, call.made_by, call.master_call_id, call.groupcall_id];
        self.tell_of((at, name), record.id, &origins)?;
        match self.call_place.get(&record.id) {
            Some(&place) => self.calls[place] = record,
            None => {
                self.call_place.insert(record.id, self.calls.len());
                self.calls.push(record);
            }
        }
        self.pay(at, kind)
    }

    fn conferencecall(&mut self, at: Timestamp, name: &str, place: &Conferencecall) -> Result<(), Error> {
        conferencecall::save(self.connection, place)?;
        self.append(at, name, place.id, &conferencecall::Record::new(place, self.identity))?;
        self.tell((at, name), &[Some(place.call_id)])
    }

    fn flow(&mut self, at: Timestamp, name: &str, flow: &Flow) -> Result<(), Error> {
        flow::save(self.connection, flow)?;
        if flow.deleted.is_some() {
            direct_hash::remove(self.connection, Direct::Flow(flow.id))?;
        }
        self.append(at, name, flow.id, &flow::Record::new(flow, self.identity))
    }

    fn accesskey(&mut self, at: Timestamp, name: &str, key: &accesskey::Account) -> Result<(), Error> {
        accesskey::save(self.connection, key)?;
        self.append(at, name, key.record.id, &key.record)
    }

    fn update_accesskey(&mut self, id: Uuid, change: &accesskey::Change, at: Timestamp) -> Result<(), Error> {
        let Some(mut key) = accesskey::get(self.connection, self.identity, id)? else { return Ok(()) };
        key.record.name = change.name.clone().unwrap_or(key.record.name);
        key.record.detail = change.detail.clone().unwrap_or(key.record.detail);
        key.record.tm_update = at;
        self.accesskey(at, "accesskey_updated", &key)
    }

    fn delete_accesskey(&mut self, id: Uuid, at: Timestamp) -> Result<(), Error> {
        let Some(mut key) = accesskey::get(self.connection, self.identity, id)? else { return Ok(()) };
        (key.record.tm_update, key.record.tm_delete) = (at, Some(at));
        self.accesskey(at, "accesskey_deleted", &key)
    }

    fn update_customer(&mut self, change: &customer::Change, at: Timestamp) -> Result<(), Error> {
        let mut record = customer::get(self.connection, self.identity)?;
        let was_told = record.is_told();
        record.apply(change, at);
        customer::save(self.connection, &record, change.webhook_secret.as_deref())?;
        if record.is_told() && !was_told {
            // Whoever is told now is told from this change on, and of nothing before it.
            cursor::set(self.connection, webhook_delivery::CURSOR, self.latest)?;
        }
        self.append(at, "customer_updated", record.id, &record)
    }

    fn activeflow(&mut self, at: Timestamp, name: &str, activeflow: &ActiveflowRecord) -> Result<(), Error> {
        activeflow::save(self.connection, activeflow)?;
        self.append(at, name, activeflow.id, &activeflow::Record::new(activeflow, self.identity))?;
        self.tells |= activeflow.webhook.is_some();
        let recording = match activeflow.origin {
            Origin::Recording(id) => Some(id),
            Origin::Call | Origin::Api | Origin::Nothing => None,
        };
        self.tell_of((at, name), activeflow.id, &[activeflow.call_id, activeflow.follows, recording])
    }

    /// The event belongs to what is recorded.
    fn recording(&mut self, at: Timestamp, name: &str, recording: &RecordingRecord) -> Result<(), Error> {
        let record = recording::Record::new(recording, self.identity);
        record.save(self.connection)?;
        self.append(at, name, record.reference_id, &record)?;
        self.tell_of((at, name), record.id, &[Some(record.reference_id)])
    }

    fn delete_recording(&mut self, id: Uuid, at: Timestamp) -> Result<(), Error> {
        let found = recording::get(self.connection, self.identity, id)?;
        let ended = |record: &recording::Record| record.status == recording::RecordingStatus::Ended;
        let Some(mut record) = found.filter(ended) else { return Ok(()) };
        record.tm_delete = Some(at);
        record.tm_update = at;
        record.save(self.connection)?;
        self.append(at, "recording_deleted", id, &record)?;
        self.tell((at, "recording_deleted"), &[Some(id)])
    }

    fn refile_recording(&mut self, found: &recording::Found, at: Timestamp) -> Result<(), Error> {
        let Some(mut record) = recording::get(self.connection, self.identity, found.id)? else { return Ok(()) };
        record.refile(at, &found.file);
        record.save(self.connection)?;
        self.append(at, record.event_name(), record.reference_id, &record)?;
        self.tell((at, record.event_name()), &[Some(record.id)])
    }

    fn retry_webhook(&mut self, id: Uuid, at: Timestamp) -> Result<(), Error> {
        let found = webhook_delivery::get(self.connection, self.identity, id)?;
        let is_over = |delivery: &webhook_delivery::Record| delivery.status != DeliveryStatus::Waiting;
        let Some(mut delivery) = found.filter(is_over) else { return Ok(()) };
        delivery.renew(at);
        webhook_delivery::save(self.connection, &delivery)
    }

    /// What is deleted has no events any more, but its file has still to go.
    fn store_recording(&mut self, id: Uuid, step: &recording::Step, at: Timestamp) -> Result<(), Error> {
        let found = recording::get_even_deleted(self.connection, self.identity, id)?;
        let Some(mut record) = found else { return Ok(()) };
        if !record.step(step, at) {
            return Ok(());
        }
        record.save(self.connection)?;
        if record.tm_delete.is_some() {
            return Ok(());
        }
        self.append(at, record.event_name(), record.reference_id, &record)?;
        self.tell((at, record.event_name()), &[Some(record.id)])
    }

    fn delete_call(&mut self, id: Uuid, at: Timestamp) -> Result<(), Error> {
        self.finish()?;
        let found = call::get(self.connection, self.identity, id)?;
        let Some(mut record) = found.filter(|call| call.status == CallStatus::Hangup) else { return Ok(()) };
        record.tm_delete = Some(at);
        record.tm_update = at;
        record.save(self.connection)?;
        self.append(at, "call_deleted", id, &record)?;
        self.tell((at, "call_deleted"), &[Some(id)])
    }

    fn delete_groupcall(&mut self, id: Uuid, at: Timestamp) -> Result<(), Error> {
        let found = groupcall::get(self.connection, self.identity, id)?;
        let is_over = |groupcall: &groupcall::Record| groupcall.status == groupcall::GroupcallStatus::Hangup;
        let Some(mut record) = found.filter(is_over) else { return Ok(()) };
        (record.tm_delete, record.tm_update) = (Some(at), at);
        record.save(self.connection)?;
        self.append(at, "groupcall_deleted", id, &record)?;
        self.tell((at, "groupcall_deleted"), &[Some(id)])
    }

    fn delete_activeflow(&mut self, id: Uuid, at: Timestamp) -> Result<(), Error> {
        let found = activeflow::get(self.connection, self.identity, id)?;
        let Some(record) = found else { return Ok(()) };
        if !activeflow::delete(self.connection, id, at)? {
            return Ok(());
        }
        let deleted = activeflow::Record { tm_update: at, tm_delete: Some(at), ..record };
        self.append(at, "activeflow_deleted", id, &deleted)?;
        self.tell((at, "activeflow_deleted"), &[Some(id)])
    }

    fn append(&mut self, at: Timestamp, kind: &str, resource_id: Uuid, data: &impl Serialize) -> Result<(), Error> {
        self.json.clear();
        serde_json::to_writer(&mut self.json, data)?;
        let data = std::str::from_utf8(&self.json).expect("serde_json writes UTF-8");
        let entry = event_log::Entry { at, kind, resource_id, data };
        let place = self.timeline.as_mut().map(|timeline| timeline.place(at));
        event_log::append(self.connection, self.latest + 1, &entry, place)?;
        (self.latest, self.last_at) = (self.latest + 1, at);
        self.configured |= event_log::is_about_configuration(kind);
        Ok(())
    }
}

/// What `source_blocked` and `source_unblocked` carry.
#[derive(Serialize)]
struct Blocked<'a> {
    source: &'a IpAddr,
    #[serde(skip_serializing_if = "Option::is_none")]
    failures: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    until: Option<Timestamp>,
}

fn trim_trunks(connection: &Connection) -> Result<usize, Error> {
    let tables = ["trunk", "provider", "route"];
    tables
        .iter()
        .try_fold(0, |trimmed, table| Ok(trimmed + kept::trim(connection, table, limits::TRUNKS, limits::TRIM_STEP)?))
}
