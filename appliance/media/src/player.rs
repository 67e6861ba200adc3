//! What is played: sound that somebody else decodes and hands in by the buffer, a tone, or music on hold.
//!
//! Buffers circulate. The owner of the engine fills one ([`Player::feed`]), the player plays it and gives it back, which is
//! the request for more; so the memory of a playback is bounded by the buffers it was begun with, and the player never
//! allocates.

use std::fmt;

use crate::mixer::FRAME;
use crate::music::Music;
use crate::resampler::Resampler;
use crate::sample_rate::SampleRate;
use crate::tone::ToneGenerator;

/// A playback, named by the exchange.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PlaybackId(pub u32);

/// Decoded sound on its way to a player, or the empty buffer on its way back.
#[derive(Clone, PartialEq, Eq)]
pub struct SoundBuffer {
    /// Room for samples, mono.
    pub pcm: Box<[i16]>,
    /// How many of them count.
    pub len: usize,
    /// Nothing comes after these.
    pub last: bool,
}

impl fmt::Debug for SoundBuffer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "SoundBuffer({} of {}, last: {})", self.len, self.pcm.len(), self.last)
    }
}

/// Buffers that a player may hold at once.
pub const BUFFERS: usize = 4;

/// Where the samples come from.
#[derive(Debug)]
pub enum Material {
    /// From buffers that are fed.
    Fed(Feed),
    /// A tone of the telephone network.
    Tone(Box<ToneGenerator>),
    /// Our own music on hold.
    Music(Box<Music>),
}

/// The buffers that wait to be played.
#[derive(Debug, Default)]
pub struct Feed {
    waiting: heapless::Deque<SoundBuffer, BUFFERS>,
    /// Played already of the first.
    played: usize,
}

/// What came of asking a player for a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Played {
    /// It goes on.
    More,
    /// Nothing was there in time, and silence was played.
    Starved,
    /// This was the end.
    End,
}

/// One playback.
#[derive(Debug)]
pub struct Player {
    id: PlaybackId,
    material: Material,
    resampler: Resampler,
    rate: SampleRate,
    paused: bool,
    starved: u64,
    scratch: Box<[i16; FRAME]>,
}

impl Player {
    /// A player of material that has `rate`, for listeners at `to`.
    pub fn new(id: PlaybackId, material: Material, (rate, to): (SampleRate, SampleRate)) -> Player {
        let resampler = Resampler::new(rate, to);
        Player { id, material, resampler, rate, paused: false, starved: 0, scratch: Box::new([0; FRAME]) }
    }

    /// Its name.
    pub fn id(&self) -> PlaybackId {
        self.id
    }

    /// Frames in which nothing was there to be played.
    pub fn starved(&self) -> u64 {
        self.starved
    }

    /// Holds on or goes on.
    pub fn pause(&mut self, paused: bool) {
        self.paused = paused;
    }

    /// The listeners are at another rate now.
    pub fn listen_at(&mut self, to: SampleRate) {
        self.resampler = Resampler::new(self.rate, to);
    }

    /// Takes a filled buffer. Gives it back when there is no room, or when nothing is fed to this player.
    pub fn feed(&mut self, buffer: SoundBuffer) -> Result<(), SoundBuffer> {
        match &mut self.material {
            Material::Fed(feed) => feed.waiting.push_back(buffer),
            Material::Tone(_) | Material::Music(_) => Err(buffer),
        }
    }

    /// Fills `pcm`, 20 ms at the rate of the listeners. Buffers that are used up go to `emptied`.
    pub fn fill(&mut self, pcm: &mut [i16], emptied: &mut impl FnMut(PlaybackId, SoundBuffer)) -> Played {
        if self.paused {
            pcm.fill(0);
            return Played::More;
        }
        let id = self.id;
        let frame = &mut self.scratch[..self.rate.frame()];
        let played = match &mut self.material {
            Material::Fed(feed) => feed.fill(frame, &mut |buffer| emptied(id, buffer)),
            Material::Tone(tone) => {
                if tone.fill(frame) {
                    Played::More
                } else {
                    Played::End
                }
            }
            Material::Music(music) => {
                music.fill(frame);
                Played::More
            }
        };
        self.starved += u64::from(played == Played::Starved);
        let written = self.resampler.process(frame, pcm);
        pcm[written..].fill(0);
        played
    }

