//! The end of a call, however it comes: one place that ends legs, and one that states their end.

use sip::Headers;
use sip::Method;
use sip::dialog::DialogId;
use sip::header::Reason;

use super::cause::Cause;
use super::{CALLER, Call, Ending, Failure, HangupBy, HangupReason, Leg, Peer, Quality, Stage, Status, ladder};
use crate::conference::rooms;
use crate::context::Context;
use crate::event::EventKind;
use crate::index::Asked;
use crate::limits;
use crate::reply;
use crate::timers::Timer;

impl Call {
    /// The peer said BYE.
    pub fn handle_bye(&mut self, ctx: &mut Context, place: usize, headers: &Headers) {
        let cause = stated_cause(headers).unwrap_or(Cause::NORMAL);
        let answered = self.legs[place].is_up();
        self.finish_leg(ctx, place, Ending::remote(HangupReason::Normal, cause));
        if self.return_from_consultation(ctx, place) || self.return_from_bridge(ctx, place, cause) {
            return;
        }
        if place == CALLER || self.bridged == Some(place) || (answered && self.bridged.is_none()) {
            self.end_others(ctx, place, Ending::local(HangupReason::Normal, cause));
        } else {
            self.give_up_if_silent(ctx);
        }
    }

    /// The caller gave up before anybody answered.
    pub fn handle_cancel(&mut self, ctx: &mut Context, reason: Option<Reason>) {
        let cause = reason.as_ref().and_then(Cause::stated).unwrap_or(Cause::NORMAL);
        if let Stage::Incoming { server } = self.legs[CALLER].stage {
            ctx.index.servers.remove(&server);
        }
        self.finish_leg(ctx, CALLER, Ending::remote(HangupReason::Normal, cause));
        self.end_others(ctx, CALLER, Ending::local(HangupReason::Cancel, cause));
    }

    /// Nobody acknowledged our 200 (RFC 3261 §13.3.1.4), or our reliable 18x (RFC 3262 §3).
    pub fn handle_unacknowledged(&mut self, ctx: &mut Context, place: usize) {
        let at = ctx.unix();
        self.ladder.internal(at, (ladder::SIP, ladder::CALL), "our answer was never acknowledged", String::new());
        self.legs[place].acknowledged = true;
        self.end_all(ctx, place, Ending::local(HangupReason::Failed, Cause::TIMER));
    }

    /// No audio came for too long.
    pub fn handle_silence(&mut self, ctx: &mut Context, place: usize, seconds: u64) {
        if !self.legs[place].is_up() {
            return;
        }
        ctx.totals.rtp_timeouts += 1;
        let at = ctx.unix();
        let label = format!("no RTP for {seconds} s");
        self.ladder.media(at, (ladder::MEDIA, ladder::CALL), label, String::new());
        self.end_all(ctx, place, Ending::local(HangupReason::Normal, Cause::TIMER));
    }

    /// The call has lasted as long as calls may.
    pub fn handle_call_limit(&mut self, ctx: &mut Context) {
        self.limit = None;
        if self.legs.is_empty() {
            return self.end_alone(ctx);
        }
        let at = ctx.unix();
        self.ladder.internal(at, (ladder::CALL, ladder::CALL), "the longest duration is reached", String::new());
        self.end_all(ctx, CALLER, Ending::local(HangupReason::Timeout, Cause::TIMER));
    }

    /// Somebody asked by API.
    pub fn hang_up_on_request(&mut self, ctx: &mut Context, place: usize, ending: Ending) {
        let at = ctx.unix();
        self.ladder.internal(at, (ladder::CALL, ladder::CALL), "hang-up was asked for", String::new());
        let leg = &mut self.legs[place];
        let (status, kind) = match leg.is_up() {
            true => (Status::Terminating, EventKind::CallTerminating as fn(_) -> _),
            false => (Status::Canceling, EventKind::CallCanceling as fn(_) -> _),
        };
        leg.record.status = status;
        self.state(ctx, place, kind);
        if place != CALLER && !self.legs[place].is_up() {
            // One phone of several stops ringing; the others go on.
            self.end_leg(ctx, place, Ending { reason: HangupReason::Cancel, ..ending });
            self.note_failure(Failure::of(Cause::NO_ANSWER));
            return self.give_up_if_silent(ctx);
        }
        let reason = if self.is_dialling() { HangupReason::Cancel } else { ending.reason };
        self.end_all(ctx, place, Ending { reason, ..ending });
    }

