//! A call into a conference: the caller is answered at once, and takes its place as soon as both know each other's audio.

use uuid::Uuid;

use super::audio::Preference;
use super::cause::Cause;
use super::{Address, AddressKind, CALLER, Call, Failure, ladder};
use crate::conference::rooms;
use crate::context::Context;
use crate::flow::Flow;
use crate::flow::action::{Action, confbridge_join, fetch_flow};
use crate::flow::value::Value;

impl Call {
    /// Goes into a conference, through the flows that are set before and after it.
    pub fn go_into_conference(&mut self, ctx: &mut Context, id: Uuid, name: &str) {
        let Some(actions) = actions_around(ctx, id) else { return self.answer_into(ctx, id, name) };
        self.legs[CALLER].record.destination = address_of(id, name);
        let flow = Flow::temporary(name, actions, ctx.unix());
        self.enter_flow(ctx, &flow);
    }

    /// Answers the caller into a conference.
    fn answer_into(&mut self, ctx: &mut Context, id: Uuid, name: &str) {
        self.legs[CALLER].record.destination = address_of(id, name);
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
        self.join_conference(ctx, CALLER);
    }

    /// Goes into a conference in the middle of a call. False: there is no such conference, or no place in it.
    pub fn move_into_conference(&mut self, ctx: &mut Context, id: Uuid) -> bool {
        let caller = (self.legs[CALLER].key, self.id());
        let Some(place) = rooms::enter(ctx, id, caller) else { return false };
        self.legs[CALLER].seat = Some((id, place));
        self.join_conference(ctx, CALLER);
        true
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

    /// Draws what happens to the conference that the call is in.
    pub fn note_conference(&mut self, ctx: &Context, what: &'static str) {
        self.ladder.media(ctx.unix(), (ladder::CALL, ladder::MEDIA), what, String::new());
    }
}

/// A conference as a destination.
pub fn address_of(id: Uuid, name: &str) -> Address {
    Address { kind: AddressKind::Conference, target: id.to_string(), target_name: name.to_string() }
}

/// What a call goes through that is to go into a conference: where others have been set, their flows come before and after.
pub fn actions_around(ctx: &mut Context, id: Uuid) -> Option<Vec<Action>> {
    let conference = ctx.conferences.get(id)?;
    let known = |flow: Option<Uuid>| flow.filter(|flow| ctx.flows.get(*flow).is_some());
    let (before, after) = (known(conference.pre_flow_id), known(conference.post_flow_id));
    before.or(after)?;
    let mut actions = Vec::new();
    let steps = [
        before.map(|flow| (fetch_flow::INFO, "flow_id", flow)),
        Some((confbridge_join::INFO, "confbridge_id", id)),
        after.map(|flow| (fetch_flow::INFO, "flow_id", flow)),
    ];
    for (info, name, value) in steps.into_iter().flatten() {
        let option = Value::Map(vec![(name.into(), Value::Text(value.to_string()))]);
        actions.push(Action { id: ctx.uuid(), next_id: None, name: info.name.into(), option });
    }
    Some(actions)
}
