//! What is recorded: frames become buffers, which somebody else writes down.
//!
//! Buffers circulate as those of a [player](crate::player) do: the engine's owner hands in empty ones, gets them back filled, and
//! hands them in again once they are written. When none is there, because the disk is slow, time is not lost: what is missing
//! is counted and becomes silence.

use std::time::Duration;

use crate::resampler::Resampler;
use crate::sample_rate::SampleRate;

/// A recording, named by the exchange.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RecordingId(pub u32);

/// What stands in a recording.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Layout {
    #[default]
    /// Two channels: what the phone said on the left, what it heard on the right, in turn.
    Stereo,
    /// Both in one.
    Mono,
}

impl Layout {
    /// Samples for each moment.
    pub const fn channels(self) -> usize {
        match self {
            Layout::Stereo => 2,
            Layout::Mono => 1,
        }
    }
}

/// Recorded sound on its way out, or the empty buffer on its way in.
#[derive(Clone, PartialEq, Eq)]
pub struct RecordedBuffer {
    /// Samples, channels in turn.
    pub pcm: Box<[i16]>,
    /// How many of them count.
    pub len: usize,
    /// Nothing comes after these.
    pub last: bool,
}

impl std::fmt::Debug for RecordedBuffer {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "RecordedBuffer({} of {}, last: {})", self.len, self.pcm.len(), self.last)
    }
}

/// Buffers of a recording, filled and empty ones together.
pub const BUFFERS: usize = 5;

/// One recording.
#[derive(Debug)]
pub struct Recorder {
    layout: Layout,
    rate: SampleRate,
    said: Resampler,
    heard: Resampler,
    pages: Pages,
    paused: bool,
    silent_for: Duration,
    end_of_silence: Option<Duration>,
    /// 20 ms of either side, at the rate of the recording.
    frames: [Box<[i16]>; 2],
}

/// The buffers of a recording.
#[derive(Debug)]
struct Pages {
    id: RecordingId,
    empty: heapless::Vec<Box<[i16]>, BUFFERS>,
    /// The one that is filled, and how far.
    current: Option<(Box<[i16]>, usize)>,
    /// Samples, over all channels, that found no buffer and are still to become silence.
    behind: u64,
    missed: u64,
}

/// One frame.
const TICK: Duration = Duration::from_millis(20);

/// The mean square of a frame in which nobody speaks, at most: −42 dBm0, above the noise of a room and of a line, below the
/// quietest speech (ITU-T P.56 has it around −30 dBm0). It is measured frame by frame, so that silence begins when it does.
const QUIET: u64 = 128 * 128;

fn is_quiet(frame: &[i16]) -> bool {
    let squares: u64 = frame.iter().map(|sample| u64::from(sample.unsigned_abs()).pow(2)).sum();
    squares <= QUIET * frame.len() as u64
}

impl Recorder {
    /// A recording at `rate` of somebody whose frames have `from`, with no buffers yet.
    pub fn new(id: RecordingId, layout: Layout, (from, rate): (SampleRate, SampleRate)) -> Recorder {
        Recorder {
            layout,
            rate,
            said: Resampler::new(from, rate),
            heard: Resampler::new(from, rate),
            pages: Pages { id, empty: heapless::Vec::new(), current: None, behind: 0, missed: 0 },
            paused: false,
            silent_for: Duration::ZERO,
            end_of_silence: None,
            frames: [rate; 2].map(|rate| vec![0; rate.frame()].into()),
        }
    }

    /// The same recording, over by itself after so much silence.
    pub fn ending(mut self, silence: Option<Duration>) -> Recorder {
        self.end_of_silence = silence;
        self
    }

    /// Its name.
    pub fn id(&self) -> RecordingId {
        self.pages.id
    }

    /// Whether nothing was heard for as long as it takes to end by itself.
    pub fn is_over(&self) -> bool {
        self.end_of_silence.is_some_and(|limit| self.silent_for >= limit)
    }

