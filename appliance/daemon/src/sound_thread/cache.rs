//! Sounds that were fetched from the network, kept on the disk: what was played a moment ago is not fetched again, and
//! what was played once can be played while the network is away.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use anyhow::{Context, Result};
use sha2::{Digest, Sha256};

use crate::{clock, data_folder, limits};

/// The folder with them.
#[derive(Debug, Clone)]
pub struct Cache {
    folder: PathBuf,
    /// Octets of one sound, and of all of them.
    limits: (u64, u64),
}

/// A sound that is kept.
#[derive(Debug)]
pub struct Kept {
    /// The sound.
    pub file: File,
    /// Whether it is young enough not to be asked for again.
    pub is_fresh: bool,
}

impl Cache {
    /// Makes the folder if it is missing, and takes away what an earlier run did not fetch to its end.
    pub fn open(folder: &Path) -> Result<Cache> {
        data_folder::make(folder).with_context(|| format!("cannot make the folder {}", folder.display()))?;
        let cache = Cache { folder: folder.to_owned(), limits: (limits::SOUND_FILE, limits::SOUND_CACHE) };
        for (path, _) in cache.entries() {
            if path.extension().is_some_and(|extension| extension == "part") {
                let _ = fs::remove_file(path);
            }
        }
        Ok(cache)
    }

    /// What is kept of a URL.
    pub fn find(&self, url: &str) -> Option<Kept> {
        let file = File::open(self.place(url)).ok()?;
        let fetched = file.metadata().and_then(|about| about.modified()).ok()?.duration_since(UNIX_EPOCH).ok()?;
        // A clock that was set back makes nothing fresh for ever.
        let is_fresh = clock::unix().checked_sub(fetched).is_some_and(|age| age < limits::SOUND_FRESH);
        Some(Kept { file, is_fresh })
    }

    /// Keeps what a URL answers; why not, in words. What was kept of it before stays until all of it is there.
    pub fn keep(&self, url: &str, body: impl Read) -> Result<(), String> {
        let place = self.place(url);
        let part = place.with_extension("part");
        let kept = write_bounded(&part, body, self.limits.0).and_then(|()| {
            let in_words = |error: io::Error| format!("it cannot be kept: {error}");
            fs::rename(&part, &place).map_err(in_words)
        });
        match kept {
            Ok(()) => self.make_room(&place),
            Err(_) => drop(fs::remove_file(&part)),
        }
        kept
    }

    /// Takes the oldest away while there is too much, but not what was just fetched.
    fn make_room(&self, newest: &Path) {
        let mut entries = self.entries();
        entries.sort_by_key(|(_, about)| about.modified().unwrap_or(UNIX_EPOCH));
        let mut octets: u64 = entries.iter().map(|(_, about)| about.len()).sum();
        for (path, about) in entries.iter().filter(|(path, _)| path != newest) {
            if octets <= self.limits.1 {
                return;
            }
            // Whoever plays it has it open and goes on.
            if fs::remove_file(path).is_ok() {
                octets -= about.len();
            }
        }
    }

    fn entries(&self) -> Vec<(PathBuf, fs::Metadata)> {
        let entries = fs::read_dir(&self.folder).into_iter().flatten().flatten();
        entries.filter_map(|entry| Some((entry.path(), entry.metadata().ok()?))).collect()
    }

    fn place(&self, url: &str) -> PathBuf {
        // Anything may stand in a URL; a name of ours is a number.
        self.folder.join(format!("{:x}.sound", HexOf(&Sha256::digest(url.as_bytes()))))
    }
}

struct HexOf<'a>(&'a [u8]);

impl std::fmt::LowerHex for HexOf<'_> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.iter().try_for_each(|octet| write!(formatter, "{octet:02x}"))
    }
}

fn write_bounded(part: &Path, mut body: impl Read, limit: u64) -> Result<(), String> {
    let mut file = File::create(part).map_err(|error| format!("it cannot be kept: {error}"))?;
    let (mut octets, mut piece) = (0, vec![0; 64 * 1_024]);
    loop {
        let count = match body.read(&mut piece) {
            Ok(0) => return Ok(()),
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(format!("it broke off: {error}")),
        };
        octets += count as u64;
        if octets > limit {
            return Err(format!("it is longer than {} KiB", limit >> 10));
        }
        file.write_all(&piece[..count]).map_err(|error| format!("it cannot be kept: {error}"))?;
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn text(kept: Option<Kept>) -> String {
        let mut text = String::new();
        kept.expect("it is kept").file.read_to_string(&mut text).expect("it can be read");
        text
    }

    #[test]
    fn what_is_whole_takes_the_place_of_what_was() {
        let home = tempfile::tempdir().expect("the temporary folder is writable");
        let folder = home.path().join("sounds");
        let cache = Cache { limits: (64 << 10, 96 << 10), ..Cache::open(&folder).expect("it can be made") };
        assert!(cache.find("http://a/b").is_none());
        cache.keep("http://a/b", &b"first"[..]).expect("there is room");
        assert!(cache.find("http://a/b").is_some_and(|kept| kept.is_fresh));
        let endless = io::repeat(7);
        let reason = cache.keep("http://a/b", endless).expect_err("it never ends");
        assert_eq!(reason, "it is longer than 64 KiB");
        let broken = (&b"sec"[..]).chain(Broken);
        let reason = cache.keep("http://a/b", broken).expect_err("it broke off");
        assert!(reason.starts_with("it broke off"), "{reason}");
        assert_eq!(text(cache.find("http://a/b")), "first");
        assert_eq!(fs::read_dir(&folder).expect("a folder").count(), 1, "nothing is left of what broke off");
        cache.keep("http://a/b", &b"second"[..]).expect("there is room");
        assert_eq!(text(cache.find("http://a/b")), "second");
        assert!(cache.find("http://a/c").is_none());

        let old = File::options().write(true).open(cache.place("http://a/b")).expect("it is there");
        let then = UNIX_EPOCH + clock::unix() - limits::SOUND_FRESH;
        old.set_modified(then).expect("it is ours");
        assert!(cache.find("http://a/b").is_some_and(|kept| !kept.is_fresh));
        old.set_modified(UNIX_EPOCH + clock::unix() + Duration::from_secs(3_600)).expect("it is ours");
        assert!(cache.find("http://a/b").is_some_and(|kept| !kept.is_fresh), "it comes from the future");
        fs::write(folder.join("x.part"), "half").expect("it is writable");
        Cache::open(&folder).expect("it is there");
        assert!(!folder.join("x.part").exists());
    }

    #[test]
    fn the_oldest_makes_room() {
        let home = tempfile::tempdir().expect("the temporary folder is writable");
        let cache = Cache { limits: (1_000, 3_000), ..Cache::open(home.path()).expect("it is there") };
        for number in 0..4 {
            let url = format!("http://a/{number}");
            cache.keep(&url, io::repeat(0).take(1_000)).expect("there is room");
            let file = File::options().write(true).open(cache.place(&url)).expect("it is there");
            let then = UNIX_EPOCH + clock::unix() - Duration::from_secs(100 - number);
            file.set_modified(then).expect("it is ours");
        }
        cache.keep("http://a/4", &b"newest"[..]).expect("there is room");
        let there: Vec<bool> = (0..5).map(|number| cache.find(&format!("http://a/{number}")).is_some()).collect();
        assert_eq!(there, [false, false, true, true, true]);
    }

    struct Broken;

    impl Read for Broken {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::ErrorKind::ConnectionReset.into())
        }
    }
}
