//! The receiving side of a stream: packets in as they come, 20 ms of sound out in every tick.
//!
//! A packet goes through the [jitter buffer](crate::jitter), its [decoder](crate::codec::Decoder) and the playout, where
//! decoded sound waits for its tick. What did not come is recovered from the packet after it (Opus), concealed by the
//! codec or by [`Concealment`](crate::concealment::Concealment), and in a pause there is comfort noise or silence. Where the sound allows it, a pitch
//! period is left out or played twice, so that the delay follows the wanted one and the far end's clock.

mod drift;
mod noise;
mod playout;
#[cfg(test)]
mod tests;
mod voices;

use std::time::Duration;

use crate::format::{COMFORT_NOISE, Format};
use crate::jitter::{Counts, JitterBuffer, Next, ReceivedPacket, Settings};
use crate::{SampleRate, Time};
use drift::{Drift, Urgency, Verdict};
use noise::Noise;
use playout::Playout;
use voices::{Content, Voices};

/// What a tick's sound is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// Nothing: all samples are 0.
    Silence,
    /// The noise of a pause.
    ComfortNoise,
    /// What was sent.
    Speech,
    /// Some of it was put in place of what did not come.
    Concealed,
}

/// The sound of one tick.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pulled {
    /// Its rate, which may change from tick to tick with the payload type.
    pub rate: SampleRate,
    /// How many samples were written: those of 20 ms.
    pub samples: usize,
    /// What it is.
    pub kind: Kind,
}

/// What a receiver did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ReceiverStatistics {
    /// Packets.
    pub packets: Counts,
    /// Packets that held no sound of their codec.
    pub malformed: u64,
    /// Lost packets of which the next one held a copy.
    pub recovered: u64,
    /// Sound that was put in place of what did not come.
    pub concealed: Duration,
    /// Sound that was played twice because the delay was less than wanted.
    pub inserted: Duration,
    /// Sound that was left out because the delay was more than wanted.
    pub removed: Duration,
    /// What the receiver adds to the delay of the fastest packets at present.
    pub delay: Duration,
    /// What it wants to add.
    pub wanted_delay: Duration,
}

/// The receiving side of one stream. It allocates when it is made and at the first packet of each format, of which there are
/// at most four.
#[derive(Debug)]
pub struct Receiver {
    jitter: JitterBuffer,
    voices: Voices,
    playout: Playout,
    drift: Drift,
    noise: Noise,
    has_comfort_noise: bool,
    /// What was added to the playout last.
    kind: Kind,
    /// Since the last packet.
    quiet: Duration,
    /// How often in a row no place was found where something could be left out or played twice.
    in_vain: u8,
    /// The last packet came alone, amid a pause: it renewed the noise that the codec makes of itself.
    is_alone: bool,
    statistics: ReceiverStatistics,
}

/// What is concealed in a pause before it is silent, as [`Concealment`](crate::concealment::Concealment) fades.
const FADE: Duration = Duration::from_millis(60);

/// Searches in a row for a place in the sound, before they become rare.
const SEARCHES: u8 = 10;

/// How long a codec fills a pause with noise of its own: Opus renews it every 400 ms.
const OWN_NOISE: Duration = Duration::from_millis(1_000);

/// What may come at once when the network lets go of what it held up.
const BURST: Duration = Duration::from_millis(200);

/// Octets that may wait in a jitter buffer of this longest delay.
fn octets(format: &Format, longest: Duration) -> usize {
    let waiting = (longest + BURST).as_millis() as usize;
    let most = format.receive.iter().flatten().map(|audio| audio.codec.octets_a_second()).max();
    most.unwrap_or_default() * waiting / 1_000
}

impl Receiver {
    /// A receiver of what `format` says that the phone may send.
    pub fn new(format: &Format, settings: Settings) -> Receiver {
        Receiver::at_most(SampleRate::Khz48, format, settings)
    }

    /// The same for somebody who needs no rate above `rate`; see [`Decoder::at_most`](crate::codec::Decoder::at_most).
    pub fn at_most(rate: SampleRate, format: &Format, settings: Settings) -> Receiver {
        let voices = Voices::new(rate, format.receive);
        let settings = Settings { octets: settings.octets.min(octets(format, settings.maximum)), ..settings };
        let (first, highest) = voices.rates();
        Receiver {
            jitter: JitterBuffer::new(settings),
            playout: Playout::new(first, highest),
            voices,
            drift: Drift::default(),
            noise: Noise::default(),
            has_comfort_noise: format.comfort_noise,
            kind: Kind::Silence,
            quiet: Duration::ZERO,
            in_vain: 0,
            is_alone: false,
            statistics: ReceiverStatistics::default(),
        }
    }

