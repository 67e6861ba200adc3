//! Erasing everything that the box has learned. It is ordered in a running system and done at the next start, before anything
//! uses what is erased; a power cut in between changes nothing but the time at which it happens.
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

use crate::console::say;
use crate::mount::DATA;

const ORDER: &str = "factory-reset";

/// Orders it.
pub fn order() -> Result<()> {
    order_in(Path::new(DATA))
}

/// Does it, if it was ordered.
pub fn obey() -> Result<()> {
    if obey_in(Path::new(DATA)).context("not everything could be erased")? {
        say("everything is erased, as it was ordered");
        defmt::warn!("everything was erased");
    }
    Ok(())
}

/// Orders it on this data partition.
pub fn order_in(data: &Path) -> Result<()> {
    let file = fs::File::create(data.join(ORDER)).context("the order cannot be written")?;
    file.sync_all()?;
    fs::File::open(data)?.sync_all().context("the order cannot be written")
}

/// The order goes last: who is interrupted begins again.
fn obey_in(data: &Path) -> Result<bool> {
    let order = data.join(ORDER);
    if !order.exists() {
        return Ok(false);
    }
    for entry in fs::read_dir(data)? {
        let entry = entry?;
        let path = entry.path();
        // `lost+found` belongs to the file system.
        if path == order || entry.file_name() == "lost+found" {
            continue;
        }
        let erased = if entry.file_type()?.is_dir() { fs::remove_dir_all(&path) } else { fs::remove_file(&path) };
        erased.with_context(|| path.display().to_string())?;
    }
    rustix::fs::sync();
    fs::remove_file(order)?;
    fs::File::open(data)?.sync_all()?;
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_goes_once_and_only_when_ordered() {
        let data = tempfile::tempdir().expect("a temporary folder can be made");
        let fill = || {
            for folder in ["tandem/recordings/old", "lost+found"] {
                fs::create_dir_all(data.path().join(folder)).expect("the folder is ours");
            }
            fs::write(data.path().join("tandem/tandem.db"), "calls").expect("the folder is ours");
            fs::write(data.path().join("flight-recorder"), "frames").expect("the folder is ours");
            let _ = std::os::unix::fs::symlink("/etc", data.path().join("link"));
        };
        fill();
        assert!(!obey_in(data.path()).expect("nothing was ordered"));
        assert!(data.path().join("tandem/tandem.db").exists());
        order_in(data.path()).expect("the folder is ours");
        assert!(obey_in(data.path()).expect("all of it is ours"));
        let left: Vec<_> =
            fs::read_dir(data.path()).expect("it is there").flatten().map(|left| left.file_name()).collect();
        assert_eq!(left, ["lost+found"]);
        assert!(Path::new("/etc/passwd").exists(), "a link is not followed");
        fill();
        assert!(!obey_in(data.path()).expect("once is enough"));
    }
}
