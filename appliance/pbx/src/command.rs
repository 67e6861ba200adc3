//! What people and programs ask of the exchange, and what it answers.

use std::net::SocketAddr;
use std::time::Duration;

use uuid::Uuid;

use crate::billing::{Adjustment, BillingAccount, BillingAccountData};
use crate::call::transfer::{NewTransfer, TransferRecord};
use crate::call::{CallRecord, Control};
use crate::conference::{Conference, ConferenceChange, Conferencecall, NewConference};
use crate::directory::{
    Agent, AgentChange, Author, Direct, Extension, ExtensionChange, NewAgent, NewExtension, NewNumber, NewTag, Number,
    NumberChange, OutboundConfig, OutboundConfigChange, ProviderData, ProviderSetup, Route, RouteData, Tag, TagChange,
    Trunk, TrunkData,
};
use crate::errand::Speech;
use crate::flow::action::Action;
use crate::flow::order::NewCall;
use crate::flow::record::EventWebhook;
use crate::flow::{ActiveflowRecord, Fault, Finding, Flow, NewFlow};
use crate::groupcall::{Groupcall, NewGroupcall};
use crate::provider::ProviderRecord;
use crate::recording::{Recorded, RecordingOptions};
use crate::registrar::Binding;
use crate::sequence::Sequence;

/// The caller's number for a command, returned with its [`Reply`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RequestId(pub u64);

/// A request; each is answered by exactly one [`Reply`] or [`Rejection`], after the events that it caused.
#[derive(Debug, Clone, PartialEq)]
pub enum Command {
    /// Make an extension.
    CreateExtension(NewExtension),
    /// Change an extension.
    UpdateExtension(Uuid, ExtensionChange),
    /// Delete an extension; its registrations and calls end.
    DeleteExtension(Uuid),
    /// Make a conference.
    CreateConference(NewConference),
    /// Change a conference.
    UpdateConference(Uuid, ConferenceChange),
    /// End a conference: everybody is sent away.
    DeleteConference(Uuid),
    /// Send one call out of its conference, and end it.
    DeleteConferencecall(Uuid),
    /// Make a flow.
    CreateFlow(NewFlow),
    /// Replace a flow.
    UpdateFlow(Uuid, NewFlow),
    /// Delete a flow. Calls that run it go on.
    DeleteFlow(Uuid),
    /// Make a number.
    CreateNumber(NewNumber),
    /// Change a number.
    UpdateNumber(Uuid, NumberChange),
    /// Delete a number.
    DeleteNumber(Uuid),
    /// Make an agent.
    CreateAgent(Box<NewAgent>, Author),
    /// Change an agent.
    UpdateAgent(Uuid, Box<AgentChange>, Author),
    /// Delete an agent.
    DeleteAgent(Uuid, Author),
    /// Make a tag.
    CreateTag(NewTag),
    /// Change a tag.
    UpdateTag(Uuid, TagChange),
    /// Delete a tag; agents have it no more.
    DeleteTag(Uuid),
    /// Run a flow that no call goes through.
    CreateActiveflow(Box<NewActiveflow>),
    /// Make a trunk.
    CreateTrunk(Box<TrunkData>),
    /// Replace what was set of a trunk.
    UpdateTrunk(Uuid, Box<TrunkData>),
    /// Delete a trunk. Its calls go on.
    DeleteTrunk(Uuid),
    /// What is set of a trunk, its password too.
    ReadTrunk(Uuid),
    /// Make a provider.
    CreateProvider(Box<ProviderData>),
    /// Make a provider and the routes to it: all of them, or nothing.
    SetUpProvider(Box<ProviderSetup>),
    /// Replace what was set of a provider.
    UpdateProvider(Uuid, Box<ProviderData>),
    /// Delete a provider, which no route may lead to any more. Its calls go on.
    DeleteProvider(Uuid),
    /// What is set of a provider, its password too, and how things stand with it.
    ReadProvider(Uuid),
    /// How things stand with all providers.
    ListProviders,
    /// Make a route.
    CreateRoute(Box<RouteData>),
    /// Replace what was set of a route.
    UpdateRoute(Uuid, Box<RouteData>),
    /// Delete a route.
    DeleteRoute(Uuid),
    /// What is set of a route.
    ReadRoute(Uuid),
    /// Replace what was set of the billing account.
    UpdateBillingAccount(Box<BillingAccountData>),
    /// Add to the balance, or take from it.
    AdjustBalance(Adjustment),
    /// Give a resource a new direct hash, in the place of the one that it had.
    RegenerateDirectHash(Direct),
    /// Take the direct hash from a resource.
    DeleteDirectHash(Direct),
    /// Change what counts for every call beyond the box.
    UpdateOutboundConfig(Box<OutboundConfigChange>),
    /// End a flow that runs; its call ends, too.
    StopActiveflow(Uuid),
    /// Make calls: one for each destination, each of which goes through the flow.
    CreateCalls(Box<NewCall>),
    /// Make one call of several: the first who answers has it.
    CreateGroupcall(Box<NewGroupcall>),
    /// End all calls of a groupcall.
    HangupGroupcall(Uuid),
    /// Send digits to the phone of a call.
    SendDigits {
        /// The call.
        call: Uuid,
        /// Which: `0`–`9`, `*`, `#`, `A`–`D`.
        digits: String,
        /// How long each is.
        duration: Duration,
    },
    /// Order something of a call's audio.
    ControlCall(Uuid, Control),
    /// Say something to a leg.
    Talk(Uuid, Speech),
    /// End one call (a leg, and with it what it is bridged to).
    HangupCall(Uuid),
    /// Record a leg, its phone on the left, what it hears on the right; or everybody in a conference.
    StartRecording(Recorded, RecordingOptions),
    /// End the recording.
    StopRecording(Recorded),
    /// Leave out of the recording what is said from now on, or go on.
    PauseRecording {
        /// What is recorded.
        of: Recorded,
        /// Whether it waits.
        paused: bool,
    },
    /// Send whom a call talks to to somebody else.
    CreateTransfer(NewTransfer),
    /// What happened in a call that is still up.
    ReadSequence(Uuid),
    /// Which contacts are registered now, of one extension or of all.
    ListBindings(Option<Uuid>),
    /// The numbers behind `/metrics`.
    ReadCounters,
    /// Tells where the world reaches us, as far as that is known.
    ReadPublicAddress,
    /// The box stands in this time zone, by its IANA name, for the time of day in flows.
    SetTimeZone(String),
}

