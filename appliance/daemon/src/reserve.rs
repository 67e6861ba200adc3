//! Room kept for the worst start: a file that is given up when the disk is full, so that the database can be opened.
//!
//! An exchange that runs gets by without room: facts wait in memory. One that starts needs some for the files that
//! SQLite makes, and without it a full disk and a power cut together would take the telephones away.

use std::fs::OpenOptions;
use std::io::Write;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use crate::limits;

/// The file.
#[derive(Debug)]
pub struct Reserve {
    path: PathBuf,
}

impl Reserve {
    /// The one of a data folder.
    pub fn in_folder(folder: &Path) -> Reserve {
        Reserve { path: folder.join("reserve") }
    }

    /// Makes it where it is missing, if the disk has room enough besides.
    pub fn keep(&self) {
        if self.path.exists() || room(&self.path).is_none_or(|room| room < 4 * limits::RESERVE as u64) {
            return;
        }
        if let Err(error) = self.make() {
            tracing::warn!(%error, "no reserve could be made for a start on a full disk");
            self.spend();
        }
    }

    /// Gives it up; false if there was none.
    pub fn spend(&self) -> bool {
        std::fs::remove_file(&self.path).is_ok()
    }

    fn make(&self) -> std::io::Result<()> {
        let mut file = OpenOptions::new().create(true).truncate(true).write(true).mode(0o600).open(&self.path)?;
        file.write_all(&vec![0; limits::RESERVE])?;
        file.sync_all()
    }
}

/// How many bytes the disk behind a file in it has left for us.
fn room(path: &Path) -> Option<u64> {
    disk(path.parent()?).map(|disk| disk.f_bavail * disk.f_frsize)
}

/// How many bytes the disk behind a folder has, free or not.
pub fn size_of_disk(folder: &Path) -> Option<u64> {
    disk(folder).map(|disk| disk.f_blocks * disk.f_frsize)
}

fn disk(folder: &Path) -> Option<libc::statvfs> {
    let folder = std::ffi::CString::new(folder.as_os_str().as_bytes()).ok()?;
    // SAFETY: all zeros are a valid value of a structure of numbers, and both pointers outlive the call.
    let (result, answer) = unsafe {
        let mut answer: libc::statvfs = std::mem::zeroed();
        (libc::statvfs(folder.as_ptr(), &mut answer), answer)
    };
    (result == 0).then_some(answer)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_takes_room_until_it_is_spent() {
        let folder = tempfile::tempdir().expect("the temporary folder is writable");
        let reserve = Reserve::in_folder(folder.path());
        assert!(!reserve.spend(), "there is none yet");
        reserve.keep();
        let file = std::fs::metadata(folder.path().join("reserve")).expect("it was made");
        assert_eq!(file.len(), limits::RESERVE as u64);
        reserve.keep();
        assert!(reserve.spend() && !reserve.spend(), "once");
    }

    #[test]
    fn a_folder_that_is_gone_is_no_trouble() {
        let reserve = Reserve::in_folder(Path::new("/nowhere/at/all"));
        reserve.keep();
        assert!(!reserve.spend());
    }
}
