//! A backup on its way back: into a folder beside the data, checked as a whole.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use flate2::read::GzDecoder;
use rusqlite::Connection;
use serde::Serialize;
use uuid::Uuid;

use super::envelope::Opener;
use super::{MANIFEST, Manifest, Refusal, contents, make, place, remove, room};
use crate::timestamp::Timestamp;
use crate::{event_log, limits, safe_copy, schema};

/// Octets of a manifest.
const MANIFEST_MOST: u64 = 64 * 1_024;
/// Octets that are written before the room is looked at again.
const STEP: usize = 1 << 20;

/// A backup that lies beside the data, whole and up to date. Dropped, it is as if it had never been.
pub struct Unpacked {
    folder: PathBuf,
    part: PathBuf,
    /// What it says of itself.
    pub manifest: Manifest,
}

/// What the event says.
#[derive(Serialize)]
struct Restored<'a> {
    backup: &'a Manifest,
    /// Who asked for it.
    agent: &'a str,
    /// The first and the last number of an event that was left out: the box that made the backup may have used them.
    left_out: (i64, i64),
}

/// Reads a backup to its end, into a folder beside the data; nothing else is changed.
pub fn unpack(folder: &Path, source: impl Read, passphrase: &str) -> Result<Unpacked, Refusal> {
    let part = folder.join(place::PART);
    remove(&part)?;
    let opener = Opener::begin(source, passphrase)?;
    make(&part)?;
    let mut begun = Begun { folder, part: Some(part) };
    let manifest = begun.read(opener)?;
    let part = begun.part.take().expect("it is taken once");
    Ok(Unpacked { folder: folder.to_owned(), part, manifest })
}

/// One that is not whole yet.
struct Begun<'a> {
    folder: &'a Path,
    part: Option<PathBuf>,
}

impl Drop for Begun<'_> {
    fn drop(&mut self) {
        if let Some(part) = &self.part {
            drop_folder(part);
        }
    }
}

fn drop_folder(part: &Path) {
    if let Err(error) = remove(part) {
        tracing::warn!(%error, "what was unpacked of a backup stays until the next start");
    }
}

impl Begun<'_> {
    fn read(&self, opener: Opener<impl Read>) -> Result<Manifest, Refusal> {
        let mut archive = tar::Archive::new(GzDecoder::new(opener));
        let mut entries = archive.entries()?;
        let first = entries.next().ok_or_else(|| Refusal::Contents("nothing is in it".into()))??;
        if first.path()? != Path::new(MANIFEST) {
            return Err(Refusal::Contents("it does not say what it is".into()));
        }
        let mut text = Vec::new();
        first.take(MANIFEST_MOST).read_to_end(&mut text)?;
        let manifest: Manifest = serde_json::from_slice(&text).map_err(|error| Refusal::Contents(error.to_string()))?;
        if manifest.database > schema::VERSION {
            return Err(Refusal::Newer);
        }
        for (count, entry) in entries.enumerate() {
            if count >= limits::BACKUP_FILES {
                return Err(Refusal::Contents(format!("there are more than {} files in it", limits::BACKUP_FILES)));
            }
            self.take(&mut entry?, manifest.recordings)?;
        }
        // To the very end: only then is it known that nothing is missing.
        let mut decoder = archive.into_inner();
        io::copy(&mut decoder, &mut io::sink())?;
        io::copy(&mut decoder.into_inner(), &mut io::sink())?;
        let part = self.part.as_deref().expect("it is there until it is whole");
        for wanted in [contents::DATABASE, contents::KEY] {
            if !part.join(wanted).is_file() {
                return Err(Refusal::Contents(format!("{wanted} is missing in it")));
            }
        }
        if manifest.recordings {
            make(&part.join(contents::RECORDINGS))?;
        }
        Ok(manifest)
    }

    fn take(&self, entry: &mut tar::Entry<'_, impl Read>, recordings: bool) -> Result<(), Refusal> {
        let name = entry.path()?.into_owned();
        if !entry.header().entry_type().is_file() || !contents::belongs(&name, recordings) {
            return Err(Refusal::Contents(format!("{} does not belong into one", name.display())));
        }
        let path = self.part.as_deref().expect("it is there until it is whole").join(&name);
        path.parent().map_or(Ok(()), make)?;
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path)?;
        let mut piece = vec![0; 64 * 1_024];
        let mut since = STEP;
        loop {
            // The exchange goes on meanwhile, and needs some of it.
            if since >= STEP {
                if room(self.folder).is_some_and(|room| room < limits::BACKUP_ROOM) {
                    return Err(Refusal::Full);
                }
                since = 0;
            }
            match entry.read(&mut piece)? {
                0 => break,
                count => {
                    file.write_all(&piece[..count])?;
                    since += count;
                }
            }
        }
        Ok(file.sync_all()?)
    }
}

impl Unpacked {
    /// Brings its database up to date, checks all of it, and notes who restores it.
    pub fn check(&self, agent: &str, now: Timestamp) -> Result<(), Refusal> {
        let path = self.part.join(contents::DATABASE);
        let connection = schema::open(&path)?;
        safe_copy::quick_check(&connection)?;
        self.tell(&connection, agent, now)?;
        safe_copy::close(connection)?;
        Ok(File::open(&path)?.sync_all()?)
    }

    /// Under a number that no event of the box that made the backup can have had.
    fn tell(&self, connection: &Connection, agent: &str, now: Timestamp) -> Result<(), Refusal> {
        let last = event_log::last_used(connection)?;
        let seq = last + safe_copy::LEFT_OUT + 1;
        let restored = Restored { backup: &self.manifest, agent, left_out: (last + 1, seq - 1) };
        let data = serde_json::to_string(&restored).map_err(io::Error::from)?;
        let entry = event_log::Entry { at: now, kind: "backup_restored", resource_id: Uuid::nil(), data: &data };
        Ok(event_log::append(connection, seq, &entry, None)?)
    }

    /// Where it lies.
    #[cfg(test)]
    pub(super) fn part(&self) -> &Path {
        &self.part
    }

    /// Says that the next start is to put it in its place. From here on it is what the box remembers.
    pub fn promote(self) -> Result<(), Refusal> {
        let old = self.folder.join(place::OLD);
        remove(&old)?;
        sync_tree(&self.part)?;
        fs::rename(&self.part, self.folder.join(place::READY))?;
        Ok(File::open(&self.folder)?.sync_all()?)
    }
}

impl Drop for Unpacked {
    fn drop(&mut self) {
        drop_folder(&self.part);
    }
}

/// Brings folders to the disk; what is in the files is there already.
fn sync_tree(folder: &Path) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            sync_tree(&entry.path())?;
        }
    }
    File::open(folder)?.sync_all()
}
