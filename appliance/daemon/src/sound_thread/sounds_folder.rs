//! The folder with the box's sounds, and the wall around it.

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Component, Path};

use anyhow::{Context, Result};
use rustix::fs::{FileType, Mode, OFlags, ResolveFlags};

use crate::data_folder;

/// An open folder. Nothing outside of it can be opened through it, whatever a name says and wherever links point.
#[derive(Debug)]
pub struct SoundsFolder {
    folder: OwnedFd,
}

impl SoundsFolder {
    /// Opens the folder, and makes it if it is missing.
    pub fn open(path: &Path) -> Result<SoundsFolder> {
        data_folder::make(path).with_context(|| format!("cannot make the folder {}", path.display()))?;
        let folder = rustix::fs::open(path, OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())
            .with_context(|| format!("cannot open the folder {}", path.display()))?;
        Ok(SoundsFolder { folder })
    }

    /// Opens a file by its name within the folder, or says in words why not.
    pub fn file(&self, name: &Path) -> Result<File, String> {
        let is_inside = |component| matches!(component, Component::Normal(_) | Component::CurDir);
        if name.as_os_str().is_empty() || !name.components().all(is_inside) {
            return Err("the name leads out of the folder of sounds".into());
        }
        // A pipe must not hold up whoever opens it.
        let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK | OFlags::NOCTTY;
        let beneath = ResolveFlags::BENEATH | ResolveFlags::NO_MAGICLINKS;
        let opened = match rustix::fs::openat2(&self.folder, name, flags, Mode::empty(), beneath) {
            // A kernel without openat2 (or a sandbox that hides it) cannot keep links inside: then there are none.
            Err(rustix::io::Errno::NOSYS | rustix::io::Errno::PERM) => self.open_step_by_step(name, flags),
            opened => opened,
        };
        let file = opened.map_err(|errno| match errno {
            rustix::io::Errno::XDEV => "the name leads out of the folder of sounds".into(),
            errno => io::Error::from(errno).to_string(),
        })?;
        let kind = rustix::fs::fstat(&file).map(|status| FileType::from_raw_mode(status.st_mode));
        match kind {
            Ok(FileType::RegularFile) => Ok(File::from(file)),
            Ok(FileType::Directory) => Err("it is a folder".into()),
            Ok(_) => Err("it is no file".into()),
            Err(errno) => Err(io::Error::from(errno).to_string()),
        }
    }

    /// Opens folder after folder, and follows no link.
    fn open_step_by_step(&self, name: &Path, flags: OFlags) -> rustix::io::Result<OwnedFd> {
        let mut steps: Vec<&std::ffi::OsStr> = name.iter().filter(|step| *step != ".").collect();
        let file = steps.pop().ok_or(rustix::io::Errno::ISDIR)?;
        let mut folder: Option<OwnedFd> = None;
        for step in steps {
            let at = folder.as_ref().map_or(self.folder.as_fd(), AsFd::as_fd);
            let into = OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
            folder = Some(rustix::fs::openat(at, step, into, Mode::empty())?);
        }
        let at = folder.as_ref().map_or(self.folder.as_fd(), AsFd::as_fd);
        rustix::fs::openat(at, file, flags | OFlags::NOFOLLOW, Mode::empty())
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn only_files_within_are_opened() {
        let home = tempfile::tempdir().expect("the temporary folder is writable");
        let folder = SoundsFolder::open(&home.path().join("sounds")).expect("it can be made");
        let inside = home.path().join("sounds");
        std::fs::write(home.path().join("secret"), "secret").expect("it is writable");
        std::fs::create_dir(inside.join("en")).expect("it is writable");
        std::fs::write(inside.join("en/hello.wav"), "hello").expect("it is writable");
        symlink("en/hello.wav", inside.join("inside.wav")).expect("links can be made");
        symlink("../secret", inside.join("relative.wav")).expect("links can be made");
        symlink(home.path().join("secret"), inside.join("absolute.wav")).expect("links can be made");
        symlink("..", inside.join("up")).expect("links can be made");
        symlink("/proc/self/root", inside.join("magic")).expect("links can be made");
        rustix::fs::mknodat(
            rustix::fs::CWD,
            inside.join("pipe.wav"),
            FileType::Fifo,
            Mode::RUSR | Mode::WUSR,
            rustix::fs::makedev(0, 0),
        )
        .expect("pipes can be made");

        for good in ["en/hello.wav", "./en/./hello.wav"] {
            for opened in [folder.file(Path::new(good)), stepped(&folder, good)] {
                let mut text = String::new();
                opened.expect(good).read_to_string(&mut text).expect("it can be read");
                assert_eq!(text, "hello", "{good}");
            }
        }
        folder.file(Path::new("inside.wav")).expect("a link within leads nowhere else");
        for bad in [
            "",
            "/etc/passwd",
            "../secret",
            "en/../../secret",
            "relative.wav",
            "absolute.wav",
            "up/secret",
            "magic/etc/passwd",
        ] {
            let reason = folder.file(Path::new(bad)).expect_err(bad);
            assert_eq!(reason, "the name leads out of the folder of sounds", "{bad}");
        }
        for bad in ["relative.wav", "absolute.wav", "up/secret", "magic/etc/passwd"] {
            stepped(&folder, bad).expect_err(bad);
        }
        assert_eq!(folder.file(Path::new("en")).expect_err("a folder"), "it is a folder");
        assert_eq!(folder.file(Path::new("pipe.wav")).expect_err("a pipe"), "it is no file");
        let reason = folder.file(Path::new("nothing.wav")).expect_err("it is not there");
        assert!(reason.starts_with("No such file"), "{reason}");
    }

    fn stepped(folder: &SoundsFolder, name: &str) -> Result<File, String> {
        let opened = folder.open_step_by_step(Path::new(name), OFlags::RDONLY | OFlags::CLOEXEC);
        opened.map(File::from).map_err(|errno| errno.to_string())
    }
}
