//! A room: streams whose audio is decoded and mixed every 20 ms.
//!
//! There are two kinds. A *call* room holds one stream or two connected ones while somebody listens in, plays, records or
//! transcodes, and goes again when nobody does; where forwarding serves, it goes on beside it. A *conference* lasts until it
//! is closed, and everything in it is mixed.

use std::num::NonZeroU16;
use std::time::Duration;

use crate::codec::CodecError;
use crate::dtmf::Digit;
use crate::engine::outbox::Outbox;
use crate::engine::pause::Uttered;
use crate::engine::spread::Spread;
use crate::engine::stream::Stream;
use crate::engine::streams::Streams;
use crate::engine::voice::{FRAME_MS, Speech};
use crate::format::{AudioFormat, Format};
use crate::limits;
use crate::mixer::{FRAME, Mixer};
use crate::player::{Played, Player};
use crate::recorder::Recorder;
use crate::rtp::header::LENGTH;
use crate::sample_rate::SampleRate;
use crate::socket::StreamId;
use crate::{ConferenceId, Ended, Event, Forward, Target, Time};

/// The number of a room, which is used again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct RoomId(pub(super) usize);

/// What a room is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    /// One stream, or two that are connected.
    Call {
        /// Their codecs differ, so that nothing between them is forwarded.
        transcoding: bool,
    },
    /// A conference.
    Conference(ConferenceId),
}

static SILENCE: [i16; FRAME] = [0; FRAME];

impl Purpose {
    /// Whom everybody in it is, for what is played to or recorded of all.
    fn target(self) -> Option<Target> {
        match self {
            Purpose::Call { .. } => None,
            Purpose::Conference(conference) => Some(Target::Conference(conference)),
        }
    }
}

/// The time between two ticks.
const TICK: Duration = Duration::from_millis(FRAME_MS as u64);

/// A packet's payload that all who hear the same in the same codec share.
#[derive(Debug)]
struct Shared {
    audio: AudioFormat,
    /// Whether they understand comfort noise.
    pauses: bool,
    speech: Speech,
    /// Whether this tick's is in `payload`; what it is, if it is worth sending.
    encoded: Option<Option<Uttered>>,
    payload: Box<[u8; limits::PAYLOAD]>,
}

/// A room.
#[derive(Debug)]
pub(super) struct Room {
    pub(super) purpose: Purpose,
    pub(super) rate: SampleRate,
    pub(super) seats: Vec<StreamId>,
    /// What everybody hears besides.
    pub(super) player: Option<Box<Player>>,
    /// What everybody says.
    pub(super) recorder: Option<Box<Recorder>>,
    /// The parts of the conference that other engines have.
    pub(super) spread: Option<Box<Spread>>,
    /// What was played to or recorded of one of them came to its end in this tick.
    pub(super) ended: bool,
    /// Whether a program listens to one of them.
    pub(super) has_programs: bool,
    pub(super) mixer: Mixer,
    shared: Vec<Shared>,
    /// When the next tick is.
    next: Time,
    /// The tick whose packets are being made, and the seat whose turn it is.
    at: Time,
    turn: usize,
    /// The frame of that seat was taken, and more than one packet may come of it.
    taken: bool,
    pub(super) scratch: Box<[i16; FRAME]>,
}

impl Room {
    pub(super) fn new(purpose: Purpose, loudest: Option<NonZeroU16>, first: Time) -> Room {
        Room {
            purpose,
            rate: SampleRate::Khz8,
            seats: Vec::new(),
            player: None,
            recorder: None,
            spread: None,
            ended: false,
            has_programs: false,
            mixer: Mixer::new(loudest),
            shared: Vec::new(),
            next: first,
            at: first,
            turn: usize::MAX,
            taken: false,
            scratch: Box::new([0; FRAME]),
        }
    }

    /// Makes everything that ticks will need for a listener with this format.
    pub(super) fn prepare(&mut self, format: &Format) -> Result<(), CodecError> {
        self.make_places();
        let audio = AudioFormat { payload_type: 0, ..format.send };
        let pauses = format.comfort_noise;
        let known = self.shared.iter().any(|shared| (shared.audio, shared.pauses) == (audio, pauses));
        if self.is_conference() && !known && format.ptime_ms == FRAME_MS {
            let speech = Speech::new(&audio, pauses, self.rate)?;
            self.shared.push(Shared { audio, pauses, speech, encoded: None, payload: Box::new([0; limits::PAYLOAD]) });
        }
        Ok(())
    }

    /// Makes room for the voices of everybody who sits here, and of one more.
    pub(super) fn make_places(&mut self) {
        self.mixer.reserve(self.seats.len() + 1 + self.spread.as_ref().map_or(0, |spread| spread.len()));
    }

