//! The decoders of what a phone may send, and what each does about sound that did not come.

use super::playout::Playout;
use crate::SampleRate;
use crate::codec::{Decoder, Malformed};
use crate::concealment::Concealment;
use crate::format::{AudioFormat, Codec};
use crate::limits;

/// What a payload type stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Content {
    /// Sound of the format at this place.
    Audio(usize),
    /// The level of silence (RFC 3389).
    ComfortNoise,
    /// Digits, or what cannot be decoded: only the number counts.
    Nothing,
}

/// One decoder for each format, made when its first packet comes.
#[derive(Debug)]
pub(super) struct Voices {
    /// No decoder need have a higher rate, if it can be helped.
    highest: SampleRate,
    formats: [Option<AudioFormat>; limits::RECEIVE_FORMATS],
    decoders: [Option<Box<Decoder>>; limits::RECEIVE_FORMATS],
    /// One for each sample rate.
    concealments: [Option<Box<Concealment>>; SampleRate::ALL.len()],
    /// Whose packet was decoded last.
    current: Option<usize>,
}

impl Voices {
    pub(super) fn new(highest: SampleRate, formats: [Option<AudioFormat>; limits::RECEIVE_FORMATS]) -> Voices {
        let formats = formats.map(|format| format.filter(|format| format.codec.is_ours()));
        Voices { highest, formats, decoders: Default::default(), concealments: Default::default(), current: None }
    }

    /// The rate of the first format at present, and one that is at least that of each at any time.
    pub(super) fn rates(&self) -> (SampleRate, SampleRate) {
        let first = self.formats.iter().flatten().next().map_or(SampleRate::Khz8, |format| self.rate_of(format));
        (first, self.formats.iter().flatten().map(AudioFormat::sample_rate).fold(first, SampleRate::max))
    }

    fn rate_of(&self, format: &AudioFormat) -> SampleRate {
        match format.codec {
            Codec::Opus => format.sample_rate().min(self.highest),
            _ => format.sample_rate(),
        }
    }

    /// From now on no rate above `highest` is needed. A decoder that can have another rate by this is made anew.
    pub(super) fn listen_at(&mut self, highest: SampleRate) {
        self.highest = highest;
        for index in 0..self.decoders.len() {
            let rate = self.formats[index].as_ref().map(|format| self.rate_of(format));
            if self.decoders[index].as_ref().is_some_and(|decoder| Some(decoder.sample_rate()) != rate) {
                self.decoders[index] = None;
                self.prepare(index);
            }
        }
    }

    /// The format of a payload type, if it can be decoded.
    pub(super) fn find(&self, payload_type: u8) -> Option<usize> {
        self.formats.iter().position(|format| format.is_some_and(|format| format.payload_type == payload_type))
    }

    /// The RTP clock of a format, in hertz.
    pub(super) fn clock_rate(&self, index: usize) -> u32 {
        self.formats.get(index).copied().flatten().map_or(8_000, |format| format.codec.clock_rate())
    }

    /// The RTP clock of what was decoded last, in hertz.
    pub(super) fn current_clock_rate(&self) -> u32 {
        self.current.map_or(8_000, |index| self.clock_rate(index))
    }

    /// How many samples of `rate` so many units of the RTP clock are.
    pub(super) fn samples(&self, units: u32, rate: SampleRate) -> usize {
        (u64::from(units) * u64::from(rate.hz()) / u64::from(self.current_clock_rate().max(1))) as usize
    }

    /// How many units of the RTP clock so many samples of `rate` are.
    pub(super) fn units(&self, samples: usize, rate: SampleRate) -> u32 {
        (samples as u64 * u64::from(self.current_clock_rate()) / u64::from(rate.hz())) as u32
    }

    /// Whether nothing was ever decoded.
    pub(super) fn is_silent(&self) -> bool {
        self.current.is_none()
    }

    /// Whether the codec of what was decoded last makes noise of its own where nothing is sent.
    pub(super) fn has_noise(&self) -> bool {
        let format = self.current.and_then(|index| self.formats[index]);
        format.is_some_and(|format| format.codec == Codec::Opus)
    }

