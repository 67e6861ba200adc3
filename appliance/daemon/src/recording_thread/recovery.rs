//! What an earlier run left behind: files whose heads are not right, and recordings that should have become MP3s.

use std::ffi::OsStr;
use std::fs::{File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use media::SampleRate;
use media::sound::wav_writer::{self, HEAD, Held};
use media::sound::{SoundError, SoundReader};
use uuid::Uuid;

use super::RecordedFile;
use super::recordings_folder::{RecordingsFolder, mp3_of, part_of, written_as};
use crate::limits;

/// What is to be done about a file.
#[derive(Debug, PartialEq, Eq)]
pub enum Found {
    /// It is as it should be, or is gone because nothing was in it.
    Nothing,
    /// It is whole again.
    Recovered(RecordedFile),
    /// It is whole, and is to be converted; whether it had to be repaired.
    ToConvert(RecordedFile, bool),
}

/// Every WAV file below `folder`, and every MP3 that was not finished, by their names within it.
pub fn left_over(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![PathBuf::new()];
    while let Some(name) = folders.pop() {
        let entries = match std::fs::read_dir(folder.join(&name)) {
            Ok(entries) => entries,
            Err(error) => {
                tracing::warn!(%error, folder = %name.display(), "a folder of recordings cannot be read");
                continue;
            }
        };
        for entry in entries.flatten() {
            let (name, kind) = (name.join(entry.file_name()), entry.file_type());
            let is_wanted = name.extension().is_some_and(|extension| extension == "wav" || extension == "part");
            match kind {
                Ok(kind) if kind.is_dir() && name.components().count() < limits::RECORDING_FOLDERS => {
                    folders.push(name)
                }
                Ok(kind) if kind.is_file() && is_wanted && found.len() < limits::RECOVERED => found.push(name),
                _ => {}
            }
        }
    }
    found.sort();
    found
}

/// The file of a recording that an earlier run did not end, made whole; `name` is that of the file it was to become.
pub fn find(folder: &RecordingsFolder, name: &Path) -> io::Result<Option<RecordedFile>> {
    let Some(written) = written_as(name) else { return Ok(None) };
    let (wanted, wav) = (folder.path().join(name), folder.path().join(&written));
    if written != name && wanted.exists() {
        let octets = std::fs::metadata(&wanted)?.len();
        // The WAV file is still there if the process died right behind the conversion.
        let duration = duration(&wav).or_else(|_| decoded_duration(&wanted)).map_err(io::Error::other)?;
        return Ok(Some(RecordedFile { path: name.to_owned(), duration, octets }));
    }
    let mut file = match OpenOptions::new().read(true).write(true).open(&wav) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        file => file?,
    };
    if file.metadata()?.len() <= HEAD {
        return Ok(None);
    }
    let repaired = wav_writer::repair(&mut file).map_err(io::Error::other)?;
    if repaired.was_wrong {
        file.sync_all()?;
    }
    let octets = file.metadata()?.len();
    Ok(Some(RecordedFile { path: written, duration: playing_time(&repaired), octets }))
}

/// How long an MP3 plays, by playing it.
fn decoded_duration(path: &Path) -> Result<Duration, SoundError> {
    let file = File::open(path).map_err(|error| SoundError::Read { at: 0, error })?;
    let rate = SampleRate::Khz8;
    let mut reader = SoundReader::open(file, rate)?;
    let (mut samples, mut pcm) = (0, vec![0; 8_000]);
    loop {
        match reader.read(&mut pcm)? {
            0 => return Ok(Duration::from_micros(samples * 1_000 / rate.per_ms() as u64)),
            count => samples += count as u64,
        }
    }
}

/// Looks after one of them.
pub fn look_after(folder: &RecordingsFolder, name: &Path) -> io::Result<Found> {
    let path = folder.path().join(name);
    if name.extension().is_some_and(|extension| extension == "part") {
        // Of any other program's unfinished files we know nothing.
        if name.with_extension("").extension().is_some_and(|extension| extension == "mp3") {
            std::fs::remove_file(&path)?;
        }
        return Ok(Found::Nothing);
    }
    let mp3 = mp3_of(name);
    if mp3.as_ref().is_some_and(|mp3| folder.path().join(mp3).exists()) {
        // The MP3 has its name only because it is good.
        std::fs::remove_file(&path)?;
        return Ok(Found::Nothing);
    }
    let mut file = OpenOptions::new().read(true).write(true).open(&path)?;
    // What is killed before the first sound leaves a head, and no recording that knows of it.
    let is_ours =
        mp3.is_some() || name.file_stem().and_then(OsStr::to_str).is_some_and(|id| Uuid::try_parse(id).is_ok());
    if file.metadata()?.len() <= HEAD && is_ours || file.metadata()?.len() == 0 {
        std::fs::remove_file(&path)?;
        return Ok(Found::Nothing);
    }
    let repaired = match wav_writer::repair(&mut file) {
        Ok(repaired) => repaired,
        Err(error) => {
            tracing::warn!(%error, path = %name.display(), "a WAV file among the recordings is left as it is");
            return Ok(Found::Nothing);
        }
    };
    if repaired.was_wrong {
        file.sync_all()?;
    }
    let found =
        RecordedFile { path: name.to_owned(), duration: playing_time(&repaired), octets: file.metadata()?.len() };
    Ok(match (mp3, repaired.was_wrong) {
        (Some(_), was_wrong) => Found::ToConvert(found, was_wrong),
        (None, true) => Found::Recovered(found),
        (None, false) => Found::Nothing,
    })
}

/// How long a WAV file of ours plays.
pub fn duration(path: &Path) -> Result<Duration, SoundError> {
    let mut file = File::open(path).map_err(|error| SoundError::Read { at: 0, error })?;
    wav_writer::inspect(&mut file).map(|held| playing_time(&held))
}

fn playing_time(held: &Held) -> Duration {
    Duration::from_micros(held.moments * 1_000_000 / u64::from(held.hz))
}

/// Brings a file that was made, and its name, to the disk, and takes away what it was made of.
pub fn replace(folder: &RecordingsFolder, wav: &Path, mp3: &Path) -> io::Result<()> {
    std::fs::rename(folder.path().join(part_of(mp3)), folder.path().join(mp3))?;
    folder.sync_names(mp3)?;
    std::fs::remove_file(folder.path().join(wav))?;
    File::open(folder.path().join(wav.parent().unwrap_or(Path::new(""))))?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_without_a_sound_goes_where_it_is_ours() {
        let home = tempfile::tempdir().expect("the temporary folder is writable");
        let ours = "0f4d8e5a-2f1c-4f5b-9a3e-6f0a1b2c3d4e";
        for (name, stays) in
            [(format!("{ours}.wav"), false), (format!("{ours}.mp3.wav"), false), ("a.wav".into(), true)]
        {
            let path = home.path().join(&name);
            std::fs::write(&path, vec![0; HEAD as usize]).expect("it is writable");
            let found = look_after(&RecordingsFolder::at(home.path()), Path::new(&name));
            assert_eq!(found.expect("it can be read"), Found::Nothing);
            assert_eq!(path.exists(), stays, "{name}");
        }
    }
}
