//! What is played and what is recorded, to whom and of whom.

use rustc_hash::FxHashMap;

use crate::command::{Playable, Target};
use crate::engine::Engine;
use crate::music::Music;
use crate::player::{Feed, Material, PlaybackId, Player, SoundBuffer};
use crate::recorder::{Layout, RecordedBuffer, Recorder, RecordingId};
use crate::sample_rate::SampleRate;
use crate::tone::ToneGenerator;
use crate::{Command, Ended, Event, Time};

/// Sound that leaves the engine: buffers on their way back, and full ones.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Parcel {
    /// The buffer was played: fill it again and hand it to [`Engine::handle_sound`].
    Played {
        /// The playback.
        playback: PlaybackId,
        /// The buffer.
        pcm: Box<[i16]>,
    },
    /// The buffer is full: write it down, and lend it again by [`Engine::handle_buffer`].
    Recorded {
        /// The recording.
        recording: RecordingId,
        /// The buffer.
        buffer: RecordedBuffer,
    },
}

/// Whom each playback and recording is for.
#[derive(Debug, Default)]
pub(super) struct Works {
    playbacks: FxHashMap<PlaybackId, Target>,
    recordings: FxHashMap<RecordingId, Target>,
}

impl Works {
    pub(super) fn forget(&mut self, event: &Event) {
        match event {
            Event::PlaybackEnded { playback, .. } => drop(self.playbacks.remove(playback)),
            Event::RecordingEnded { recording, .. } => drop(self.recordings.remove(recording)),
            _ => {}
        }
    }
}

impl Engine {
    /// The samples a second that a stream or a conference hears at best: what is decoded for it should have them.
    pub fn rate(&self, target: Target) -> SampleRate {
        let rate = match target {
            Target::Stream(id) => self.streams.get(id).and_then(|stream| Some(stream.agreed.as_ref()?.format.send)),
            Target::Conference(id) => return self.rooms.rate(id).unwrap_or(SampleRate::Khz8),
        };
        rate.map_or(SampleRate::Khz8, |send| send.sample_rate())
    }

    /// Takes sound for a playback that has asked for it. A buffer that nobody wants (any longer) comes back at once.
    pub fn handle_sound(&mut self, playback: PlaybackId, buffer: SoundBuffer) {
        let refused = match self.player(playback) {
            Some(player) => player.feed(buffer).err(),
            None => Some(buffer),
        };
        if let Some(buffer) = refused {
            self.outbox.played(playback, buffer);
        }
    }

    /// The sound of a playback cannot be got (any further).
    pub fn handle_sound_failed(&mut self, now: Time, playback: PlaybackId, reason: String) {
        self.end_playback(now, playback, Ended::Failed(reason));
    }

    /// Lends an empty buffer to a recording. One that is not needed (any longer) comes back as an empty last one.
    pub fn handle_buffer(&mut self, recording: RecordingId, pcm: Box<[i16]>) {
        let refused = match self.recorder(recording) {
            Some(recorder) => recorder.lend(pcm).err(),
            None => Some(pcm),
        };
        if let Some(pcm) = refused {
            self.outbox.recorded(recording, RecordedBuffer { pcm, len: 0, last: false });
        }
    }

    /// What is recorded cannot be written down (any further).
    pub fn handle_recording_failed(&mut self, now: Time, recording: RecordingId, reason: String) {
        self.end_recording(now, recording, Ended::Failed(reason));
    }

    pub(super) fn play(&mut self, now: Time, playback: PlaybackId, to: Target, what: Playable) -> Option<()> {
        if self.works.playbacks.contains_key(&playback) {
            return None;
        }
        let listeners = match to {
            Target::Stream(id) => {
                self.seat_for_work(now, id)?;
                let seat = self.streams.get(id)?.seat.as_ref()?;
                self.rooms.get(seat.room)?.rate
            }
            Target::Conference(id) => self.rooms.rate(id)?,
        };
        let rate = match what {
            Playable::Sounds(_) => self.rate(to),
            Playable::Tone(_) | Playable::Music => listeners,
        };
        let material = match what {
            Playable::Sounds(_) => Material::Fed(Feed::default()),
            Playable::Tone(tone) => Material::Tone(Box::new(ToneGenerator::new(&tone, rate))),
            Playable::Music => Material::Music(Box::new(Music::new(rate))),
        };
        let player = Some(Box::new(Player::new(playback, material, (rate, listeners))));
        let before = std::mem::replace(self.player_place(to)?, player);
        self.works.playbacks.insert(playback, to);
        self.outbox.playback_ended(before, to, Ended::Stopped);
        self.voices_changed(to);
        Some(())
    }

