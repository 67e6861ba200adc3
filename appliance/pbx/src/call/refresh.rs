//! Session refreshes (RFC 4028): sent where that is ours to do, awaited where it is the peer's.

use std::time::Duration;

use sip::header::Refresher;
use sip::transaction::Failure as RequestFailure;
use sip::{Headers, Method, Response};

use super::cause::Cause;
use super::{Call, Ending, HangupReason, Stage, ladder, session_timer};
use crate::context::Context;
use crate::index::Asked;
use crate::timers::Timer;

impl Call {
    /// Arms what was agreed on, anew.
    pub fn arm_session(&mut self, ctx: &mut Context, place: usize) {
        let leg = &mut self.legs[place];
        ctx.cancel(&mut leg.session.timer);
        if let (Some(agreed), Stage::Up) = (leg.session.agreed, leg.stage) {
            let timer = if agreed.we_refresh { Timer::SessionRefresh(leg.key) } else { Timer::SessionExpired(leg.key) };
            leg.session.timer = Some(ctx.arm(agreed.delay(), timer));
        }
    }

    /// Half of the interval is over, or we have something else to say, or either collided and is tried again.
    pub fn send_refresh(&mut self, ctx: &mut Context, place: usize) {
        let leg = &mut self.legs[place];
        let (Some(dialog), Stage::Up) = (leg.dialog, leg.stage) else { return };
        let mut headers = Headers::new();
        if let Some(agreed) = leg.session.agreed {
            session_timer::write_request(agreed.interval, Some(Refresher::Uac), leg.session.min_se, &mut headers);
        }
        headers.extend(&leg.credentials(ctx, &Method::Invite));
        leg.audio.follow(ctx, &leg.flow);
        let body = leg.audio.is_negotiated().then(|| leg.audio.repeat_as_offer());
        let key = leg.key;
        match ctx.sip.request_in_dialog(ctx.now, dialog, Method::Invite, headers, body) {
            Ok(client) => {
                ctx.index.clients.insert(client, Asked::Refresh(key));
                // If nothing comes of it, the session ends when its interval does.
                self.arm_expiry(ctx, place);
            }
            Err(_) => self.try_again(ctx, place),
        }
    }

    /// Peers reach us elsewhere: whoever talks is told where.
    pub fn follow_address(&mut self, ctx: &mut Context, place: usize) {
        let leg = &mut self.legs[place];
        if leg.is_up() && leg.is_live() && leg.audio.is_negotiated() && leg.audio.follow(ctx, &leg.flow) {
            let label = "we are reached elsewhere";
            self.ladder.internal(ctx.unix(), (ladder::CALL, ladder::SIP), label, String::new());
            self.send_refresh(ctx, place);
        }
    }

    /// The phone answered a refresh of ours.
    pub fn handle_refresh_response(&mut self, ctx: &mut Context, place: usize, response: &Response) {
        let status = response.status;
        if status.is_provisional() || !self.legs[place].is_up() {
            if let (true, Some(dialog)) = (status.is_success(), self.legs[place].dialog) {
                ctx.sip.ack(ctx.now, dialog, None);
            }
            return;
        }
        if status.is_success() {
            let leg = &mut self.legs[place];
            if let Some(dialog) = leg.dialog {
                ctx.sip.ack(ctx.now, dialog, None);
            }
            if let Ok(answer) = sip::sdp::SessionDescription::parse(&response.body) {
                // An answer to a repeated offer that cannot be used leaves the session as it was (RFC 3261 §14.1).
                let _ = leg.audio.accept(ctx, &answer);
            }
            leg.note_taken();
            leg.session.agreed = session_timer::answered(&response.headers);
            self.arm_session(ctx, place);
            self.note_change(ctx, place);
            // Something else was ordered while this was under way.
            if self.legs[place].audio.has_news() {
                self.send_refresh(ctx, place);
            }
            return;
        }
        self.legs[place].audio.withdraw_offer();
        if self.legs[place].take_challenge(ctx, response) {
            self.note_challenge(ctx);
            return self.send_refresh(ctx, place);
        }
        match status.0 {
            491 => self.try_again(ctx, place),
            422 => {
                let leg = &mut self.legs[place];
                let least = session_timer::demanded(&response.headers).unwrap_or(0);
                leg.session.min_se = least;
                if let Some(agreed) = &mut leg.session.agreed {
                    agreed.interval = agreed.interval.max(least);
                }
                self.try_again(ctx, place);
            }
            408 | 481 => self.expire(ctx, place, "the phone does not know the call any more"),
            _ => {}
        }
    }

    /// A refresh of ours was never answered (RFC 3261 §12.2.1.2: the dialog is over).
    pub fn handle_refresh_failure(&mut self, ctx: &mut Context, place: usize, failure: RequestFailure) {
        let label = match failure {
            RequestFailure::Timeout => "no answer to the session refresh",
            _ => "the phone cannot be reached",
        };
        self.expire(ctx, place, label);
    }

    /// The peer was to refresh and did not.
    pub fn handle_session_expired(&mut self, ctx: &mut Context, place: usize) {
        self.expire(ctx, place, "the session was not refreshed");
    }

    fn expire(&mut self, ctx: &mut Context, place: usize, label: &'static str) {
        if self.legs[place].is_up() {
            self.ladder.internal(ctx.unix(), (ladder::SIP, ladder::CALL), label, String::new());
            self.end_all(ctx, place, Ending::local(HangupReason::Normal, Cause::TIMER));
        }
    }

    fn arm_expiry(&mut self, ctx: &mut Context, place: usize) {
        let leg = &mut self.legs[place];
        if let Some(agreed) = leg.session.agreed {
            ctx.cancel(&mut leg.session.timer);
            let rest = Duration::from_secs(u64::from(agreed.interval)) - agreed.delay();
            leg.session.timer = Some(ctx.arm(rest, Timer::SessionExpired(leg.key)));
        }
    }

    /// After glare, the owner of the Call-ID waits 2.1 to 4 s in steps of 10 ms, the other up to 2 s (RFC 3261 §14.1).
    fn try_again(&mut self, ctx: &mut Context, place: usize) {
        let steps = ctx.random_below(190);
        let outgoing = self.legs[place].record.direction == super::Direction::Outgoing;
        let wait = if outgoing { 2_100 + 10 * steps } else { 10 * steps };
        let leg = &mut self.legs[place];
        ctx.cancel(&mut leg.timer);
        leg.timer = Some(ctx.arm(Duration::from_millis(wait), Timer::Reinvite(leg.key)));
    }
}
