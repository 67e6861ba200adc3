//! The folder with everything that is remembered, held by one process at a time.

use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

/// A data folder that is ours until this value is dropped.
#[derive(Debug)]
pub struct DataFolder {
    path: PathBuf,
    // The kernel lets go of the lock when the process ends, however it ends.
    _lock: File,
}

impl DataFolder {
    /// Makes the folder if it is missing and takes it for this process.
    pub fn take(path: &Path) -> Result<DataFolder> {
        make(path).with_context(|| format!("cannot make the data folder {}", path.display()))?;
        let lock_path = path.join("tandem.lock");
        let mut lock = OpenOptions::new()
            .create(true)
            .read(true)
            .write(true)
            .truncate(false)
            .mode(0o600)
            .open(&lock_path)
            .with_context(|| format!("the data folder {} is not writable", path.display()))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let owner = std::fs::read_to_string(&lock_path).unwrap_or_default();
                bail!("the data folder {} is in use by process {}", path.display(), owner.trim());
            }
            Err(TryLockError::Error(error)) => {
                return Err(error).with_context(|| format!("cannot lock {}", lock_path.display()));
            }
        }
        // Our number is only for the message above: a full disk does not keep us from starting.
        let _ = lock.set_len(0).and_then(|()| writeln!(lock, "{}", std::process::id()));
        Ok(DataFolder { path: path.to_owned(), _lock: lock })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Where the files of recordings are.
    pub fn recordings(&self) -> PathBuf {
        self.path.join("recordings")
    }

    /// Where the sounds are that can be played.
    pub fn sounds(&self) -> PathBuf {
        self.path.join("sounds")
    }

    /// Where certificates are, and the keys by which they count.
    pub fn tls(&self) -> PathBuf {
        self.path.join("tls")
    }

    /// Where texts are kept that were spoken.
    pub fn spoken(&self) -> PathBuf {
        self.path.join("cache").join("speech")
    }

    /// Where sounds are kept that were fetched from the network.
    pub fn fetched_sounds(&self) -> PathBuf {
        self.path.join("cache").join("sounds")
    }
}

/// Makes a folder, and those it is in, for nobody else to read. Those that are there stay as they are.
pub fn make(path: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_has_one_owner_at_a_time() {
        let folder = tempfile::tempdir().expect("the temporary folder is writable");
        let path = folder.path().join("deep/inside");
        let first = DataFolder::take(&path).expect("nobody has it");
        let refused = DataFolder::take(&path).expect_err("it is taken").to_string();
        assert!(refused.contains(&format!("in use by process {}", std::process::id())), "{refused}");
        drop(first);
        DataFolder::take(&path).expect("it is free again");
    }

    #[test]
    fn a_file_in_its_place_is_one_clear_error() {
        let file = tempfile::NamedTempFile::new().expect("the temporary folder is writable");
        let error = DataFolder::take(file.path()).expect_err("a file is no folder").to_string();
        assert!(error.contains("cannot make the data folder"), "{error}");
    }
}