    /// From now on nobody needs a rate above `rate`, or somebody does again.
    pub fn listen_at(&mut self, rate: SampleRate) {
        self.voices.listen_at(rate);
    }

    /// A packet of the phone arrived, of any payload type: digits and what is unknown only count as not lost.
    pub fn push(&mut self, now: Time, packet: &ReceivedPacket<'_>) {
        let clock_rate = match self.content(packet.payload_type) {
            Content::Audio(index) if self.voices.prepare(index) => self.voices.clock_rate(index),
            Content::ComfortNoise => self.voices.current_clock_rate(),
            Content::Audio(_) | Content::Nothing => 0,
        };
        self.jitter.push(now, packet, clock_rate);
    }

    /// Another source speaks (another SSRC, or its numbers began anew): what still waits in packets is left out.
    pub fn reset(&mut self) {
        self.jitter.reset();
        self.drift.forget();
        self.voices.cut(self.playout.rate());
    }

    /// The rate of the next tick.
    pub fn rate(&self) -> SampleRate {
        self.playout.rate()
    }

    /// The 20 ms of sound that begin at `now`, written to the begin of `pcm`, which has room for 960 samples. To be called
    /// every 20 ms.
    pub fn pull(&mut self, now: Time, pcm: &mut [i16]) -> Pulled {
        let rate = self.playout.rate();
        let mut kind = if self.playout.waiting() > 0 { self.kind } else { Kind::Silence };
        self.fill(now, &mut kind);
        if kind == Kind::Speech && self.regulate() {
            self.fill(now, &mut kind);
        }
        let samples = rate.frame().min(pcm.len());
        self.playout.take(&mut pcm[..samples]);
        Pulled { rate, samples, kind }
    }

    /// What it did.
    pub fn statistics(&self) -> ReceiverStatistics {
        let (packets, wanted_delay) = (self.jitter.counts(), self.jitter.wanted_delay());
        ReceiverStatistics { packets, wanted_delay, ..self.statistics }
    }

    fn content(&self, payload_type: u8) -> Content {
        if let Some(index) = self.voices.find(payload_type) {
            return Content::Audio(index);
        }
        // Its timestamps count at 8 kHz (RFC 3389 §4); beside another clock they mean nothing.
        let is_noise = self.has_comfort_noise && payload_type == COMFORT_NOISE;
        if is_noise && self.voices.current_clock_rate() == 8_000 { Content::ComfortNoise } else { Content::Nothing }
    }

    /// Adds to the playout until a tick is full; `kind` becomes what it is made of.
    fn fill(&mut self, now: Time, kind: &mut Kind) {
        while self.playout.waiting() < self.playout.rate().frame() {
            self.kind = self.add(now);
            *kind = self.kind.max(*kind);
        }
    }

    /// Adds what comes next to the playout. A packet of noise adds nothing, but says what the pause after it is.
    fn add(&mut self, now: Time) -> Kind {
        let waiting = self.playout.waiting();
        let missing = self.playout.rate().frame() - waiting;
        match self.jitter.next(now) {
            Next::Packet(due) => {
                let age = due.age;
                let Some(index) = self.voices.find(due.payload_type) else {
                    self.noise.hear(due.payload);
                    return self.begin_noise();
                };
                match self.voices.decode(index, due.payload, due.is_cut, &mut self.playout) {
                    Ok(units) => self.played(units, age, waiting),
                    Err(_) => self.broken(missing),
                }
            }
            Next::Lost { units, after } => {
                let samples = match self.voices.samples(units, self.playout.rate()) {
                    0 => missing,
                    samples => samples,
                };
                let (made, is_copy) = self.voices.conceal(samples, after, &mut self.playout);
                self.filled(made, is_copy)
            }
            Next::Overdue => {
                let (made, is_copy) = self.voices.conceal(missing, None, &mut self.playout);
                self.filled(made, is_copy)
            }
            Next::Pause => self.rest(missing),
        }
    }