    /// The room's sound has another rate from now on.
    pub(super) fn speak_at(&mut self, rate: SampleRate) {
        self.rate = rate;
        self.mixer.mix_at(rate);
        for shared in &mut self.shared {
            shared.speech.speak_at(rate);
        }
        if let Some(player) = &mut self.player {
            player.listen_at(rate);
        }
        if let Some(recorder) = &mut self.recorder {
            recorder.listen_at(rate);
        }
        if let Some(spread) = &mut self.spread {
            spread.speak_at(rate);
        }
    }

    pub(super) fn is_conference(&self) -> bool {
        matches!(self.purpose, Purpose::Conference(_))
    }

    pub(super) fn next(&self) -> Time {
        self.next
    }

    /// Hears everybody, and adds up what is to be heard.
    pub(super) fn tick(&mut self, now: Time, streams: &mut Streams, outbox: &mut Outbox) {
        // After a long delay the sound goes on from now, instead of being caught up with in a burst.
        self.at = if now.saturating_sub(self.next) > limits::TICKS_BEHIND { now } else { self.next };
        self.next = self.at + TICK;
        (self.turn, self.taken) = (0, false);
        self.shared.iter_mut().for_each(|shared| shared.encoded = None);
        self.mixer.begin();
        // Nobody waits for keys in a conference, and there are many to listen to.
        let heeds_keys = !self.is_conference();
        for (place, id) in self.seats.iter().enumerate() {
            let Some(Stream { seat: Some(seat), mute, .. }) = streams.get_mut(*id) else { continue };
            seat.listen((self.at, heeds_keys), *mute, &mut self.scratch);
            while let Some(Digit { digit, duration_ms }) = seat.poll_digit() {
                outbox.event(Event::Digit { stream: *id, digit, duration_ms, in_band: true });
            }
            self.ended |= seat.keypad.take_ended();
            if let Some(answerer) = seat.judge() {
                self.ended = true;
                outbox.event(Event::Judged { stream: *id, answerer });
            }
            if seat.said().is_some() && !self.has_programs {
                self.mixer.propose(place, seat.presence);
            }
        }
        if self.has_programs {
            self.hear_programs(streams);
        }
        if let Some(spread) = &mut self.spread {
            spread.listen(self.seats.len(), &mut self.mixer);
        }
        let mut voices = 0;
        for index in 0.. {
            let Some(place) = self.mixer.chosen(index) else { break };
            let Some(id) = self.seats.get(place) else { continue };
            let said = streams.get(*id).and_then(|stream| stream.seat.as_ref()?.said());
            self.mixer.add(said.unwrap_or_default());
            voices += 1;
        }
        voices += usize::from(self.player.is_some());
        self.announce(outbox);
        self.spread(voices > 0);
        self.record(outbox);
    }

    /// Has the other engines told what is said here, then adds what is said there.
    fn spread(&mut self, anything: bool) {
        let Some(spread) = &mut self.spread else { return };
        spread.tell(anything.then_some(&self.mixer));
        for index in 0.. {
            let Some(place) = self.mixer.chosen(index) else { break };
            if let Some(place) = place.checked_sub(self.seats.len()) {
                self.mixer.add(spread.said(place));
            }
        }
    }

    /// Adds what is played to everybody.
    fn announce(&mut self, outbox: &mut Outbox) {
        let (Some(player), Some(target)) = (&mut self.player, self.purpose.target()) else { return };
        let frame = &mut self.scratch[..self.rate.frame()];
        let played = player.fill(frame, &mut |id, buffer| outbox.played(id, buffer));
        self.mixer.announce(frame);
        if played == Played::End {
            outbox.playback_ended(self.player.take(), target, Ended::Finished);
        }
    }

    /// Records what everybody hears.
    fn record(&mut self, outbox: &mut Outbox) {
        let (Some(recorder), Some(target)) = (&mut self.recorder, self.purpose.target()) else { return };
        let frame = &mut self.scratch[..self.rate.frame()];
        self.mixer.hear(None, frame);
        recorder.write((frame, &SILENCE[..frame.len()]), &mut |id, buffer| outbox.recorded(id, buffer));
        if recorder.is_over() {
            outbox.recording_ended(self.recorder.take(), target, Ended::Silence);
        }
    }

    /// Makes the next packet of this tick in `packet`; `None` when everybody has got his.
    pub(super) fn speak(&mut self, streams: &mut Streams, outbox: &mut Outbox, packet: &mut [u8]) -> Option<Forward> {
        while let Some(id) = self.seats.get(self.turn).copied() {
            let place = self.turn;
            let is_program = self.has_programs && self.fetch_for_program(id, streams);
            let Some(stream) = streams.get_mut(id).filter(|stream| stream.seat.is_some()) else {
                self.turn += 1;
                continue;
            };
            let place = (!is_program).then_some(place);
            let forward = self.speak_to(place, stream, outbox, packet);
            if !self.taken {
                self.turn += 1;
            }
            if forward.is_some() {
                return forward;
            }
        }
        None
    }

