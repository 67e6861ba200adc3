//! From the layers below to the feature that an event is for.

use sip::dialog::DialogId;
use sip::endpoint::{ClientId, Event as SipEvent, Reply, ServerId};
use sip::transaction::Failure;
use sip::{Flow, Method, Request, Response};

use super::Pbx;
use crate::authentication::Caller;
use crate::call::digits::KeyWay;
use crate::call::flow::programs;
use crate::call::hangup::say_bye;
use crate::call::outbound::answer_bye_challenge;
use crate::call::progress::decline;
use crate::call::session::relay_info_answer;
use crate::call::setup::{Invitation, Whereabouts, handle_invitation};
use crate::call::{Call, LegKey};
use crate::conference::rooms;
use crate::context::Context;
use crate::index::Asked;
use crate::message;
use crate::provider::{Health, health, registration};
use crate::public_address;

impl Pbx {
    /// One event of the SIP endpoint.
    pub(super) fn dispatch(&mut self, event: SipEvent) {
        match event {
            SipEvent::Request { server, dialog: Some(dialog), request, .. } => {
                self.handle_request_in_dialog(server, dialog, &request);
            }
            SipEvent::Request { server, dialog: None, flow, request } => self.handle_new_request(server, flow, request),
            SipEvent::Cancelled { server, reason } => {
                if let Some(leg) = self.ctx.index.servers.get(&server).copied() {
                    self.calls.with(&mut self.ctx, leg, |call, ctx, _| call.handle_cancel(ctx, reason));
                }
            }
            SipEvent::Acknowledged { dialog, .. } | SipEvent::Unacknowledged { dialog }
                if self.ctx.index.farewells.contains_key(&dialog) =>
            {
                if let Some(cause) = self.ctx.index.farewells.remove(&dialog) {
                    say_bye(&mut self.ctx, dialog, cause);
                }
            }
            SipEvent::Acknowledged { dialog, body } => {
                if let Some(leg) = self.leg_of(dialog) {
                    self.calls.with(&mut self.ctx, leg, |call, ctx, place| call.handle_acknowledged(ctx, place, &body));
                }
            }
            SipEvent::ProvisionalUnacknowledged { server, dialog } => {
                // Whatever became of the leg: the INVITE is refused (RFC 3262 §3), or it would wait for ever.
                self.ctx.sip.respond(self.ctx.now, server, Reply::new(504));
                if let Some(leg) = self.leg_of(dialog) {
                    self.calls.with(&mut self.ctx, leg, |call, ctx, place| call.handle_unacknowledged(ctx, place));
                }
            }
            SipEvent::Unacknowledged { dialog } => {
                if let Some(leg) = self.leg_of(dialog) {
                    self.calls.with(&mut self.ctx, leg, |call, ctx, place| call.handle_unacknowledged(ctx, place));
                }
            }
            SipEvent::ProvisionalAcknowledged { .. } => {}
            SipEvent::Response { client, dialog, flow, response } => {
                self.handle_response((client, flow), dialog, &response)
            }
            SipEvent::Failed { client, failure } => self.handle_failure(client, failure),
        }
    }

    fn leg_of(&self, dialog: DialogId) -> Option<LegKey> {
        self.ctx.index.dialogs.get(&dialog).copied()
    }

    fn handle_request_in_dialog(&mut self, server: ServerId, dialog: DialogId, request: &Request) {
        let leg = self.leg_of(dialog);
        let ctx = &mut self.ctx;
        let handled = leg.and_then(|leg| {
            self.calls.with(ctx, leg, |call, ctx, place| call.handle_request(ctx, place, server, request))
        });
        if handled.is_none() {
            // The leg ended a moment ago; its dialog is on its way out.
            if request.method == Method::Bye {
                self.ctx.index.farewells.remove(&dialog);
            }
            let status = if request.method == Method::Bye { 200 } else { 481 };
            self.ctx.sip.respond(self.ctx.now, server, Reply::new(status));
        }
    }

