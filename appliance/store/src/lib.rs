//! What the exchange remembers: SQLite, one file for each resource, and the event log through which every fact leaves.
//!
//! - [`Store::open`] opens the database, migrates it, and gives the one [`Writer`].
//! - [`Writer::write`] takes a batch of [`Item`]s: each event is appended to the log and changes its resource's row, all
//!   in one transaction. [`Journal`] is a thread that owns the writer and commits whatever has gathered.
//! - [`Reader`] reads: pages of resources, events after a number. Readers do not disturb the writer or each other.
//!
//! `extension::Record`, `call::Record` and so on are the *public form* of a resource: what the API shows and events carry.
//! Only this crate knows SQL.
//!
//! # What is promised
//!
//! A batch written with [`Durability::Acknowledged`] is on the disk when `write` returns: neither the end of the
//! process nor a power cut takes it away. One written with [`Durability::Batched`] survives the end of the process; a
//! power cut may take the batches since the last acknowledged one, newest first, but never half of one, and never
//! damages the file. [`Journal`] writes everything that somebody may hear of (events, agents, cursors) acknowledged.
//!
//! Numbers of events have no gaps and are never used twice.

pub mod accesskey;
pub mod action;
pub mod activeflow;
pub mod address;
pub mod agent;
pub mod backup;
mod belonging;
pub mod billing;
pub mod call;
pub mod certificate;
pub mod conference;
pub mod conferencecall;
pub mod configuration;
mod cursor;
pub mod customer;
mod direct_hash;
pub mod dtmf;
pub mod encryption;
mod error;
pub mod event_log;
pub mod extension;
pub mod flow;
pub mod groupcall;
mod ids;
pub mod journal;
mod kept;
pub mod limits;
pub mod message;
pub mod number;
pub mod outbound_config;
pub mod page;
pub mod private_file;
pub mod provider;
pub mod reader;
pub mod recording;
pub mod registration;
pub mod route;
mod safe_copy;
mod schema;
pub mod sealed;
pub mod sequence;
pub mod setting;
pub mod system;
pub mod tag;
pub mod timeline;
pub mod timestamp;
pub mod trunk;
pub mod update;
pub mod value;
mod version_copy;
pub mod webhook_delivery;
mod word;
pub mod writer;

use std::fs::{File, OpenOptions, TryLockError};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rusqlite::Connection;

pub use error::Error;
pub use journal::Journal;
pub use page::{Page, PageRequest};
pub use reader::{Reader, Restored};
pub use setting::{Entropy, Identity};
pub use timeline::{Boot, Moment};
pub use timestamp::Timestamp;
pub use writer::{Committed, Durability, Item, Writer};

/// An open database; clones are cheap.
#[derive(Debug, Clone)]
pub struct Store {
    path: Arc<Path>,
    identity: Arc<Identity>,
    /// Held as long as anybody has the store: it keeps a second process out.
    _lock: Arc<File>,
}

impl Store {
    /// Opens the database, making it where there is none, and gives its writer. `domain` is what phones register at;
    /// `entropy` becomes the box's keys at the first start and is not used later.
    pub fn open(path: &Path, domain: &str, entropy: &Entropy) -> Result<(Store, Writer), Error> {
        let lock = Arc::new(lock(path)?);
        let connection = open_or_restore(path)?;
        let identity = Arc::new(Identity::load(&connection, domain, entropy)?);
        let store = Store { path: path.into(), identity: Arc::clone(&identity), _lock: lock };
        let writer = Writer::new(connection, identity, store.clone())?;
        Ok((store, writer))
    }

    /// Who the box is.
    pub fn identity(&self) -> &Identity {
        &self.identity
    }

    /// Another reader, with a connection of its own.
    pub fn reader(&self) -> Result<Reader, Error> {
        Ok(Reader::new(schema::open_to_read(&self.path)?, Arc::clone(&self.identity)))
    }

    /// Makes the copy of what cannot be had again, from which a damaged database is restored when it is opened the next time.
    pub fn make_copy(&self) -> Result<(), Error> {
        safe_copy::make(&self.path)
    }

    /// Writes all that the database holds at this moment to a file of its own; others may write meanwhile.
    pub(crate) fn snapshot(&self, path: &Path) -> Result<(), Error> {
        let made = OpenOptions::new().create_new(true).append(true).mode(0o600).open(path);
        made.map_err(|error| Error::Open { path: path.to_owned(), reason: error.to_string() })?;
        schema::open_to_read(&self.path)?.execute("VACUUM main INTO ?1", [path.to_string_lossy()])?;
        Ok(())
    }

    /// Whether there is such a copy.
    pub fn has_copy(&self) -> bool {
        safe_copy::exists(&self.path)
    }

    /// Reads the whole file, which may take long, and says what is wrong with it; the next start then restores it.
    pub fn check(&self) -> Result<(), Error> {
        let verdict = self.reader()?.quick_check();
        if let Err(Error::Corrupt(_)) = &verdict {
            safe_copy::suspect(&self.path)?;
        }
        verdict
    }

    /// How many bytes the database and its write-ahead log take.
    pub fn bytes(&self) -> u64 {
        let log = PathBuf::from(format!("{}-wal", self.path.display()));
        [&*self.path, &log].iter().filter_map(|path| path.metadata().ok()).map(|file| file.len()).sum()
    }
}

/// Opens the database; one that is damaged is restored from its copy, if there is one, and so is one of a newer version, from the
/// copy of before that version migrated it.
fn open_or_restore(path: &Path) -> Result<Connection, Error> {
    // SQLite takes an empty file for a new database.
    let is_emptied = safe_copy::exists(path) && path.metadata().is_ok_and(|file| file.len() == 0);
    if !is_emptied {
        version_copy::keep(path)?;
    }
    let opened = if is_emptied { Err(Error::Corrupt("the file is empty".into())) } else { schema::open(path) };
    let opened = opened.and_then(|connection| safe_copy::check(path, &connection).map(|()| connection));
    match opened {
        Err(Error::Corrupt(reason)) if safe_copy::exists(path) => {
            safe_copy::restore(path, &reason)?;
            schema::open(path)
        }
        Err(Error::Newer { found, .. }) if version_copy::latest(path).is_some() => {
            version_copy::go_back(path, found)?;
            schema::open(path)
        }
        opened => opened,
    }
}

fn lock(path: &Path) -> Result<File, Error> {
    let lock = PathBuf::from(format!("{}.lock", path.display()));
    let failed = |error: std::io::Error| Error::Open { path: lock.clone(), reason: error.to_string() };
    let file = OpenOptions::new().create(true).append(true).mode(0o600).open(&lock).map_err(failed)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(Error::InUse(path.to_owned())),
        Err(TryLockError::Error(error)) => Err(failed(error)),
    }
}
