//! How long files of recordings are kept: on the box by days and by what room the disk has, in the bucket by days.

use std::io;
use std::path::{Component, Path, PathBuf};
use std::time::Duration;

use store::recording::{Record, RecordingStored, Step, Wanted};
use store::{Reader, Timestamp};

use super::bucket::{self, Bucket};
use crate::limits;

/// How long what is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rules {
    /// How long the box keeps a file: from when the bucket has it, or, where there is no bucket, from its end. `None`: for
    /// ever.
    pub box_age: Option<Duration>,
    /// How long the bucket keeps it. `None`: for ever.
    pub bucket_age: Option<Duration>,
    /// Octets of the disk below which files that are in the bucket go early, the oldest first.
    pub room: u64,
    /// Octets of the disk below which also those go that are not, where anything may go at all.
    pub last_room: u64,
}

/// What goes, and how.
pub struct Sweep<'a> {
    /// Which recordings there are.
    pub reader: &'a Reader,
    /// The folder of recordings.
    pub folder: &'a Path,
    /// The bucket, if there is one.
    pub bucket: Option<&'a Bucket>,
    /// How long what is kept.
    pub rules: Rules,
    /// The time.
    pub now: Timestamp,
    /// Writes a step of a recording down; false where that is not possible at the moment.
    pub tell: &'a mut dyn FnMut(&Record, Step) -> bool,
}

/// Why a sweep ended early.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The rows cannot be read.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// The bucket does not take away what it should.
    #[error(transparent)]
    Bucket(#[from] bucket::Error),
}

/// Where the file of a recording is, if its row says so.
pub fn place(folder: &Path, record: &Record) -> Option<PathBuf> {
    let path = Path::new(record.path.as_deref()?);
    // The path is one of our own; still nothing leads out of the folder.
    path.components().all(|part| matches!(part, Component::Normal(_))).then(|| folder.join(path))
}

/// Whether the file is still going to be converted into what it was asked to be, as far as one may hope.
pub fn is_unfinished(record: &Record, now: Timestamp) -> bool {
    let ended = record.tm_end.unwrap_or(record.tm_update);
    record.path.as_deref().is_some_and(|path| path.ends_with(".mp3.wav")) && ended > before(now, limits::CONVERSION)
}

impl Sweep<'_> {
    /// What is too old goes from the box.
    pub fn by_age(&mut self) -> Result<(), Error> {
        let Some(age) = self.rules.box_age else { return Ok(()) };
        let cutoff = before(self.now, age);
        let (wanted, reason) = match self.bucket {
            Some(_) => (Wanted::UploadedBefore(cutoff), None),
            None => (Wanted::EndedBefore(cutoff), Some("it was kept as long as recordings are")),
        };
        for record in self.reader.stored_recordings(wanted, limits::ROUND)? {
            if !is_unfinished(&record, self.now) {
                self.drop_file(&record, reason);
            }
        }
        Ok(())
    }

    /// What is to go goes until the disk has room enough, as `room` says each time.
    pub fn by_room(&mut self, room: &dyn Fn() -> Option<u64>) -> Result<(), Error> {
        let (all, rules) = (Timestamp(i64::MAX), self.rules);
        let has = |least: u64| room().is_none_or(|room| room >= least);
        if !self.drop_until(Wanted::UploadedBefore(all), None, &|| has(rules.room))? {
            return Ok(());
        }
        // Who has set neither a bucket nor an age wants everything kept: then recordings end when the disk is full.
        if self.bucket.is_some() || self.rules.box_age.is_some() {
            let reason = match self.bucket {
                Some(_) => "the disk was full before it could be uploaded",
                None => "the disk was full",
            };
            self.drop_until(Wanted::EndedBefore(all), Some(reason), &|| has(rules.last_room))?;
        }
        Ok(())
    }

    /// What has been in the bucket for too long, if anything goes by days now, or was deleted, goes from there.
    pub fn in_bucket(&mut self, goes_by_days: bool) -> Result<(), Error> {
        let Some(bucket) = self.bucket else { return Ok(()) };
        let age = self.rules.bucket_age.filter(|_| goes_by_days);
        let cutoff = age.map_or(Timestamp(i64::MIN), |age| before(self.now, age));
        for record in self.reader.stored_recordings(Wanted::Expired(cutoff), limits::ROUND)? {
            if let Some(object) = record.in_bucket() {
                bucket.delete(object)?;
            }
            (self.tell)(&record, Step::Expired);
        }
        Ok(())
    }

    /// Drops the oldest until there is enough room; says whether there still is not.
    fn drop_until(&mut self, wanted: Wanted, reason: Option<&str>, enough: &dyn Fn() -> bool) -> Result<bool, Error> {
        if enough() {
            return Ok(false);
        }
        for record in self.reader.stored_recordings(wanted, limits::ROUND)? {
            if !is_unfinished(&record, self.now) && self.drop_file(&record, reason) && enough() {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// First the file goes, then it is told: where the process ends in between, it is told the next time.
    fn drop_file(&mut self, record: &Record, reason: Option<&str>) -> bool {
        let Some(path) = place(self.folder, record) else { return false };
        match std::fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                tracing::warn!(%error, path = %path.display(), "the file of a recording cannot be removed");
                false
            }
            _ => {
                if record.metadata.stored == RecordingStored::Box {
                    tracing::warn!(id = %record.id, reason, "a recording was deleted that is nowhere else");
                }
                (self.tell)(record, Step::Dropped(reason.map(str::to_owned)))
            }
        }
    }
}

fn before(now: Timestamp, age: Duration) -> Timestamp {
    Timestamp(now.0.saturating_sub(i64::try_from(age.as_micros()).unwrap_or(i64::MAX)))
}

#[cfg(test)]
mod tests;
