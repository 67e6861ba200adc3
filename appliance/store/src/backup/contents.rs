//! What of the data folder belongs to a backup: whatever cannot be made anew.

use std::fs;
use std::io;
use std::path::{Component, Path, PathBuf};

use super::Refusal;
use crate::limits;

/// The database; of the running one a copy is taken.
pub(super) const DATABASE: &str = "tandem.db";
/// What opens whatever the box has sealed.
pub(super) const KEY: &str = "box.key";
/// The files of recordings.
pub(super) const RECORDINGS: &str = "recordings";
/// Folders that are taken as a whole.
const FOLDERS: [&str; 2] = ["tls", "sounds"];
/// What files end in that hold secrets ([`crate::sealed`]).
const SEALED: [&str; 2] = ["sealed", "journal"];
/// Folders within each other.
const DEPTH: usize = 8;

/// Whether something by this name in the data folder is put aside when a backup takes its place: what belongs to one, and what
/// SQLite and the safe copy keep beside the database. `recordings` says whether those come with it.
pub(super) fn is_replaced(name: &str, recordings: bool) -> bool {
    // The lock is held.
    let beside = name.strip_prefix(DATABASE).is_some_and(|rest| rest != ".lock");
    beside || is_file(name) || FOLDERS.contains(&name) || (recordings && name == RECORDINGS)
}

/// Whether a path inside an archive is one of ours: relative, without ways out, and in a place that belongs to a backup.
pub(super) fn belongs(path: &Path, recordings: bool) -> bool {
    let parts: Option<Vec<&str>> = path.components().map(part).collect();
    match parts.as_deref() {
        Some([name]) => *name == DATABASE || is_file(name),
        Some([folder, inside @ ..]) if inside.len() <= DEPTH => {
            FOLDERS.contains(folder) || (recordings && *folder == RECORDINGS)
        }
        _ => false,
    }
}

fn part(component: Component<'_>) -> Option<&str> {
    match component {
        Component::Normal(name) => name.to_str(),
        _ => None,
    }
}

fn is_file(name: &str) -> bool {
    let ending = name.rsplit_once('.').map(|(_, ending)| ending);
    name == KEY || ending.is_some_and(|ending| SEALED.contains(&ending))
}

/// The files of a data folder that belong to a backup, but the database, as paths within it.
pub(super) fn of_folder(folder: &Path, recordings: bool) -> Result<Vec<PathBuf>, Refusal> {
    let mut found = Vec::new();
    for name in names(folder)? {
        if is_file(&name) {
            found.push(name.into());
        }
    }
    for inner in FOLDERS.into_iter().chain(recordings.then_some(RECORDINGS)) {
        walk(folder, PathBuf::from(inner), &mut found)?;
    }
    Ok(found)
}

fn walk(folder: &Path, inner: PathBuf, found: &mut Vec<PathBuf>) -> Result<(), Refusal> {
    if inner.components().count() > DEPTH {
        return Ok(());
    }
    for name in names(&folder.join(&inner))? {
        let path = inner.join(name);
        // Neither links nor sockets are ours.
        match fs::symlink_metadata(folder.join(&path)) {
            Ok(about) if about.is_dir() => walk(folder, path, found)?,
            Ok(about) if about.is_file() => found.push(path),
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error.into()),
        }
        if found.len() > limits::BACKUP_FILES {
            return Err(Refusal::Contents(format!("there are more than {} files", limits::BACKUP_FILES)));
        }
    }
    Ok(())
}

/// What is in a folder, in order; nothing where there is none.
pub(super) fn names(folder: &Path) -> io::Result<Vec<String>> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let mut names = Vec::new();
    for entry in entries {
        // A name that is no text is none of ours.
        names.extend(entry?.file_name().into_string());
    }
    names.sort();
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_ours_belongs() {
        let belongs = |path: &str, recordings| belongs(Path::new(path), recordings);
        for ours in ["tandem.db", "box.key", "smtp.sealed", "undo.journal", "tls/server.key", "sounds/de/hello.wav"] {
            assert!(belongs(ours, false), "{ours}");
        }
        assert!(belongs("recordings/a.wav", true) && !belongs("recordings/a.wav", false));
        for foreign in ["/etc/passwd", "../box.key", "tls/../../x", "tandem.lock", "tandem.db-wal", "cache/x", "", "x"]
        {
            assert!(!belongs(foreign, true), "{foreign}");
        }
        assert!(!belongs("tls/1/2/3/4/5/6/7/8/9", true), "too deep");
    }

    #[test]
    fn what_lies_beside_the_database_goes_with_it() {
        for name in ["tandem.db", "tandem.db-wal", "tandem.db-shm", "tandem.db-copy", "box.key", "tls", "a.sealed"] {
            assert!(is_replaced(name, false), "{name}");
        }
        for name in ["tandem.db.lock", "tandem.lock", "reserve", "cache", "recordings", "restore.ready"] {
            assert!(!is_replaced(name, false), "{name}");
        }
        assert!(is_replaced("recordings", true));
    }
}
