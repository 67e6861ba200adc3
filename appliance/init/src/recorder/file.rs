//! The recording on the disk: two files of bounded length, of which the older one goes when the newer one is full.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use crate::unprivileged;

/// How long one file becomes: some ten thousand lines.
const LONGEST: u64 = 128 * 1_024;

/// What is recorded, to be appended to.
#[derive(Debug)]
pub struct Tape {
    path: PathBuf,
    build: String,
    file: File,
    length: u64,
    /// Whether this start of the box has said which build it is, in this file.
    is_headed: bool,
}

impl Tape {
    /// Goes on at the end of what is there.
    pub fn open(path: &Path, build: String) -> io::Result<Tape> {
        let file = open(path)?;
        let length = file.metadata()?.len();
        Ok(Tape { path: path.to_owned(), build, file, length, is_headed: false })
    }

    /// Writes frames; nothing where there are none.
    pub fn append(&mut self, frames: &[u8]) -> io::Result<()> {
        if frames.is_empty() {
            return Ok(());
        }
        if self.length > 0 && self.length + frames.len() as u64 > LONGEST {
            fs::rename(&self.path, self.path.with_extension("old"))?;
            self.file = open(&self.path)?;
            (self.length, self.is_headed) = (0, false);
        }
        let mut text = Vec::new();
        if !std::mem::replace(&mut self.is_headed, true) {
            // What a power cut left half written ends here.
            text.push(0);
            text.extend(format!("build {}", self.build).into_bytes());
            text.push(0);
        }
        text.extend(frames);
        self.file.write_all(&text)?;
        self.file.sync_data()?;
        self.length += text.len() as u64;
        Ok(())
    }
}

fn open(path: &Path) -> io::Result<File> {
    let file = OpenOptions::new().append(true).create(true).mode(0o640).open(path)?;
    // The exchange hands it out; whoever tests this is perhaps not root, and reads it as the owner.
    let _ = unprivileged::share(path);
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_bounded_files_of_whole_frames_under_their_builds() {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let path = folder.path().join("flight-recorder");
        for start in 0..3u8 {
            let mut tape = Tape::open(&path, format!("{start:040x}")).expect("the folder is ours");
            tape.append(&[]).expect("nothing is written");
            for _ in 0..100 {
                let frames = [start + 1, 2, 3, 4, 5, 6, 7, 8, 9, 0].repeat(100);
                tape.append(&frames).expect("the folder is ours");
            }
        }
        let (new, old) = (fs::read(&path).expect("it is there"), fs::read(path.with_extension("old")).expect("also"));
        for file in [&new, &old] {
            assert!(file.len() as u64 <= LONGEST, "{}", file.len());
            let first = file.split(|octet| *octet == 0).find(|record| !record.is_empty()).expect("a record");
            assert!(first.starts_with(b"build 0000"), "{first:?}");
            assert!(file.split(|octet| *octet == 0).all(|record| [0, 9, 46].contains(&record.len())));
        }
        assert!(new.windows(2).any(|pair| pair == [3, 2]), "the newest is there");
        assert_eq!(fs::read_dir(folder.path()).expect("it is there").count(), 2);
    }

    #[test]
    fn a_half_written_frame_spoils_no_other() {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let path = folder.path().join("flight-recorder");
        fs::write(&path, [1, 2, 3, 0, 4, 5]).expect("the folder is ours");
        let mut tape = Tape::open(&path, "abc".to_owned()).expect("it is there");
        tape.append(&[6, 7, 0]).expect("the folder is ours");
        assert_eq!(fs::read(&path).expect("it is there"), b"\x01\x02\x03\0\x04\x05\0build abc\0\x06\x07\0");
    }
}
