//! What happens in the conferences: who is in which, what the media engine makes of it, and when one ends.
//!
//! Every change goes through functions of the [`Context`], so that a call that ends leaves its conference by itself. Whoever ends
//! a conference ends its calls ([`members`]); the last of them to leave ends the conference ([`leave`]).

pub mod recording;

use std::time::Duration;

use media::tone::Tone;
use media::{ConferenceId, Lane, Playable, PlaybackId, RecordingId, StreamId, Target};
use rustc_hash::FxHashMap;
use uuid::Uuid;

use super::{Conference, ConferenceChange, ConferenceStatus, Conferencecall, ConferencecallStatus, NewConference};
use crate::call::LegKey;
use crate::command::Rejection;
use crate::context::Context;
use crate::correction::Correction;
use crate::event::EventKind;
use crate::limits;
use crate::recording::RecordingEnd;
use crate::timers::{Timer, TimerId};

/// Somebody came: two short tones, the second higher.
const ENTRY: &str = "!440/120,!660/160";
/// Somebody left: the same the other way round.
const EXIT: &str = "!660/120,!440/160";

/// The conferences there are.
#[derive(Debug, Default)]
pub struct Conferences {
    by_id: FxHashMap<Uuid, Room>,
    by_number: FxHashMap<String, Uuid>,
    opened: u32,
}

/// A conference and who is in it.
#[derive(Debug)]
struct Room {
    conference: Conference,
    members: Vec<Member>,
    /// The media thread that its first call is on.
    lane: Lane,
    /// The media engine's name of it, while anybody is in it.
    open: Option<ConferenceId>,
    /// What everybody in it hears besides each other.
    playing: Option<Playing>,
    recording: Option<RecordingId>,
    timeout: Option<TimerId>,
}

#[derive(Debug)]
struct Member {
    conferencecall: Conferencecall,
    leg: LegKey,
}

#[derive(Debug, Clone, Copy)]
struct Playing {
    playback: PlaybackId,
    is_music: bool,
}

impl Conferences {
    /// The conference with this id.
    pub fn get(&self, id: Uuid) -> Option<&Conference> {
        self.by_id.get(&id).map(|room| &room.conference)
    }

    /// The conference with this short number.
    pub fn by_number(&self, number: &str) -> Option<&Conference> {
        self.by_number.get(number).and_then(|id| self.get(*id))
    }

    /// A conference before or after which calls go through this flow.
    pub fn led_through(&self, flow: Uuid) -> Option<&Conference> {
        let mut all = self.by_id.values().map(|room| &room.conference);
        all.find(|conference| [conference.pre_flow_id, conference.post_flow_id].contains(&Some(flow)))
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.by_id.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.by_id.is_empty()
    }

    /// How many calls are in one.
    pub fn members(&self) -> usize {
        self.by_id.values().map(|room| room.members.len()).sum()
    }

    /// The wall clock was set: what goes on is dated by the new one.
    pub fn redate(&mut self, correction: &Correction) {
        for Room { conference, members, .. } in self.by_id.values_mut() {
            correction.redate_all([Some(&mut conference.created), Some(&mut conference.updated)]);
            for Member { conferencecall: place, .. } in members {
                correction.redate_all([Some(&mut place.created), Some(&mut place.updated)]);
            }
        }
    }

    fn number_is_taken(&self, number: &str, by_other_than: Uuid) -> bool {
        self.by_number.get(number).is_some_and(|id| *id != by_other_than)
    }
}

/// Takes up what the store remembers. Nobody is in a conference yet; one that should have ended meanwhile does so at once.
pub fn restore(ctx: &mut Context, conferences: Vec<Conference>) {
    for mut conference in conferences {
        let id = conference.id;
        let was_recorded = conference.recording_id.take().is_some();
        let was_used = !std::mem::take(&mut conference.conferencecall_ids).is_empty() || was_recorded;
        let is_over = conference.status >= ConferenceStatus::Terminating;
        if was_used && !is_over {
            conference.updated = ctx.unix();
            ctx.event(EventKind::ConferenceUpdated(Box::new(conference.clone())));
        }
        insert(ctx, conference);
        if is_over {
            end(ctx, id);
        }
    }
}

