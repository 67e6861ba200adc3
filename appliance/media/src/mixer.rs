//! Many voices into one: the loudest are added up, and everybody hears the sum without itself.
//!
//! A mixer works in ticks of 20 ms. In each, [`Mixer::begin`] clears it, [`Mixer::propose`] names who could be heard and how
//! present he is, [`Mixer::add`] adds up those that were [chosen](Mixer::chosen), and [`Mixer::hear`] gives the sum less one
//! voice as often as it is asked for. The sum has 32 bits, so that what was added can be taken out again exactly; only what
//! is heard is limited to 16.

use std::num::NonZeroU16;

use crate::sample_rate::SampleRate;

/// Samples of the longest frame: 20 ms at 48 kHz.
pub const FRAME: usize = SampleRate::Khz48.frame();

/// How present a voice is: follows its level at once upwards, and falls by a sixteenth a frame (to a third in 340 ms), so
/// that a speaker is not lost between two words.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Presence(u32);

impl Presence {
    /// Takes in a frame. The level is the mean of the samples' absolute values, in sixteenths of a step.
    pub fn hear(&mut self, pcm: &[i16]) {
        let sum: u32 = pcm.iter().map(|sample| u32::from(sample.unsigned_abs())).sum();
        let level = (sum << 4) / (pcm.len().max(1) as u32);
        self.0 = level.max(self.0 - (self.0 >> 4));
    }

    /// A frame in which nothing came.
    pub fn rest(&mut self) {
        self.0 -= self.0.div_ceil(16);
    }

    /// Louder than the noise of a quiet line: about −60 dBm0.
    pub fn is_audible(self) -> bool {
        self.0 > AUDIBLE
    }
}

/// A mean of 16 steps of 16 bits, in sixteenths.
const AUDIBLE: u32 = 16 << 4;

/// Who was proposed: the number of his seat, and his presence.
#[derive(Debug, Clone, Copy)]
struct Voice {
    seat: usize,
    presence: Presence,
}

/// The sum of a room.
#[derive(Debug)]
pub struct Mixer {
    total: Box<[i32]>,
    loudest: usize,
    voices: Vec<Voice>,
    announcing: bool,
}

impl Mixer {
    /// A mixer of sound at 8 kHz that lets the `loudest` be heard together; all of them when there is no such number.
    pub fn new(loudest: Option<NonZeroU16>) -> Mixer {
        let loudest = loudest.map_or(usize::MAX, |loudest| usize::from(loudest.get()));
        let total = vec![0; SampleRate::Khz8.frame()].into_boxed_slice();
        Mixer { total, loudest, voices: Vec::new(), announcing: false }
    }

    /// The sound has another rate from now on.
    pub fn mix_at(&mut self, rate: SampleRate) {
        self.total = vec![0; rate.frame()].into_boxed_slice();
    }

    /// Makes room for the voices of so many seats, so that no tick allocates.
    pub fn reserve(&mut self, seats: usize) {
        self.voices.reserve(seats.min(self.loudest).saturating_sub(self.voices.len()));
    }

    /// A new tick.
    pub fn begin(&mut self) {
        self.total.fill(0);
        self.voices.clear();
        self.announcing = false;
    }

    /// `seat` has something to say. Pushes out the least present when too many have.
    pub fn propose(&mut self, seat: usize, presence: Presence) {
        let voice = Voice { seat, presence };
        if self.voices.len() < self.loudest {
            self.voices.push(voice);
        } else if let Some(least) = self.voices.iter_mut().min_by_key(|voice| voice.presence)
            && least.presence < presence
        {
            *least = voice;
        }
    }

    /// The seat of the voice number `index` of those that are heard.
    pub fn chosen(&self, index: usize) -> Option<usize> {
        self.voices.get(index).map(|voice| voice.seat)
    }

    /// Whether `seat` is among those that are heard.
    pub fn is_chosen(&self, seat: usize) -> bool {
        self.voices.iter().any(|voice| voice.seat == seat)
    }

