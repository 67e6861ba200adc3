//! SIP MESSAGE (RFC 3428): texts on their way to phones, providers and others.
//!
//! Each is a request outside of any dialog. A provider that asks for our password gets it; nothing else is tried again, since nobody
//! waits for a text. What becomes of it is told by events ([`MessageRecord`]).

pub mod record;

use rustc_hash::FxHashMap;
use sip::endpoint::{Body, OutgoingRequest};
use sip::header::NameAddr;
use sip::message::HeaderName;
use sip::transaction::Failure;
use sip::{Flow, Method, Response, Uri};
use uuid::Uuid;

use crate::Time;
use crate::billing::CostType;
use crate::call::{Address, CallKey};
use crate::context::Context;
use crate::event::EventKind;
use crate::index::Asked;
use crate::limits;
use crate::provider::challenge::{self, Answered};
use crate::provider::registration::sip_uri;

use record::{MessageRecord, Target, TargetStatus};

/// Who is to get a text, and how.
#[derive(Debug, Clone)]
pub struct Recipient {
    /// The Request-URI.
    pub uri: Uri,
    /// The preloaded route set.
    pub route: Vec<NameAddr>,
    /// The way there.
    pub flow: Flow,
    /// Who gets it, as it is told.
    pub to: NameAddr,
    /// The provider, where it goes through one.
    pub provider: Option<Uuid>,
    /// Who is meant, as whoever sends it names it.
    pub destination: Address,
}

/// A text that is to be sent.
#[derive(Debug, Clone)]
pub struct Letter {
    /// The call whose flow sends it.
    pub call: CallKey,
    /// The activeflow that does.
    pub activeflow: Uuid,
    /// Who it is from; `None`: the box itself.
    pub source: Option<Address>,
    /// What it says.
    pub text: String,
}

/// The texts that are on their way.
#[derive(Debug, Default)]
pub struct Messages {
    posted: FxHashMap<u64, Posted>,
    made: u64,
    /// What is told of those of which not every target has answered yet.
    records: FxHashMap<Uuid, MessageRecord>,
}

#[derive(Debug)]
struct Posted {
    /// The call whose flow sent it.
    call: CallKey,
    /// Which text, and which of its targets.
    part: (Uuid, usize),
    request: OutgoingRequest,
    provider: Option<Uuid>,
    answered: Option<Answered>,
    answers: u8,
}

impl Messages {
    /// How many there are.
    pub fn len(&self) -> usize {
        self.posted.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.posted.is_empty()
    }
}

/// Sends a text to these. False: too many are on their way.
pub fn send(ctx: &mut Context, letter: Letter, recipients: Vec<Recipient>) -> bool {
    if ctx.messages.len() + recipients.len() > limits::MESSAGES {
        ctx.totals.messages_failed += recipients.len() as u64;
        return false;
    }
    let at = ctx.unix();
    let target = |recipient: &Recipient| Target {
        destination: recipient.destination.clone(),
        status: TargetStatus::Sending,
        updated: at,
    };
    let record = MessageRecord {
        id: ctx.uuid(),
        activeflow_id: letter.activeflow,
        source: letter.source.clone(),
        targets: recipients.iter().map(target).collect(),
        text: letter.text.clone(),
        created: at,
        updated: at,
    };
    let id = record.id;
    ctx.event(EventKind::MessageCreated(Box::new(record.clone())));
    ctx.messages.records.insert(id, record);
    for (place, recipient) in recipients.into_iter().enumerate() {
        send_one(ctx, &letter, (id, place), recipient);
    }
    true
}

fn send_one(ctx: &mut Context, letter: &Letter, part: (Uuid, usize), recipient: Recipient) {
    let Recipient { uri, route, flow, to, provider, .. } = recipient;
    let from = from(ctx, (letter.source.as_ref(), provider), &flow);
    let mut request = OutgoingRequest::new(Method::Message, uri, flow, (from, to));
    request.route = route;
    request.call_id = Some(format!("{}@tandem", ctx.uuid().simple()).as_str().into());
    request.from_tag = Some(ctx.uuid().simple().to_string().as_str().into());
    request.cseq = Some(1);
    request.body = Some(Body { content_type: "text/plain;charset=UTF-8".into(), content: letter.text.clone().into() });
    ctx.messages.made += 1;
    ctx.totals.messages_sent += 1;
    let id = ctx.messages.made;
    post(ctx, id, Posted { call: letter.call, part, request, provider, answered: None, answers: 0 });
}