/// Makes a conference.
pub fn create(ctx: &mut Context, new: NewConference) -> Result<Conference, Rejection> {
    new.validate()?;
    let id = new.id.unwrap_or_else(|| ctx.uuid());
    let number = new.data.extension.as_deref();
    if id.is_nil() {
        return Err(Rejection::Invalid { field: "id", reason: "must not be nil" });
    }
    if ctx.conferences.get(id).is_some() || number.is_some_and(|number| ctx.conferences.number_is_taken(number, id)) {
        return Err(Rejection::AlreadyExists("conference"));
    }
    if ctx.conferences.len() >= limits::CONFERENCES {
        return Err(Rejection::Exhausted("there are as many conferences as the exchange can hold"));
    }
    let at = ctx.unix();
    let NewConference { name, detail, data, timeout, pre_flow_id, post_flow_id, .. } = new;
    let status = ConferenceStatus::Starting;
    let conference = Conference {
        id,
        name,
        detail,
        data,
        timeout,
        status,
        pre_flow_id,
        post_flow_id,
        conferencecall_ids: Vec::new(),
        recording_id: None,
        recording_ids: Vec::new(),
        created: at,
        updated: at,
        ended: None,
    };
    ctx.event(EventKind::ConferenceCreated(Box::new(conference.clone())));
    insert(ctx, conference.clone());
    Ok(conference)
}

/// Changes a conference.
pub fn update(ctx: &mut Context, id: Uuid, change: ConferenceChange) -> Result<Conference, Rejection> {
    change.validate()?;
    let room = ctx.conferences.by_id.get(&id).filter(|room| room.conference.status < ConferenceStatus::Terminating);
    let room = room.ok_or(Rejection::NotFound("conference"))?;
    let number = change.data.as_ref().map_or(&room.conference.data.extension, |data| &data.extension).clone();
    if number.as_deref().is_some_and(|number| ctx.conferences.number_is_taken(number, id)) {
        return Err(Rejection::AlreadyExists("conference"));
    }
    let at = ctx.unix();
    let Some(mut room) = ctx.conferences.by_id.remove(&id) else { return Err(Rejection::NotFound("conference")) };
    if let Some(before) = &room.conference.data.extension {
        ctx.conferences.by_number.remove(before);
    }
    ctx.cancel(&mut room.timeout);
    let conference = &mut room.conference;
    conference.name = change.name.unwrap_or(std::mem::take(&mut conference.name));
    conference.detail = change.detail.unwrap_or(std::mem::take(&mut conference.detail));
    conference.timeout = change.timeout.unwrap_or(conference.timeout);
    conference.pre_flow_id = change.pre_flow_id.unwrap_or(conference.pre_flow_id);
    conference.post_flow_id = change.post_flow_id.unwrap_or(conference.post_flow_id);
    if let Some(data) = change.data {
        conference.data = data;
    }
    conference.updated = at;
    let changed = conference.clone();
    file(ctx, room);
    ctx.event(EventKind::ConferenceUpdated(Box::new(changed.clone())));
    Ok(changed)
}

/// Nobody may join any more. Ends the conference at once where it is empty; else the last one to leave does.
pub fn terminate(ctx: &mut Context, id: Uuid) -> Result<Conference, Rejection> {
    let at = ctx.unix();
    let room = ctx.conferences.by_id.get_mut(&id).ok_or(Rejection::NotFound("conference"))?;
    if room.conference.status != ConferenceStatus::Terminating {
        room.conference.status = ConferenceStatus::Terminating;
        room.conference.updated = at;
        let number = room.conference.data.extension.clone();
        let conference = room.conference.clone();
        number.map(|number| ctx.conferences.by_number.remove(&number));
        ctx.event(EventKind::ConferenceUpdated(Box::new(conference)));
    }
    let room = ctx.conferences.by_id.get(&id).ok_or(Rejection::NotFound("conference"))?;
    let conference = room.conference.clone();
    if room.members.is_empty() { end(ctx, id).ok_or(Rejection::NotFound("conference")) } else { Ok(conference) }
}

/// The legs that are in a conference, in the order in which they came.
pub fn members(ctx: &Context, id: Uuid) -> Vec<LegKey> {
    ctx.conferences.by_id.get(&id).map_or(Vec::new(), |room| room.members.iter().map(|member| member.leg).collect())
}

/// The leg that a conferencecall stands for, and the conferencecall as it is.
pub fn find(ctx: &Context, conferencecall: Uuid) -> Option<(LegKey, Conferencecall)> {
    let mut members = ctx.conferences.by_id.values().flat_map(|room| &room.members);
    let member = members.find(|member| member.conferencecall.id == conferencecall)?;
    Some((member.leg, member.conferencecall.clone()))
}

