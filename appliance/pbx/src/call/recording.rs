//! Recording a call: the phone of one leg on the left, what it hears on the right, or both in one.

use media::{Ended, RecordingId, SampleRate, Target};

use super::{CALLER, Call, Status, ladder};
use crate::command::{Rejection, Reply};
use crate::context::Context;
use crate::event::EventKind;
use crate::recording::{Recorded, Recordee, RecordingEnd, RecordingOptions};

impl Call {
    /// Begins to record a leg.
    pub fn start_recording(
        &mut self,
        ctx: &mut Context,
        place: usize,
        options: &RecordingOptions,
    ) -> Result<Reply, Rejection> {
        options.check()?;
        let leg = &self.legs[place];
        let Some(stream) = leg.audio.stream().filter(|_| leg.is_up() && leg.record.status == Status::Progressing)
        else {
            return Err(Rejection::CallState);
        };
        if leg.recording.is_some() {
            return Err(Rejection::RecordingActive);
        }
        let named = (Recordee::Leg(leg.key), Recorded::Call(leg.record.id));
        let rate = self.recording_rate();
        let (recording, id) = ctx.begin_recording(named, options, rate)?;
        let (layout, at) = (options.layout, ctx.unix());
        if options.beep {
            self.beep(ctx);
        }
        let (of, end_of_silence) = (Target::Stream(stream), options.end_of_silence);
        ctx.media(media::Command::Record { recording, of, layout, rate, end_of_silence });
        self.ladder.event(at, "call_recording");
        let words = format!("{} at {} Hz, {}", id, rate.hz(), who(place));
        self.ladder.media(at, (ladder::CALL, ladder::MEDIA), "record", words);
        let leg = &mut self.legs[place];
        leg.recording = Some(recording);
        leg.record.recording_id = Some(id);
        leg.record.recording_ids.push(id);
        self.state(ctx, place, EventKind::CallUpdated);
        Ok(Reply::Call(Box::new(self.legs[place].record.clone())))
    }

    /// Somebody asked for the end of the recording.
    pub fn stop_recording_on_request(&mut self, ctx: &mut Context, place: usize) -> Result<Reply, Rejection> {
        let recording = self.active_recording(place)?;
        self.stop_recording(ctx, (place, recording), RecordingEnd::Asked);
        Ok(Reply::Call(Box::new(self.legs[place].record.clone())))
    }

    /// Leaves out what is said from now on, or goes on recording it.
    pub fn pause_recording(&mut self, ctx: &mut Context, place: usize, paused: bool) -> Result<Reply, Rejection> {
        let recording = self.active_recording(place)?;
        ctx.media(media::Command::PauseRecording { recording, paused });
        let label = if paused { "pause the recording" } else { "go on recording" };
        self.ladder.media(ctx.unix(), (ladder::CALL, ladder::MEDIA), label, who(place).into());
        Ok(Reply::Call(Box::new(self.legs[place].record.clone())))
    }

    /// A recording has lasted as long as it was to.
    pub fn handle_recording_limit(&mut self, ctx: &mut Context, place: usize, recording: RecordingId) {
        if self.legs[place].recording == Some(recording) {
            self.stop_recording(ctx, (place, recording), RecordingEnd::Duration);
        }
    }

    /// The phone pressed a key, which may end the recording.
    pub fn offer_key_to_recording(&mut self, ctx: &mut Context, place: usize, digit: char) {
        if let Some(recording) =
            self.legs[place].recording.filter(|recording| ctx.recordings.ends_by(*recording, digit))
        {
            self.stop_recording(ctx, (place, recording), RecordingEnd::Key);
        }
    }

    /// The leg is about to end, and its recording with it.
    pub fn end_recording_with_leg(&mut self, ctx: &mut Context, place: usize) {
        let Some(recording) = self.legs[place].recording.take() else { return };
        self.legs[place].record.recording_id = None;
        self.hand_variables_over(ctx, recording);
        if ctx.stop_recording(recording, RecordingEnd::Hangup, None) {
            self.ladder.event(ctx.unix(), "call_recording");
        }
    }

