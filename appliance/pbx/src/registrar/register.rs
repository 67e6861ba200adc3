//! REGISTER (RFC 3261 §10.3, RFC 3327, RFC 5626): all of a request's contacts, or none of them.

use std::time::Duration;

use sip::endpoint::{Reply, ServerId};
use sip::header::{CSeq, Contact, ContactAddress, Expires, Path, Supported, TypedHeader};
use sip::message::{HeaderName, Text};
use sip::{Flow, Headers, Request, Transport, Uri};

use super::{Binding, BindingKey, Registrar};
use crate::context::Context;
use crate::directory::Extension;
use crate::event::EventKind;
use crate::exchange::Output;
use crate::{UnixMicros, limits, reply};

/// What one REGISTER asks for.
struct Asked<'a> {
    extension: &'a Extension,
    flow: Flow,
    request: &'a Request,
    call_id: String,
    cseq: u32,
}

/// One contact and how long it is to be kept; zero: not any more.
struct Wish {
    contact: ContactAddress,
    seconds: u64,
}

impl Registrar {
    /// Carries out a REGISTER of an extension that has proved its password.
    pub fn handle_register(
        &mut self,
        ctx: &mut Context,
        who: (ServerId, Flow),
        extension: &Extension,
        request: &Request,
    ) {
        let (server, flow) = who;
        let reply = match self.register(ctx, flow, extension, request) {
            Ok(()) => {
                ctx.totals.registrations += 1;
                self.confirm(ctx, extension, request)
            }
            Err(refusal) => *refusal,
        };
        ctx.sip.respond(ctx.now, server, reply);
    }

    fn register(
        &mut self,
        ctx: &mut Context,
        flow: Flow,
        extension: &Extension,
        request: &Request,
    ) -> Result<(), Box<Reply>> {
        let bad = |part| move |_| reply::bad_request(part);
        let contacts = request.headers.list::<Contact>().map_err(bad("Contact"))?;
        let expires = request.headers.typed_opt::<Expires>().map_err(bad("Expires"))?.map(|expires| expires.0);
        let cseq = request.headers.typed::<CSeq>().map_err(bad("CSeq"))?.number;
        let call_id = request.headers.get_str(&HeaderName::CallId).unwrap_or_default().to_string();
        let asked = Asked { extension, flow, request, call_id, cseq };
        if contacts.iter().any(|contact| matches!(contact, Contact::Star)) {
            if contacts.len() != 1 || expires != Some(0) {
                return Err(reply::bad_request("Contact"));
            }
            self.check_order(&asked, self.entries(extension.id).iter().map(|entry| entry.key))?;
            self.remove_all(ctx, extension.id);
            return Ok(());
        }
        let wishes = wishes(ctx, contacts, expires)?;
        let known: Vec<Option<BindingKey>> =
            wishes.iter().map(|wish| self.find(extension.id, wish.contact.uri(), outbound_of(&wish.contact))).collect();
        self.check_order(&asked, known.iter().flatten().copied())?;
        for (wish, known) in wishes.into_iter().zip(known) {
            self.grant(ctx, &asked, wish, known);
        }
        Ok(())
    }

    /// A REGISTER that was overtaken by a later one of the same phone must not undo it (RFC 3261 §10.3 step 7).
    fn check_order(&self, asked: &Asked<'_>, known: impl Iterator<Item = BindingKey>) -> Result<(), Box<Reply>> {
        let overtaken = |key: BindingKey| {
            self.get(key)
                .is_some_and(|entry| entry.binding.call_id == asked.call_id && asked.cseq <= entry.binding.cseq)
        };
        if known.into_iter().any(overtaken) { Err(Box::new(Reply::new(500))) } else { Ok(()) }
    }

    fn grant(&mut self, ctx: &mut Context, asked: &Asked<'_>, wish: Wish, known: Option<BindingKey>) {
        if wish.seconds == 0 {
            if let Some(key) = known {
                self.remove(ctx, key);
            }
            return;
        }
        let expires = granted(ctx, wish.seconds);
        let Some(key) = known else {
            let uri = wish.contact.uri().detached();
            let binding = new_binding(ctx, asked, &wish.contact, expires);
            ctx.event(EventKind::ExtensionRegistered(Box::new(binding.clone())));
            self.add(ctx, binding, uri);
            return;
        };
        let Some(entry) = self.get_mut(key) else { return };
        let registered = entry.binding.registered;
        let renewed = Binding { registered, ..new_binding(ctx, asked, &wish.contact, expires) };
        let moved = renewed.flow.remote != entry.binding.flow.remote || renewed.contact != entry.binding.contact;
        entry.binding = renewed;
        entry.uri = wish.contact.uri().detached();
        let binding = Box::new(entry.binding.clone());
        self.arm(ctx, key);
        match moved {
            true => ctx.event(EventKind::ExtensionRegistered(binding)),
            false => ctx.output(Output::Refreshed(binding)),
        }
    }