    fn handle_new_request(&mut self, server: ServerId, flow: Flow, request: Box<Request>) {
        match request.method {
            Method::Register | Method::Invite => self.handle_authenticated(server, flow, request),
            Method::Options => {
                let mut reply = Reply::new(if self.ctx.draining { 503 } else { 200 });
                reply.headers.push(sip::message::HeaderName::Accept, "application/sdp");
                self.ctx.sip.respond(self.ctx.now, server, reply);
            }
            _ => {
                self.ctx.sip.respond(self.ctx.now, server, Reply::new(405));
            }
        }
    }

    fn handle_authenticated(&mut self, server: ServerId, flow: Flow, request: Box<Request>) {
        let Pbx { ctx, directory, registrar, gate, calls } = self;
        let caller = match gate.identify(ctx, &Whereabouts { directory, registrar }, &flow, &request) {
            Ok(caller) => caller,
            Err(reply) => {
                ctx.sip.respond(ctx.now, server, *reply);
                return;
            }
        };
        if request.method == Method::Invite {
            let places = Whereabouts { directory, registrar };
            return handle_invitation(ctx, calls, places, Invitation { server, flow, request, caller });
        }
        let Caller::Extension(caller) = caller else {
            ctx.sip.respond(ctx.now, server, Reply::new(403));
            return;
        };
        // Whoever proved one extension's password registers that extension, and no other.
        let owner = request.headers.typed::<sip::header::To>().ok();
        let owner = owner.as_ref().and_then(|to| to.uri().user_unescaped());
        if owner.as_deref() != Some(caller.extension.as_str()) {
            ctx.sip.respond(ctx.now, server, Reply::new(403));
            return;
        }
        registrar.handle_register(ctx, (server, flow), &caller, &request);
        calls.handle_registered(ctx, caller.id, (flow, &request));
    }

    fn handle_response(&mut self, (client, flow): (ClientId, Flow), dialog: Option<DialogId>, response: &Response) {
        let Pbx { ctx, calls, .. } = self;
        let asked = match response.status.is_provisional() {
            true => ctx.index.clients.get(&client).copied(),
            false => ctx.index.clients.remove(&client),
        };
        match asked {
            Some(Asked::Invite(leg)) => {
                let handled =
                    calls.with(ctx, leg, |call, ctx, place| call.handle_invite_response(ctx, place, dialog, response));
                if let (None, true, Some(dialog)) = (handled, response.status.is_success(), dialog) {
                    decline(ctx, dialog);
                }
            }
            Some(Asked::Refresh(leg)) => {
                calls.with(ctx, leg, |call, ctx, place| call.handle_refresh_response(ctx, place, response));
            }
            Some(Asked::Info(leg, server)) => {
                let passed_on =
                    |call: &mut Call, ctx: &mut Context, place| call.handle_passed_on(ctx, (place, server), response);
                if calls.with(ctx, leg, passed_on).unwrap_or(true) {
                    relay_info_answer(ctx, server, response);
                }
            }
            // Any answer will do: the path is open.
            Some(Asked::Keepalive(_)) => {}
            Some(Asked::Register(provider)) => registration::handle_response(ctx, provider, response, flow),
            Some(Asked::Health(provider)) => {
                if let Some(seen) = registration::seen_at(response) {
                    public_address::note_received(ctx, &flow, seen);
                }
                health::note(ctx, provider, Health::Healthy);
            }
            Some(Asked::Message(id)) => {
                if let Some((call, words)) = message::handle_response(ctx, id, response) {
                    calls.with_call(ctx, call, |call, ctx| call.note_message(ctx, words));
                }
            }
            Some(Asked::Bye(dialog, provider)) => {
                let asks = matches!(response.status.0, 401 | 407);
                if asks && !answer_bye_challenge(ctx, (dialog, provider), response) {
                    ctx.sip.drop_dialog(dialog);
                }
            }
            // A further 2xx to an INVITE that has its final answer (RFC 3261 §13.2.2.4), or the answer to a BYE.
            None => {
                if let (true, Some(dialog)) = (response.status.is_success() && is_to_invite(response), dialog) {
                    decline(ctx, dialog);
                }
            }
        }
    }

