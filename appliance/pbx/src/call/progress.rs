//! What the called phones answer, and what the caller hears of it: ringing, early media, the first 200, or the last failure.

use sip::dialog::DialogId;
use sip::endpoint::Reply;
use sip::header::Reason;
use sip::message::HeaderName;
use sip::sdp::SessionDescription;
use sip::transaction::Failure as RequestFailure;
use sip::{Headers, Method, Response};
use smallvec::SmallVec;

use super::audio::Preference;
use super::cause::Cause;
use super::session_timer::{self, Asked};
use super::{CALLER, Call, Ending, Failure, HangupReason, Leg, Peer, Stage, Status, ladder};
use crate::context::Context;
use crate::event::EventKind;
use crate::reply;
use crate::timers::Timer;

impl Call {
    /// An answer to the INVITE that rings a phone.
    pub fn handle_invite_response(
        &mut self,
        ctx: &mut Context,
        place: usize,
        dialog: Option<DialogId>,
        response: &Response,
    ) {
        let status = response.status;
        if !self.legs[place].is_live() || (self.legs[place].is_up() && self.legs[place].dialog != dialog) {
            // Too late, or from a second phone behind the same contact: taken, and ended at once.
            if let (true, Some(dialog)) = (status.is_success(), dialog) {
                decline(ctx, dialog);
            }
            return;
        }
        self.note_attempt_alive(ctx, place);
        if status.is_provisional() {
            return self.handle_provisional(ctx, place, dialog, response);
        }
        if status.is_success() {
            return self.handle_answer(ctx, place, dialog, response);
        }
        if status.0 == 422 && self.try_longer_session(ctx, place, response) {
            return;
        }
        if matches!(status.0, 401 | 407) && self.answer_challenge(ctx, place, response) {
            return;
        }
        if matches!(status.0, 415 | 488 | 606) && self.try_encrypted(ctx, place, response) {
            return;
        }
        let cause = cause_of(response).unwrap_or(Cause::of_status(status.0));
        self.handle_refusal(ctx, place, Failure { status: relayed_status(status.0, cause), cause });
    }

    /// The INVITE that rings a phone was never answered, or could not be sent.
    pub fn handle_invite_failure(&mut self, ctx: &mut Context, place: usize, failure: RequestFailure) {
        let at = ctx.unix();
        let label = match failure {
            RequestFailure::Timeout => "no answer to INVITE",
            _ => "the phone cannot be reached",
        };
        let why = match (failure, self.legs[place].peer) {
            (RequestFailure::Transport, Peer::Provider(id)) => ctx.links.trouble(id).to_owned(),
            _ => String::new(),
        };
        self.ladder.internal(at, (ladder::SIP, ladder::CALL), label, why);
        if self.legs[place].is_live() {
            self.handle_refusal(ctx, place, Failure { status: 480, cause: Cause::NO_RESPONSE });
        }
    }

    fn handle_provisional(&mut self, ctx: &mut Context, place: usize, dialog: Option<DialogId>, response: &Response) {
        if let Some(dialog) = dialog {
            ctx.index.dialogs.insert(dialog, self.legs[place].key);
            self.legs[place].dialog = Some(dialog);
        }
        if response.status.0 == 100 {
            return;
        }
        let early = self.accept_answer(ctx, place, response) && self.wants_early_media();
        let rings = matches!(response.status.0, 180..=183);
        if rings && self.legs[place].record.status == Status::Dialing {
            self.set_ringing(ctx, place);
        }
        if place == CALLER {
            return self.begin_early(ctx);
        }
        self.tell_caller_of_progress(ctx, place, early);
    }

    fn set_ringing(&mut self, ctx: &mut Context, place: usize) {
        let at = ctx.unix();
        for place in [place, CALLER] {
            let record = &mut self.legs[place].record;
            if record.status == Status::Dialing {
                record.status = Status::Ringing;
                record.ringing = Some(at);
                self.state(ctx, place, EventKind::CallRinging);
            }
        }
        self.note_ringing_for_transfer(ctx);
    }