/// What [`Command::CreateActiveflow`] needs.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct NewActiveflow {
    /// The id that it is to have.
    pub id: Option<Uuid>,
    /// The flow.
    pub flow_id: Option<Uuid>,
    /// What is done, if no flow is named.
    pub actions: Vec<Action>,
    /// Variables that it begins with.
    pub variables: Vec<(String, String)>,
    /// The web server that is told of its events.
    pub webhook: Option<EventWebhook>,
}

/// The answer to a [`Command`].
#[derive(Debug, Clone, PartialEq)]
pub enum Reply {
    /// The extension as it is now.
    Extension(Extension),
    /// The conference as it is now.
    Conference(Box<Conference>),
    /// The place in a conference as it is now.
    Conferencecall(Box<Conferencecall>),
    /// The flow as it is now.
    Flow(Box<Flow>),
    /// The number as it is now.
    Number(Box<Number>),
    /// The agent as it is now.
    Agent(Box<Agent>),
    /// The tag as it is now.
    Tag(Tag),
    /// The trunk as it is now.
    Trunk(Box<Trunk>),
    /// The provider as it is now.
    Provider(Box<ProviderRecord>),
    /// All providers as they are now.
    Providers(Vec<ProviderRecord>),
    /// The route as it is now.
    Route(Box<Route>),
    /// The billing account as it is now.
    BillingAccount(Box<BillingAccount>),
    /// What counts for every call beyond the box now.
    OutboundConfig(Box<OutboundConfig>),
    /// The direct hash is as it was asked for; the store shows it.
    DirectHash,
    /// The activeflow as it is now.
    Activeflow(Box<ActiveflowRecord>),
    /// The call as it is now.
    Call(Box<CallRecord>),
    /// The calls that were made, and the groups that some of them belong to.
    Calls(Vec<CallRecord>, Vec<Groupcall>),
    /// The groupcall as it is now.
    Groupcall(Box<Groupcall>),
    /// The transfer as it was begun.
    Transfer(Box<TransferRecord>),
    /// The ladder of a live call.
    Sequence(Sequence),
    /// The contacts.
    Bindings(Vec<Binding>),
    /// The numbers.
    Counters(Box<Counters>),
    /// Where the world reaches us; `None`: at our own address, as far as one knows.
    PublicAddress(Option<SocketAddr>),
    /// The time zone that counts from now on.
    TimeZone(String),
}

/// Why a [`Command`] was not carried out; nothing was changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Rejection {
    /// No such resource, or it is deleted.
    #[error("{0} not found")]
    NotFound(&'static str),
    /// The name is taken.
    #[error("{0} already exists")]
    AlreadyExists(&'static str),
    /// A field has a value that cannot be.
    #[error("{field}: {reason}")]
    Invalid {
        /// The field's name as the API spells it.
        field: &'static str,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// A field of several of its kind has a value that cannot be.
    #[error("{0}")]
    Fault(Fault),
    /// The flow cannot be run; everything that is wrong with it.
    #[error("{}", mistakes(.0))]
    Flow(Vec<Finding>),
    /// Who asks may not ask for that.
    #[error("{0}")]
    Forbidden(&'static str),
    /// Nobody would be left who may everything.
    #[error("this is the last administrator")]
    LastAdmin,
    /// Something else still needs it; what.
    #[error("{0}")]
    InUse(String),
    /// The call is over already.
    #[error("the call is hung up already")]
    AlreadyHungUp,
    /// The call was not answered yet.
    #[error("the call is not answered yet")]
    NotAnswered,
    /// The call is not answered yet, or over already.
    #[error("the call is not up")]
    CallState,
    /// Nobody is in the conference.
    #[error("nobody is in the conference")]
    ConferenceEmpty,
    /// It is recorded already.
    #[error("it is recorded already")]
    RecordingActive,
    /// It is not recorded.
    #[error("it is not recorded")]
    RecordingInactive,
    /// There is no money for it.
    #[error("the balance is spent")]
    Spent,
    /// A limit of the exchange is reached.
    #[error("{0}")]
    Exhausted(&'static str),
}

/// The first mistake of a flow, and how many more there are.
fn mistakes(findings: &[Finding]) -> String {
    let Some((first, others)) = findings.split_first() else { return "the flow cannot be run".into() };
    let more = if others.is_empty() { String::new() } else { format!(", and {} more", others.len()) };
    format!("{} {}{more}", first.at, first.reason)
}

/// The numbers behind `/metrics`: totals since start, and how many of each thing are there now.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Counters {
    /// Each as (metric name without prefix, help text, value); a total ends in `_total`.
    pub values: Vec<(&'static str, &'static str, u64)>,
}
