//! From samples to the packets one phone gets: rate, packet time, codec, sequence and time.

use std::time::Duration;

use crate::codec::CodecError;
use crate::codec::encoder::Encoder;
use crate::engine::keypad::KeyPacket;
use crate::engine::pause::{Pause, Uttered, Verdict};
use crate::engine::stream::Stream;
use crate::format::{AudioFormat, Codec, Format};
use crate::mixer::FRAME;
use crate::resampler::Resampler;
use crate::rtp::header::{LENGTH, Rewrite};
use crate::rtp::media_clock;
use crate::sample_rate::SampleRate;
use crate::socket::Socket;
use crate::{Forward, Time};

/// The time of one frame, which is also that of most packets.
pub(super) const FRAME_MS: u16 = 20;

/// An encoder and what leads to it.
#[derive(Debug)]
pub(super) struct Speech {
    audio: AudioFormat,
    encoder: Encoder,
    from_room: Resampler,
    /// Where pauses may be told instead of sent.
    pause: Option<Box<Pause>>,
    /// Something is played that must not be taken for a pause.
    is_whole: bool,
}

impl Speech {
    /// In a room of the rate `rate`. The encoder has no higher rate: it would only spend time and bits on nothing. `pauses`:
    /// comfort noise is understood.
    pub(super) fn new(audio: &AudioFormat, pauses: bool, rate: SampleRate) -> Result<Speech, CodecError> {
        let encoder = Encoder::at_most(rate, audio)?;
        let from_room = Resampler::new(rate, encoder.sample_rate());
        let pause = pauses.then(|| Pause::of(audio)).flatten();
        Ok(Speech { audio: *audio, from_room, encoder, pause, is_whole: false })
    }

    /// Whether what comes is played by us, so that all of it is to be heard.
    pub(super) fn play(&mut self, is_played: bool) {
        self.is_whole = is_played;
    }

    pub(super) fn speak_at(&mut self, rate: SampleRate) {
        let suited = if self.audio.codec == Codec::Opus { self.audio.sample_rate().min(rate) } else { self.rate() };
        if suited != self.rate()
            && let Ok(encoder) = Encoder::at_most(rate, &self.audio)
        {
            self.encoder = encoder;
        }
        self.from_room = Resampler::new(rate, self.rate());
    }

    fn rate(&self) -> SampleRate {
        self.encoder.sample_rate()
    }

    /// Encodes one frame of the room. `None`: nothing worth a packet.
    pub(super) fn encode(&mut self, frame: &[i16], payload: &mut [u8]) -> Option<Uttered> {
        let mut pcm = [0; FRAME];
        let samples = self.from_room.process(frame, &mut pcm);
        self.packet(&pcm[..samples], payload)
    }

    fn packet(&mut self, pcm: &[i16], payload: &mut [u8]) -> Option<Uttered> {
        if let Some(pause) = &mut self.pause {
            match pause.judge(pcm, self.is_whole, payload) {
                Verdict::Sound => {}
                Verdict::Noise(len) => return Some(Uttered { len, is_noise: true }),
                Verdict::Nothing => return None,
            }
        }
        let encoded = self.encoder.encode(pcm, payload).ok()?;
        encoded.worth_sending.then_some(Uttered { len: encoded.len, is_noise: false })
    }
}

/// What one phone hears, on its way to it.
#[derive(Debug)]
pub(super) struct Voice {
    speech: Speech,
    audio: AudioFormat,
    /// Whether comfort noise is understood.
    pauses: bool,
    ptime_ms: u16,
    /// Samples that wait until a packet is full, where a packet is not one frame.
    waiting: Box<[i16]>,
    filled: usize,
    /// The media time of the next packet.
    at: Time,
    /// Nothing was sent before it: it begins a talk spurt.
    rested: bool,
}

impl Voice {
    pub(super) fn new(format: &Format, rate: SampleRate) -> Result<Voice, CodecError> {
        let speech = Speech::new(&format.send, format.comfort_noise, rate)?;
        // The room may get any rate that the codec can have.
        let per_ms = format.send.sample_rate().per_ms();
        let room = if format.ptime_ms == FRAME_MS { 0 } else { per_ms * usize::from(format.ptime_ms + FRAME_MS) };
        Ok(Voice {
            speech,
            audio: format.send,
            pauses: format.comfort_noise,
            ptime_ms: format.ptime_ms,
            waiting: vec![0; room].into(),
            filled: 0,
            at: Time::ZERO,
            rested: true,
        })
    }

    pub(super) fn speak_at(&mut self, rate: SampleRate) {
        let before = self.speech.rate();
        self.speech.speak_at(rate);
        if self.speech.rate() != before {
            // What waits for its packet has the old rate: some milliseconds, in the moment of a change.
            self.filled = 0;
        }
    }

    /// What it sends, and whether a pause may be told instead.
    pub(super) fn sends(&self) -> (AudioFormat, bool) {
        (self.audio, self.pauses)
    }

