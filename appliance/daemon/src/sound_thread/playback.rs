//! One playback: which sound of its list is read, and what is still to come.

use std::sync::Arc;

use media::sound::SoundReader;
use media::{PlaybackId, SampleRate, Sound};

use super::library::{Fetched, File, Library, Opened};

/// What came of filling a buffer.
#[derive(Debug, PartialEq, Eq)]
pub enum Filling {
    /// So many samples; there is more.
    Some(usize),
    /// So many samples, and they are the last.
    Last(usize),
    /// The next sound is not there yet.
    Later,
    /// It cannot go on, in words.
    Failed(String),
}

/// A list that is played.
#[derive(Debug)]
pub struct Playback {
    sounds: Arc<[Sound]>,
    rate: SampleRate,
    repeats: bool,
    // Whether there was anything in this round.
    is_audible: bool,
    // The sound that is read, and its place in the list.
    at: usize,
    current: Current,
    // Sounds from the network that came before their turn.
    ahead: Vec<(usize, Result<File, String>)>,
    // Which sounds were asked for.
    asked: usize,
    kept: Vec<Box<[i16]>>,
    // Found behind samples that were handed out first.
    failed: Option<String>,
}

#[derive(Debug)]
enum Current {
    /// Not opened yet.
    Closed,
    Reader(Box<SoundReader<File>>),
    /// So many samples are left.
    Silence(u64),
    /// It was asked for.
    Awaited,
}

impl Playback {
    /// Before its first sound.
    pub fn new(sounds: Arc<[Sound]>, rate: SampleRate, repeats: bool) -> Playback {
        Playback {
            sounds,
            rate,
            repeats,
            is_audible: false,
            at: 0,
            current: Current::Closed,
            ahead: Vec::new(),
            asked: 0,
            kept: Vec::new(),
            failed: None,
        }
    }

    /// Sounds in the list.
    pub fn len(&self) -> usize {
        self.sounds.len()
    }

    /// Samples a second.
    pub fn rate(&self) -> SampleRate {
        self.rate
    }

    /// Fills `pcm` from its beginning.
    pub fn fill(&mut self, library: &mut Library, id: PlaybackId, pcm: &mut [i16]) -> Filling {
        if let Some(reason) = self.failed.take() {
            return Filling::Failed(reason);
        }
        let mut len = 0;
        while len < pcm.len() {
            if self.at == self.sounds.len() {
                // A list of nothing is not begun anew for ever.
                if !self.repeats || !std::mem::take(&mut self.is_audible) {
                    return Filling::Last(len);
                }
                (self.at, self.asked) = (0, 0);
            }
            match self.step(library, id, &mut pcm[len..]) {
                Ok(Some(0)) => (self.at, self.current) = (self.at + 1, Current::Closed),
                Ok(Some(count)) => (len, self.is_audible) = (len + count, true),
                Ok(None) if len == 0 => return Filling::Later,
                Ok(None) => break,
                Err(reason) if len == 0 => return Filling::Failed(reason),
                Err(reason) => {
                    self.failed = Some(reason);
                    break;
                }
            }
        }
        Filling::Some(len)
    }

    /// Some samples of the present sound; 0 at its end, `None` when it is not there yet.
    fn step(&mut self, library: &mut Library, id: PlaybackId, pcm: &mut [i16]) -> Result<Option<usize>, String> {
        match &mut self.current {
            Current::Closed => {
                self.current = self.open(library, id)?;
                self.ask_ahead(library, id);
                self.step(library, id, pcm)
            }
            Current::Awaited => Ok(None),
            Current::Silence(left) => {
                let count = pcm.len().min(usize::try_from(*left).unwrap_or(usize::MAX));
                pcm[..count].fill(0);
                *left -= count as u64;
                Ok(Some(count))
            }
            Current::Reader(reader) => {
                let count = reader.read(pcm);
                count.map(Some).map_err(|error| format!("{}: {error}", Library::name(&self.sounds[self.at])))
            }
        }
    }

    fn open(&mut self, library: &mut Library, id: PlaybackId) -> Result<Current, String> {
        let sound = &self.sounds[self.at];
        if let Some(place) = self.ahead.iter().position(|(at, _)| *at == self.at) {
            let (_, file) = self.ahead.swap_remove(place);
            return self.read(sound, file);
        }
        if self.asked > self.at && matches!(sound, Sound::Url(_)) {
            return Ok(Current::Awaited);
        }
        self.asked = self.asked.max(self.at + 1);
        match library.open(sound, id, self.at) {
            Opened::File(file) => self.read(sound, file),
            Opened::Silence(duration) => {
                let samples = duration.as_micros() * u128::from(self.rate.hz()) / 1_000_000;
                Ok(Current::Silence(u64::try_from(samples).unwrap_or(u64::MAX)))
            }
            Opened::Later => Ok(Current::Awaited),
        }
    }

    /// The sound after the present one is fetched while the present one plays.
    fn ask_ahead(&mut self, library: &mut Library, id: PlaybackId) {
        let next = self.at + 1;
        if self.asked <= next
            && let Some(sound @ Sound::Url(_)) = self.sounds.get(next)
        {
            self.asked = next + 1;
            if let Opened::File(file) = library.open(sound, id, next) {
                self.ahead.push((next, file));
            }
        }
    }

    fn read(&self, sound: &Sound, file: Result<File, String>) -> Result<Current, String> {
        let reader = Library::reader(sound, file?, self.rate)?;
        Ok(Current::Reader(Box::new(reader)))
    }

    /// A sound from the network is there, or never will be.
    pub fn fetched(&mut self, fetched: Fetched) {
        if fetched.at == self.at && matches!(self.current, Current::Awaited) {
            self.current = Current::Closed;
        }
        self.ahead.push((fetched.at, fetched.file));
    }

    /// Puts a buffer aside until the present sound is there.
    pub fn keep(&mut self, pcm: Box<[i16]>) {
        self.kept.push(pcm);
    }

    /// The buffers that were put aside.
    pub fn kept(&mut self) -> Vec<Box<[i16]>> {
        std::mem::take(&mut self.kept)
    }
}