/// The media thread for the next call into a conference: that of its first call, until there are too many for it.
pub fn lane(ctx: &mut Context, id: Uuid) -> Option<Lane> {
    let room = ctx.conferences.by_id.get_mut(&id)?;
    if room.members.is_empty() {
        room.lane = ctx.ports.calmest();
    }
    let further = room.members.len() / ctx.settings.seats_a_thread.max(1) + usize::from(room.lane.0);
    let lane = Lane((further % usize::from(ctx.ports.lanes())) as u8);
    Some(if ctx.ports.serves(lane) { lane } else { ctx.ports.calmest() })
}

/// Takes a place for a leg. `None`: there is no such conference any more, or none is left.
pub fn enter(ctx: &mut Context, id: Uuid, (leg, call_id): (LegKey, Uuid)) -> Option<Uuid> {
    let (at, place) = (ctx.unix(), ctx.uuid());
    let room = ctx.conferences.by_id.get_mut(&id)?;
    if room.conference.status == ConferenceStatus::Terminating || room.members.len() >= limits::CONFERENCE_MEMBERS {
        return None;
    }
    let conferencecall = Conferencecall {
        id: place,
        conference_id: id,
        call_id,
        status: ConferencecallStatus::Joining,
        created: at,
        updated: at,
    };
    room.members.push(Member { conferencecall: conferencecall.clone(), leg });
    ctx.event(EventKind::ConferencecallJoining(Box::new(conferencecall)));
    Some(place)
}

/// The phone is answered: it hears the others from now on, and they hear it.
pub fn join(ctx: &mut Context, (id, place): (Uuid, Uuid), stream: StreamId) {
    let Some(mut room) = ctx.conferences.by_id.remove(&id) else { return };
    if set(ctx, &mut room, place, ConferencecallStatus::Joined).is_some() {
        let conference = room.open.unwrap_or_else(|| {
            ctx.conferences.opened = ctx.conferences.opened.wrapping_add(1);
            let conference = ConferenceId(ctx.conferences.opened);
            ctx.media(media::Command::OpenConference { conference, loudest: room.conference.data.loudest });
            conference
        });
        room.open = Some(conference);
        room.conference.status = room.conference.status.max(ConferenceStatus::Progressing);
        ctx.media(media::Command::Join { stream, conference });
        sound(ctx, &mut room, ENTRY);
        restate(ctx, &mut room);
    }
    ctx.conferences.by_id.insert(id, room);
}

/// The phone is on its way out.
pub fn begin_to_leave(ctx: &mut Context, (id, place): (Uuid, Uuid)) {
    let Some(mut room) = ctx.conferences.by_id.remove(&id) else { return };
    set(ctx, &mut room, place, ConferencecallStatus::Leaving);
    ctx.conferences.by_id.insert(id, room);
}

/// The phone is out; its stream is closed by its call. The last one closes the conference's room.
pub fn leave(ctx: &mut Context, (id, place): (Uuid, Uuid)) {
    begin_to_leave(ctx, (id, place));
    let Some(mut room) = ctx.conferences.by_id.remove(&id) else { return };
    set(ctx, &mut room, place, ConferencecallStatus::Leaved);
    room.members.retain(|member| member.conferencecall.id != place);
    match room.open {
        Some(conference) if joined(&room) == 0 => {
            recording::end(ctx, &mut room, (RecordingEnd::Hangup, None));
            ctx.media(media::Command::CloseConference { conference });
            (room.open, room.playing) = (None, None);
        }
        Some(_) => sound(ctx, &mut room, EXIT),
        None => {}
    }
    let is_over = room.conference.status == ConferenceStatus::Terminating && room.members.is_empty();
    if !is_over {
        restate(ctx, &mut room);
    }
    ctx.conferences.by_id.insert(id, room);
    if is_over {
        end(ctx, id);
    }
}

/// Something that was played to a conference is over.
pub fn handle_playback_ended(ctx: &mut Context, conference: ConferenceId, playback: PlaybackId) {
    let found =
        ctx.conferences.by_id.values().find(|room| room.open == Some(conference)).map(|room| room.conference.id);
    let Some(mut room) = found.and_then(|id| ctx.conferences.by_id.remove(&id)) else { return };
    if room.playing.is_some_and(|playing| playing.playback == playback) {
        room.playing = None;
        entertain(ctx, &mut room);
    }
    ctx.conferences.by_id.insert(room.conference.id, room);
}