    /// Samples, over all channels, for which no buffer was there in time.
    pub fn missed(&self) -> u64 {
        self.pages.missed
    }

    /// The same in milliseconds.
    pub fn missed_ms(&self) -> u64 {
        self.pages.missed / (self.rate.per_ms() * self.layout.channels()) as u64
    }

    /// Leaves out what is said until it goes on.
    pub fn pause(&mut self, paused: bool) {
        self.paused = paused;
    }

    /// The frames have another rate now; the recording keeps its own.
    pub fn listen_at(&mut self, from: SampleRate) {
        self.said = Resampler::new(from, self.rate);
        self.heard = Resampler::new(from, self.rate);
    }

    /// Takes an empty buffer. Gives it back when it has enough, or when nothing fits in.
    pub fn lend(&mut self, buffer: Box<[i16]>) -> Result<(), Box<[i16]>> {
        if buffer.is_empty() {
            return Err(buffer);
        }
        self.pages.empty.push(buffer)
    }

    /// Writes 20 ms of what the phone `said` and `heard`. Buffers that are full go to `full`.
    pub fn write(&mut self, (said, heard): (&[i16], &[i16]), full: &mut impl FnMut(RecordingId, RecordedBuffer)) {
        if self.end_of_silence.is_some() {
            let quiet = is_quiet(said) && is_quiet(heard);
            self.silent_for = if quiet { self.silent_for.saturating_add(TICK) } else { Duration::ZERO };
        }
        if self.paused {
            return;
        }
        let [left, right] = &mut self.frames;
        let samples = self.said.process(said, left).min(self.heard.process(heard, right));
        for (left, right) in left.iter().zip(right.iter()).take(samples) {
            match self.layout {
                Layout::Stereo => {
                    self.pages.push(*left, full);
                    self.pages.push(*right, full);
                }
                Layout::Mono => self.pages.push(left.saturating_add(*right), full),
            }
        }
    }

    /// Gives out what is left, as the last buffer. An empty one when there is no other.
    pub fn finish(&mut self, full: &mut impl FnMut(RecordingId, RecordedBuffer)) {
        let pages = &mut self.pages;
        let (pcm, len) = match pages.current.take() {
            Some(current) => current,
            None => (pages.empty.pop().unwrap_or_default(), 0),
        };
        full(pages.id, RecordedBuffer { pcm, len, last: true });
    }
}

impl Pages {
    fn push(&mut self, sample: i16, full: &mut impl FnMut(RecordingId, RecordedBuffer)) {
        while self.behind > 0 && self.put(0, full) {
            self.behind -= 1;
        }
        if self.behind > 0 || !self.put(sample, full) {
            self.behind += 1;
            self.missed += 1;
        }
    }