    pub(super) fn pause_playback(&mut self, playback: PlaybackId, paused: bool) -> Option<()> {
        self.player(playback)?.pause(paused);
        Some(())
    }

    pub(super) fn end_playback(&mut self, now: Time, playback: PlaybackId, reason: Ended) -> Option<()> {
        self.player(playback)?;
        let to = *self.works.playbacks.get(&playback)?;
        let player = self.player_place(to)?.take();
        self.outbox.playback_ended(player, to, reason);
        self.voices_changed(to);
        self.work_is_done(now, to);
        Some(())
    }

    pub(super) fn record(&mut self, now: Time, command: Command) -> Option<()> {
        let Command::Record { recording, of, layout, rate, end_of_silence } = command else { return None };
        if self.works.recordings.contains_key(&recording) {
            return None;
        }
        let (from, layout) = match of {
            Target::Stream(id) => {
                self.seat_for_work(now, id)?;
                let seat = self.streams.get(id)?.seat.as_ref()?;
                (self.rooms.get(seat.room)?.rate, layout)
            }
            Target::Conference(id) => (self.rooms.rate(id)?, Layout::Mono),
        };
        let recorder = Recorder::new(recording, layout, (from, rate)).ending(end_of_silence);
        let before = self.recorder_place(of)?.replace(Box::new(recorder));
        self.works.recordings.insert(recording, of);
        self.outbox.recording_ended(before, of, Ended::Stopped);
        Some(())
    }

    pub(super) fn pause_recording(&mut self, recording: RecordingId, paused: bool) -> Option<()> {
        self.recorder(recording)?.pause(paused);
        Some(())
    }

    pub(super) fn end_recording(&mut self, now: Time, recording: RecordingId, reason: Ended) -> Option<()> {
        self.recorder(recording)?;
        let of = *self.works.recordings.get(&recording)?;
        let recorder = self.recorder_place(of)?.take();
        self.outbox.recording_ended(recorder, of, reason);
        self.work_is_done(now, of);
        Some(())
    }

    /// Something that was played or recorded is over: a call may need its room no longer.
    fn work_is_done(&mut self, now: Time, target: Target) {
        if let Target::Stream(id) = target {
            self.arrange(now, id);
        }
    }

    fn voices_changed(&mut self, target: Target) {
        if let Target::Stream(id) = target
            && let Some(room) = self.streams.get(id).and_then(|stream| Some(stream.seat.as_ref()?.room))
        {
            self.settle(room);
        }
    }

    fn player(&mut self, playback: PlaybackId) -> Option<&mut Player> {
        let to = *self.works.playbacks.get(&playback)?;
        self.player_place(to)?.as_deref_mut().filter(|player| player.id() == playback)
    }

    fn recorder(&mut self, recording: RecordingId) -> Option<&mut Recorder> {
        let of = *self.works.recordings.get(&recording)?;
        self.recorder_place(of)?.as_deref_mut().filter(|recorder| recorder.id() == recording)
    }

    fn player_place(&mut self, target: Target) -> Option<&mut Option<Box<Player>>> {
        match target {
            Target::Stream(id) => Some(&mut self.streams.get_mut(id)?.seat.as_mut()?.player),
            Target::Conference(id) => {
                let room = self.rooms.conference(id)?;
                Some(&mut self.rooms.get_mut(room)?.player)
            }
        }
    }

    fn recorder_place(&mut self, target: Target) -> Option<&mut Option<Box<Recorder>>> {
        match target {
            Target::Stream(id) => Some(&mut self.streams.get_mut(id)?.seat.as_mut()?.recorder),
            Target::Conference(id) => {
                let room = self.rooms.conference(id)?;
                Some(&mut self.rooms.get_mut(room)?.recorder)
            }
        }
    }
}