    /// Gives back every buffer.
    pub fn stop(&mut self, emptied: &mut impl FnMut(PlaybackId, SoundBuffer)) {
        if let Material::Fed(feed) = &mut self.material {
            while let Some(buffer) = feed.waiting.pop_front() {
                emptied(self.id, buffer);
            }
        }
    }
}

impl Feed {
    fn fill(&mut self, mut frame: &mut [i16], emptied: &mut impl FnMut(SoundBuffer)) -> Played {
        while !frame.is_empty() {
            let Some(first) = self.waiting.front() else {
                frame.fill(0);
                return Played::Starved;
            };
            let rest = first.pcm[..first.len.min(first.pcm.len())].get(self.played..).unwrap_or_default();
            let count = rest.len().min(frame.len());
            let (now, later) = frame.split_at_mut(count);
            now.copy_from_slice(&rest[..count]);
            frame = later;
            self.played += count;
            if count < rest.len() {
                break;
            }
            self.played = 0;
            let last = first.last;
            if let Some(buffer) = self.waiting.pop_front() {
                emptied(buffer);
            }
            if last {
                frame.fill(0);
                return Played::End;
            }
        }
        Played::More
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn buffer(samples: std::ops::Range<i16>, last: bool) -> SoundBuffer {
        let pcm: Box<[i16]> = samples.collect();
        SoundBuffer { len: pcm.len(), pcm, last }
    }

    fn player() -> Player {
        Player::new(PlaybackId(1), Material::Fed(Feed::default()), (SampleRate::Khz8, SampleRate::Khz8))
    }

    /// The frame, what came of it, and how many buffers came back.
    fn play(player: &mut Player) -> (Vec<i16>, Played, usize) {
        let mut pcm = [7; 160];
        let mut back = 0;
        let played = player.fill(&mut pcm, &mut |id, _| {
            assert_eq!(id, PlaybackId(1));
            back += 1;
        });
        (pcm.to_vec(), played, back)
    }

    #[test]
    fn buffers_of_any_length_are_one_sound() {
        let mut player = player();
        for (range, last) in [(0..100, false), (100..101, false), (101..400, true)] {
            player.feed(buffer(range, last)).unwrap();
        }
        assert_eq!(play(&mut player), ((0..160).collect(), Played::More, 2));
        assert_eq!(play(&mut player), ((160..320).collect(), Played::More, 0));
        let end: Vec<i16> = (320..400).chain([0; 80]).collect();
        assert_eq!(play(&mut player), (end, Played::End, 1));
    }

    #[test]
    fn silence_where_nothing_is_there_in_time() {
        let mut player = player();
        player.feed(buffer(1..11, false)).unwrap();
        let expected: Vec<i16> = (1..11).chain([0; 150]).collect();
        assert_eq!(play(&mut player), (expected, Played::Starved, 1));
        assert_eq!(play(&mut player), (vec![0; 160], Played::Starved, 0));
        assert_eq!(player.starved(), 2);
        player.feed(buffer(5..6, true)).unwrap();
        assert_eq!(play(&mut player).1, Played::End);
    }

    #[test]
    fn a_pause_loses_nothing() {
        let mut player = player();
        player.feed(buffer(0..320, true)).unwrap();
        play(&mut player);
        player.pause(true);
        assert_eq!(play(&mut player), (vec![0; 160], Played::More, 0));
        player.pause(false);
        assert_eq!(play(&mut player).0, (160..320).collect::<Vec<_>>());
    }

    #[test]
    fn too_many_buffers_and_lies_about_their_length_are_harmless() {
        let mut player = player();
        for _ in 0..BUFFERS {
            player.feed(SoundBuffer { pcm: Box::new([3; 10]), len: usize::MAX, last: false }).unwrap();
        }
        assert!(player.feed(buffer(0..1, true)).is_err());
        let (pcm, played, back) = play(&mut player);
        assert_eq!((played, back, pcm.iter().filter(|sample| **sample == 3).count()), (Played::Starved, BUFFERS, 40));
        player.feed(buffer(0..1, true)).unwrap();
        let mut back = 0;
        player.stop(&mut |_, _| back += 1);
        assert_eq!(back, 1);
    }
}