    /// The media thread has no place for a stream.
    pub fn handle_open_failed(&mut self, ctx: &mut Context, place: usize, reason: &str) {
        let at = ctx.unix();
        self.ladder.media(at, (ladder::MEDIA, ladder::CALL), "the stream could not be opened", reason.to_string());
        self.legs[place].audio.give_back(ctx);
        if !self.legs[place].is_live() {
            return self.close(ctx, place, None);
        }
        self.end_all(ctx, place, Ending::local(HangupReason::Failed, Cause::CONGESTION));
    }

    /// Ends a leg and all the others.
    pub fn end_all(&mut self, ctx: &mut Context, place: usize, ending: Ending) {
        self.end_leg(ctx, place, ending);
        if !self.return_from_consultation(ctx, place) && !self.return_from_bridge(ctx, place, ending.cause) {
            self.end_others(ctx, place, ending);
        }
    }

    fn end_others(&mut self, ctx: &mut Context, place: usize, ending: Ending) {
        for other in 0..self.legs.len() {
            if other != place && self.legs[other].is_live() {
                self.end_leg(ctx, other, ending);
            }
        }
        ctx.cancel(&mut self.limit);
        self.end_rtp_debug(ctx);
    }

    /// Ends a leg by what its stage calls for: a final answer, CANCEL or BYE.
    pub fn end_leg(&mut self, ctx: &mut Context, place: usize, ending: Ending) {
        let leg = &mut self.legs[place];
        match leg.stage {
            Stage::Incoming { server } => {
                let failure = Failure::of(ending.cause);
                let answer = sip::endpoint::Reply::new(failure.status).with_headers(reply::reason(ending.cause));
                ctx.sip.respond(ctx.now, server, answer);
                ctx.index.servers.remove(&server);
            }
            Stage::Outgoing { client } => {
                let reason = match ending.cause {
                    Cause::ANSWERED_ELSEWHERE => Reason::sip(200, "Call completed elsewhere"),
                    cause => Reason::q850(u16::from(cause.0), cause.text()),
                };
                ctx.sip.cancel(ctx.now, client, Some(reason));
            }
            Stage::Waiting => {}
            Stage::Locating => {}
            Stage::Up => bye(ctx, leg, ending.cause),
            Stage::Closing | Stage::Over => return,
        }
        self.finish_leg(ctx, place, ending);
    }

    /// The signalling of a leg is over: its record is completed, and its stream is closed.
    pub fn finish_leg(&mut self, ctx: &mut Context, place: usize, ending: Ending) {
        if !self.legs[place].is_live() {
            return;
        }
        self.end_recording_with_leg(ctx, place);
        self.stop_meter(ctx, place);
        if place == CALLER {
            self.leave_flow(ctx);
            self.end_chained(ctx);
            self.abandon_transfer(ctx);
        }
        let at = ctx.unix();
        let leg = &mut self.legs[place];
        leg.stage = Stage::Closing;
        if let Some(dialog) = leg.dialog.take() {
            ctx.index.dialogs.remove(&dialog);
        }
        ctx.cancel(&mut leg.session.timer);
        ctx.cancel(&mut leg.timer);
        let record = &mut leg.record;
        record.status = Status::Hangup;
        record.hungup = Some(at);
        record.hangup_by = Some(ending.by);
        record.hangup_reason = Some(ending.reason);
        record.hangup_cause = Some(ending.cause.0);
        let phone = Call::column(place);
        let (between, who) = match ending.by {
            HangupBy::Local => ((ladder::CALL, phone), "ended by the exchange"),
            HangupBy::Remote => ((phone, ladder::CALL), "ended by the phone"),
        };
        let words = format!("{who}: {} (cause {})", ending.cause.text(), ending.cause.0);
        self.ladder.internal(at, between, "hang up", words);
        self.end_program(ctx, place);
        let leg = &mut self.legs[place];
        leg.playing = None;
        let seat = leg.seat.take();
        match leg.audio.stream() {
            Some(stream) => {
                ctx.media(media::Command::Close { stream });
                leg.timer = Some(ctx.arm(limits::STATISTICS_WAIT, Timer::Statistics(leg.key)));
            }
            None => self.close(ctx, place, None),
        }
        if let Some(seat) = seat {
            rooms::leave(ctx, seat);
        }
    }

