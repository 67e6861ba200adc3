//! What a phone asks within its dialog: another description, another hold state, a refresh, a digit.

use sip::digit::Digit;
use sip::endpoint::{Body, Reply, ServerId};
use sip::header::ContentType;
use sip::message::HeaderName;
use sip::sdp::SessionDescription;
use sip::{Headers, Method, Request, Response};

use super::audio::Preference;
use super::cause::Cause;
use super::digits::KeyWay;
use super::session_timer::{self, Asked as AskedTimer};
use super::{Call, Ending, HangupReason, ladder};
use crate::context::Context;
use crate::event::EventKind;
use crate::reply;

impl Call {
    /// A request within a leg's dialog.
    pub fn handle_request(&mut self, ctx: &mut Context, place: usize, server: ServerId, request: &Request) {
        match &request.method {
            Method::Bye => {
                ctx.sip.respond(ctx.now, server, Reply::new(200));
                self.handle_bye(ctx, place, &request.headers);
            }
            Method::Invite | Method::Update | Method::Prack => self.handle_change(ctx, place, server, request),
            Method::Info => self.handle_info(ctx, place, server, request),
            Method::Refer => self.handle_refer(ctx, place, server, request),
            Method::Options => answer(ctx, server, Reply::new(200)),
            _ => answer(ctx, server, Reply::new(405)),
        }
    }

    /// Re-INVITE (RFC 3261 §14), UPDATE (RFC 3311), or a PRACK with an offer (RFC 3262 §5): the leg's own affair, since
    /// audio ends at the exchange. The other phone keeps its description; what it may send and hear changes in the media engine.
    fn handle_change(&mut self, ctx: &mut Context, place: usize, server: ServerId, request: &Request) {
        let timer = match session_timer::asked(&request.headers) {
            Ok(AskedTimer::TooSmall) => {
                let mut headers = Headers::new();
                session_timer::min_se_header(&mut headers);
                return answer(ctx, server, Reply::new(422).with_headers(headers));
            }
            Ok(timer) => timer,
            Err(_) => return answer(ctx, server, *reply::bad_request("Session-Expires")),
        };
        let body = match self.redescribe(ctx, place, request) {
            Ok(body) => body,
            Err(refusal) => return answer(ctx, server, *refusal),
        };
        let mut reply = Reply::new(200);
        if let Some(body) = body {
            reply = reply.with_body(body);
        }
        if request.method != Method::Prack {
            session_timer::write_answer(timer, &mut reply.headers);
            if let AskedTimer::Agreed { agreed, .. } = timer {
                self.legs[place].session.agreed = Some(agreed);
            }
            self.arm_session(ctx, place);
        }
        answer(ctx, server, reply);
    }

    /// Our description in answer to theirs; none where the request has none and needs none.
    fn redescribe(&mut self, ctx: &mut Context, place: usize, request: &Request) -> Result<Option<Body>, Box<Reply>> {
        // Where nobody is on the other side, it stays with what it has.
        let preference = Preference::of_leg(&self.legs[self.other(place).unwrap_or(place)].audio);
        let leg = &mut self.legs[place];
        let flow = leg.flow;
        if request.body.is_empty() {
            // An INVITE without an offer asks for ours; UPDATE and PRACK ask for nothing.
            return Ok((request.method == Method::Invite).then(|| leg.audio.offer(ctx, &flow, &preference)));
        }
        if !reply::carries_sdp(&request.headers) {
            return Err(Box::new(Reply::new(415)));
        }
        if leg.audio.awaits_answer() || !leg.audio.is_negotiated() {
            // Two offers have crossed (RFC 3311 §5.2): theirs comes too early.
            return Err(if leg.is_up() { Box::new(Reply::new(491)) } else { reply::retry_after(500, 2) });
        }
        let offer = SessionDescription::parse(&request.body).map_err(|_| reply::bad_request("SDP"))?;
        let body = leg.audio.answer(ctx, &flow, (&offer, &preference)).map_err(reply::not_acceptable)?;
        self.note_change(ctx, place);
        Ok(Some(body))
    }

