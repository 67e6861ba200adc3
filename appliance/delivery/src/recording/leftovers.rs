//! Uploads that were begun and that nothing will go on with: the box was killed before it had written down what the bucket
//! calls them, or the recording was deleted meanwhile. A bucket keeps their parts, and has them paid for, until somebody gives
//! them up.
//!
//! A bucket may serve many: only those of recordings that this box knows are given up.

use store::Reader;
use store::recording::{Record, RecordingStored};
use uuid::Uuid;

use super::bucket::{self, Bucket, Upload};

/// Why they are still there.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The rows cannot be read.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// The bucket says no, or nothing.
    #[error("what an earlier run left behind in the bucket stays there: {0}")]
    Bucket(#[from] bucket::Error),
}

impl Error {
    /// Whether it would be the same however often it is tried.
    pub fn is_final(&self) -> bool {
        matches!(self, Error::Bucket(error) if error.is_final())
    }
}

/// Gives them up; returns how many there were. Nothing may be on its way to the bucket meanwhile.
pub fn give_up(bucket: &Bucket, reader: &Reader) -> Result<usize, Error> {
    let mut given_up = 0;
    for upload in bucket.uploads()? {
        let Some(id) = recording_of(&upload.object) else { continue };
        let Some(record) = reader.recording_even_deleted(id)? else { continue };
        if !goes_on(&record, &upload) {
            bucket.abort(&upload.object, &upload.upload_id)?;
            given_up += 1;
        }
    }
    Ok(given_up)
}

/// The recording that an object's name is of: `2026-11-22/<id>.mp3`.
fn recording_of(object: &str) -> Option<Uuid> {
    let (_, name) = object.rsplit_once('/')?;
    Uuid::try_parse(name.split_once('.')?.0).ok()
}

/// Whether the recording still has to go, and will go by this upload.
fn goes_on(record: &Record, upload: &Upload) -> bool {
    let waits = record.metadata.stored == RecordingStored::Box && record.tm_delete.is_none();
    let is_named = record.metadata.object.as_deref() == Some(&upload.object);
    waits && is_named && record.upload_id.as_deref() == Some(&upload.upload_id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_recording_is_known_by_the_name_of_its_object() {
        let id = Uuid::from_u128(7);
        assert_eq!(recording_of(&format!("2026-11-22/{id}.mp3")), Some(id));
        for other in ["", "a/b.mp3", "7.wav", &format!("{id}.mp3"), &format!("2026-11-22/{id}")] {
            assert_eq!(recording_of(other), None, "{other}");
        }
    }
}
