//! The INVITE that rings a phone: how it is put together, and tried once more where the phone wants longer sessions.

use sip::endpoint::{ClientId, OutgoingRequest};
use sip::header::{CSeq, From, NameAddr};
use sip::message::Text;
use sip::{Method, Response, Uri};

use super::{Call, Leg, Stage, ladder, session_timer};
use crate::context::Context;
use crate::index::Asked;

/// What an INVITE that is tried again keeps of the first one.
pub struct Again {
    /// Its tag of From; `None`: a new one.
    pub tag: Option<Text>,
    /// The number that comes next.
    pub cseq: u32,
}

impl Again {
    /// Read from what the phone repeats in its answer (RFC 3261 §8.1.3.5: the next number, all else the same).
    pub fn after(response: &Response) -> Option<Again> {
        let tag = Some(response.headers.typed::<From>().ok()?.tag?);
        let number = response.headers.typed::<CSeq>().ok()?.number;
        Some(Again { tag, cseq: number.checked_add(1)? })
    }
}

/// Sends the INVITE of a leg that is rung, which may make so many hops. `None`: nobody is rung.
pub fn send(ctx: &mut Context, leg: &Leg, hops: u8, again: Option<Again>) -> Option<ClientId> {
    let callee = leg.callee.as_deref()?;
    let here = ctx.host_of(&leg.flow);
    let from = callee.from.clone().unwrap_or_else(|| {
        let caller = &leg.record.source;
        let from = NameAddr::new(Uri::sip(Some(&caller.target), here.0.clone(), here.1));
        if caller.target_name.is_empty() { from } else { from.with_display_name(&caller.target_name) }
    });
    let at_our_host = || NameAddr::new(Uri::sip(Some(&leg.record.destination.target), here.0, here.1));
    let to = callee.to.clone().unwrap_or_else(at_our_host);
    let mut outgoing = OutgoingRequest::new(Method::Invite, callee.target.uri.clone(), leg.flow, (from, to));
    if let Some(Again { tag, cseq }) = again {
        (outgoing.from_tag, outgoing.cseq) = (tag, Some(cseq));
    }
    outgoing.call_id = Some(Text::from(leg.record.sip_call_id.as_str()));
    outgoing.max_forwards = hops;
    outgoing.route = callee.target.route.clone();
    outgoing.headers = callee.headers.clone();
    outgoing.body = Some(leg.audio.repeat());
    let interval = (ctx.settings.session_expires.as_secs() as u32).max(leg.session.min_se);
    session_timer::write_request(interval, None, leg.session.min_se, &mut outgoing.headers);
    Some(ctx.sip.request(ctx.now, outgoing))
}

impl Call {
    /// The phone refused with 422: asks once more for a session as long as it wants (RFC 4028 §7.1). False where that
    /// was done already, or the phone does not say how long.
    pub fn try_longer_session(&mut self, ctx: &mut Context, place: usize, response: &Response) -> bool {
        let leg = &mut self.legs[place];
        let (Some(least), 0) = (session_timer::demanded(&response.headers), leg.session.min_se) else { return false };
        let (Some(again), 1..) = (Again::after(response), least) else { return false };
        leg.session.min_se = least;
        let label = "the phone wants longer sessions: once more";
        self.once_more(ctx, (place, again), (label, format!("{least} s")))
    }

    /// The phone refused an offer that left it the choice whether to encrypt: it may be one that knows `RTP/SAVP` alone, and
    /// is asked once more by that. False where that was not what it was offered.
    pub fn try_encrypted(&mut self, ctx: &mut Context, place: usize, response: &Response) -> bool {
        let Some(again) = Again::after(response) else { return false };
        let preference = self.preference_for(place);
        let leg = &mut self.legs[place];
        if !leg.audio.insist() {
            return false;
        }
        leg.audio.offer(ctx, &leg.flow, &preference);
        self.answer_challenge_again(ctx, place);
        let label = "perhaps it takes nothing but encrypted audio: once more";
        self.once_more(ctx, (place, again), (label, "RTP/SAVP".into()))
    }

    fn once_more(&mut self, ctx: &mut Context, (place, again): (usize, Again), words: (&'static str, String)) -> bool {
        let hops = self.max_forwards.saturating_sub(1);
        let leg = &mut self.legs[place];
        // What its provisional answers began, the refusal has ended.
        if let Some(dialog) = leg.dialog.take() {
            ctx.index.dialogs.remove(&dialog);
        }
        let Some(client) = send(ctx, leg, hops, Some(again)) else { return false };
        leg.stage = Stage::Outgoing { client };
        ctx.index.clients.insert(client, Asked::Invite(leg.key));
        self.ladder.internal(ctx.unix(), (ladder::CALL, ladder::SIP), words.0, words.1);
        true
    }
}