    /// The ACK to our 200 came; it carries the answer where our 200 made the offer.
    pub fn handle_acknowledged(&mut self, ctx: &mut Context, place: usize, body: &[u8]) {
        let leg = &mut self.legs[place];
        leg.acknowledged = true;
        if !leg.audio.awaits_answer() || !leg.is_live() {
            return;
        }
        let accepted = SessionDescription::parse(body).ok().and_then(|sdp| leg.audio.accept(ctx, &sdp).ok());
        match accepted {
            Some(()) => {
                self.note_change(ctx, place);
                self.join_conference(ctx, place);
                self.offer_audio_to_flow(ctx);
            }
            None => {
                let at = ctx.unix();
                self.ladder.internal(at, (ladder::SIP, ladder::CALL), "no usable answer in the ACK", String::new());
                self.end_all(ctx, place, Ending::local(HangupReason::Failed, Cause::INCOMPATIBLE));
            }
        }
    }

    /// The media engine heard the phone.
    pub fn note_rtp(&mut self, ctx: &Context, place: usize, label: &'static str, from: std::net::SocketAddr) {
        self.ladder.media(ctx.unix(), (Call::column(place), ladder::MEDIA), label, format!("from {from}"));
    }

    /// The phone pressed a key. One that tells its keys by INFO may let them be heard as well.
    pub fn handle_digit(&mut self, ctx: &mut Context, place: usize, (digit, way): (char, KeyWay)) {
        let leg = &mut self.legs[place];
        leg.informs |= way == KeyWay::Info;
        if leg.informs && way == KeyWay::Tones {
            return;
        }
        let columns = (Call::column(place), ladder::MEDIA);
        self.ladder.media(ctx.unix(), columns, format!("digit {digit}"), way.words().into());
        self.tell_digit(ctx, place, digit);
        self.offer_key_to_recording(ctx, place, digit);
        self.offer_key_to_flow(ctx, place, digit);
    }

    /// What was agreed on is another thing now, perhaps.
    pub fn note_change(&mut self, ctx: &mut Context, place: usize) {
        let leg = &mut self.legs[place];
        let (codec, encryption, held) = (leg.record.codec.take(), leg.record.encryption, leg.audio.is_held());
        leg.note_agreed();
        if leg.record.codec == codec && leg.record.encryption == encryption && leg.record.held == held {
            return;
        }
        leg.record.held = held;
        let label = if held { "on hold" } else { "audio" };
        let words = leg.record.codec.clone().unwrap_or_default();
        self.ladder.media(ctx.unix(), (ladder::CALL, ladder::MEDIA), label, words);
        self.state(ctx, place, EventKind::CallUpdated);
        self.tend_audio(ctx);
    }

    /// INFO goes to the other phone, and its answer comes back (RFC 6086); a digit in it counts like one in the audio.
    fn handle_info(&mut self, ctx: &mut Context, place: usize, server: ServerId, request: &Request) {
        let content_type = request.headers.typed_opt::<ContentType>().ok().flatten();
        if let Some(digit) = content_type.and_then(|content_type| Digit::parse(&content_type, &request.body)) {
            self.handle_digit(ctx, place, (digit.digit, KeyWay::Info));
        }
        let target = self.other(place).filter(|other| self.legs[*other].dialog.is_some());
        let Some(other) = target else { return answer(ctx, server, Reply::new(200)) };
        let mut headers = Headers::new();
        for name in [HeaderName::Other("Info-Package".into()), HeaderName::Other("Content-Disposition".into())] {
            headers.copy_all(&name, &request.headers);
        }
        let body = (!request.body.is_empty()).then(|| Body {
            content_type: request.headers.get(&HeaderName::ContentType).cloned().unwrap_or_default(),
            content: request.body.clone(),
        });
        if !self.pass_on(ctx, (other, server), (Method::Info, headers, body)) {
            answer(ctx, server, Reply::new(481));
        }
    }
}

/// The other phone answered an INFO that was passed on.
pub fn relay_info_answer(ctx: &mut Context, server: ServerId, response: &Response) {
    if !response.status.is_provisional() {
        // A password that somebody else wants to see is nothing that a phone could give.
        let status = if matches!(response.status.0, 401 | 407) { 403 } else { response.status.0 };
        answer(ctx, server, Reply::new(status));
    }
}

fn answer(ctx: &mut Context, server: ServerId, reply: Reply) {
    ctx.sip.respond(ctx.now, server, reply);
}
