//! Digits that are heard in the sound of a phone which cannot tell them in another way.

use crate::dtmf::Digit;
use crate::dtmf::detector::DigitDetector;
use crate::mixer::FRAME;
use crate::resampler::Resampler;
use crate::sample_rate::SampleRate;

/// What listens to one phone.
#[derive(Debug)]
pub(super) struct Ear {
    to_detector: Resampler,
    detector: DigitDetector,
    /// Frames in a row in which nothing was said.
    silent: u8,
}

/// After so many of them, no digit is being heard any more.
const SILENT: u8 = 4;

/// The rate at which it listens: all tones lie below 2 kHz.
const RATE: SampleRate = SampleRate::Khz8;

impl Ear {
    pub(super) fn new(from: SampleRate) -> Ear {
        Ear { to_detector: Resampler::new(from, RATE), detector: DigitDetector::default(), silent: 0 }
    }

    /// Hears 20 ms at the rate `from`; `None`: nothing was said.
    pub(super) fn hear(&mut self, from: SampleRate, said: Option<&[i16]>) {
        self.silent = if said.is_some() { 0 } else { self.silent.saturating_add(1) };
        if self.silent > SILENT {
            return;
        }
        let mut pcm = [0; FRAME];
        let frame = &mut pcm[..RATE.frame()];
        if let Some(said) = said {
            if from != self.to_detector.from() {
                self.to_detector = Resampler::new(from, RATE);
            }
            self.to_detector.process(said, frame);
        }
        self.detector.hear(frame);
    }

    /// The next digit that is over.
    pub(super) fn poll_digit(&mut self) -> Option<Digit> {
        self.detector.poll_digit()
    }
}
