//! The exchange is not root: it runs as a user of its own, with two rights of root's that it needs, and can win no more.
//!
//! It binds ports below 1024 (80, 443) and gives its audio threads real-time priority. What else the kernel keeps from it (files of
//! others, calls that telephony has no use for) it gives up by itself, by its option `--confine`.
use std::fs;
use std::io;
use std::os::unix::fs::{MetadataExt, chown, lchown};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};
use rustix::process::{Resource, Rlimit, setrlimit};
use rustix::thread::{
    CapabilitySet, CapabilitySets, clear_ambient_capability_set, configure_capability_in_ambient_set,
    remove_capability_from_bounding_set, set_capabilities, set_keep_capabilities, set_no_new_privs,
};

/// The user and the group of the exchange; the image needs no list of users.
const USER: u32 = 990;

/// What of root's rights it keeps.
const KEPT: CapabilitySet = CapabilitySet::NET_BIND_SERVICE.union(CapabilitySet::SYS_NICE);
/// More capabilities than any kernel has.
const CAPABILITIES: u32 = 63;
/// Threads and processes: a dozen threads, and a few helpers that speak and convert.
const PROCESSES: u64 = 256;

/// Gives a folder and what is in it to the exchange. The folder itself goes last, so that who is interrupted begins again.
pub fn hand_over(folder: &Path) -> Result<()> {
    let metadata = fs::symlink_metadata(folder).with_context(|| folder.display().to_string())?;
    if metadata.uid() == USER && metadata.gid() == USER {
        return Ok(());
    }
    give(folder).with_context(|| format!("{} cannot be given to the exchange", folder.display()))
}

fn give(path: &Path) -> io::Result<()> {
    if fs::symlink_metadata(path)?.is_dir() {
        for entry in fs::read_dir(path)? {
            give(&entry?.path())?;
        }
    }
    lchown(path, Some(USER), Some(USER))
}

/// Lets the exchange read, or speak to, what stays root's.
pub fn share(path: &Path) -> io::Result<()> {
    chown(path, None, Some(USER))
}

/// Has a program start as the user of the exchange, with so many octets of data at most.
pub fn drop_for(command: &mut Command, memory: u64) {
    let drop = move || -> io::Result<()> {
        let _ = fs::write("/proc/self/oom_score_adj", "500");
        limit(Resource::Core, 0)?;
        limit(Resource::Nproc, PROCESSES)?;
        limit(Resource::Data, memory)?;
        for number in (0..CAPABILITIES).filter(|number| KEPT.bits() & (1 << number) == 0) {
            // The kernel has no such capability: that was the last.
            let Some(one) = CapabilitySet::from_bits(1 << number) else { continue };
            let _ = remove_capability_from_bounding_set(one);
        }
        set_keep_capabilities(true)?;
        // SAFETY: plain system calls of a process that has just been forked and has one thread.
        unsafe {
            check(libc::setgroups(0, std::ptr::null()))?;
            check(libc::setresgid(USER, USER, USER))?;
            check(libc::setresuid(USER, USER, USER))?;
        }
        set_capabilities(None, CapabilitySets { effective: KEPT, permitted: KEPT, inheritable: KEPT })?;
        clear_ambient_capability_set()?;
        for one in [CapabilitySet::NET_BIND_SERVICE, CapabilitySet::SYS_NICE] {
            configure_capability_in_ambient_set(one, true)?;
        }
        Ok(set_no_new_privs(true)?)
    };
    // SAFETY: between fork and exec the closure makes system calls only; names as short as these take no memory.
    unsafe { command.pre_exec(drop) };
}

fn limit(what: Resource, most: u64) -> io::Result<()> {
    Ok(setrlimit(what, Rlimit { current: Some(most), maximum: Some(most) })?)
}

fn check(result: libc::c_int) -> io::Result<()> {
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_child_is_nobody_and_cannot_become_root_again() {
        if !rustix::process::geteuid().is_root() {
            // Who is not root has nothing to give up, and the kernel does not let it go on.
            let mut command = Command::new("/bin/true");
            drop_for(&mut command, 1 << 30);
            assert!(command.status().is_err());
            return;
        }
        let mut command = Command::new("/bin/cat");
        command.args(["/proc/self/status", "/proc/self/limits", "/proc/self/oom_score_adj"]);
        drop_for(&mut command, 1 << 30);
        let told = command.output().expect("there is a cat").stdout;
        let told = String::from_utf8(told).expect("text");
        let line = |name: &str| {
            let line = told.lines().find(|line| line.starts_with(name));
            line.map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).unwrap_or_default()
        };
        assert_eq!(line("Uid:"), "Uid: 990 990 990 990");
        assert_eq!(line("Gid:"), "Gid: 990 990 990 990");
        assert_eq!(line("Groups:"), "Groups:");
        assert_eq!(line("NoNewPrivs:"), "NoNewPrivs: 1");
        for set in ["CapEff:", "CapPrm:", "CapInh:", "CapAmb:", "CapBnd:"] {
            assert_eq!(line(set), format!("{set} 0000000000800400"), "{told}");
        }
        assert_eq!(told.lines().last(), Some("500"), "the first to go where memory runs out");
        assert_eq!(line("Max core"), "Max core file size 0 0 bytes");
        assert_eq!(line("Max processes"), "Max processes 256 256 processes");
        assert_eq!(line("Max data"), format!("Max data size {0} {0} bytes", 1 << 30));
    }

    #[test]
    fn a_folder_is_given_with_all_that_is_in_it() {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        fs::create_dir(folder.path().join("recordings")).expect("the folder is ours");
        fs::write(folder.path().join("recordings/one.wav"), "sound").expect("the folder is ours");
        std::os::unix::fs::symlink("/etc/passwd", folder.path().join("link")).expect("the folder is ours");
        let owner = fs::metadata("/etc/passwd").expect("it is there").uid();
        if !rustix::process::geteuid().is_root() {
            assert!(hand_over(folder.path()).is_err(), "only root gives files away");
            return;
        }
        hand_over(folder.path()).expect("it is ours to give");
        for path in ["", "recordings", "recordings/one.wav", "link"] {
            let metadata = fs::symlink_metadata(folder.path().join(path)).expect("it is there");
            assert_eq!((metadata.uid(), metadata.gid()), (USER, USER), "{path:?}");
        }
        assert_eq!(fs::metadata("/etc/passwd").expect("it is there").uid(), owner, "a link is not followed");
    }
}
