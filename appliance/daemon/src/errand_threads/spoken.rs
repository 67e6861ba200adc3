//! What was spoken, kept on the disk by text and voice, so that nobody waits for the same words twice.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result};
use sha2::{Digest, Sha256};

use crate::{data_folder, limits};

/// The folder with it.
#[derive(Debug, Clone)]
pub struct Spoken {
    folder: PathBuf,
    /// Octets of all of it together.
    room: u64,
    made: Arc<AtomicU64>,
}

impl Spoken {
    /// Makes the folder if it is missing, and takes away what an earlier run did not finish.
    pub fn open(folder: &Path) -> Result<Spoken> {
        Spoken::with_room(folder, limits::SPOKEN)
    }

    fn with_room(folder: &Path, room: u64) -> Result<Spoken> {
        data_folder::make(folder).with_context(|| format!("cannot make the folder {}", folder.display()))?;
        let spoken = Spoken { folder: folder.to_owned(), room, made: Arc::default() };
        for (path, _) in spoken.entries() {
            if path.extension().is_some_and(|extension| extension == "part") {
                let _ = fs::remove_file(path);
            }
        }
        Ok(spoken)
    }

    /// What a text in a voice is called here.
    pub fn name(voice: &str, language: &str, text: &str) -> String {
        let digest = Sha256::digest([voice, language, text].join("\0").as_bytes());
        digest.iter().map(|octet| format!("{octet:02x}")).collect::<String>() + ".wav"
    }

    /// Whether it is there; if so, it is the last that has to make room.
    pub fn has(&self, name: &str) -> bool {
        let Ok(file) = File::options().write(true).open(self.folder.join(name)) else { return false };
        let _ = file.set_modified(SystemTime::now());
        true
    }

    /// Has it made, and keeps it. Two who make the same at once do not disturb each other.
    pub fn keep(&self, name: &str, make: impl FnOnce(&Path) -> Result<(), String>) -> Result<(), String> {
        let number = self.made.fetch_add(1, Ordering::Relaxed);
        let part = self.folder.join(format!("{number}.part"));
        let kept = make(&part).and_then(|()| {
            fs::rename(&part, self.folder.join(name)).map_err(|error| format!("it cannot be kept: {error}"))
        });
        match kept {
            Ok(()) => self.make_room(&self.folder.join(name)),
            Err(_) => drop(fs::remove_file(&part)),
        }
        kept
    }

    /// Takes away what was not said for longest, but not what was just made.
    fn make_room(&self, newest: &Path) {
        let mut entries = self.entries();
        entries.sort_by_key(|(_, about)| about.modified().unwrap_or(UNIX_EPOCH));
        let mut octets: u64 = entries.iter().map(|(_, about)| about.len()).sum();
        for (path, about) in entries.iter().filter(|(path, _)| path != newest) {
            if octets <= self.room {
                return;
            }
            if fs::remove_file(path).is_ok() {
                octets -= about.len();
            }
        }
    }

    fn entries(&self) -> Vec<(PathBuf, fs::Metadata)> {
        let entries = fs::read_dir(&self.folder).into_iter().flatten().flatten();
        entries.filter_map(|entry| Some((entry.path(), entry.metadata().ok()?))).collect()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn what_was_not_said_for_longest_makes_room() {
        let home = tempfile::tempdir().expect("the temporary folder is writable");
        let spoken = Spoken::with_room(home.path(), 1_000).expect("it is writable");
        let make = |part: &Path| fs::write(part, [0; 400]).map_err(|error| error.to_string());
        for (at, name) in ["a", "b"].into_iter().enumerate() {
            spoken.keep(name, make).expect("it is kept");
            let file = File::options().write(true).open(home.path().join(name)).expect("it is there");
            file.set_modified(UNIX_EPOCH + Duration::from_secs(at as u64)).expect("it is ours");
        }
        assert!(spoken.has("a"), "and is the newest by that");
        spoken.keep("c", make).expect("it is kept");
        assert_eq!([spoken.has("a"), spoken.has("b"), spoken.has("c")], [true, false, true]);
        assert_eq!(spoken.keep("d", |_| Err("hoarse".into())), Err("hoarse".into()));
        assert_eq!(fs::read_dir(home.path()).expect("it is there").count(), 2);
    }

    #[test]
    fn another_voice_another_language_another_text_is_another_sound() {
        let name = Spoken::name("slt", "en-US", "hello");
        assert!(name.len() == 68 && name.ends_with(".wav"));
        for other in [("kal", "en-US", "hello"), ("slt", "en-GB", "hello"), ("slt", "en-US", "hell")] {
            assert_ne!(Spoken::name(other.0, other.1, other.2), name);
        }
    }
}
