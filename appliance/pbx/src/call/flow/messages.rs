//! `message_send`: a text for phones of the box, for SIP addresses and for numbers beyond providers.
//!
//! The flow goes on as soon as the texts are on their way; what becomes of them is seen in the ladder.

use sip::header::NameAddr;
use sip::{Flow, Uri};
use uuid::Uuid;

use super::orders::called_now;
use crate::billing::{CostType, SPENT};
use crate::call::callee::Target;
use crate::call::cause::Cause;
use crate::call::outbound::no_way;
use crate::call::setup::{Whereabouts, describe};
use crate::call::{Address, AddressKind, Call, Callee, ladder};
use crate::context::Context;
use crate::directory::route::telephone_number;
use crate::flow::Outcome;
use crate::flow::order::{Message, Order};
use crate::limits;
use crate::message::{self, Letter, Recipient};
use crate::names::{self, Located, Question, Waiter};

/// Who is meant by a destination.
enum Meant {
    /// These.
    Recipients(Vec<Recipient>),
    /// That is being found out.
    Asked,
    /// Nobody; why, in words.
    Nobody(String),
}

impl Call {
    /// Sends a text to all its destinations, once it is known where they are.
    pub(super) fn send_messages(
        &mut self,
        ctx: &mut Context,
        places: &Whereabouts<'_>,
        message: Box<Message>,
    ) -> Option<Outcome> {
        let octets = message.text.len();
        if octets > limits::MESSAGE {
            let reason = format!("the text has {octets} octets, more than {}", limits::MESSAGE);
            return Some(Outcome::Failed(reason));
        }
        let (mut recipients, mut failure) = (Vec::new(), None);
        for address in &self.with_agents(ctx, &message.destinations) {
            match self.meant(ctx, places, address) {
                Meant::Recipients(found) => recipients.extend(found),
                Meant::Nobody(reason) => failure = Some(format!("{}: {reason}", address.target)),
                Meant::Asked => {
                    self.wait_for_place(ctx, Order::SendMessage(message));
                    return None;
                }
            }
        }
        if let (true, Some(reason)) = (recipients.is_empty(), &failure) {
            return Some(Outcome::Failed(reason.clone()));
        }
        if let Some(reason) = failure {
            self.note_message(ctx, reason);
        }
        let paid = recipients.iter().filter(|recipient| recipient.provider.is_some()).count();
        if !ctx.billing.suffices_for_units(CostType::Sms, paid) {
            return Some(Outcome::Failed(SPENT.into()));
        }
        for recipient in &recipients {
            let words = format!("MESSAGE to {}", recipient.uri.as_str());
            self.ladder.internal(ctx.unix(), (ladder::CALL, ladder::SIP), words, describe(&recipient.flow));
        }
        let source = message.source.or_else(|| self.legs.first().map(called_now));
        let activeflow = self.run.as_ref().map_or(Uuid::nil(), |run| run.record.id);
        let letter = Letter { call: self.key, activeflow, source, text: message.text };
        match message::send(ctx, letter, recipients) {
            true => Some(Outcome::Done),
            false => Some(Outcome::Failed("too many messages are on their way already".into())),
        }
    }

    fn meant(&self, ctx: &mut Context, places: &Whereabouts<'_>, address: &Address) -> Meant {
        match address.kind {
            AddressKind::Extension => phones(ctx, places, address),
            AddressKind::Sip => self.at_uri(ctx, address),
            AddressKind::Tel => self.beyond_provider(ctx, address),
            kind => Meant::Nobody(format!("{} takes no messages", kind.name())),
        }
    }

    fn at_uri(&self, ctx: &mut Context, address: &Address) -> Meant {
        if let Ok(callee) = Callee::of_uri(ctx, address) {
            let to = NameAddr::new(callee.target.uri.bare());
            return Meant::Recipients(vec![recipient((callee.target, callee.flow), (address, to), None)]);
        }
        let text = format!("sip:{}", address.target.trim_start_matches("sip:"));
        let Ok(uri) = Uri::parse(text.as_bytes()) else { return Meant::Nobody("is not a SIP URI".into()) };
        let Some(host) = uri.host().map(ToString::to_string) else { return Meant::Nobody("has no host".into()) };
        let question = Question { host, port: uri.port(), transport: None, may_be_tls: false };
        let to = NameAddr::new(uri.bare());
        self.located(ctx, (&question, None), |flow| {
            recipient((Target { uri, route: Vec::new() }, flow), (address, to), None)
        })
    }

    fn beyond_provider(&self, ctx: &mut Context, address: &Address) -> Meant {
        let Some(number) = telephone_number(&address.target) else { return Meant::Nobody("is no number".into()) };
        let known = ctx.routes.providers(&number).into_iter().filter_map(|id| ctx.providers.get(id)).next();
        let Some((id, data)) = known.map(|provider| (provider.id, provider.data.clone())) else {
            return Meant::Nobody("no provider leads there".into());
        };
        if !ctx.outbound_config.allows(&number) {
            return Meant::Nobody(no_way(Cause::REJECTED));
        }
        let Some(uri) = data.uri(&number) else { return Meant::Nobody("is no number".into()) };
        let to = NameAddr::new(uri.bare());
        self.located(ctx, (&data.question(), Some(id)), |flow| {
            recipient((Target { uri, route: Vec::new() }, flow), (address, to), Some(id))
        })
    }

    fn located(
        &self,
        ctx: &mut Context,
        (question, provider): (&Question, Option<Uuid>),
        make: impl FnOnce(Flow) -> Recipient,
    ) -> Meant {
        match names::locate(ctx, question, Waiter::Flow(self.key)) {
            Located::At(places) => {
                let flow = provider.map_or(places[0].flow(), |id| ctx.links.flow(id, &places[0]));
                Meant::Recipients(vec![make(flow)])
            }
            Located::Asked => Meant::Asked,
            Located::Nowhere(_) => Meant::Nobody(format!("nobody knows where {} is", question.host)),
        }
    }

    /// What became of a text.
    pub fn note_message(&mut self, ctx: &Context, words: String) {
        self.ladder.internal(ctx.unix(), (ladder::SIP, ladder::CALL), words, String::new());
    }
}

/// All phones of an extension.
fn phones(ctx: &Context, places: &Whereabouts<'_>, address: &Address) -> Meant {
    let by_id = address.target.parse().ok().and_then(|id| places.directory.get(id));
    let Some(extension) = places.directory.by_number(&address.target).or(by_id) else {
        return Meant::Nobody("there is no such extension".into());
    };
    let contacts = places.registrar.contacts(extension.id, ctx.unix());
    let callees = contacts.iter().filter_map(|binding| Callee::of_contact(extension, binding).ok());
    let to_phone = |callee: Callee| {
        let (host, port) = ctx.host_of(&callee.flow);
        let to = NameAddr::new(Uri::sip(Some(&extension.extension), host, port));
        recipient((callee.target, callee.flow), (address, to), None)
    };
    let recipients: Vec<Recipient> = callees.map(to_phone).collect();
    match recipients.is_empty() {
        true => Meant::Nobody("no phone is registered".into()),
        false => Meant::Recipients(recipients),
    }
}

fn recipient((target, flow): (Target, Flow), (address, to): (&Address, NameAddr), provider: Option<Uuid>) -> Recipient {
    Recipient { uri: target.uri, route: target.route, flow, to, provider, destination: address.clone() }
}