    /// False: there is no buffer for it.
    fn put(&mut self, sample: i16, full: &mut impl FnMut(RecordingId, RecordedBuffer)) -> bool {
        if self.current.is_none() {
            self.current = self.empty.pop().map(|buffer| (buffer, 0));
        }
        let Some((pcm, len)) = &mut self.current else { return false };
        pcm[*len] = sample;
        *len += 1;
        if *len == pcm.len()
            && let Some((pcm, len)) = self.current.take()
        {
            full(self.id, RecordedBuffer { pcm, len, last: false });
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn recorder(layout: Layout, buffers: usize) -> Recorder {
        let mut recorder = Recorder::new(RecordingId(3), layout, (SampleRate::Khz8, SampleRate::Khz8));
        for _ in 0..buffers {
            recorder.lend(vec![9; 400].into()).unwrap();
        }
        recorder
    }

    fn write(recorder: &mut Recorder, said: i16, heard: i16) -> Vec<RecordedBuffer> {
        let mut full = Vec::new();
        recorder.write((&[said; 160], &[heard; 160]), &mut |id, buffer| {
            assert_eq!(id, RecordingId(3));
            full.push(buffer);
        });
        full
    }

    fn finish(recorder: &mut Recorder) -> RecordedBuffer {
        let mut last = None;
        recorder.finish(&mut |_, buffer| last = Some(buffer));
        last.unwrap()
    }

    #[test]
    fn two_channels_stand_in_turn_and_the_rest_comes_last() {
        let mut recorder = recorder(Layout::Stereo, 2);
        assert!(write(&mut recorder, 1, 2).is_empty());
        let [full] = &write(&mut recorder, 1, 2)[..] else { panic!("one buffer is full") };
        assert_eq!((full.len, full.last), (400, false));
        assert!(full.pcm.chunks(2).all(|pair| pair == [1, 2]));
        let rest = finish(&mut recorder);
        assert_eq!((rest.len, rest.last), (240, true));
        assert!(rest.pcm[..240].chunks(2).all(|pair| pair == [1, 2]));
    }

    #[test]
    fn one_channel_holds_both() {
        let mut recorder = recorder(Layout::Mono, 1);
        write(&mut recorder, 20_000, -5_000);
        write(&mut recorder, 20_000, 20_000);
        let rest = finish(&mut recorder);
        assert_eq!((rest.len, rest.pcm[0], rest.pcm[159], rest.pcm[160]), (320, 15_000, 15_000, i16::MAX));
    }

    #[test]
    fn a_slow_disk_costs_sound_and_not_time() {
        let mut recorder = recorder(Layout::Mono, 1);
        assert!(write(&mut recorder, 1, 0).is_empty() && write(&mut recorder, 1, 0).is_empty());
        assert_eq!(write(&mut recorder, 2, 0)[0].len, 400);
        write(&mut recorder, 3, 0);
        assert_eq!(recorder.missed(), 80 + 160);
        recorder.lend(vec![9; 400].into()).unwrap();
        // What was missed is silence, and what comes now stands where it belongs.
        let [full] = &write(&mut recorder, 4, 0)[..] else { panic!("one buffer is full") };
        assert!(
            full.pcm[..240].iter().all(|sample| *sample == 0) && full.pcm[240..400].iter().all(|sample| *sample == 4)
        );
        assert_eq!(recorder.missed(), 240);
    }

    #[test]
    fn a_pause_leaves_out() {
        let mut recorder = recorder(Layout::Mono, 1);
        write(&mut recorder, 1, 0);
        recorder.pause(true);
        write(&mut recorder, 2, 0);
        recorder.pause(false);
        write(&mut recorder, 3, 0);
        let kept = finish(&mut recorder);
        assert_eq!((kept.len, kept.pcm[159], kept.pcm[160]), (320, 1, 3));
    }

    #[test]
    fn silence_is_what_neither_side_can_be_heard_in() {
        let mut recorder = recorder(Layout::Mono, 1).ending(Some(TICK * 3));
        // Noise, then somebody speaks, on either side: it begins anew each time.
        for (said, heard) in [(100, -100), (0, 100), (-200, 0), (0, 0), (0, 0), (0, i16::MIN), (120, 0), (0, 120)] {
            write(&mut recorder, said, heard);
            assert!(!recorder.is_over());
        }
        write(&mut recorder, 0, 0);
        assert!(recorder.is_over());
        let mut patient = Recorder::new(RecordingId(3), Layout::Mono, (SampleRate::Khz8, SampleRate::Khz8));
        for _ in 0..1_000 {
            write(&mut patient, 0, 0);
        }
        assert!(!patient.is_over());
    }

    #[test]
    fn useless_and_too_many_buffers_come_back() {
        let mut recorder = recorder(Layout::Stereo, BUFFERS);
        assert!(recorder.lend(vec![0; 10].into()).is_err());
        let mut recorder = Recorder::new(RecordingId(1), Layout::Mono, (SampleRate::Khz8, SampleRate::Khz16));
        assert!(recorder.lend(Box::default()).is_err());
        let last = finish(&mut recorder);
        assert_eq!((last.len, last.last), (0, true));
    }
}