fn insert(ctx: &mut Context, conference: Conference) {
    file(
        ctx,
        Room {
            conference,
            members: Vec::new(),
            lane: Lane::default(),
            open: None,
            playing: None,
            recording: None,
            timeout: None,
        },
    );
}

/// Puts a room where it is found, and arms its end.
fn file(ctx: &mut Context, mut room: Room) {
    let Conference { id, timeout, created, .. } = room.conference;
    if let Some(number) = &room.conference.data.extension {
        ctx.conferences.by_number.insert(number.clone(), id);
    }
    if timeout > Duration::ZERO {
        let age = Duration::from_micros(ctx.unix().0.saturating_sub(created.0).max(0) as u64);
        room.timeout = Some(ctx.arm(timeout.saturating_sub(age), Timer::ConferenceTimeout(id)));
    }
    ctx.conferences.by_id.insert(id, room);
}

fn end(ctx: &mut Context, id: Uuid) -> Option<Conference> {
    let mut room = ctx.conferences.by_id.remove(&id)?;
    ctx.cancel(&mut room.timeout);
    let at = ctx.unix();
    let conference = &mut room.conference;
    conference.status = ConferenceStatus::Terminated;
    conference.updated = at;
    conference.ended = Some(at);
    conference.conferencecall_ids.clear();
    ctx.event(EventKind::ConferenceDeleted(Box::new(conference.clone())));
    Some(room.conference)
}

/// Changes the state of a place and states it. `None`: it is not there, or is that far already.
fn set(ctx: &mut Context, room: &mut Room, place: Uuid, status: ConferencecallStatus) -> Option<()> {
    let member = room.members.iter_mut().find(|member| member.conferencecall.id == place)?;
    if member.conferencecall.status >= status {
        return None;
    }
    member.conferencecall.status = status;
    member.conferencecall.updated = ctx.unix();
    let conferencecall = Box::new(member.conferencecall.clone());
    ctx.event(match status {
        ConferencecallStatus::Joining => EventKind::ConferencecallJoining(conferencecall),
        ConferencecallStatus::Joined => EventKind::ConferencecallJoined(conferencecall),
        ConferencecallStatus::Leaving => EventKind::ConferencecallLeaving(conferencecall),
        ConferencecallStatus::Leaved => EventKind::ConferencecallLeaved(conferencecall),
    });
    Some(())
}

/// States who is in the conference now.
fn restate(ctx: &mut Context, room: &mut Room) {
    let there = room.members.iter().filter(|member| member.conferencecall.status == ConferencecallStatus::Joined);
    room.conference.conferencecall_ids = there.map(|member| member.conferencecall.id).collect();
    room.conference.updated = ctx.unix();
    ctx.event(EventKind::ConferenceUpdated(Box::new(room.conference.clone())));
}

fn joined(room: &Room) -> usize {
    room.members.iter().filter(|member| member.conferencecall.status == ConferencecallStatus::Joined).count()
}

/// A tone for everybody, where the conference has them; then whatever is to be heard after it.
fn sound(ctx: &mut Context, room: &mut Room, tone: &'static str) {
    let Some(conference) = room.open.filter(|_| room.conference.data.tones) else { return entertain(ctx, room) };
    let tone = Tone::parse(tone).expect("the tones of this file are written as tones are");
    play(ctx, room, (conference, Playable::Tone(Box::new(tone))));
}

/// Whoever is alone hears music, and nobody else does.
fn entertain(ctx: &mut Context, room: &mut Room) {
    let Some(conference) = room.open else { return };
    let is_alone = joined(room) == 1;
    match room.playing {
        None if is_alone && ctx.settings.music_on_hold => play(ctx, room, (conference, Playable::Music)),
        Some(Playing { playback, is_music: true }) if !is_alone => {
            ctx.media(media::Command::StopPlayback { playback });
            room.playing = None;
        }
        _ => {}
    }
}

fn play(ctx: &mut Context, room: &mut Room, (conference, what): (ConferenceId, Playable)) {
    let playback = ctx.index.new_playback();
    room.playing = Some(Playing { playback, is_music: what == Playable::Music });
    ctx.media(media::Command::Play { playback, to: Target::Conference(conference), what });
}