    /// Makes what is needed for a format; false when its codec refuses.
    pub(super) fn prepare(&mut self, index: usize) -> bool {
        let Some(format) = self.formats.get(index).copied().flatten() else { return false };
        if self.decoders[index].is_none() {
            self.decoders[index] = Decoder::at_most(self.highest, &format).ok().map(Box::new);
        }
        self.decoders[index].is_some()
    }

    /// Decodes a payload behind what waits, and says how long it is in units of its RTP clock. `is_cut`: it does not follow what
    /// was played last.
    pub(super) fn decode(
        &mut self,
        index: usize,
        payload: &[u8],
        is_cut: bool,
        playout: &mut Playout,
    ) -> Result<u32, Malformed> {
        let clock_rate = self.clock_rate(index);
        let decoder = self.decoders.get_mut(index).and_then(Option::as_mut).ok_or(Malformed::Invalid)?;
        let rate = decoder.sample_rate();
        if rate != playout.rate() && playout.waiting() > 0 {
            // What is left of the old rate is no whole tick.
            let missing = playout.rate().frame().saturating_sub(playout.waiting());
            concealment(&mut self.concealments, playout.rate()).conceal(&mut playout.room()[..missing]);
            playout.add(missing);
        }
        let samples = decoder.decode(payload, playout.room())?;
        let concealment = concealment(&mut self.concealments, rate);
        if is_cut {
            concealment.conceal(&mut []);
        }
        concealment.heard(&mut playout.room()[..samples]);
        match rate == playout.rate() {
            true => playout.add(samples),
            false => playout.add_at(rate, samples),
        }
        self.current = Some(index);
        Ok((samples as u64 * u64::from(clock_rate) / u64::from(rate.hz())) as u32)
    }

    /// Puts about `samples` in the place of a lost packet, from the packet `after` it if that holds a copy. Says how many,
    /// and whether it was a copy.
    pub(super) fn conceal(
        &mut self,
        samples: usize,
        after: Option<(u8, &[u8])>,
        playout: &mut Playout,
    ) -> (usize, bool) {
        let rate = playout.rate();
        let after = after.filter(|(payload_type, _)| self.find(*payload_type) == self.current);
        let concealment = concealment(&mut self.concealments, rate);
        let decoder = self.current.and_then(|index| self.decoders[index].as_mut());
        let own = decoder.filter(|decoder| decoder.sample_rate() == rate);
        // Codecs that conceal do so in steps of 2.5 ms (RFC 6716 §2.1.4).
        let step = rate.per_ms() * 5 / 2;
        let room = playout.room();
        let whole = (samples.div_ceil(step) * step).min(room.len());
        if let Some(decoder) = own {
            let copied = after.map_or(0, |(_, payload)| decoder.recover(payload, &mut room[..whole]));
            let is_copy = copied > 0;
            if is_copy || decoder.conceal(&mut room[..whole]) {
                let made = if is_copy { copied.min(whole) } else { whole };
                concealment.heard(&mut room[..made]);
                playout.add(made);
                return (made, is_copy);
            }
        }
        let made = samples.min(room.len());
        concealment.conceal(&mut room[..made]);
        playout.add(made);
        (made, false)
    }

    /// Takes in `samples` at the begin of the playout's room, which follow what was played last.
    pub(super) fn follow(&mut self, samples: usize, playout: &mut Playout) {
        concealment(&mut self.concealments, playout.rate()).heard(&mut playout.room()[..samples]);
        playout.add(samples);
    }

    /// What is played next does not follow what was played last.
    pub(super) fn cut(&mut self, rate: SampleRate) {
        concealment(&mut self.concealments, rate).conceal(&mut []);
    }
}

fn concealment(all: &mut [Option<Box<Concealment>>; SampleRate::ALL.len()], rate: SampleRate) -> &mut Concealment {
    all[rate as usize].get_or_insert_with(|| Box::new(Concealment::new(rate)))
}
