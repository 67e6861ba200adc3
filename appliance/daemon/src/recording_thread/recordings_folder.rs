//! The folder of recordings: what its files are called, and how they come and go so that a power cut leaves no half ones.
//!
//! A recording that shall be `x.mp3` is written as `x.mp3.wav`, converted into `x.mp3.part`, which becomes `x.mp3` when it is
//! known to be good; then `x.mp3.wav` goes. One that shall be `x.wav` is written as that.

use std::ffi::OsString;
use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Component, Path, PathBuf};

use anyhow::{Context, Result};

use crate::data_folder;

/// The folder.
#[derive(Debug, Clone)]
pub struct RecordingsFolder {
    path: PathBuf,
}

impl RecordingsFolder {
    /// Makes the folder if it is missing. A disk that has no room even for that is no reason not to start: it is made
    /// together with the first file then.
    pub fn open(path: &Path) -> Result<RecordingsFolder> {
        match data_folder::make(path) {
            Err(error) if error.kind() == io::ErrorKind::StorageFull => {
                tracing::error!(%error, folder = %path.display(), "the folder of recordings cannot be made yet");
            }
            made => made.with_context(|| format!("cannot make the folder {}", path.display()))?,
        }
        Ok(RecordingsFolder::at(path))
    }

    /// One that may be there or not, to look what is in it.
    pub fn at(path: &Path) -> RecordingsFolder {
        RecordingsFolder { path: path.to_owned() }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Makes the file that a recording called `name` is written to; its name within the folder, and itself.
    pub fn create(&self, name: &Path) -> Result<(PathBuf, File), String> {
        let is_inside = name.components().all(|component| matches!(component, Component::Normal(_)));
        let neither = || format!("the recording “{}” is neither a .wav nor an .mp3", name.display());
        let written = written_as(name).ok_or_else(neither)?;
        if !is_inside || name.file_stem().is_none() {
            return Err(format!("the name “{}” leads out of the folder of recordings", name.display()));
        }
        let in_words = |error: io::Error| format!("cannot write the recording “{}”: {error}", name.display());
        if self.path.join(name).exists() {
            return Err(in_words(io::ErrorKind::AlreadyExists.into()));
        }
        let path = self.path.join(&written);
        data_folder::make(path.parent().unwrap_or(&self.path)).map_err(in_words)?;
        let file = OpenOptions::new().read(true).write(true).create_new(true).mode(0o600).open(&path);
        let file = file.map_err(in_words)?;
        self.sync_names(&written).map_err(in_words)?;
        Ok((written, file))
    }

    /// Brings the names of the folders that lead to a file, and its own, to the disk.
    pub fn sync_names(&self, name: &Path) -> io::Result<()> {
        // The name itself is not within the folder that it names.
        name.ancestors().skip(1).try_for_each(|folder| File::open(self.path.join(folder))?.sync_all())
    }

    /// Octets that are free for us on its disk.
    pub fn room(&self) -> io::Result<u64> {
        let disk = match rustix::fs::statvfs(&self.path) {
            Err(rustix::io::Errno::NOENT) => {
                data_folder::make(&self.path)?;
                rustix::fs::statvfs(&self.path)?
            }
            disk => disk?,
        };
        Ok(disk.f_bavail.saturating_mul(disk.f_frsize))
    }
}

/// The name of the WAV file that a recording is written to, if its own name is that of a recording.
pub fn written_as(name: &Path) -> Option<PathBuf> {
    match name.extension()?.to_str()? {
        "wav" => Some(name.to_owned()),
        "mp3" => Some(with_suffix(name, ".wav")),
        _ => None,
    }
}

/// Whether a WAV file is only there until the MP3 is made.
pub fn is_to_be_converted(path: &Path) -> bool {
    mp3_of(path).is_some()
}

/// What a WAV file is to become, if it is.
pub fn mp3_of(wav: &Path) -> Option<PathBuf> {
    let mp3 = wav.with_extension("");
    (wav.extension()? == "wav" && mp3.extension()? == "mp3").then_some(mp3)
}

/// Where an MP3 is made.
pub fn part_of(mp3: &Path) -> PathBuf {
    with_suffix(mp3, ".part")
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(suffix);
    name.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_say_what_becomes_of_a_file() {
        assert_eq!(mp3_of(Path::new("2026/a.mp3.wav")), Some("2026/a.mp3".into()));
        assert_eq!(mp3_of(Path::new("2026/a.wav")), None);
        assert_eq!(mp3_of(Path::new("a.mp3")), None);
        assert_eq!(part_of(Path::new("2026/a.mp3")), Path::new("2026/a.mp3.part"));
    }

    #[test]
    fn a_name_is_taken_once_and_leads_nowhere_else() {
        let home = tempfile::tempdir().expect("the temporary folder is writable");
        let folder = RecordingsFolder::open(&home.path().join("recordings")).expect("it can be made");
        let (name, _) = folder.create(Path::new("2026/11/a.mp3")).expect("it is free");
        assert_eq!(name, Path::new("2026/11/a.mp3.wav"));
        assert!(folder.path().join(&name).exists());
        for taken in ["2026/11/a.mp3", "2026/11/a.mp3.wav"] {
            let reason = folder.create(Path::new(taken)).expect_err("it is taken");
            assert!(reason.contains("exists") || reason.contains("entity"), "{reason}");
        }
        for bad in ["../a.wav", "/tmp/a.wav", "a/../../b.mp3", "./a.wav"] {
            let reason = folder.create(Path::new(bad)).expect_err("it leads out");
            assert!(reason.contains("leads out of the folder"), "{reason}");
        }
        for bad in ["a", "a.ogg", ".wav", ""] {
            let reason = folder.create(Path::new(bad)).expect_err("no such format");
            assert!(reason.contains("neither a .wav nor an .mp3"), "{reason}");
        }
        assert!(folder.room().expect("a disk knows its room") > 0);
    }
}