    /// 200 with every binding of the extension as it is now.
    fn confirm(&self, ctx: &Context, extension: &Extension, request: &Request) -> Reply {
        let now = ctx.unix();
        let mut headers = Headers::new();
        let mut outbound = false;
        for entry in self.entries(extension.id) {
            let mut contact = ContactAddress::new(entry.uri.clone());
            contact.expires = Some(((entry.binding.expires.0 - now.0).max(0) / 1_000_000) as u32);
            contact.q = (entry.binding.q != 1000).then_some(entry.binding.q);
            contact.instance = entry.binding.instance.as_deref().map(Text::from);
            contact.reg_id = entry.binding.reg_id;
            outbound |= entry.binding.reg_id.is_some();
            headers.add(&Contact::Address(contact));
        }
        headers.copy_all(&HeaderName::Path, &request.headers);
        let supports = request.headers.typed_opt::<Supported>().ok().flatten().is_some_and(|tags| tags.has("outbound"));
        if outbound && supports {
            headers.push(HeaderName::Require, "outbound");
        }
        Reply::new(200).with_headers(headers)
    }
}

fn wishes(ctx: &Context, contacts: Vec<Contact>, expires: Option<u32>) -> Result<Vec<Wish>, Box<Reply>> {
    let (least, usual, _) = ctx.settings.expires;
    let mut wishes = Vec::with_capacity(contacts.len());
    for contact in contacts {
        let Contact::Address(contact) = contact else { continue };
        if !contact.uri().is_sip() || contact.uri().host().is_none() {
            return Err(reply::bad_request("Contact"));
        }
        let seconds = contact.expires.or(expires).map_or(usual.as_secs(), u64::from);
        if seconds != 0 && seconds < least.as_secs() {
            let mut headers = Headers::new();
            headers.push(HeaderName::MinExpires, least.as_secs().to_string());
            return Err(Box::new(Reply::new(423).with_headers(headers)));
        }
        wishes.push(Wish { contact, seconds });
    }
    if wishes.iter().filter(|wish| wish.seconds != 0).count() > limits::CONTACTS_PER_EXTENSION {
        return Err(Box::new(Reply { reason: Some("Too Many Contacts"), ..Reply::new(403) }));
    }
    Ok(wishes)
}

/// Up to a tenth less than asked, so that phones that came together do not come back together.
fn granted(ctx: &mut Context, seconds: u64) -> UnixMicros {
    let (least, _, most) = ctx.settings.expires;
    let seconds = seconds.min(most.as_secs());
    let jitter = ctx.random_below(seconds / 10 + 1).min(seconds - least.as_secs().min(seconds));
    ctx.unix_at(ctx.now + Duration::from_secs(seconds - jitter))
}

fn new_binding(ctx: &Context, asked: &Asked<'_>, contact: &ContactAddress, expires: UnixMicros) -> Binding {
    let text = |name: &HeaderName| asked.request.headers.get_str(name).unwrap_or_default().to_string();
    let path = asked.request.headers.list::<Path>().unwrap_or_default();
    Binding {
        extension_id: asked.extension.id,
        extension: asked.extension.extension.clone(),
        contact: contact.uri().as_str().to_string(),
        flow: asked.flow,
        path: path.iter().map(written).collect(),
        instance: contact.instance.as_ref().map(|instance| instance.to_string()),
        reg_id: contact.reg_id,
        q: contact.q.unwrap_or(1000),
        call_id: asked.call_id.clone(),
        cseq: asked.cseq,
        user_agent: text(&HeaderName::UserAgent),
        behind_nat: behind_nat(&asked.flow, contact.uri()),
        registered: ctx.unix(),
        expires,
    }
}

fn written(hop: &Path) -> String {
    let mut text = Vec::new();
    hop.write(&mut text);
    String::from_utf8_lossy(&text).into_owned()
}

fn outbound_of(contact: &ContactAddress) -> Option<(&str, u32)> {
    Some((contact.instance.as_ref()?.as_str()?, contact.reg_id?))
}

/// Whether the phone believes itself to be elsewhere than where its packets come from.
fn behind_nat(flow: &Flow, contact: &Uri) -> bool {
    let Some(address) = contact.host().and_then(sip::uri::Host::ip) else { return true };
    let port = contact.port().unwrap_or(5060);
    address != flow.remote.ip() || (flow.transport == Transport::Udp && port != flow.remote.port())
}
