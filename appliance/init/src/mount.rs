//! The file systems: the kernel's own, memory for what may be forgotten, and the data partition for what may not.
use std::ffi::CStr;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow};
use rustix::mount::{MountFlags, UnmountFlags, mount, mount_remount, unmount};

/// Where everything that must survive lives.
pub const DATA: &str = "/data";

/// Mounts what any process needs before it can do anything.
pub fn essentials() -> Result<()> {
    let plain = MountFlags::NOSUID | MountFlags::NOEXEC;
    let table: [(&str, &str, MountFlags, Option<&CStr>); 6] = [
        ("proc", "/proc", plain | MountFlags::NODEV, None),
        ("sysfs", "/sys", plain | MountFlags::NODEV, None),
        ("devtmpfs", "/dev", plain, None),
        ("devpts", "/dev/pts", plain, Some(c"gid=5,mode=620,ptmxmode=666")),
        ("tmpfs", "/run", plain | MountFlags::NODEV, Some(c"mode=755,size=4m")),
        ("tmpfs", "/tmp", plain | MountFlags::NODEV, Some(c"mode=1777,size=16m")),
    ];
    for (kind, target, flags, options) in table {
        if target == "/dev/pts" {
            fs::create_dir_all(target).context("/dev/pts cannot be made")?;
        }
        mount(kind, target, kind, flags, options).with_context(|| format!("{target} cannot be mounted"))?;
    }
    Ok(())
}

/// Mounts the partition labelled `data`; its journal makes good what a power cut left half done.
pub fn data() -> Result<()> {
    let device =
        partition("data", Path::new("/sys/class/block")).ok_or_else(|| anyhow!("no partition is labelled data"))?;
    let flags = MountFlags::NOSUID | MountFlags::NODEV | MountFlags::NOEXEC | MountFlags::NOATIME;
    mount(&device, DATA, "ext4", flags, c"errors=remount-ro")
        .with_context(|| format!("{} cannot be mounted", device.display()))
}

/// The device of the first partition with this label.
pub fn partition(label: &str, block_devices: &Path) -> Option<PathBuf> {
    let mut devices: Vec<PathBuf> = fs::read_dir(block_devices).ok()?.flatten().map(|entry| entry.path()).collect();
    devices.sort();
    devices.into_iter().find_map(|device| {
        let description = fs::read_to_string(device.join("uevent")).ok()?;
        let value = |key: &str| description.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix('='));
        (value("PARTNAME") == Some(label)).then(|| Path::new("/dev").join(value("DEVNAME").unwrap_or_default()))
    })
}

/// Writes everything out and takes the data partition away, or at least makes it read-only.
pub fn put_away() -> Result<()> {
    rustix::fs::sync();
    if unmount(DATA, UnmountFlags::empty()).is_ok() {
        return Ok(());
    }
    mount_remount(DATA, MountFlags::RDONLY, c"").context("the data partition stays mounted")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_partition_is_found_by_its_label() {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        for (device, uevent) in [
            ("vda", "MAJOR=254\nDEVNAME=vda\nDEVTYPE=disk\n"),
            ("vda2", "MAJOR=254\nDEVNAME=vda2\nDEVTYPE=partition\nPARTN=2\nPARTNAME=root\n"),
            ("vda3", "MAJOR=254\nDEVNAME=vda3\nDEVTYPE=partition\nPARTN=3\nPARTNAME=data\n"),
        ] {
            fs::create_dir(folder.path().join(device)).expect("the folder is ours");
            fs::write(folder.path().join(device).join("uevent"), uevent).expect("the folder is ours");
        }
        assert_eq!(partition("data", folder.path()), Some(PathBuf::from("/dev/vda3")));
        assert_eq!(partition("boot", folder.path()), None);
        assert_eq!(partition("data", Path::new("/nowhere")), None);
    }
}
