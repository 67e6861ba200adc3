//! Decoded sound that waits for its tick, and the places in it where a little can be left out or played twice.

use crate::SampleRate;
use crate::likeness::{THIN, best, product, thin_out};

/// Milliseconds of what was played that are kept: what is played twice comes from there.
const PAST: usize = 15;

/// Milliseconds that fit: the past, a tick, a packet, and what is put in.
const ROOM: usize = PAST + 20 + crate::limits::PACKET_AUDIO_MS + 20;

/// The shortest and longest piece that is left out or played twice, in quarter milliseconds, no longer than the past: a
/// pitch period, or several short ones.
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
        let longest = (PIECE.1 * self.rate.per_ms() / 4).min(self.waiting);
        if self.next.is_some() || past + self.waiting + longest > self.samples.len() {
            return 0;
        }
        let Some(piece) = self.find(Cut::Insert, longest, likeness) else { return 0 };
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
        let room = self.waiting.saturating_sub(FADE * self.rate.per_ms() / 4);
        let longest = (PIECE.1 * self.rate.per_ms() / 4).min(most).min(room);
        if self.next.is_some() {
            return 0;
        }
        let Some(piece) = self.find(Cut::Remove, longest, likeness) else { return 0 };
        let (_, _, fade) = self.place(Cut::Remove, piece, self.rate.per_ms());
        for sample in 0..fade {
            let (comes, later) = (self.samples[past + sample], self.samples[past + piece + sample]);
            self.samples[past + sample] = mix(comes, later, sample, fade);
        }
        self.samples.copy_within(past + piece + fade..past + self.waiting, past + fade);
        self.waiting -= piece;
        piece
    }

    /// Where the two sides of a piece begin that are faded into each other, and how long the fade is; all, and `piece`, counted
    /// in `unit`s of a millisecond.
    fn place(&self, cut: Cut, piece: usize, unit: usize) -> (usize, usize, usize) {
        let (past, waiting) = (PAST * unit, self.waiting * unit / self.rate.per_ms());
        match cut {
            Cut::Insert => (past, past - piece, piece),
            Cut::Remove => (past, past + piece, piece.max(FADE * unit / 4).min(waiting.saturating_sub(piece))),
        }
    }

    /// Goes over to the next rate when nothing of the present one waits.
    fn follow(&mut self) {
        let Some((rate, samples)) = self.next.filter(|_| self.waiting == 0) else { return };
        let (before, past) = (PAST * self.rate.per_ms(), PAST * rate.per_ms());
        self.samples.copy_within(before..before + samples, past);
        self.samples[..past].fill(0);
        (self.rate, self.waiting, self.next) = (rate, samples, None);
    }

    /// The piece of at most `longest` samples whose two sides are most alike, and alike enough.
    fn find(&self, cut: Cut, longest: usize, likeness: f32) -> Option<usize> {
        let every = self.rate.per_ms() / THIN;
        let (shortest, longest_thin) = (PIECE.0 * THIN / 4, longest / every);
        if longest_thin < shortest {
            return None;
        }
        let mut thin = [0.0; (PAST + 2 * PIECE.1 / 4) * THIN];
        thin_out(&self.samples, every, &mut thin);
        let (one, other, length) = self.place(cut, longest_thin, THIN);
        let power = |from: usize| product(&thin[from..from + length], &thin[from..from + length]) / length as f32;
        if power(one).max(power(other)) < QUIET {
            return Some(longest);
        }
        let rough = best((shortest, longest_thin), |piece| {
            let (one, other, length) = self.place(cut, piece, THIN);
            alike(&thin[one..one + length], &thin[other..other + length])
        });
        let around = (PIECE.0 * self.rate.per_ms() / 4, longest);
        let around = (around.0.max((rough.0 - 1) * every), around.1.min((rough.0 + 1) * every));
        let best = if every == 1 { rough } else { best(around, |piece| self.alike_at(cut, piece, every)) };
        Some(best.0).filter(|_| best.1 >= likeness)
    }

    /// The same likeness, with a piece counted in samples.
    fn alike_at(&self, cut: Cut, piece: usize, every: usize) -> f32 {
        let (one, other, length) = self.place(cut, piece, self.rate.per_ms());
        let mut sides = [[0.0; PIECE.1 * THIN / 4]; 2];
        let length = (length / every).min(sides[0].len());
        thin_out(&self.samples[one..], every, &mut sides[0][..length]);
        thin_out(&self.samples[other..], every, &mut sides[1][..length]);
        alike(&sides[0][..length], &sides[1][..length])
    }
}

/// Which side of a piece is faded into which.
#[derive(Debug, Clone, Copy)]
enum Cut {
    /// What comes, into what was a piece before.
    Insert,
    /// What comes, into what comes a piece later.
    Remove,
}

/// The correlation in proportion to the louder one: 1 when they are the same.
fn alike(one: &[f32], other: &[f32]) -> f32 {
    product(one, other) / (product(one, one).max(product(other, other)) + 1.0)
}

/// From `from` to `to`, at `part` of `whole`.
fn mix(from: i16, to: i16, part: usize, whole: usize) -> i16 {
    let (part, whole) = (part as i32, whole as i32);
    ((i32::from(from) * (whole - part) + i32::from(to) * part) / whole) as i16
}
