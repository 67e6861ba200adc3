//! A conference on several media threads: each engine mixes those who sit with it, and hands the others what they say.

use crate::ConferenceId;
use crate::mixer::FRAME;
use crate::sample_rate::SampleRate;

/// One of the engines of a process, which has a thread of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Lane(pub u8);

/// What everybody who sits with one engine says in 20 ms of a conference, added up and limited to 16 bits.
#[derive(Clone, PartialEq, Eq)]
pub struct Partial {
    /// The conference.
    pub conference: ConferenceId,
    /// Of the samples.
    pub rate: SampleRate,
    len: usize,
    pcm: [i16; FRAME],
}

impl Partial {
    /// Nothing is said.
    pub const fn silence(conference: ConferenceId, rate: SampleRate) -> Partial {
        Partial { conference, rate, len: 0, pcm: [0; FRAME] }
    }

    /// The samples: a frame of the rate, or none where nothing is said.
    pub fn pcm(&self) -> &[i16] {
        &self.pcm[..self.len]
    }

    /// Room for a frame of the rate, which is there from now on.
    pub(crate) fn frame(&mut self) -> &mut [i16] {
        self.len = self.rate.frame();
        &mut self.pcm[..self.len]
    }
}

impl std::fmt::Debug for Partial {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "Partial({:?}, {} samples at {})", self.conference, self.len, self.rate)
    }
}