    /// The engine records no longer: because we told it to, or by itself.
    pub fn handle_recording_ended(&mut self, ctx: &mut Context, place: usize, ended: (RecordingId, &Ended, u64)) {
        let (recording, reason, missed_ms) = ended;
        let words = match (reason, missed_ms) {
            (Ended::Failed(reason), _) => reason.clone(),
            (Ended::Silence, 0) => "it was silent for long enough".into(),
            (_, 0) => String::new(),
            (_, missed) => format!("{missed} ms are missing: the disk was too slow"),
        };
        let at = ctx.unix();
        self.ladder.media(at, (ladder::MEDIA, ladder::CALL), "recording ended", words);
        let (end, failure) = end_of(reason);
        self.hand_variables_over(ctx, recording);
        if ctx.stop_recording(recording, end, failure) {
            self.ladder.event(at, "call_recording");
        }
        self.forget_recording(ctx, place, recording);
    }

    /// There is no file for what is recorded, or nothing more goes into it.
    pub fn handle_recording_lost(&mut self, ctx: &mut Context, place: usize, lost: (RecordingId, &str)) {
        let (recording, reason) = lost;
        if self.legs[place].recording == Some(recording) {
            let label = "the file cannot be written";
            self.ladder.media(ctx.unix(), (ladder::MEDIA, ladder::CALL), label, reason.to_owned());
            ctx.media(media::Command::StopRecording { recording });
            self.forget_recording(ctx, place, recording);
        }
    }

    fn active_recording(&self, place: usize) -> Result<RecordingId, Rejection> {
        let leg = &self.legs[place];
        if !leg.is_live() {
            return Err(Rejection::CallState);
        }
        leg.recording.ok_or(Rejection::RecordingInactive)
    }

    fn stop_recording(&mut self, ctx: &mut Context, which: (usize, RecordingId), end: RecordingEnd) {
        let (place, recording) = which;
        let at = ctx.unix();
        let why = match end {
            RecordingEnd::Key => "the phone pressed the key",
            RecordingEnd::Duration => "it is as long as it was to be",
            _ => "it was asked for",
        };
        self.ladder.media(at, (ladder::CALL, ladder::MEDIA), "stop recording", why.into());
        ctx.media(media::Command::StopRecording { recording });
        self.hand_variables_over(ctx, recording);
        if ctx.stop_recording(recording, end, None) {
            self.ladder.event(at, "call_recording");
        }
        self.forget_recording(ctx, place, recording);
    }

    /// Another recording of the leg may begin.
    fn forget_recording(&mut self, ctx: &mut Context, place: usize, recording: RecordingId) {
        let leg = &mut self.legs[place];
        if leg.recording == Some(recording) {
            leg.recording = None;
            leg.record.recording_id = None;
            self.state(ctx, place, EventKind::CallUpdated);
        }
    }

    /// As good as the best of the phones, wideband at most: what is beyond that nobody says on a telephone.
    pub fn recording_rate(&self) -> SampleRate {
        let codecs = self.legs.iter().filter(|leg| leg.is_up()).filter_map(|leg| leg.audio.codec());
        let best = codecs.map(|codec| media::AudioFormat::new(codec, 0).sample_rate()).max();
        best.unwrap_or(SampleRate::Khz8).min(SampleRate::Khz16)
    }

    /// Both sides hear that they are recorded from now on.
    fn beep(&self, ctx: &mut Context) {
        for place in [Some(CALLER), self.bridged].into_iter().flatten() {
            // Who hears music has to go on hearing it, and would not after a beep.
            let leg = &self.legs[place];
            let Some(stream) = leg.audio.stream().filter(|_| leg.playing.is_none()) else { continue };
            let playback = ctx.index.new_playback();
            let what = media::Playable::Tone(Box::new(media::tone::Tone::BEEP));
            ctx.media(media::Command::Play { playback, to: Target::Stream(stream), what });
        }
    }
}

/// Why it is over, where the engine knows better than we.
pub fn end_of(reason: &Ended) -> (RecordingEnd, Option<String>) {
    match reason {
        Ended::Failed(reason) => (RecordingEnd::Failed, Some(reason.clone())),
        Ended::Silence => (RecordingEnd::Silence, None),
        Ended::Finished | Ended::Stopped => (RecordingEnd::Hangup, None),
    }
}

fn who(place: usize) -> &'static str {
    if place == CALLER { "the caller" } else { "the called phone" }
}