fn post(ctx: &mut Context, id: u64, posted: Posted) {
    let client = ctx.sip.request(ctx.now, posted.request.clone());
    ctx.index.clients.insert(client, Asked::Message(id));
    ctx.messages.posted.insert(id, posted);
}

/// Who sends it, as whoever gets it is told: a provider knows us by our name with it.
fn from(ctx: &Context, (source, provider): (Option<&Address>, Option<Uuid>), flow: &Flow) -> NameAddr {
    let register = provider.and_then(|id| ctx.providers.get(id)).and_then(|provider| {
        let register = provider.data.register.as_ref()?;
        Some(sip_uri(&register.username, &provider.data.hostname))
    });
    let (host, port) = ctx.host_of(flow);
    let user = source.map_or("tandem", |source| source.target.as_str());
    let own = NameAddr::new(register.unwrap_or_else(|| Uri::sip(Some(user), host, port)));
    let name = source.map_or("", |source| source.target_name.as_str());
    if name.is_empty() { own } else { own.with_display_name(name) }
}

/// A text was answered: what became of it, in words, unless that is still open.
pub fn handle_response(ctx: &mut Context, id: u64, response: &Response) -> Option<(CallKey, String)> {
    if response.status.is_provisional() {
        return None;
    }
    let mut posted = ctx.messages.posted.remove(&id)?;
    if matches!(response.status.0, 401 | 407) && answer(ctx, &mut posted, response) {
        post(ctx, id, posted);
        return None;
    }
    let reason = String::from_utf8_lossy(&response.reason).into_owned();
    let status = if response.status.is_success() { TargetStatus::Sent } else { TargetStatus::Failed };
    let what = if status == TargetStatus::Sent { "the message was taken" } else { "the message was not taken" };
    tell(ctx, posted.part, status);
    if status == TargetStatus::Sent && posted.provider.is_some() {
        ctx.charge((CostType::Sms, 1), None, (posted.part.0, Time::ZERO, None));
    }
    Some((posted.call, format!("{what}: {} {reason}", response.status.0)))
}

/// Nobody answered.
pub fn handle_failure(ctx: &mut Context, id: u64, failure: Failure) -> Option<(CallKey, String)> {
    let posted = ctx.messages.posted.remove(&id)?;
    tell(ctx, posted.part, TargetStatus::Failed);
    Some((posted.call, format!("the message was not taken: {failure:?}")))
}

/// Tells what became of a text at one of its targets.
fn tell(ctx: &mut Context, (id, place): (Uuid, usize), status: TargetStatus) {
    ctx.totals.messages_failed += u64::from(status == TargetStatus::Failed);
    let at = ctx.unix();
    let Some(mut record) = ctx.messages.records.remove(&id) else { return };
    (record.targets[place].status, record.targets[place].updated, record.updated) = (status, at, at);
    ctx.event(EventKind::MessageUpdated(Box::new(record.clone())));
    if record.targets.iter().any(|target| target.status == TargetStatus::Sending) {
        ctx.messages.records.insert(id, record);
    }
}

/// Adds the answer to a provider's challenge; false where we have none that it takes.
fn answer(ctx: &mut Context, posted: &mut Posted, response: &Response) -> bool {
    let provider = posted.provider.and_then(|id| ctx.providers.get(id));
    let Some(register) = provider.and_then(|provider| provider.data.register.clone()) else { return false };
    let Some(mut asked) = challenge::read(&register, response) else { return false };
    let is_wrong = posted.answered.as_ref().is_some_and(|answered| answered.is_final(&asked));
    posted.answers += 1;
    if is_wrong || posted.answers > limits::CHALLENGES {
        return false;
    }
    let credentials = asked.credentials(ctx, &register, (&Method::Message, &posted.request.uri));
    posted.request.headers.remove(&HeaderName::Authorization);
    posted.request.headers.remove(&HeaderName::ProxyAuthorization);
    posted.request.headers.extend(&credentials);
    posted.request.cseq = posted.request.cseq.map(|number| number + 1);
    posted.answered = Some(asked);
    true
}