    /// Makes a packet for one phone, if it gets one of us now. Without a place: for a program, of what is in `scratch`.
    fn speak_to(
        &mut self,
        place: Option<usize>,
        stream: &mut Stream,
        outbox: &mut Outbox,
        packet: &mut [u8],
    ) -> Option<Forward> {
        let sends = stream.agreed.as_ref().is_some_and(|agreed| agreed.direction.sends());
        let payload = packet.get_mut(LENGTH..)?;
        let seat = stream.seat.as_mut()?;
        if self.taken {
            let len = seat.voice.packet(payload);
            self.taken = seat.voice.has_packet();
            return stream.utter(len, packet);
        }
        let speaks = seat.speaks && sends;
        let own = place.is_some_and(|place| self.mixer.is_chosen(place));
        let common = !own
            && place.is_some()
            && !seat.echoes
            && seat.companion.is_none()
            && seat.player.is_none()
            && seat.recorder.is_none()
            && !stream.mute.heard
            && !seat.keypad.is_sounding();
        if !speaks {
            seat.voice.rest();
        }
        if common && speaks && seat.voice.speaks_in_frames() {
            seat.voice.share(self.at);
            if let Some(shared) = self.shared_payload(seat.voice.sends(), payload) {
                return stream.utter(shared, packet);
            }
        }
        if !speaks && seat.recorder.is_none() && seat.companion.is_none() {
            return None;
        }
        let is_played = self.player.is_some()
            || stream.seat.as_ref().is_some_and(|seat| seat.player.is_some() || seat.keypad.is_sounding());
        if place.is_some() {
            self.hear(own, stream, outbox);
        }
        let frame = &self.scratch[..self.rate.frame()];
        let seat = stream.seat.as_mut()?;
        if !speaks {
            return None;
        }
        seat.voice.play(is_played);
        if seat.voice.speaks_in_frames() {
            let len = seat.voice.frame(self.at, frame, payload);
            return stream.utter(len, packet);
        }
        seat.voice.take(self.at, frame);
        self.taken = seat.voice.has_packet();
        if !self.taken {
            return None;
        }
        let len = seat.voice.packet(payload);
        self.taken = seat.voice.has_packet();
        stream.utter(len, packet)
    }

    /// Puts into `scratch` what a phone hears in this tick, and records it where that is asked for.
    fn hear(&mut self, own: bool, stream: &mut Stream, outbox: &mut Outbox) {
        let target = Target::Stream(stream.id);
        let Some(seat) = &mut stream.seat else { return };
        let frame = &mut self.scratch[..self.rate.frame()];
        match &mut seat.player {
            Some(player) => {
                if player.fill(frame, &mut |id, buffer| outbox.played(id, buffer)) == Played::End {
                    self.ended = true;
                    outbox.playback_ended(seat.player.take(), target, Ended::Finished);
                }
            }
            None if seat.echoes => match seat.said() {
                Some(said) => frame.copy_from_slice(said),
                None => frame.fill(0),
            },
            None if stream.mute.heard => frame.fill(0),
            None => self.mixer.hear(seat.said().filter(|_| own), frame),
        }
        if seat.keypad.is_sounding() {
            seat.keypad.sound(frame, self.rate);
        }
        if let Some(companion) = &mut seat.companion {
            companion.pass(frame);
        }
        let Some(mut recorder) = seat.recorder.take() else { return };
        let said = seat.said().unwrap_or(&SILENCE[..frame.len()]);
        recorder.write((said, frame), &mut |id, buffer| outbox.recorded(id, buffer));
        if recorder.is_over() {
            self.ended = true;
            outbox.recording_ended(Some(recorder), target, Ended::Silence);
        } else {
            seat.recorder = Some(recorder);
        }
    }

    /// The payload that all who hear the same share. `None`: they do not.
    fn shared_payload(&mut self, (audio, pauses): (AudioFormat, bool), payload: &mut [u8]) -> Option<Option<Uttered>> {
        let audio = AudioFormat { payload_type: 0, ..audio };
        let shared = self.shared.iter_mut().find(|shared| (shared.audio, shared.pauses) == (audio, pauses))?;
        if shared.encoded.is_none() {
            let frame = &mut self.scratch[..self.rate.frame()];
            self.mixer.hear(None, frame);
            shared.speech.play(self.player.is_some());
            shared.encoded = Some(shared.speech.encode(frame, &mut shared.payload[..]));
        }
        let encoded = shared.encoded?;
        if let Some(Uttered { len, .. }) = encoded {
            payload.get_mut(..len)?.copy_from_slice(&shared.payload[..len]);
        }
        Some(encoded)
    }
}
