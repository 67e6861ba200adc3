//! Where the file of a recording is: on the box, in the bucket, in both, or nowhere any more.

use rusqlite::{Connection, params};

use super::{COLUMNS, Record};
use crate::Error;
use crate::setting::Identity;
use crate::timestamp::Timestamp;
use crate::word::words;

words! {
    /// Where the file of a recording is: nowhere yet, on the box, in the bucket, in both, or nowhere any more.
    RecordingStored as "RecordingStored" {
        Nowhere = "", Box = "box", Both = "both", Bucket = "bucket", Gone = "gone",
    }
}

/// What becomes of the file of a recording that is ended. Each is a fact, told as an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Its way to the bucket begins, or begins anew.
    Begun {
        /// What it is called there.
        object: String,
        /// The bucket's name of the upload, where it has more than one part.
        upload_id: Option<String>,
    },
    /// It cannot be brought there at the moment; why, in words. Told once until the reason changes.
    Delayed(String),
    /// It is whole in the bucket.
    Uploaded {
        /// The SHA-256 of the file, in hex.
        sha256: String,
    },
    /// The box has it no more: because it is in the bucket, or, with a reason, because it had to go.
    Dropped(Option<String>),
    /// The bucket has it no more: its time is over.
    Expired,
}

/// Which recordings somebody looks for, the oldest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wanted {
    /// Those on the box that never were in the bucket.
    NotUploaded,
    /// Those in both that have been in the bucket since then.
    UploadedBefore(Timestamp),
    /// Those on the box alone that ended before then.
    EndedBefore(Timestamp),
    /// Those in the bucket since then, and those there that were deleted.
    Expired(Timestamp),
}

impl Record {
    /// Whether the file is on the box.
    pub fn is_on_box(&self) -> bool {
        matches!(self.metadata.stored, RecordingStored::Box | RecordingStored::Both) && self.path.is_some()
    }

    /// What it is called in the bucket, if it is there.
    pub fn in_bucket(&self) -> Option<&str> {
        match self.metadata.stored {
            RecordingStored::Both | RecordingStored::Bucket => self.metadata.object.as_deref(),
            RecordingStored::Nowhere | RecordingStored::Box | RecordingStored::Gone => None,
        }
    }

    /// Takes a step; says whether that is news.
    pub(crate) fn step(&mut self, step: &Step, at: Timestamp) -> bool {
        let before = self.clone();
        let metadata = &mut self.metadata;
        match step {
            Step::Begun { object, upload_id } => {
                metadata.object = Some(object.clone());
                self.upload_id.clone_from(upload_id);
            }
            Step::Delayed(reason) => metadata.upload_failure = Some(reason.clone()),
            Step::Uploaded { sha256 } => {
                metadata.stored = RecordingStored::Both;
                metadata.sha256 = Some(sha256.clone());
                metadata.tm_upload = Some(at);
                (metadata.upload_failure, self.upload_id) = (None, None);
            }
            Step::Dropped(reason) => {
                metadata.stored = match metadata.stored {
                    RecordingStored::Both | RecordingStored::Bucket => RecordingStored::Bucket,
                    RecordingStored::Nowhere | RecordingStored::Box | RecordingStored::Gone => RecordingStored::Gone,
                };
                if let Some(reason) = reason {
                    metadata.failure = Some(reason.clone());
                }
            }
            Step::Expired => {
                metadata.stored = match metadata.stored {
                    RecordingStored::Both | RecordingStored::Box => RecordingStored::Box,
                    RecordingStored::Nowhere | RecordingStored::Bucket | RecordingStored::Gone => RecordingStored::Gone,
                };
            }
        }
        let is_news = *self != before;
        self.tm_update = if is_news { at } else { self.tm_update };
        is_news
    }
}

/// The recordings that are looked for, as many as `limit`, also those that were deleted.
pub(crate) fn find(
    connection: &Connection,
    identity: &Identity,
    (wanted, limit): (Wanted, u32),
) -> Result<Vec<Record>, Error> {
    let (condition, before) = match wanted {
        Wanted::NotUploaded => ("stored = 'box' AND uploaded IS NULL AND deleted IS NULL AND ?1 = 0", Timestamp(0)),
        Wanted::UploadedBefore(before) => ("stored = 'both' AND uploaded <= ?1 AND deleted IS NULL", before),
        Wanted::EndedBefore(before) => {
            ("stored = 'box' AND coalesce(ended, updated) <= ?1 AND deleted IS NULL", before)
        }
        Wanted::Expired(before) => ("stored IN ('both', 'bucket') AND (uploaded <= ?1 OR deleted IS NOT NULL)", before),
    };
    let sql = format!("SELECT {COLUMNS} FROM recording WHERE {condition} ORDER BY number LIMIT ?2");
    let mut statement = connection.prepare_cached(&sql)?;
    let rows = statement.query_map(params![before, limit], |row| Record::read(row, identity))?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// How many files wait for the bucket, and how many bytes they are.
pub(crate) fn waiting(connection: &Connection) -> Result<(u64, u64), Error> {
    let sql = "SELECT count(*), coalesce(sum(octets), 0) FROM recording \
         WHERE stored = 'box' AND uploaded IS NULL AND deleted IS NULL";
    let (count, octets): (i64, i64) =
        connection.prepare_cached(sql)?.query_row([], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok((count as u64, octets as u64))
}
