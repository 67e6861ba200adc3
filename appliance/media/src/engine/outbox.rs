//! What waits to be fetched from the engine, with a bound.

use std::collections::VecDeque;

use crate::limits;
use crate::player::{PlaybackId, Player, SoundBuffer};
use crate::recorder::{RecordedBuffer, Recorder, RecordingId};
use crate::{Counters, Ended, Event, Parcel, Target, Transmit};

/// Events and packets of our own. The places for both are there from the start, so that adding one allocates nothing.
#[derive(Debug)]
pub(super) struct Outbox {
    events: VecDeque<Event>,
    transmits: VecDeque<Transmit>,
    parcels: VecDeque<Parcel>,
    pub(super) counters: Counters,
}

impl Outbox {
    pub(super) fn new() -> Outbox {
        Outbox {
            events: VecDeque::with_capacity(limits::EVENTS),
            transmits: VecDeque::with_capacity(limits::TRANSMITS),
            parcels: VecDeque::with_capacity(limits::PARCELS),
            counters: Counters::default(),
        }
    }

    /// An event that a packet or the time caused. Lost, and counted, when too many wait.
    pub(super) fn event(&mut self, event: Event) {
        if self.events.len() < limits::EVENTS {
            self.events.push_back(event);
        } else {
            self.counters.lost_events += 1;
        }
    }

    /// The answer to a command. Never lost: there are no more of them than the caller gave commands.
    pub(super) fn answer(&mut self, event: Event) {
        self.events.push_back(event);
    }

    /// A packet of our own. Lost, and counted, when too many wait.
    pub(super) fn transmit(&mut self, transmit: Transmit) {
        if self.transmits.len() < limits::TRANSMITS {
            self.transmits.push_back(transmit);
        } else {
            self.counters.lost_transmits += 1;
        }
    }

    /// A buffer was played. Never lost: there are no more of them than were handed in.
    pub(super) fn played(&mut self, playback: PlaybackId, buffer: SoundBuffer) {
        self.parcels.push_back(Parcel::Played { playback, pcm: buffer.pcm });
    }

    /// A buffer was filled. Never lost either.
    pub(super) fn recorded(&mut self, recording: RecordingId, buffer: RecordedBuffer) {
        self.parcels.push_back(Parcel::Recorded { recording, buffer });
    }

    /// Takes leave of a player.
    pub(super) fn playback_ended(&mut self, player: Option<Box<Player>>, to: Target, reason: Ended) {
        let Some(mut player) = player else { return };
        player.stop(&mut |playback, buffer| self.played(playback, buffer));
        self.answer(Event::PlaybackEnded { playback: player.id(), to, reason });
    }

    /// Takes leave of a recorder.
    pub(super) fn recording_ended(&mut self, recorder: Option<Box<Recorder>>, of: Target, reason: Ended) {
        let Some(mut recorder) = recorder else { return };
        recorder.finish(&mut |recording, buffer| self.recorded(recording, buffer));
        let (recording, missed_ms) = (recorder.id(), recorder.missed_ms());
        self.answer(Event::RecordingEnded { recording, of, reason, missed_ms });
    }

    pub(super) fn next_parcel(&mut self) -> Option<Parcel> {
        self.parcels.pop_front()
    }

    pub(super) fn next_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    pub(super) fn next_transmit(&mut self) -> Option<Transmit> {
        self.transmits.pop_front()
    }
}