    /// A packet was decoded when `waiting` samples of earlier ones were still to be played.
    fn played(&mut self, units: u32, age: Duration, waiting: usize) -> Kind {
        self.jitter.played(units);
        self.is_alone = self.quiet >= FADE && self.voices.has_noise();
        (self.quiet, self.noise.is_on) = (Duration::ZERO, false);
        let (rest, tick) = (self.micros(waiting), self.micros(self.playout.rate().frame()));
        let age = age.as_micros() as u64;
        // What is decoded ahead of its tick is younger by that.
        self.drift.note(age + rest / tick * tick, rest % tick);
        let (before, delay) = (self.statistics.delay.as_micros() as u64, age + rest);
        let smoothed = if before == 0 { delay } else { (before * 15 + delay) / 16 };
        self.statistics.delay = Duration::from_micros(smoothed);
        Kind::Speech
    }

    /// A packet held no sound.
    fn broken(&mut self, missing: usize) -> Kind {
        self.statistics.malformed += 1;
        let (made, _) = self.voices.conceal(missing, None, &mut self.playout);
        self.filled(made, false)
    }

    /// So many samples were put in place of what did not come.
    fn filled(&mut self, made: usize, is_copy: bool) -> Kind {
        let length = Duration::from_micros(self.micros(made));
        self.jitter.filled(self.voices.units(made, self.playout.rate()));
        if is_copy {
            self.statistics.recovered += 1;
            return Kind::Speech;
        }
        self.quiet += length;
        if self.is_alone {
            return Kind::ComfortNoise;
        }
        self.statistics.concealed += length;
        Kind::Concealed
    }

    /// A pause begins, with noise.
    fn begin_noise(&mut self) -> Kind {
        self.voices.cut(self.playout.rate());
        self.jitter.filled(0);
        self.jitter.pause();
        self.drift.forget();
        Kind::ComfortNoise
    }

    /// Fills the tick with what is heard in a pause.
    fn rest(&mut self, missing: usize) -> Kind {
        self.drift.forget();
        let length = Duration::from_micros(self.micros(missing));
        let heard_for = self.quiet;
        self.quiet += length;
        if self.noise.is_on {
            self.noise.make(&mut self.playout.room()[..missing]);
            self.voices.follow(missing, &mut self.playout);
            return Kind::ComfortNoise;
        }
        let own_noise = self.voices.has_noise() && heard_for < OWN_NOISE;
        if self.voices.is_silent() || (heard_for >= FADE && !own_noise) {
            self.playout.room()[..missing].fill(0);
            self.playout.add(missing);
            return Kind::Silence;
        }
        self.voices.conceal(missing, None, &mut self.playout);
        if heard_for < FADE { Kind::Concealed } else { Kind::ComfortNoise }
    }

    /// Brings the delay nearer to the wanted one, if it is off and the sound allows it; whether it changed something.
    fn regulate(&mut self) -> bool {
        let rate = self.playout.rate();
        let wanted = self.jitter.wanted_delay().as_micros() as u64;
        let usual = self.micros(self.voices.samples(self.jitter.usual(), rate));
        let verdict = self.drift.verdict(wanted, usual.min(self.micros(rate.frame())));
        let patient = matches!(verdict, Verdict::Insert(Urgency::Patient) | Verdict::Remove(_, Urgency::Patient));
        let changed = match verdict {
            Verdict::Hold => return false,
            Verdict::Insert(urgency) => {
                let samples = self.playout.insert(urgency.likeness());
                self.statistics.inserted += Duration::from_micros(self.micros(samples));
                samples
            }
            Verdict::Remove(most, urgency) => {
                let most = usize::try_from(most / 1_000).unwrap_or(usize::MAX).saturating_mul(rate.per_ms());
                let samples = self.playout.remove(most, urgency.likeness());
                self.statistics.removed += Duration::from_micros(self.micros(samples));
                samples
            }
        };
        self.in_vain = if changed > 0 { 0 } else { self.in_vain.saturating_add(1) };
        // A search takes as long as ten ticks: in sound that has no such place, the next one waits a window.
        if changed > 0 || (patient && self.in_vain > SEARCHES) {
            self.drift.forget();
        }
        changed > 0
    }

    fn micros(&self, samples: usize) -> u64 {
        samples as u64 * 1_000 / self.playout.rate().per_ms() as u64
    }
}
