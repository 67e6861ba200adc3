//! What is asked of the conferences, where it takes the calls and the directory too.

use uuid::Uuid;

use super::Pbx;
use crate::call::cause::Cause;
use crate::call::{Ending, HangupReason};
use crate::command::{Rejection, Reply};
use crate::conference::{Conference, ConferenceChange, NewConference, rooms};

impl Pbx {
    pub(super) fn create_conference(&mut self, new: NewConference) -> Result<Reply, Rejection> {
        if let Some(number) = &new.data.extension {
            self.refuse_taken_by_another(number, "conference")?;
        }
        self.refuse_missing_flow("pre_flow_id", new.pre_flow_id)?;
        self.refuse_missing_flow("post_flow_id", new.post_flow_id)?;
        rooms::create(&mut self.ctx, new).map(|made| Reply::Conference(Box::new(made)))
    }

    pub(super) fn update_conference(&mut self, id: Uuid, change: ConferenceChange) -> Result<Reply, Rejection> {
        if let Some(number) = change.data.as_ref().and_then(|data| data.extension.as_ref()) {
            self.refuse_taken_by_another(number, "conference")?;
        }
        self.refuse_missing_flow("pre_flow_id", change.pre_flow_id.flatten())?;
        self.refuse_missing_flow("post_flow_id", change.post_flow_id.flatten())?;
        rooms::update(&mut self.ctx, id, change).map(|changed| Reply::Conference(Box::new(changed)))
    }

    /// Sends everybody away; the last one to go ends the conference. Returns it as it is then.
    pub(super) fn end_conference(&mut self, id: Uuid) -> Result<Conference, Rejection> {
        let mut conference = rooms::terminate(&mut self.ctx, id)?;
        for leg in rooms::members(&self.ctx, id) {
            let ending = Ending::local(HangupReason::Normal, Cause::NORMAL);
            self.calls.with(&mut self.ctx, leg, |call, ctx, place| {
                if !call.return_from_conference(ctx) {
                    call.hang_up_on_request(ctx, place, ending);
                }
            });
        }
        if self.ctx.conferences.get(id).is_none() {
            let at = self.ctx.unix();
            conference.status = crate::conference::ConferenceStatus::Terminated;
            conference.conferencecall_ids.clear();
            (conference.updated, conference.ended) = (at, Some(at));
        }
        Ok(conference)
    }

    /// Sends one call away, and ends it.
    pub(super) fn end_conferencecall(&mut self, id: Uuid) -> Result<Reply, Rejection> {
        let (leg, mut conferencecall) = rooms::find(&self.ctx, id).ok_or(Rejection::NotFound("conferencecall"))?;
        let ending = Ending::local(HangupReason::Normal, Cause::NORMAL);
        self.calls.with(&mut self.ctx, leg, |call, ctx, place| {
            if !call.return_from_conference(ctx) {
                call.hang_up_on_request(ctx, place, ending);
            }
        });
        conferencecall.status = crate::conference::ConferencecallStatus::Leaved;
        conferencecall.updated = self.ctx.unix();
        Ok(Reply::Conferencecall(Box::new(conferencecall)))
    }
}
