//! The INVITE that rings a phone: how it is put together, and tried once more where the phone wants longer sessions.

use bytes::Bytes;
use sip::endpoint::{ClientId, OutgoingRequest};
use sip::header::{CSeq, From, NameAddr, Route, TypedHeader};
use sip::message::Text;
use sip::{Method, Response, Uri};

use super::{Call, Leg, Stage, ladder, session_timer};
use crate::context::Context;
use crate::index::Asked;
use crate::registrar::Binding;

/// Where a phone is rung.
#[derive(Debug, Clone)]
pub struct Target {
    uri: Uri,
    route: Vec<NameAddr>,
}

impl Target {
    /// The contact of a binding, along its path (RFC 3327); `None` where it cannot be read.
    pub fn of(binding: &Binding) -> Option<Target> {
        let uri = Uri::parse(binding.contact.as_bytes()).ok()?;
        let hops = binding.path.iter().filter_map(|hop| Route::parse(&Bytes::copy_from_slice(hop.as_bytes())).ok());
        Some(Target { uri, route: hops.map(|route| route.0).collect() })
    }
}

/// What an INVITE that is tried again keeps of the first one.
pub struct Again {
    tag: Text,
    cseq: u32,
}

impl Again {
    /// Read from what the phone repeats in its answer (RFC 3261 §8.1.3.5: the next number, all else the same).
    fn after(response: &Response) -> Option<Again> {
        let tag = response.headers.typed::<From>().ok()?.tag?;
        let number = response.headers.typed::<CSeq>().ok()?.number;
        Some(Again { tag, cseq: number.checked_add(1)? })
    }
}

/// Sends the INVITE of a leg, which may make so many hops.
pub fn send(ctx: &mut Context, leg: &Leg, (target, hops): (Target, u8), again: Option<Again>) -> ClientId {
    let here = ctx.host_of(&leg.flow);
    let caller = &leg.record.source;
    let from = NameAddr::new(Uri::sip(Some(&caller.target), here.0.clone(), here.1));
    let from = if caller.target_name.is_empty() { from } else { from.with_display_name(&caller.target_name) };
    let to = NameAddr::new(Uri::sip(Some(&leg.record.destination.target), here.0, here.1));
    let mut outgoing = OutgoingRequest::new(Method::Invite, target.uri, leg.flow, (from, to));
    if let Some(Again { tag, cseq }) = again {
        (outgoing.from_tag, outgoing.cseq) = (Some(tag), Some(cseq));
    }
    outgoing.call_id = Some(Text::from(leg.record.sip_call_id.as_str()));
    outgoing.max_forwards = hops;
    outgoing.route = target.route;
    outgoing.body = Some(leg.audio.repeat());
    let interval = (ctx.settings.session_expires.as_secs() as u32).max(leg.session.min_se);
    session_timer::write_request(interval, None, leg.session.min_se, &mut outgoing.headers);
    ctx.sip.request(ctx.now, outgoing)
}

impl Call {
    /// The phone refused with 422: asks once more for a session as long as it wants (RFC 4028 §7.1). False where that
    /// was done already, or the phone does not say how long.
    pub fn try_longer_session(&mut self, ctx: &mut Context, place: usize, response: &Response) -> bool {
        let hops = self.max_forwards - 1;
        let leg = &mut self.legs[place];
        let (Some(least), 0) = (session_timer::demanded(&response.headers), leg.session.min_se) else { return false };
        let (Some(again), Some(target), 1..) = (Again::after(response), leg.target.clone(), least) else {
            return false;
        };
        leg.session.min_se = least;
        // What its provisional answers began, the refusal has ended.
        if let Some(dialog) = leg.dialog.take() {
            ctx.index.dialogs.remove(&dialog);
        }
        let client = send(ctx, leg, (*target, hops), Some(again));
        leg.stage = Stage::Outgoing { client };
        ctx.index.clients.insert(client, Asked::Invite(leg.key));
        let label = "the phone wants longer sessions: once more";
        self.ladder.internal(ctx.unix(), (ladder::CALL, ladder::SIP), label, format!("{least} s"));
        true
    }
}