    /// Whether what comes is played by us, so that all of it is to be heard.
    pub(super) fn play(&mut self, is_played: bool) {
        self.speech.play(is_played);
    }

    /// Whether a packet is a frame, so that others may share it.
    pub(super) fn speaks_in_frames(&self) -> bool {
        self.waiting.is_empty()
    }

    /// Somebody else sends to the phone now.
    pub(super) fn rest(&mut self) {
        self.rested = true;
        self.filled = 0;
    }

    /// Takes the frame of the tick at `at`.
    pub(super) fn take(&mut self, at: Time, frame: &[i16]) {
        let per_ms = self.speech.rate().per_ms();
        let held = Duration::from_millis((self.filled / per_ms) as u64);
        self.at = at.saturating_sub(held);
        let Some(room) = self.waiting.get_mut(self.filled..) else { return };
        let mut pcm = [0; FRAME];
        let samples = self.speech.from_room.process(frame, &mut pcm).min(room.len());
        room[..samples].copy_from_slice(&pcm[..samples]);
        self.filled += samples;
    }

    /// Whether a packet is full.
    pub(super) fn has_packet(&self) -> bool {
        self.filled > 0 && self.filled >= self.packet_samples()
    }

    /// Encodes the next full packet of those that wait. `None`: nothing worth sending.
    pub(super) fn packet(&mut self, payload: &mut [u8]) -> Option<Uttered> {
        let samples = self.packet_samples();
        let len = self.speech.packet(&self.waiting[..samples], payload);
        self.waiting.copy_within(samples..self.filled, 0);
        self.filled -= samples;
        len
    }

    /// Encodes one frame as a packet.
    pub(super) fn frame(&mut self, at: Time, frame: &[i16], payload: &mut [u8]) -> Option<Uttered> {
        self.at = at;
        self.speech.encode(frame, payload)
    }

    /// A frame that somebody else encoded.
    pub(super) fn share(&mut self, at: Time) {
        self.at = at;
    }

    fn packet_samples(&self) -> usize {
        self.speech.rate().per_ms() * usize::from(self.ptime_ms)
    }
}

impl Stream {
    /// Makes the packet of a key in the place of the next one of sound, if it is time for one.
    #[cold]
    fn utter_key(&mut self, packet: &mut [u8]) -> Option<Forward> {
        let (agreed, seat) = (self.agreed.as_ref()?, self.seat.as_mut()?);
        let (ptime, at, clock_rate) = (agreed.ptime(), seat.voice.at, agreed.format.clock_rate());
        let to = agreed.latching.rtp_destination()?;
        let (sequence, timestamp) = self.sender.next(at, clock_rate, ptime);
        let KeyPacket { payload_type, event } =
            seat.keypad.poll_event(timestamp, media_clock::units(ptime, clock_rate))?;
        seat.voice.at = at + ptime;
        packet.get_mut(LENGTH..LENGTH + event.payload.len())?.copy_from_slice(&event.payload);
        let ssrc = self.sender.ssrc;
        Rewrite { marker: event.marker, payload_type, sequence, timestamp: event.timestamp, ssrc }.write(packet);
        let len = event.payload.len();
        let Ok(protected) = self.protect(packet, LENGTH + len) else {
            self.dropped.not_protected += 1;
            return None;
        };
        self.sender.feeder = None;
        // Time goes on as it would with sound.
        self.sender.record(at, sequence, timestamp, len);
        Some(Forward { at: Socket::rtp(self.id), to, len: protected })
    }

    /// Makes a packet of the payload that stands in `packet` behind the header. With no payload, time passes.
    pub(super) fn utter(&mut self, payload: Option<Uttered>, packet: &mut [u8]) -> Option<Forward> {
        if self.seat.as_ref().is_some_and(|seat| seat.keypad.is_busy())
            && let Some(forward) = self.utter_key(packet)
        {
            return Some(forward);
        }
        let (agreed, seat) = (self.agreed.as_ref()?, self.seat.as_mut()?);
        let ptime = agreed.ptime();
        let at = seat.voice.at;
        seat.voice.at = at + ptime;
        let Some(payload) = payload else {
            seat.voice.rested = true;
            return None;
        };
        let len = payload.len;
        let to = agreed.latching.rtp_destination()?;
        let (sequence, timestamp) = self.sender.next(at, agreed.format.clock_rate(), ptime);
        // The first sound after a pause is marked, noise is not (RFC 3551 §4.1).
        let marker = std::mem::replace(&mut seat.voice.rested, payload.is_noise) && !payload.is_noise;
        let payload_type = payload.number(&seat.voice.audio);
        Rewrite { marker, payload_type, sequence, timestamp, ssrc: self.sender.ssrc }.write(packet);
        let Ok(protected) = self.protect(packet, LENGTH + len) else {
            self.dropped.not_protected += 1;
            return None;
        };
        self.sender.feeder = None;
        self.sender.record(at, sequence, timestamp, len);
        Some(Forward { at: Socket::rtp(self.id), to, len: protected })
    }
}
