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
}

/// The rate at which it listens: all tones lie below 2 kHz.
const RATE: SampleRate = SampleRate::Khz8;

impl Ear {
    pub(super) fn new(from: SampleRate) -> Ear {
        Ear { to_detector: Resampler::new(from, RATE), detector: DigitDetector::default() }
    }

    /// Hears 20 ms at the rate `from`; `None`: nothing was said.
    pub(super) fn hear(&mut self, from: SampleRate, said: Option<&[i16]>) {
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
