//! A call into a conference: the caller is answered at once, and takes its place as soon as both know each other's audio.

use uuid::Uuid;

use super::audio::Preference;
use super::cause::Cause;
use super::{Address, AddressKind, CALLER, Call, Failure, ladder};
use crate::conference::rooms;
use crate::context::Context;
use crate::timers::Timer;

impl Call {
    /// Answers the caller into a conference.
    pub fn answer_into(&mut self, ctx: &mut Context, id: Uuid, name: &str) {
        let target_name = name.to_string();
        self.legs[CALLER].record.destination =
            Address { kind: AddressKind::Conference, target: id.to_string(), target_name };
        if let Err(cause) = self.legs[CALLER].audio.reserve(ctx, self.lane) {
            return self.refuse(ctx, Failure::of(cause));
        }
        let body = match self.describe_caller(ctx, Preference::default()) {
            Ok(body) => body,
            Err(failure) => return self.refuse(ctx, failure),
        };
        let caller = (self.legs[CALLER].key, self.id());
        let Some(place) = rooms::enter(ctx, id, caller) else {
            // Full, or it ended while the call waited for a port.
            return self.refuse(ctx, Failure::of(Cause::BUSY));
        };
        self.legs[CALLER].seat = Some((id, place));
        self.accept_caller(ctx, body);
        self.set_progressing(ctx, &[CALLER]);
        self.limit = Some(ctx.arm(ctx.settings.call_limit, Timer::CallLimit(self.key)));
        self.join_conference(ctx, CALLER);
    }

    /// Takes the leg's place in its conference, once its audio is agreed on.
    pub fn join_conference(&mut self, ctx: &mut Context, place: usize) {
        let leg = &self.legs[place];
        if let (Some(seat), Some(stream), true) = (leg.seat, leg.audio.stream(), leg.audio.is_negotiated()) {
            rooms::join(ctx, seat, stream);
            let codec = self.legs[place].record.codec.clone().unwrap_or_default();
            self.ladder.media(ctx.unix(), (ladder::CALL, ladder::MEDIA), "join the conference", codec);
        }
    }
}