    /// 180, or 183 with our description where the phone already sends audio.
    fn tell_caller_of_progress(&mut self, ctx: &mut Context, place: usize, early: bool) {
        let Stage::Incoming { server } = self.legs[CALLER].stage else {
            if early {
                self.bridge(ctx, place);
                self.tend_audio(ctx);
            }
            return;
        };
        let mut answer = Reply::new(180);
        if early && self.offer.is_some() {
            match self.answer_caller(ctx, place) {
                Ok(body) => {
                    answer = Reply::new(183).with_body(body).reliably();
                    self.bridge(ctx, place);
                }
                Err(failure) => return self.fail_all(ctx, failure),
            }
        } else if self.legs[CALLER].audio.is_negotiated() {
            // Early media is on already; another phone that begins to ring changes nothing for the caller.
            return;
        }
        let at = ctx.unix();
        self.ladder.internal(at, (ladder::SIP, ladder::CALL), "ringing", String::new());
        if let Some(dialog) = ctx.sip.respond(ctx.now, server, answer) {
            ctx.index.dialogs.insert(dialog, self.legs[CALLER].key);
            self.legs[CALLER].dialog = Some(dialog);
        }
    }

    /// The description for the caller: the answer to its offer, in the codec of the phone where that is possible.
    fn answer_caller(&mut self, ctx: &mut Context, place: usize) -> Result<sip::endpoint::Body, Failure> {
        let preference = Preference::of_leg(&self.legs[place].audio);
        self.describe_caller(ctx, preference)
    }

    /// The description for the caller: the answer to its offer, or ours where it made none.
    pub fn describe_caller(
        &mut self,
        ctx: &mut Context,
        preference: Preference,
    ) -> Result<sip::endpoint::Body, Failure> {
        let caller = &mut self.legs[CALLER];
        let opens = !caller.audio.is_open();
        if opens {
            caller.audio.open(ctx, caller.key, self.lane).map_err(Failure::of)?;
        }
        let flow = caller.flow;
        let body = match &self.offer {
            _ if caller.audio.is_negotiated() => caller.audio.repeat(),
            Some(offer) => {
                caller.audio.answer(ctx, &flow, (offer, &preference)).map_err(|_| Failure::of(Cause::INCOMPATIBLE))?
            }
            None => caller.audio.offer(ctx, &flow, &preference),
        };
        caller.note_agreed();
        if opens {
            let audio = std::mem::take(&mut self.legs[CALLER].audio);
            self.note_open(ctx, &audio, CALLER);
            self.legs[CALLER].audio = audio;
        }
        Ok(body)
    }

    /// Takes the answer to our offer out of a response, if one is there; says whether the phone's audio is known now and can
    /// be bridged with the caller's.
    fn accept_answer(&mut self, ctx: &mut Context, place: usize, response: &Response) -> bool {
        let leg = &mut self.legs[place];
        let is_known = if response.body.is_empty() || !reply::carries_sdp(&response.headers) {
            leg.audio.is_negotiated() && response.status.is_success()
        } else {
            let refused = match SessionDescription::parse(&response.body) {
                Ok(answer) => leg.audio.accept(ctx, &answer).err().map(|refusal| refusal.to_string()),
                Err(_) => Some("it cannot be read".into()),
            };
            leg.note_agreed();
            let is_usable = refused.is_none();
            if let Some(why) = refused {
                self.ladder.internal(ctx.unix(), (ladder::SIP, ladder::CALL), "its description is no use", why);
            }
            is_usable
        };
        // The caller may have been given another phone's early media already, in a codec that this one has not.
        is_known && self.legs[place].audio.goes_with(&ctx.settings, &self.legs[CALLER].audio)
    }

    fn handle_answer(&mut self, ctx: &mut Context, place: usize, dialog: Option<DialogId>, response: &Response) {
        let Some(dialog) = dialog else { return };
        let key = self.legs[place].key;
        ctx.index.dialogs.insert(dialog, key);
        self.legs[place].dialog = Some(dialog);
        if self.legs[place].is_up() {
            return;
        }
        ctx.sip.ack(ctx.now, dialog, None);
        self.legs[place].stage = Stage::Up;
        (self.legs[place].callee, self.legs[place].way) = (None, None);
        if !self.accept_answer(ctx, place, response) {
            let at = ctx.unix();
            self.ladder.internal(at, (ladder::CALL, ladder::CALL), "no usable codec in the answer", String::new());
            self.end_leg(ctx, place, Ending::local(HangupReason::Failed, Cause::INCOMPATIBLE));
            self.note_failure(Failure::of(Cause::INCOMPATIBLE));
            return self.give_up_if_silent(ctx);
        }
        self.legs[place].session.agreed = session_timer::answered(&response.headers);
        if place == CALLER {
            return self.take_up(ctx);
        }
        self.give_to(ctx, place);
    }

