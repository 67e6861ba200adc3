//! Recording a conference: everybody who is in it, in one file.

use media::{Ended, Layout, RecordingId, SampleRate, Target};
use uuid::Uuid;

use super::{Room, entertain, restate, sound};
use crate::call::recording::end_of;
use crate::command::Rejection;
use crate::conference::{Conference, ConferenceStatus};
use crate::context::Context;
use crate::limits;
use crate::recording::{Recorded, Recordee, RecordingEnd, RecordingOptions};

/// They are recorded from now on.
const BEEP: &str = "!1000/200";

/// Begins to record everybody who is in a conference, and who will come.
pub fn start(
    ctx: &mut Context,
    id: Uuid,
    options: &RecordingOptions,
    rate: SampleRate,
) -> Result<Conference, Rejection> {
    options.check()?;
    let room = ctx.conferences.by_id.get(&id).filter(|room| room.conference.status < ConferenceStatus::Terminating);
    let room = room.ok_or(Rejection::NotFound("conference"))?;
    if room.recording.is_some() {
        return Err(Rejection::RecordingActive);
    }
    let conference = room.open.ok_or(Rejection::ConferenceEmpty)?;
    let layout = Layout::Mono;
    let options = RecordingOptions { layout, ..options.clone() };
    let named = (Recordee::Conference(id), Recorded::Conference(id));
    let (recording, recording_id) = ctx.begin_recording(named, &options, rate)?;
    let (of, end_of_silence) = (Target::Conference(conference), options.end_of_silence);
    ctx.media(media::Command::Record { recording, of, layout, rate, end_of_silence });
    let mut room = ctx.conferences.by_id.remove(&id).ok_or(Rejection::NotFound("conference"))?;
    room.recording = Some(recording);
    room.conference.recording_id = Some(recording_id);
    let ids = &mut room.conference.recording_ids;
    ids.push(recording_id);
    ids.drain(..ids.len().saturating_sub(limits::CONFERENCE_RECORDINGS));
    if options.beep {
        sound(ctx, &mut room, BEEP);
    } else {
        entertain(ctx, &mut room);
    }
    restate(ctx, &mut room);
    let conference = room.conference.clone();
    ctx.conferences.by_id.insert(id, room);
    Ok(conference)
}

/// Somebody asked for the end of the recording.
pub fn stop(ctx: &mut Context, id: Uuid) -> Result<Conference, Rejection> {
    let (mut room, recording) = take(ctx, id)?;
    ctx.media(media::Command::StopRecording { recording });
    end(ctx, &mut room, (RecordingEnd::Asked, None));
    Ok(put_back(ctx, room))
}

/// Leaves out what is said from now on, or goes on recording it.
pub fn pause(ctx: &mut Context, id: Uuid, paused: bool) -> Result<Conference, Rejection> {
    let (room, recording) = take(ctx, id)?;
    ctx.media(media::Command::PauseRecording { recording, paused });
    let conference = room.conference.clone();
    ctx.conferences.by_id.insert(id, room);
    Ok(conference)
}

/// The recording has lasted as long as it was to.
pub fn handle_limit(ctx: &mut Context, id: Uuid, recording: RecordingId) {
    if let Some(mut room) = take_recorded(ctx, id, recording) {
        ctx.media(media::Command::StopRecording { recording });
        end(ctx, &mut room, (RecordingEnd::Duration, None));
        put_back(ctx, room);
    }
}

/// The engine records no longer: because we told it to, or by itself.
pub fn handle_ended(ctx: &mut Context, id: Uuid, (recording, reason): (RecordingId, &Ended)) {
    let why = end_of(reason);
    match take_recorded(ctx, id, recording) {
        Some(mut room) => {
            end(ctx, &mut room, why);
            put_back(ctx, room);
        }
        None => drop(ctx.stop_recording(recording, why.0, why.1)),
    }
}

/// There is no file for what is recorded, or nothing more goes into it.
pub fn handle_lost(ctx: &mut Context, id: Uuid, recording: RecordingId) {
    if let Some(mut room) = take_recorded(ctx, id, recording) {
        ctx.media(media::Command::StopRecording { recording });
        (room.recording, room.conference.recording_id) = (None, None);
        put_back(ctx, room);
    }
}

/// Nothing more of the conference goes into its recording, if there is one.
pub(super) fn end(ctx: &mut Context, room: &mut Room, (end, failure): (RecordingEnd, Option<String>)) {
    room.conference.recording_id = None;
    if let Some(recording) = room.recording.take() {
        ctx.stop_recording(recording, end, failure);
    }
}

fn take(ctx: &mut Context, id: Uuid) -> Result<(Room, RecordingId), Rejection> {
    let room = ctx.conferences.by_id.get(&id).ok_or(Rejection::NotFound("conference"))?;
    let recording = room.recording.ok_or(Rejection::RecordingInactive)?;
    let room = ctx.conferences.by_id.remove(&id).ok_or(Rejection::NotFound("conference"))?;
    Ok((room, recording))
}

fn take_recorded(ctx: &mut Context, id: Uuid, recording: RecordingId) -> Option<Room> {
    ctx.conferences.by_id.get(&id).filter(|room| room.recording == Some(recording))?;
    ctx.conferences.by_id.remove(&id)
}

fn put_back(ctx: &mut Context, mut room: Room) -> Conference {
    restate(ctx, &mut room);
    let conference = room.conference.clone();
    ctx.conferences.by_id.insert(conference.id, room);
    conference
}
