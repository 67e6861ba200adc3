//! Facts: what happened, complete enough for the store to write it and for any reader to understand it alone.

use crate::UnixMicros;
use crate::billing::{Adjustment, BillingAccount, Shortage, Usage};
use crate::call::{CallRecord, Dtmf};
use crate::conference::{Conference, Conferencecall};
use crate::directory::{Agent, Direct, DirectHash, Extension, Number, OutboundConfig, Route, Tag, Trunk};
use crate::flow::{ActiveflowRecord, Flow};
use crate::groupcall::Groupcall;
use crate::message::record::MessageRecord;
use crate::provider::ProviderRecord;
use crate::recording::RecordingRecord;
use crate::registrar::Binding;

/// One fact. The store gives it its sequence number and writes it together with the rows it changes, in one transaction.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// When it happened.
    pub at: UnixMicros,
    /// What happened.
    pub kind: EventKind,
}

/// The kinds of facts; [`EventKind::name`] is the word that leaves the box.
#[derive(Debug, Clone, PartialEq)]
pub enum EventKind {
    /// An extension was made.
    ExtensionCreated(Extension),
    /// An extension was changed.
    ExtensionUpdated(Extension),
    /// An extension was deleted (softly: the record stays).
    ExtensionDeleted(Extension),
    /// A phone registered a contact that was not there before.
    ExtensionRegistered(Box<Binding>),
    /// A contact is gone: the phone took it back, or it expired.
    ExtensionUnregistered(Box<Binding>),
    /// A call began; one for each leg.
    CallCreated(Box<CallRecord>),
    /// The called side rings.
    CallRinging(Box<CallRecord>),
    /// The leg was answered: status `progressing`.
    CallAnswered(Box<CallRecord>),
    /// Something else about the leg changed: held, codec, chained calls.
    CallUpdated(Box<CallRecord>),
    /// The leg is being ended by us after it was answered.
    CallTerminating(Box<CallRecord>),
    /// The leg is being ended by us before it was answered.
    CallCanceling(Box<CallRecord>),
    /// The leg is over; nothing follows. Exactly one for each `CallCreated`.
    CallHungup(Box<CallRecord>),
    /// A phone pressed a key.
    DtmfReceived(Box<Dtmf>),
    /// A text was sent.
    MessageCreated(Box<MessageRecord>),
    /// One of those whom it was sent to took it, or did not.
    MessageUpdated(Box<MessageRecord>),
    /// Calls are made of which the first that is answered ends the others.
    GroupcallCreated(Box<Groupcall>),
    /// The next of them is rung, or all of them are being ended.
    GroupcallUpdated(Box<Groupcall>),
    /// One of them was answered.
    GroupcallProgressing(Box<Groupcall>),
    /// All of them are over. Exactly one for each `GroupcallCreated`.
    GroupcallHangup(Box<Groupcall>),
    /// A conference was made.
    ConferenceCreated(Box<Conference>),
    /// A conference was changed, or somebody came or left.
    ConferenceUpdated(Box<Conference>),
    /// A conference is over (the record stays).
    ConferenceDeleted(Box<Conference>),
    /// A call takes a place in a conference.
    ConferencecallJoining(Box<Conferencecall>),
    /// It hears the others, and they hear it.
    ConferencecallJoined(Box<Conferencecall>),
    /// It is on its way out.
    ConferencecallLeaving(Box<Conferencecall>),
    /// It is out. Exactly one for each `ConferencecallJoining`.
    ConferencecallLeaved(Box<Conferencecall>),
    /// A flow was made.
    FlowCreated(Box<Flow>),
    /// A flow was changed.
    FlowUpdated(Box<Flow>),
    /// A flow was deleted (softly: the record stays).
    FlowDeleted(Box<Flow>),
    /// A number was made.
    NumberCreated(Box<Number>),
    /// A number was changed.
    NumberUpdated(Box<Number>),
    /// A number was deleted (softly: the record stays).
    NumberDeleted(Box<Number>),
    /// An agent was made.
    AgentCreated(Box<Agent>),
    /// An agent was changed.
    AgentUpdated(Box<Agent>),
    /// An agent takes calls now, or does so no more.
    AgentStatusUpdated(Box<Agent>),
    /// An agent was deleted (softly: the record stays).
    AgentDeleted(Box<Agent>),
    /// A tag was made.
    TagCreated(Tag),
    /// A tag was changed.
    TagUpdated(Tag),
    /// A tag was deleted (softly: the record stays).
    TagDeleted(Tag),
    /// A trunk was made.
    TrunkCreated(Box<Trunk>),
    /// A trunk was changed.
    TrunkUpdated(Box<Trunk>),
    /// A trunk was deleted (softly: the record stays).
    TrunkDeleted(Box<Trunk>),
    /// A provider was made.
    ProviderCreated(Box<ProviderRecord>),
    /// A provider was changed, or things stand otherwise with it.
    ProviderUpdated(Box<ProviderRecord>),
    /// A provider was deleted (softly: the record stays).
    ProviderDeleted(Box<ProviderRecord>),
    /// A route was made.
    RouteCreated(Box<Route>),
    /// A route was changed.
    RouteUpdated(Box<Route>),
    /// A route was deleted (softly: the record stays).
    RouteDeleted(Box<Route>),
    /// What counts for every call beyond the box was changed.
    OutboundConfigUpdated(Box<OutboundConfig>),
    /// A direct hash was made, or ended: its resource was changed.
    DirectHashUpdated(Box<DirectHash>),
    /// A flow begins to run.
    ActiveflowCreated(Box<ActiveflowRecord>),
    /// It has come further, or is over.
    ActiveflowUpdated(Box<ActiveflowRecord>),
    /// A recording has come further; the last one says what file there is.
    Recording(Box<RecordingRecord>),
    /// Something was set of the billing account.
    BillingAccountUpdated(Box<BillingAccount>),
    /// Somebody added to the balance, or took from it.
    BillingAdjusted(Adjustment),
    /// Something other than a call was used, and is charged.
    BillingUsed(Box<Usage>),
    /// A call was refused because the balance is spent.
    BillingRefused(Box<Shortage>),
    /// A call outlives the balance.
    BillingSpent(Box<Shortage>),
    /// A source guessed passwords and is not listened to until the given moment.
    SourceBlocked {
        /// The address.
        source: std::net::IpAddr,
        /// How many wrong digests it sent within the minute.
        failures: u32,
        /// When it is listened to again.
        until: UnixMicros,
    },
    /// A source that was blocked is listened to again.
    SourceUnblocked {
        /// The address.
        source: std::net::IpAddr,
    },
    /// The wall clock was set. What is not over is dated by the new one from here on.
    ClockCorrected {
        /// What it would show, had nobody set it.
        from: UnixMicros,
        /// What it shows.
        to: UnixMicros,
    },
}

