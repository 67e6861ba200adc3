//! Backups: everything that the box remembers in one encrypted file, and the way back.
//!
//! `docs/backup.md` describes the file: [`envelope`] encrypts it by a passphrase, piece by piece; inside is a compressed archive
//! of the files of the data folder, the manifest first. The key of the box is among them: what it seals can be opened on other
//! hardware, by whoever knows the passphrase.
//!
//! [`Backup`] writes one. [`unpack`] reads one into a folder beside the data, checks all of it, and brings the database up to
//! date there; nothing of the box is changed until [`Unpacked::promote`]. The next start puts it in its place ([`place`]).

mod contents;
mod envelope;
pub mod place;
#[cfg(test)]
mod tests;
mod unpacking;

use std::fs::{self, DirBuilder, File};
use std::io::{self, Read, Write};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::write::GzEncoder;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::timestamp::Timestamp;
use crate::{Error, Store, limits, schema};
use envelope::{Key, Sealer};
pub use unpacking::{Unpacked, unpack};

/// What the archive begins with.
const MANIFEST: &str = "manifest.json";
/// Where the copy of the database is made.
const PART: &str = "backup.part";

/// What a backup says of itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = BackupManifest)]
pub struct Manifest {
    /// The version of the program that made it.
    pub version: String,
    /// The version of its database.
    pub database: u32,
    /// When.
    pub tm_create: Timestamp,
    /// Of which box.
    pub customer_id: Uuid,
    /// Whether recordings are in it.
    pub recordings: bool,
}

/// Why there is no backup, or a backup is not restored. Nothing is changed then.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// Whoever guesses would find it.
    #[error("the passphrase must have at least {} characters", limits::PASSPHRASE)]
    Weak,
    /// It begins with something else.
    #[error("this is no backup of Tandem")]
    Foreign,
    /// A later program made it.
    #[error("the backup was made by a newer Tandem: update this box first, then restore")]
    Newer,
    /// It cannot be opened with it.
    #[error("the passphrase is wrong")]
    Passphrase,
    /// A piece of it is not what was written.
    #[error("the backup is damaged: what stands after {} kB is not what was written", .0 / 1_000)]
    Damaged(u64),
    /// The end is missing, or is not what was written.
    #[error("the backup is cut short, or damaged at its end: there is more to it than these {} kB", .0 / 1_000)]
    CutShort(u64),
    /// It would not fit.
    #[error("there is not enough room on the disk of the box")]
    Full,
    /// It was opened, and something is not as we write it.
    #[error("the backup cannot be used: {0}")]
    Contents(String),
    /// The disk does not do what it is told.
    #[error("the box cannot read or write its files: {0}")]
    Io(String),
}

impl From<io::Error> for Refusal {
    fn from(error: io::Error) -> Refusal {
        let full = matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded);
        match error.downcast::<Refusal>() {
            Ok(refusal) => refusal,
            Err(_) if full => Refusal::Full,
            Err(error) => Refusal::Io(error.to_string()),
        }
    }
}

impl From<Refusal> for io::Error {
    fn from(refusal: Refusal) -> io::Error {
        io::Error::other(refusal)
    }
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Refusal {
        match error {
            Error::Full(_) => Refusal::Full,
            Error::Newer { .. } => Refusal::Newer,
            Error::Io(_) | Error::Busy(_) | Error::Open { .. } | Error::InUse(_) => Refusal::Io(error.to_string()),
            _ => Refusal::Contents(error.to_string()),
        }
    }
}

/// A backup that is about to be written.
pub struct Backup {
    folder: PathBuf,
    part: PathBuf,
    key: Key,
    manifest: Manifest,
}

impl Backup {
    /// Copies the database to where nobody changes it, and makes a key of the passphrase: takes a second and some memory
    /// ([`limits::PASSPHRASE_MEMORY`]), and as much room on the disk as the database has.
    pub fn prepare(
        (store, folder): (&Store, &Path),
        passphrase: &str,
        (version, now, recordings): (&str, Timestamp, bool),
    ) -> Result<Backup, Refusal> {
        if passphrase.chars().count() < limits::PASSPHRASE {
            return Err(Refusal::Weak);
        }
        if room(folder).is_some_and(|room| room < store.bytes() + limits::BACKUP_ROOM) {
            return Err(Refusal::Full);
        }
        let manifest = Manifest {
            version: version.into(),
            database: schema::VERSION,
            tm_create: now,
            customer_id: store.identity().customer_id,
            recordings,
        };
        let part = folder.join(PART);
        remove(&part)?;
        make(&part)?;
        // What was begun goes with it when something fails from here on.
        let backup = Backup { folder: folder.into(), part, key: Key::fresh(passphrase)?, manifest };
        store.snapshot(&backup.part.join(contents::DATABASE))?;
        Ok(backup)
    }

    /// What it says of itself.
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// Writes it, in pieces of [`envelope::PIECE`] octets.
    pub fn write(self, out: impl Write) -> Result<(), Refusal> {
        let sealer = Sealer::begin(&self.key, out)?;
        let mut archive = tar::Builder::new(GzEncoder::new(sealer, Compression::fast()));
        archive.follow_symlinks(false);
        let text = serde_json::to_vec(&self.manifest).map_err(io::Error::from)?;
        add(&mut archive, Path::new(MANIFEST), (&text[..], text.len() as u64))?;
        let database = Path::new(contents::DATABASE);
        self.add_file(&mut archive, &self.part.join(database), database)?;
        for path in contents::of_folder(&self.folder, self.manifest.recordings)? {
            self.add_file(&mut archive, &self.folder.join(&path), &path)?;
        }
        Ok(archive.into_inner()?.finish()?.finish()?)
    }

    fn add_file(&self, archive: &mut tar::Builder<impl Write>, path: &Path, name: &Path) -> io::Result<()> {
        match File::open(path) {
            // As long as it is now: a recording goes on meanwhile.
            Ok(file) => {
                let length = file.metadata()?.len();
                add(archive, name, (file, length))
            }
            // Recordings come and go.
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            Err(error) => Err(error),
        }
    }
}

impl Drop for Backup {
    fn drop(&mut self) {
        if let Err(error) = remove(&self.part) {
            tracing::warn!(%error, "the copy of the database for a backup stays until the next one");
        }
    }
}

fn add(archive: &mut tar::Builder<impl Write>, name: &Path, (octets, length): (impl Read, u64)) -> io::Result<()> {
    let mut header = tar::Header::new_gnu();
    header.set_size(length);
    header.set_mode(0o600);
    archive.append_data(&mut header, name, Exactly { octets: octets.take(length), missing: length })
}

/// So many octets, with an error where there are fewer: the archive would be none.
struct Exactly<R> {
    octets: io::Take<R>,
    missing: u64,
}

impl<R: Read> Read for Exactly<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.octets.read(buffer)?;
        self.missing -= count as u64;
        if count == 0 && self.missing > 0 && !buffer.is_empty() {
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "a file became shorter while it was read"));
        }
        Ok(count)
    }
}

/// Octets that the disk behind a folder has left; `None`: it does not say.
fn room(folder: &Path) -> Option<u64> {
    rustix::fs::statvfs(folder).ok().map(|disk| disk.f_bavail * disk.f_frsize)
}

/// Makes a folder for nobody else to read, and those it is in.
fn make(folder: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

/// Takes a folder away, where it is.
fn remove(folder: &Path) -> io::Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}
