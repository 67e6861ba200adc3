//! Files that nobody else may read, whole or not there.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// Why a file cannot be read, written or deleted.
#[derive(Debug, thiserror::Error)]
#[error("{path}: {error}")]
pub struct FileError {
    /// Which.
    pub path: PathBuf,
    /// Why.
    pub error: io::Error,
}

/// What is in the file; `None`: there is none.
pub fn read(path: &Path) -> Result<Option<Vec<u8>>, FileError> {
    there(path, fs::read(path))
}

/// The text in the file; `None`: there is none.
pub fn read_text(path: &Path) -> Result<Option<String>, FileError> {
    there(path, fs::read_to_string(path))
}

/// Writes the file anew: after a power cut it holds what it held before, or this.
pub fn write(path: &Path, octets: &[u8]) -> Result<(), FileError> {
    let part = path.with_added_extension("part");
    let _ = fs::remove_file(&part);
    let mut file = OpenOptions::new();
    let written = file.write(true).create_new(true).mode(0o600).open(&part).and_then(|mut file| {
        file.write_all(octets)?;
        file.sync_all()?;
        fs::rename(&part, path)
    });
    written.map_err(|error| FileError { path: path.to_owned(), error })
}

/// Adds to the file, which is made where there is none; on the disk once this returns. A power cut may leave a part of it.
pub fn append(path: &Path, octets: &[u8]) -> Result<(), FileError> {
    let opened = OpenOptions::new().create(true).append(true).mode(0o600).open(path);
    let written = opened.and_then(|mut file| {
        file.write_all(octets)?;
        file.sync_all()
    });
    written.map_err(|error| FileError { path: path.to_owned(), error })
}

/// Takes it away, where it is.
pub fn remove(path: &Path) -> Result<(), FileError> {
    there(path, fs::remove_file(path)).map(|_| ())
}

fn there<T>(path: &Path, result: io::Result<T>) -> Result<Option<T>, FileError> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(FileError { path: path.to_owned(), error }),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_file_is_whole_and_nobody_elses() {
        let home = tempfile::tempdir().expect("the temporary folder is writable");
        let path = home.path().join("server.key");
        assert_eq!(read(&path).expect("there is none"), None);
        fs::write(path.with_added_extension("part"), "cut off by the power").expect("it is writable");
        write(&path, b"one").expect("it is writable");
        write(&path, b"two").expect("it is writable");
        assert_eq!(read_text(&path).expect("it is there").as_deref(), Some("two"));
        assert_eq!(fs::metadata(&path).expect("it is there").permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::read_dir(home.path()).expect("it is there").count(), 1, "nothing else is left");
        remove(&path).and_then(|()| remove(&path)).expect("it may be gone already");
        let error = write(&home.path().join("none/key"), b"").expect_err("there is no such folder").to_string();
        assert!(error.contains("none/key: "), "{error}");
    }
}
