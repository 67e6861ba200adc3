//! Putting a backup in the place of what the box remembers: at the start, before anything is opened.
//!
//! What is there goes aside, then the backup comes in; whatever the power cuts, the next start goes on. What went aside is
//! deleted once the exchange runs, or taken back where it does not.

use std::fs::{self, File};
use std::io;
use std::path::Path;

use super::contents::{self, is_replaced, names};
use super::{make, remove};

/// Not whole yet.
pub(super) const PART: &str = "restore.part";
/// Whole, and to come in.
pub(super) const READY: &str = "restore.ready";
/// What was there is aside; it comes in.
const CLEARED: &str = "restore.cleared";
/// What was there before.
pub(super) const OLD: &str = "restore.old";

/// Puts a backup in its place, if one is ready, and clears up what was left half done. Returns whether one came in.
pub fn complete(folder: &Path) -> io::Result<bool> {
    remove(&folder.join(PART))?;
    remove(&folder.join(super::PART))?;
    let (ready, cleared) = (folder.join(READY), folder.join(CLEARED));
    if ready.is_dir() {
        let recordings = ready.join(contents::RECORDINGS).is_dir();
        move_aside(folder, &folder.join(OLD), recordings)?;
        fs::rename(&ready, &cleared)?;
        sync(folder)?;
    }
    if !cleared.is_dir() {
        return Ok(false);
    }
    for name in names(&cleared)? {
        fs::rename(cleared.join(&name), folder.join(&name))?;
    }
    sync(folder)?;
    fs::remove_dir(&cleared)?;
    Ok(true)
}

/// The exchange runs with it: what was there before goes.
pub fn confirm(folder: &Path) -> io::Result<()> {
    let (old, part) = (folder.join(OLD), folder.join(PART));
    if old.is_dir() {
        // Half of it must not come back.
        remove(&part)?;
        fs::rename(&old, &part)?;
        sync(folder)?;
    }
    remove(&part)
}

/// The exchange does not run with it: what was there before comes back. Returns whether there was anything.
pub fn take_back(folder: &Path) -> io::Result<bool> {
    let old = folder.join(OLD);
    if !old.is_dir() {
        return Ok(false);
    }
    let recordings = old.join(contents::RECORDINGS).is_dir();
    let failed = folder.join(PART);
    remove(&failed)?;
    move_aside(folder, &failed, recordings)?;
    for name in names(&old)? {
        fs::rename(old.join(&name), folder.join(&name))?;
    }
    sync(folder)?;
    fs::remove_dir(&old)?;
    remove(&failed)?;
    Ok(true)
}

fn move_aside(folder: &Path, aside: &Path, recordings: bool) -> io::Result<()> {
    make(aside)?;
    for name in names(folder)? {
        if is_replaced(&name, recordings) {
            fs::rename(folder.join(&name), aside.join(&name))?;
        }
    }
    sync(folder)
}

fn sync(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn put(folder: &Path, files: &[(&str, &str)]) {
        for (path, text) in files {
            let path = folder.join(path);
            make(path.parent().expect("it is in a folder")).expect("it is writable");
            fs::write(path, text).expect("it is writable");
        }
    }

    fn text(folder: &Path, path: &str) -> Option<String> {
        fs::read_to_string(folder.join(path)).ok()
    }

    const BEFORE: [(&str, &str); 6] = [
        ("tandem.db", "old"),
        ("tandem.db-wal", "old"),
        ("smtp.sealed", "old"),
        ("tls/server.key", "old"),
        ("recordings/a.wav", "old"),
        ("tandem.lock", "held"),
    ];
    const AFTER: [(&str, &str); 3] =
        [("restore.ready/tandem.db", "new"), ("restore.ready/box.key", "new"), ("restore.ready/tls/server.key", "new")];

    #[test]
    fn it_comes_in_and_what_was_there_can_come_back() {
        let home = tempfile::tempdir().expect("the temporary folder is writable");
        let home = home.path();
        put(home, &BEFORE);
        assert!(!complete(home).expect("it is writable"), "there is none");
        put(home, &AFTER);
        assert!(complete(home).expect("it is writable"));
        let now = ["tandem.db", "box.key", "tls/server.key", "recordings/a.wav", "tandem.lock"];
        let told: Vec<_> = now.iter().map(|path| text(home, path).expect("it is there")).collect();
        assert_eq!(told, ["new", "new", "new", "old", "held"]);
        assert_eq!((text(home, "tandem.db-wal"), text(home, "smtp.sealed")), (None, None), "they were another's");
        assert!(!complete(home).expect("it is writable"), "once is enough");
        assert!(take_back(home).expect("it is writable"));
        for (path, before) in BEFORE {
            assert_eq!(text(home, path).as_deref(), Some(before), "{path}");
        }
        assert_eq!(text(home, "box.key"), None);
        assert!(!take_back(home).expect("it is writable"), "once is enough");
    }

    #[test]
    fn a_power_cut_at_any_step_is_made_good() {
        // What stands aside already, and what came in already.
        for (aside, inside) in [(0, 0), (2, 0), (4, 0), (4, 1), (4, 2), (4, 3)] {
            let home = tempfile::tempdir().expect("the temporary folder is writable");
            let home = home.path();
            put(home, &BEFORE);
            put(home, &AFTER);
            make(&home.join(OLD)).expect("it is writable");
            for name in ["tandem.db", "tandem.db-wal", "smtp.sealed", "tls"].iter().take(aside) {
                fs::rename(home.join(name), home.join(OLD).join(name)).expect("it is there");
            }
            if aside == 4 {
                fs::rename(home.join(READY), home.join(CLEARED)).expect("it is there");
            }
            for name in ["box.key", "tandem.db", "tls"].iter().take(inside) {
                fs::rename(home.join(CLEARED).join(name), home.join(name)).expect("it is there");
            }
            assert!(complete(home).expect("it is writable"), "{aside} {inside}");
            for path in ["tandem.db", "box.key", "tls/server.key"] {
                assert_eq!(text(home, path).as_deref(), Some("new"), "{path}: {aside} {inside}");
            }
            confirm(home).expect("it is writable");
            assert!(!take_back(home).expect("it is writable"), "it is gone");
        }
    }
}