    /// Somebody at `place` has answered.
    pub(super) fn give_to(&mut self, ctx: &mut Context, place: usize) {
        match self.answer_caller(ctx, place) {
            Ok(body) => self.take_call(ctx, place, body),
            Err(failure) => self.fail_all(ctx, failure),
        }
    }

    /// The phone at `place` has the call: the caller is answered, the others stop ringing, the limits change.
    fn take_call(&mut self, ctx: &mut Context, place: usize, body: sip::endpoint::Body) {
        self.bridge(ctx, place);
        self.accept_caller(ctx, body);
        for other in 1..self.legs.len() {
            if other != place && self.legs[other].is_live() {
                self.end_leg(ctx, other, Ending::local(HangupReason::Normal, Cause::ANSWERED_ELSEWHERE));
            }
        }
        let talks = |leg: &Leg| leg.record.status == Status::Progressing;
        let begin: SmallVec<[usize; 2]> = [place, CALLER].into_iter().filter(|at| !talks(&self.legs[*at])).collect();
        self.set_progressing(ctx, &begin);
        self.note_answered_for_flow(ctx);
        self.note_answered_for_transfer(ctx);
    }

    /// 200 to the caller.
    pub fn accept_caller(&mut self, ctx: &mut Context, body: sip::endpoint::Body) {
        let Stage::Incoming { server } = self.legs[CALLER].stage else { return };
        ctx.totals.calls_answered += 1;
        let mut headers = Headers::new();
        if let Some(agreed) = self.legs[CALLER].session.agreed {
            session_timer::write_answer(Asked::Agreed { agreed, peer_supports: !agreed.we_refresh }, &mut headers);
        }
        let dialog = ctx.sip.respond(ctx.now, server, Reply::new(200).with_body(body).with_headers(headers));
        ctx.index.servers.remove(&server);
        let caller = &mut self.legs[CALLER];
        caller.stage = Stage::Up;
        if let Some(dialog) = dialog {
            caller.dialog = Some(dialog);
            ctx.index.dialogs.insert(dialog, caller.key);
        }
    }

    /// These legs talk from now on; so does the call.
    pub fn set_progressing(&mut self, ctx: &mut Context, places: &[usize]) {
        let at = ctx.unix();
        for &place in places {
            let record = &mut self.legs[place].record;
            record.status = Status::Progressing;
            record.progressing = Some(at);
            self.start_meter(ctx, place);
            self.state(ctx, place, EventKind::CallAnswered);
            self.arm_session(ctx, place);
        }
        ctx.cancel(&mut self.limit);
        self.limit = Some(ctx.arm(ctx.settings.call_limit, Timer::CallLimit(self.key)));
    }

    /// Connects the caller's audio with that of a phone.
    pub(super) fn bridge(&mut self, ctx: &mut Context, place: usize) {
        if self.bridged == Some(place) {
            return;
        }
        if let (Some(a), Some(b)) = (self.legs[CALLER].audio.stream(), self.legs[place].audio.stream()) {
            self.bridged = Some(place);
            ctx.media(media::Command::Connect { a, b });
            let spoken = [CALLER, place].map(|place| self.legs[place].spoken()).join(" ↔ ");
            self.ladder.media(ctx.unix(), (ladder::CALL, ladder::MEDIA), "connect", spoken.clone());
            let column = Call::column(place);
            self.ladder.media(ctx.unix(), (ladder::CALLER, column), "RTP", spoken);
        }
    }

    /// A leg that was rung has refused.
    pub fn handle_refusal(&mut self, ctx: &mut Context, place: usize, failure: Failure) {
        if self.try_next_way(ctx, place, failure) {
            return;
        }
        let told = self.legs[place].way.as_ref().and_then(|way| way.failure());
        self.end_refused(ctx, place, told.unwrap_or(failure));
    }