    fn handle_failure(&mut self, client: ClientId, failure: Failure) {
        let Pbx { ctx, calls, .. } = self;
        match ctx.index.clients.remove(&client) {
            Some(Asked::Invite(leg)) => {
                calls.with(ctx, leg, |call, ctx, place| call.handle_invite_failure(ctx, place, failure));
            }
            Some(Asked::Refresh(leg)) => {
                calls.with(ctx, leg, |call, ctx, place| call.handle_refresh_failure(ctx, place, failure));
            }
            Some(Asked::Info(_, server)) => {
                ctx.sip.respond(ctx.now, server, Reply::new(408));
            }
            Some(Asked::Register(provider)) => registration::handle_failure(ctx, provider, failure),
            Some(Asked::Health(provider)) => health::note(ctx, provider, Health::Unhealthy),
            Some(Asked::Message(id)) => {
                if let Some((call, words)) = message::handle_failure(ctx, id, failure) {
                    calls.with_call(ctx, call, |call, ctx| call.note_message(ctx, words));
                }
            }
            Some(Asked::Keepalive(_) | Asked::Bye(..)) | None => {}
        }
    }

    /// One event of the media engine.
    pub(super) fn handle_media(&mut self, event: media::Event) {
        let Pbx { ctx, calls, .. } = self;
        if let media::Event::PlaybackEnded { playback, to: media::Target::Conference(conference), .. } = event {
            return rooms::handle_playback_ended(ctx, conference, playback);
        }
        if let media::Event::RecordingEnded { recording, reason, missed_ms, .. } = event {
            return self.handle_recording_ended(recording, &reason, missed_ms);
        }
        let stream = event.stream();
        if let Some(stream) = stream.filter(|stream| ctx.programs.contains_key(stream)) {
            return self.handle_program(stream, event);
        }
        let Some(leg) = stream.and_then(|stream| ctx.index.streams.get(&stream)).copied() else { return };
        calls.with(ctx, leg, |call, ctx, place| match event {
            media::Event::Opened { .. } => {}
            media::Event::OpenFailed { reason, .. } => call.handle_open_failed(ctx, place, &reason),
            media::Event::Started { from, .. } => call.note_rtp(ctx, place, "first RTP packet", from),
            media::Event::Relatched { from, .. } => call.note_rtp(ctx, place, "RTP from elsewhere", from),
            media::Event::Timeout { silent_for, .. } => call.handle_silence(ctx, place, silent_for.as_secs()),
            media::Event::Digit { digit, in_band, .. } => {
                let way = if in_band { KeyWay::Tones } else { KeyWay::Events };
                call.handle_digit(ctx, place, (digit, way));
            }
            media::Event::Closed { statistics, .. } => call.handle_closed(ctx, place, Some(*statistics)),
            media::Event::PlaybackEnded { playback, .. } => call.handle_playback_ended(ctx, place, playback),
            media::Event::Measured { statistics, .. } => call.handle_measured(ctx, place, &statistics),
            media::Event::Judged { answerer, .. } => call.handle_judged(ctx, place, answerer),
            // Dealt with above: a recording may outlive its leg.
            media::Event::RecordingEnded { .. } => {}
        });
    }

    /// Something about the way to a browser.
    pub(super) fn handle_webrtc(&mut self, event: &media::webrtc::Event) {
        let Pbx { ctx, calls, .. } = self;
        if let Some(leg) = ctx.index.streams.get(&event.stream()).copied() {
            calls.with(ctx, leg, |call, ctx, place| call.handle_webrtc(ctx, place, event));
        }
    }

    /// One event of a program's stream.
    fn handle_program(&mut self, stream: media::StreamId, event: media::Event) {
        let Pbx { ctx, calls, .. } = self;
        let leg = ctx.index.streams.get(&stream).copied();
        match event {
            media::Event::OpenFailed { reason, .. } => {
                programs::forget(ctx, stream);
                leg.and_then(|leg| calls.with(ctx, leg, |call, ctx, place| call.lose_program(ctx, place, &reason)));
            }
            media::Event::Closed { .. } => programs::forget(ctx, stream),
            media::Event::Started { from, .. } => {
                let label = "the program's first RTP packet";
                leg.and_then(|leg| calls.with(ctx, leg, |call, ctx, place| call.note_rtp(ctx, place, label, from)));
            }
            // A program may be silent for as long as it likes.
            _ => {}
        }
    }
}

fn is_to_invite(response: &Response) -> bool {
    response.headers.typed::<sip::header::CSeq>().is_ok_and(|cseq| cseq.method == Method::Invite)
}