impl EventKind {
    /// The event's name as webhooks, WebSocket and records carry it (`call_created`, …).
    pub fn name(&self) -> &'static str {
        match self {
            EventKind::ExtensionCreated(_) => "extension_created",
            EventKind::ExtensionUpdated(_) => "extension_updated",
            EventKind::ExtensionDeleted(_) => "extension_deleted",
            EventKind::ExtensionRegistered(_) => "extension_registered",
            EventKind::ExtensionUnregistered(_) => "extension_unregistered",
            EventKind::CallCreated(_) => "call_created",
            EventKind::CallRinging(_) => "call_ringing",
            EventKind::CallAnswered(_) => "call_answered",
            EventKind::CallUpdated(_) => "call_updated",
            EventKind::CallTerminating(_) => "call_terminating",
            EventKind::CallCanceling(_) => "call_canceling",
            EventKind::CallHungup(_) => "call_hungup",
            EventKind::DtmfReceived(_) => "dtmf_received",
            EventKind::MessageCreated(_) => "message_created",
            EventKind::MessageUpdated(_) => "message_updated",
            EventKind::GroupcallCreated(_) => "groupcall_created",
            EventKind::GroupcallUpdated(_) => "groupcall_updated",
            EventKind::GroupcallProgressing(_) => "groupcall_progressing",
            EventKind::GroupcallHangup(_) => "groupcall_hangup",
            EventKind::ConferenceCreated(_) => "conference_created",
            EventKind::ConferenceUpdated(_) => "conference_updated",
            EventKind::ConferenceDeleted(_) => "conference_deleted",
            EventKind::ConferencecallJoining(_) => "conferencecall_joining",
            EventKind::ConferencecallJoined(_) => "conferencecall_joined",
            EventKind::ConferencecallLeaving(_) => "conferencecall_leaving",
            EventKind::ConferencecallLeaved(_) => "conferencecall_leaved",
            EventKind::FlowCreated(_) => "flow_created",
            EventKind::FlowUpdated(_) => "flow_updated",
            EventKind::FlowDeleted(_) => "flow_deleted",
            EventKind::NumberCreated(_) => "number_created",
            EventKind::NumberUpdated(_) => "number_updated",
            EventKind::NumberDeleted(_) => "number_deleted",
            EventKind::AgentCreated(_) => "agent_created",
            EventKind::AgentUpdated(_) => "agent_updated",
            EventKind::AgentStatusUpdated(_) => "agent_status_updated",
            EventKind::AgentDeleted(_) => "agent_deleted",
            EventKind::TagCreated(_) => "tag_created",
            EventKind::TagUpdated(_) => "tag_updated",
            EventKind::TagDeleted(_) => "tag_deleted",
            EventKind::TrunkCreated(_) => "trunk_created",
            EventKind::TrunkUpdated(_) => "trunk_updated",
            EventKind::TrunkDeleted(_) => "trunk_deleted",
            EventKind::ProviderCreated(_) => "provider_created",
            EventKind::ProviderUpdated(_) => "provider_updated",
            EventKind::ProviderDeleted(_) => "provider_deleted",
            EventKind::RouteCreated(_) => "route_created",
            EventKind::RouteUpdated(_) => "route_updated",
            EventKind::RouteDeleted(_) => "route_deleted",
            EventKind::OutboundConfigUpdated(_) => "outbound_config_updated",
            EventKind::DirectHashUpdated(hash) => match hash.to {
                Direct::Extension(_) => "extension_updated",
                Direct::Agent(_) => "agent_updated",
                Direct::Conference(_) => "conference_updated",
                Direct::Flow(_) => "flow_updated",
            },
            EventKind::ActiveflowCreated(_) => "activeflow_created",
            EventKind::ActiveflowUpdated(_) => "activeflow_updated",
            EventKind::Recording(recording) => recording.of.event_name(),
            EventKind::BillingAccountUpdated(_) => "billing_account_updated",
            EventKind::BillingAdjusted(_) | EventKind::BillingUsed(_) => "billing_created",
            EventKind::BillingRefused(_) => "billing_refused",
            EventKind::BillingSpent(_) => "billing_spent",
            EventKind::SourceBlocked { .. } => "source_blocked",
            EventKind::SourceUnblocked { .. } => "source_unblocked",
            EventKind::ClockCorrected { .. } => "clock_corrected",
        }
    }
}