    /// The media engine closed the stream and says what it did, or owed it for too long.
    pub fn handle_closed(&mut self, ctx: &mut Context, place: usize, statistics: Option<media::Statistics>) {
        self.legs[place].audio.give_back(ctx);
        if self.legs[place].stage == Stage::Closing {
            self.close(ctx, place, statistics);
        }
    }

    /// States the end of a leg. Nothing about it follows.
    fn close(&mut self, ctx: &mut Context, place: usize, statistics: Option<media::Statistics>) {
        let leg = &mut self.legs[place];
        if leg.stage == Stage::Over {
            return;
        }
        leg.stage = Stage::Over;
        leg.audio.give_back(ctx);
        ctx.cancel(&mut leg.timer);
        if let Some(statistics) = statistics.filter(|statistics| statistics.packets_received > 0) {
            let columns = (Call::column(place), ladder::MEDIA);
            self.ladder.media(ctx.unix(), columns, "audio is over", in_words(&statistics));
        }
        let leg = &mut self.legs[place];
        leg.record.quality = statistics.map(quality);
        self.state(ctx, place, EventKind::CallHungup);
        self.tell_groupcall(ctx, place);
    }
}

fn bye(ctx: &mut Context, leg: &mut Leg, cause: Cause) {
    let Some(dialog) = leg.dialog else { return };
    if let (true, Peer::Provider(provider)) = (leg.acknowledged, leg.peer) {
        match ctx.sip.request_in_dialog(ctx.now, dialog, Method::Bye, reply::reason(cause), None) {
            Ok(client) => _ = ctx.index.clients.insert(client, Asked::Bye(dialog, provider)),
            Err(_) => ctx.sip.drop_dialog(dialog),
        }
    } else if leg.acknowledged {
        say_bye(ctx, dialog, cause);
    } else {
        ctx.index.farewells.insert(dialog, cause);
    }
}

/// Ends a dialog that belongs to no leg any more.
pub fn say_bye(ctx: &mut Context, dialog: DialogId, cause: Cause) {
    if ctx.sip.request_in_dialog(ctx.now, dialog, Method::Bye, reply::reason(cause), None).is_err() {
        ctx.sip.drop_dialog(dialog);
    }
}

fn stated_cause(headers: &Headers) -> Option<Cause> {
    let reasons = headers.list::<Reason>().ok()?;
    reasons.iter().find_map(Cause::stated)
}

/// How well a phone was heard, as the ladder says it.
fn in_words(statistics: &media::Statistics) -> String {
    let (received, loss, jitter) = (statistics.packets_received, statistics.loss() * 100.0, statistics.jitter_ms());
    let mut words = format!("{received} packets came, {loss:.1} % were lost, jitter {jitter:.0} ms");
    if statistics.playout.delay_ms > 0 {
        words += &format!(", delay {} ms", statistics.playout.delay_ms);
    }
    if let Some(opinion) = statistics.opinion {
        words += &format!(", opinion score {:.1}", opinion.value());
    }
    words
}

fn quality(statistics: media::Statistics) -> Quality {
    Quality {
        packets_received: statistics.packets_received,
        packets_sent: statistics.packets_sent,
        packets_lost: statistics.lost,
        gaps: statistics.gaps,
        loss_percent: statistics.loss() as f32 * 100.0,
        jitter_ms: statistics.jitter_ms() as f32,
        jitter_max_ms: statistics.jitter_max_ms() as f32,
        round_trip_ms: statistics.round_trip.map(|rtt| rtt.as_secs_f32() * 1000.0),
        opinion: statistics.opinion.map(|opinion| opinion.value() as f32),
        remote_loss_percent: statistics.remote.map(|remote| f32::from(remote.fraction_lost) / 2.56),
    }
}
