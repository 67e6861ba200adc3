//! Where sounds are: in files, in memory, in the network, or nowhere, for silence.

use std::io::{self, Cursor, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use media::sound::{RawFormat, SoundError, SoundReader};
use media::{PlaybackId, SampleRate, Sound};
use rustc_hash::FxHashMap;

use super::cache::Cache;
use super::fetcher::{Arrived, Fetcher};
use super::sounds_folder::SoundsFolder;
use crate::limits;

/// What a sound is read from.
#[derive(Debug)]
pub enum File {
    /// From the disk.
    OnDisk(std::fs::File),
    /// From memory.
    InMemory(Cursor<Arc<[u8]>>),
}

/// A sound from the network, or why there is none.
#[derive(Debug)]
pub struct Fetched {
    /// Who asked for it.
    pub playback: PlaybackId,
    /// Its place in the list.
    pub at: usize,
    /// The sound itself.
    pub file: Result<File, String>,
}

/// What came of opening a sound.
#[derive(Debug)]
pub enum Opened {
    /// It can be read, or cannot, in words.
    File(Result<File, String>),
    /// It is nothing, for so long.
    Silence(Duration),
    /// It is fetched, and comes as an order.
    Later,
}

/// Opens sounds.
#[derive(Debug)]
pub struct Library {
    folder: SoundsFolder,
    music: Option<PathBuf>,
    spoken: PathBuf,
    cache: Cache,
    fetcher: Fetcher,
    // Who waits for a URL, and for which place in his list.
    waiting: FxHashMap<String, Vec<(PlaybackId, usize)>>,
}

impl Library {
    /// Files are those of `folder`, and the one that the administrator named as the music on hold, wherever that is.
    pub fn new(folder: SoundsFolder, music: Option<PathBuf>, spoken: PathBuf, network: (Cache, Fetcher)) -> Library {
        let (cache, fetcher) = network;
        Library { folder, music, spoken, cache, fetcher, waiting: FxHashMap::default() }
    }

    /// Whether a file can be played as the music on hold; why not, in words.
    pub fn check_music(path: &Path) -> Result<(), String> {
        let Some(name) = path.to_str() else { return Err("its name is not UTF-8".into()) };
        let sound = Sound::File(name.to_owned());
        let file = std::fs::File::open(path).and_then(|file| match file.metadata()?.is_file() {
            true => Ok(file),
            false => Err(io::Error::other("it is no file")),
        });
        let file = file.map_err(|error| format!("{}: {error}", Library::name(&sound)))?;
        let mut reader = Library::reader(&sound, File::OnDisk(file), SampleRate::Khz8)?;
        match reader.read(&mut [0; 8_000]) {
            Ok(0) => Err(format!("{}: there is no sound in it", Library::name(&sound))),
            Ok(_) => Ok(()),
            Err(error) => Err(format!("{}: {error}", Library::name(&sound))),
        }
    }

    /// Opens the sound that stands at this place in the list of a playback.
    pub fn open(&mut self, sound: &Sound, playback: PlaybackId, at: usize) -> Opened {
        match sound {
            Sound::File(name) if self.music.as_deref().is_some_and(|music| music == Path::new(name)) => {
                let file = std::fs::File::open(name).map(File::OnDisk);
                Opened::File(file.map_err(|error| format!("{}: {error}", Library::name(sound))))
            }
            Sound::File(name) => {
                let file = self.folder.file(Path::new(name)).map(File::OnDisk);
                Opened::File(file.map_err(|reason| format!("{}: {reason}", Library::name(sound))))
            }
            Sound::Spoken(name) => {
                let file = std::fs::File::open(self.spoken.join(name)).map(File::OnDisk);
                Opened::File(file.map_err(|error| format!("{}: {error}", Library::name(sound))))
            }
            Sound::Octets(octets) => Opened::File(Ok(File::InMemory(Cursor::new(octets.clone())))),
            Sound::Silence(duration) => Opened::Silence(*duration),
            Sound::Url(url) => self.fetch(url, (playback, at)),
        }
    }

    fn fetch(&mut self, url: &str, who: (PlaybackId, usize)) -> Opened {
        if url.len() > limits::URL {
            return Opened::File(Err(format!("a URL of {} octets is too long", url.len())));
        }
        if let Some(kept) = self.cache.find(url).filter(|kept| kept.is_fresh) {
            return Opened::File(Ok(File::OnDisk(kept.file)));
        }
        if !self.waiting.contains_key(url)
            && let Err(reason) = self.fetcher.fetch(url)
        {
            return Opened::File(Err(format!("{url}: {reason}")));
        }
        self.waiting.entry(url.to_owned()).or_default().push(who);
        Opened::Later
    }

    /// A sound from the network is in the cache, or cannot be had now: what is there from before does, then.
    pub fn arrived(&mut self, arrived: Arrived) -> Vec<Fetched> {
        let Arrived { url, failure } = arrived;
        let who = self.waiting.remove(&url).unwrap_or_default();
        let fetched = who.into_iter().map(|(playback, at)| {
            let kept = self.cache.find(&url).map(|kept| File::OnDisk(kept.file));
            if let (Some(reason), true) = (&failure, kept.is_some()) {
                tracing::warn!(url, reason, "an older sound is played: it cannot be fetched");
            }
            let reason = failure.as_deref().unwrap_or("it is gone from the cache");
            Fetched { playback, at, file: kept.ok_or_else(|| format!("{url}: {reason}")) }
        });
        fetched.collect()
    }

    /// Begins to read. What is in the file decides how; only where it has no head does the end of its name.
    pub fn reader(sound: &Sound, mut file: File, rate: SampleRate) -> Result<SoundReader<File>, String> {
        let named = |error: SoundError| format!("{}: {error}", Library::name(sound));
        let extension = match sound {
            Sound::File(name) => Path::new(name).extension().and_then(|extension| extension.to_str()),
            _ => None,
        };
        match extension.and_then(RawFormat::from_extension) {
            Some(raw) if !has_head(&mut file) => Ok(SoundReader::raw(file, raw, rate)),
            _ => SoundReader::open(file, rate).map_err(named),
        }
    }

    /// A sound, for people.
    pub fn name(sound: &Sound) -> String {
        match sound {
            Sound::File(name) => format!("sound “{name}”"),
            Sound::Url(url) => url.clone(),
            Sound::Spoken(_) => "what was spoken".into(),
            Sound::Octets(octets) => format!("{} octets of sound", octets.len()),
            Sound::Silence(duration) => format!("silence of {duration:?}"),
        }
    }
}

/// Whether the file begins as no raw samples do, but for a wonder. It stands at its beginning before and after.
fn has_head(file: &mut File) -> bool {
    let mut head = [0; 4];
    let read = file.read_exact(&mut head);
    let _ = file.seek(SeekFrom::Start(0));
    read.is_ok() && [b"RIFF", b"RF64", b"OggS"].contains(&&head)
}

impl Read for File {
    fn read(&mut self, octets: &mut [u8]) -> io::Result<usize> {
        match self {
            File::OnDisk(file) => file.read(octets),
            File::InMemory(octets_of) => octets_of.read(octets),
        }
    }
}

impl Seek for File {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        match self {
            File::OnDisk(file) => file.seek(to),
            File::InMemory(octets) => octets.seek(to),
        }
    }
}