    /// A leg that was rung has refused, and nothing else is tried.
    pub fn end_refused(&mut self, ctx: &mut Context, place: usize, failure: Failure) {
        self.note_failure(failure);
        let reason = failure.cause.reason_outgoing();
        self.finish_leg(ctx, place, Ending::remote(reason, failure.cause));
        if self.bridged == Some(place) {
            self.bridged = None;
        }
        self.give_up_if_silent(ctx);
    }

    /// Once nobody rings any more and nobody answered, the caller is told the most telling failure.
    pub fn give_up_if_silent(&mut self, ctx: &mut Context) {
        if self.is_ringing() || self.return_from_ringing(ctx) || self.return_from_transfer(ctx) {
            return;
        }
        let failure = self.failure.unwrap_or(Failure::of(Cause::NO_ANSWER));
        self.refuse(ctx, failure);
    }

    /// Tells the caller no.
    pub fn refuse(&mut self, ctx: &mut Context, failure: Failure) {
        ctx.cancel(&mut self.limit);
        let Stage::Incoming { server } = self.legs[CALLER].stage else {
            if self.legs[CALLER].stage == Stage::Waiting {
                self.end_leg(ctx, CALLER, Ending::local(HangupReason::Dialout, failure.cause));
            }
            return;
        };
        let mut headers = reply::reason(failure.cause);
        if failure.status == 503 {
            headers.push(HeaderName::RetryAfter, "5");
        }
        ctx.sip.respond(ctx.now, server, Reply::new(failure.status).with_headers(headers));
        ctx.index.servers.remove(&server);
        let reason = failure.cause.reason_incoming();
        self.finish_leg(ctx, CALLER, Ending::local(reason, failure.cause));
    }

    /// Ends every phone and tells the caller why.
    pub fn fail_all(&mut self, ctx: &mut Context, failure: Failure) {
        self.end_called(ctx, Ending::local(HangupReason::Failed, failure.cause));
        self.note_failure(failure);
        if !self.return_from_ringing(ctx) {
            self.refuse(ctx, failure);
        }
    }

    /// It has rung long enough.
    pub fn handle_dial_timeout(&mut self, ctx: &mut Context) {
        self.limit = None;
        let at = ctx.unix();
        self.ladder.internal(at, (ladder::CALL, ladder::CALL), "nobody answered in time", String::new());
        let ending = Ending::local(HangupReason::NoAnswer, Cause::NO_ANSWER);
        if self.is_dialling() {
            return self.end_leg(ctx, CALLER, ending);
        }
        self.end_called(ctx, ending);
        if self.transfer.is_some() {
            self.bridged = None;
            self.note_failure(Failure::of(Cause::NO_ANSWER));
            return self.give_up_if_silent(ctx);
        }
        self.refuse(ctx, Failure::of(Cause::NO_ANSWER));
    }
}

/// Takes a 2xx that came too late, and ends it (RFC 3261 §13.2.2.4).
pub fn decline(ctx: &mut Context, dialog: DialogId) {
    ctx.sip.ack(ctx.now, dialog, None);
    let headers = reply::reason(Cause::ANSWERED_ELSEWHERE);
    if ctx.sip.request_in_dialog(ctx.now, dialog, Method::Bye, headers, None).is_err() {
        ctx.sip.drop_dialog(dialog);
    }
}

/// The Q.850 cause that a final response states itself (RFC 3326, RFC 6432).
fn cause_of(response: &Response) -> Option<Cause> {
    let reasons = response.headers.list::<Reason>().ok()?;
    reasons.iter().find_map(Cause::stated)
}

/// What the caller gets of a phone's final status: what a human meant is passed on, what concerns only us and the phone is not.
fn relayed_status(status: u16, cause: Cause) -> u16 {
    match status {
        404 | 410 | 480 | 484 | 486 | 488 | 600 | 603 | 604 | 606 => status,
        // A phone that redirects, challenges or does not know us is, to the caller, a phone that is not there.
        300..=399 | 401 | 403 | 407 | 408 | 481 | 487 => 480,
        _ => cause.status(),
    }
}
