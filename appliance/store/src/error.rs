//! What can go wrong with the database, told apart by what an operator has to do about it.

use std::path::PathBuf;

use rusqlite::ErrorCode;

/// Why the store did not do what it was asked. Nothing of a failed batch is written.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The disk, or the quota, is full. Trying again helps once there is space.
    #[error("the disk is full: {0}")]
    Full(String),
    /// The disk did not do what it was told. Trying again may help.
    #[error("the disk failed: {0}")]
    Io(String),
    /// Another connection holds the lock for too long. Trying again helps.
    #[error("the database is busy: {0}")]
    Busy(String),
    /// The file is damaged, or is no database at all.
    #[error("the database is damaged: {0}")]
    Corrupt(String),
    /// The file cannot be opened or written: permissions, a missing folder, a read-only disk.
    #[error("cannot open {path}: {reason}")]
    Open {
        /// Which file.
        path: PathBuf,
        /// What the system said.
        reason: String,
    },
    /// The passwords in it were sealed with another key than the one that is there.
    #[error("the passwords in the database cannot be opened: {0}")]
    Sealed(String),
    /// Another process has the database open.
    #[error("{0} is in use by another tandem")]
    InUse(PathBuf),
    /// The file is a database of something else.
    #[error("{0} is not a database of tandem's")]
    Foreign(PathBuf),
    /// A newer program has written the file.
    #[error(
        "{path} has version {found}, this program knows {known}: use the newer program, or an older copy of the file"
    )]
    Newer {
        /// Which file.
        path: PathBuf,
        /// Its version.
        found: u32,
        /// The latest that this program knows.
        known: u32,
    },
    /// A row holds what this program cannot have written.
    #[error("the database holds a {0} that this program does not know")]
    Value(&'static str),
    /// A bug: SQL that the database refuses.
    #[error("the database refused: {0}")]
    Refused(String),
}

impl Error {
    /// Whether the same batch may succeed later without anybody changing the file.
    pub fn is_transient(&self) -> bool {
        matches!(self, Error::Full(_) | Error::Io(_) | Error::Busy(_))
    }
}

impl From<rusqlite::Error> for Error {
    fn from(error: rusqlite::Error) -> Error {
        let text = error.to_string();
        match error.sqlite_error_code() {
            Some(ErrorCode::DiskFull) => Error::Full(text),
            Some(ErrorCode::SystemIoFailure) => Error::Io(text),
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Error::Busy(text),
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => Error::Corrupt(text),
            _ => Error::Refused(text),
        }
    }
}

impl From<serde_json::Error> for Error {
    fn from(error: serde_json::Error) -> Error {
        if error.is_io() { Error::Io(error.to_string()) } else { Error::Corrupt(error.to_string()) }
    }
}
