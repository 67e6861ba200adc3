//! Decoded sound that waits for its tick, and the places in it where a little can be left out or played twice.

use crate::SampleRate;

/// Milliseconds of what was played that are kept: what is played twice comes from there.
const PAST: usize = 15;

/// Milliseconds that fit: the past, a tick, a packet, and what is put in.
const ROOM: usize = PAST + 20 + crate::limits::PACKET_AUDIO_MS + 20;

/// The shortest and longest piece that is left out or played twice, in quarter milliseconds: a pitch period, or several
/// short ones.
const PIECE: (usize, usize) = (10, 60);

/// The shortest fade from one piece to the other, in quarter milliseconds.
const FADE: usize = 20;

/// Below this mean square, −44 dBm0, what is joined need not be alike.
const QUIET: f32 = 10_000.0;

/// The decoded sound of one stream.
#[derive(Debug)]
pub(super) struct Playout {
    rate: SampleRate,
    /// What was played, then what waits.
    samples: Box<[i16]>,
    /// How many wait.
    waiting: usize,
    /// The rate and number of samples behind those that wait, when the stream has changed its rate.
    next: Option<(SampleRate, usize)>,
}

impl Playout {
    /// For sound of at most the rate `highest`; it begins with `rate`.
    pub(super) fn new(rate: SampleRate, highest: SampleRate) -> Playout {
        let samples = vec![0; ROOM * highest.max(rate).per_ms()].into_boxed_slice();
        Playout { rate, samples, waiting: 0, next: None }
    }

    pub(super) fn rate(&self) -> SampleRate {
        self.rate
    }

    /// Samples that wait to be played.
    pub(super) fn waiting(&self) -> usize {
        self.waiting
    }

    /// Where the next samples go.
    pub(super) fn room(&mut self) -> &mut [i16] {
        &mut self.samples[PAST * self.rate.per_ms() + self.waiting..]
    }

    /// So many samples were written to the begin of [`Playout::room`].
    pub(super) fn add(&mut self, samples: usize) {
        self.waiting += samples;
    }

    /// So many samples of another rate were written to the begin of [`Playout::room`]; what waits is just one tick, or nothing.
    pub(super) fn add_at(&mut self, rate: SampleRate, samples: usize) {
        self.next = Some((rate, samples));
        self.follow();
    }

    /// Plays `pcm.len()` samples.
    pub(super) fn take(&mut self, pcm: &mut [i16]) {
        let past = PAST * self.rate.per_ms();
        let played = pcm.len().min(self.waiting);
        pcm[..played].copy_from_slice(&self.samples[past..past + played]);
        let behind = self.next.map_or(0, |(_, samples)| samples);
        self.samples.copy_within(played..past + self.waiting + behind, 0);
        self.waiting -= played;
        self.follow();
    }

    /// Plays something twice; how many samples that adds, 0 when no place for it is found.
    pub(super) fn insert(&mut self, likeness: f32) -> usize {
        let past = PAST * self.rate.per_ms();
        let longest = (PIECE.1 * self.rate.per_ms() / 4).min(self.waiting).min(past);
        if self.next.is_some() || past + self.waiting + longest > self.samples.len() {
            return 0;
        }
        // What comes, and what was a piece before it.
        let place = |piece: usize| (past, past - piece, piece);
        let Some(piece) = self.find(longest, likeness, place) else { return 0 };
        self.samples.copy_within(past..past + self.waiting, past + piece);
        for sample in 0..piece {
            let (comes, was) = (self.samples[past + piece + sample], self.samples[past - piece + sample]);
            self.samples[past + sample] = mix(comes, was, sample, piece);
        }
        self.waiting += piece;
        piece
    }

    /// Leaves out at most `most` samples; how many, 0 when no place for it is found.
    pub(super) fn remove(&mut self, most: usize, likeness: f32) -> usize {
        let past = PAST * self.rate.per_ms();
        let shortest_fade = FADE * self.rate.per_ms() / 4;
        let longest = (PIECE.1 * self.rate.per_ms() / 4).min(most).min(self.waiting.saturating_sub(shortest_fade));
        if self.next.is_some() {
            return 0;
        }
        let waiting = self.waiting;
        let fade = |piece: usize| piece.max(shortest_fade).min(waiting - piece);
        let place = |piece: usize| (past, past + piece, fade(piece));
        let Some(piece) = self.find(longest, likeness, place) else { return 0 };
        let fade = fade(piece);
        for sample in 0..fade {
            let (comes, later) = (self.samples[past + sample], self.samples[past + piece + sample]);
            self.samples[past + sample] = mix(comes, later, sample, fade);
        }
        self.samples.copy_within(past + piece + fade..past + self.waiting, past + fade);
        self.waiting -= piece;
        piece
    }

    /// Goes over to the next rate when nothing of the present one waits.
    fn follow(&mut self) {
        let Some((rate, samples)) = self.next.filter(|_| self.waiting == 0) else { return };
        let (before, past) = (PAST * self.rate.per_ms(), PAST * rate.per_ms());
        self.samples.copy_within(before..before + samples, past);
        self.samples[..past].fill(0);
        (self.rate, self.waiting, self.next) = (rate, samples, None);
    }

    /// The piece of at most `longest` samples whose two sides, which `place` tells, are most alike, and alike enough.
    fn find(&self, longest: usize, likeness: f32, place: impl Fn(usize) -> (usize, usize, usize)) -> Option<usize> {
        let shortest = PIECE.0 * self.rate.per_ms() / 4;
        if longest < shortest {
            return None;
        }
        let (one, other, length) = place(longest);
        if self.power(one, length).max(self.power(other, length)) < QUIET {
            return Some(longest);
        }
        // Roughly first, then to the sample.
        let step = self.rate.per_ms() / 8;
        let rough = self.best((shortest, longest), step, &place);
        let around = (shortest.max(rough.0.saturating_sub(step)), longest.min(rough.0 + step));
        let best = self.best(around, 1, &place);
        Some(best.0).filter(|_| best.1 >= likeness)
    }

    fn best(
        &self,
        (shortest, longest): (usize, usize),
        step: usize,
        place: impl Fn(usize) -> (usize, usize, usize),
    ) -> (usize, f32) {
        let mut best = (shortest, f32::MIN);
        // The longest first: where all are alike, fewer cuts are better.
        for piece in (shortest..=longest).rev().step_by(step) {
            let likeness = self.likeness(place(piece), step);
            if likeness > best.1 {
                best = (piece, likeness);
            }
        }
        best
    }

    /// The correlation of two pieces in proportion to the louder one: 1 when they are the same.
    fn likeness(&self, (one, other, length): (usize, usize, usize), step: usize) -> f32 {
        let (mut product, mut powers) = (0.0f32, [1.0f32; 2]);
        let pairs = self.samples[one..one + length].iter().zip(&self.samples[other..other + length]);
        for (one, other) in pairs.step_by(step) {
            let (one, other) = (f32::from(*one), f32::from(*other));
            product += one * other;
            powers = [powers[0] + one * one, powers[1] + other * other];
        }
        product / powers[0].max(powers[1])
    }

    fn power(&self, from: usize, length: usize) -> f32 {
        let squares = self.samples[from..from + length].iter().map(|sample| f32::from(*sample).powi(2));
        squares.sum::<f32>() / length.max(1) as f32
    }
}

/// From `from` to `to`, at `part` of `whole`.
fn mix(from: i16, to: i16, part: usize, whole: usize) -> i16 {
    let (part, whole) = (part as i32, whole as i32);
    ((i32::from(from) * (whole - part) + i32::from(to) * part) / whole) as i16
}
