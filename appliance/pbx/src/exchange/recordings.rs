//! What is recorded: a leg of a call, or a conference. Who asked for it does not care how that is done.

use media::{Ended, RecordingId, SampleRate};
use uuid::Uuid;

use super::Pbx;
use crate::command::{Rejection, Reply};
use crate::conference::rooms::{self, recording};
use crate::recording::{Recorded, Recordee, RecordingOptions};

impl Pbx {
    pub(super) fn start_recording(&mut self, of: Recorded, options: &RecordingOptions) -> Result<Reply, Rejection> {
        match of {
            Recorded::Call(id) => {
                self.calls.within(&mut self.ctx, id, |call, ctx, place| call.start_recording(ctx, place, options))
            }
            Recorded::Conference(id) => {
                let rate = self.rate_of_conference(id);
                let conference = recording::start(&mut self.ctx, id, options, rate)?;
                self.tell_members(id, "record the conference");
                Ok(Reply::Conference(Box::new(conference)))
            }
        }
    }

    pub(super) fn stop_recording(&mut self, of: Recorded) -> Result<Reply, Rejection> {
        match of {
            Recorded::Call(id) => {
                self.calls.within(&mut self.ctx, id, |call, ctx, place| call.stop_recording_on_request(ctx, place))
            }
            Recorded::Conference(id) => {
                let conference = recording::stop(&mut self.ctx, id)?;
                self.tell_members(id, "stop recording the conference");
                Ok(Reply::Conference(Box::new(conference)))
            }
        }
    }

    pub(super) fn pause_recording(&mut self, of: Recorded, paused: bool) -> Result<Reply, Rejection> {
        match of {
            Recorded::Call(id) => {
                self.calls.within(&mut self.ctx, id, |call, ctx, place| call.pause_recording(ctx, place, paused))
            }
            Recorded::Conference(id) => {
                let conference = recording::pause(&mut self.ctx, id, paused)?;
                Ok(Reply::Conference(Box::new(conference)))
            }
        }
    }

    /// It has lasted as long as it was to.
    pub(super) fn handle_recording_limit(&mut self, recording: RecordingId) {
        let Pbx { ctx, calls, .. } = self;
        match ctx.recordings.recordee(recording) {
            Some(Recordee::Leg(leg)) => drop(calls.with(ctx, leg, |call, ctx, place| {
                call.handle_recording_limit(ctx, place, recording);
            })),
            Some(Recordee::Conference(id)) => recording::handle_limit(ctx, id, recording),
            None => {}
        }
    }

    /// There is nobody to write down what is recorded still.
    pub(super) fn handle_recording_lost(&mut self, recording: RecordingId, reason: &str) {
        let Pbx { ctx, calls, .. } = self;
        match ctx.recordings.recordee(recording) {
            Some(Recordee::Leg(leg)) => drop(calls.with(ctx, leg, |call, ctx, place| {
                call.handle_recording_lost(ctx, place, (recording, reason));
            })),
            Some(Recordee::Conference(id)) => recording::handle_lost(ctx, id, recording),
            None => {}
        }
    }

    /// The recording may outlive its leg's stream, its leg, and its call.
    pub(super) fn handle_recording_ended(&mut self, recording: RecordingId, reason: &Ended, missed_ms: u64) {
        let Pbx { ctx, calls, .. } = self;
        match ctx.recordings.recordee(recording) {
            Some(Recordee::Leg(leg)) => drop(calls.with(ctx, leg, |call, ctx, place| {
                call.handle_recording_ended(ctx, place, (recording, reason, missed_ms));
            })),
            Some(Recordee::Conference(id)) => recording::handle_ended(ctx, id, (recording, reason)),
            None => {}
        }
    }

    /// As good as the best of the phones that are in it.
    fn rate_of_conference(&mut self, id: Uuid) -> SampleRate {
        let members = rooms::members(&self.ctx, id).into_iter();
        let rates = members.filter_map(|leg| self.calls.with(&mut self.ctx, leg, |call, _, _| call.recording_rate()));
        rates.max().unwrap_or(SampleRate::Khz8)
    }

    /// Draws it in the ladder of everybody who is in the conference.
    fn tell_members(&mut self, id: Uuid, what: &'static str) {
        for leg in rooms::members(&self.ctx, id) {
            self.calls.with(&mut self.ctx, leg, |call, ctx, _| call.note_conference(ctx, what));
        }
    }
}