    /// Adds a frame of somebody that was chosen.
    pub fn add(&mut self, pcm: &[i16]) {
        for (total, sample) in self.total.iter_mut().zip(pcm) {
            *total += i32::from(*sample);
        }
    }

    /// Adds a frame that belongs to no seat, so that all hear it.
    pub fn announce(&mut self, pcm: &[i16]) {
        self.announcing = true;
        self.add(pcm);
    }

    /// Whether there is nothing to hear.
    pub fn is_silent(&self) -> bool {
        self.voices.is_empty() && !self.announcing
    }

    /// What one hears whose own frame, if it was added, is `own`.
    pub fn hear(&self, own: Option<&[i16]>, pcm: &mut [i16]) {
        let total = &self.total;
        match own {
            None => pcm.iter_mut().zip(total.iter()).for_each(|(heard, total)| *heard = limit(*total)),
            Some(own) => {
                for ((heard, total), own) in pcm.iter_mut().zip(total.iter()).zip(own) {
                    *heard = limit(*total - i32::from(*own));
                }
            }
        }
    }
}

fn limit(sample: i32) -> i16 {
    sample.clamp(i16::MIN.into(), i16::MAX.into()) as i16
}

#[cfg(test)]
mod tests {
    use super::*;

    fn present(level: i16) -> Presence {
        let mut presence = Presence::default();
        presence.hear(&[level; 160]);
        presence
    }

    #[test]
    fn each_hears_all_others_and_not_itself() {
        let frames = [[100i16; 160], [2_000; 160], [-30_000; 160]];
        let mut mixer = Mixer::new(None);
        mixer.begin();
        for (seat, frame) in frames.iter().enumerate() {
            mixer.propose(seat, present(frame[0]));
            mixer.add(frame);
        }
        let mut heard = [0; 160];
        for (frame, expected) in frames.iter().zip([-28_000, -29_900, 2_100]) {
            mixer.hear(Some(frame), &mut heard);
            assert_eq!(heard, [expected; 160]);
        }
        mixer.hear(None, &mut heard);
        assert_eq!(heard, [-27_900; 160]);
    }

    #[test]
    fn what_is_too_loud_is_limited_and_what_was_added_comes_out_again() {
        let mut mixer = Mixer::new(None);
        mixer.begin();
        mixer.add(&[30_000; 160]);
        mixer.add(&[30_000; 160]);
        let mut heard = [0; 160];
        mixer.hear(None, &mut heard);
        assert_eq!(heard, [i16::MAX; 160]);
        mixer.hear(Some(&[30_000; 160]), &mut heard);
        assert_eq!(heard, [30_000; 160]);
    }

    #[test]
    fn only_the_loudest_are_chosen() {
        let mut mixer = Mixer::new(NonZeroU16::new(3));
        mixer.begin();
        for (seat, level) in [50, 900, 20, 700, 800, 10].into_iter().enumerate() {
            mixer.propose(seat, present(level));
        }
        let mut chosen: Vec<_> = (0..9).map_while(|index| mixer.chosen(index)).collect();
        chosen.sort_unstable();
        assert_eq!(chosen, [1, 3, 4]);
        assert!(mixer.is_chosen(3) && !mixer.is_chosen(0));
    }

    #[test]
    fn presence_outlasts_a_pause_between_words_and_goes_in_the_end() {
        let mut presence = present(8_000);
        for _ in 0..10 {
            presence.rest();
        }
        assert!(presence > present(4_000) && presence < present(4_500), "{presence:?}");
        assert!(presence.is_audible());
        for _ in 0..200 {
            presence.rest();
        }
        assert!(!presence.is_audible());
    }

    #[test]
    fn an_announcement_is_heard_by_all() {
        let mut mixer = Mixer::new(NonZeroU16::new(1));
        mixer.mix_at(SampleRate::Khz16);
        mixer.begin();
        assert!(mixer.is_silent());
        mixer.announce(&[5; 320]);
        assert!(!mixer.is_silent());
        let mut heard = [0; 320];
        mixer.hear(Some(&[0; 320]), &mut heard);
        assert_eq!(heard, [5; 320]);
    }
}
