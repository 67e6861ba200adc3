//! The root file system: the programs, the folders to mount on, and a handful of files. Read-only and compressed.
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use crate::board::Board;
use crate::bundle;
use crate::run::tool;
use crate::voice;

/// Where the programs are that go into the image.
pub struct Programs {
    pub tandem: PathBuf,
    pub tandem_init: PathBuf,
    pub flite: PathBuf,
    /// The one that the firmware starts; it lies beside the root and not in it.
    pub boot: PathBuf,
}

/// A quarter smaller than LZ4, at the price of a tenth of a second until the programs of a slow board run; what is read once stays
/// in memory, so that large blocks cost nothing later.
const COMPRESSION: [&str; 6] = ["-comp", "zstd", "-Xcompression-level", "22", "-b", "1M"];

/// Writes the root file system to `squashfs`, all its files as old as `made` says.
pub fn build(board: &Board, programs: &Programs, made: u64, squashfs: &Path) -> Result<PathBuf> {
    let folder = tempfile::tempdir()?;
    fill(board, programs, made, folder.path())?;
    let made = made.to_string();
    tool("mksquashfs", [])
        .arg(folder.path())
        .arg(squashfs)
        .args(["-noappend", "-quiet", "-no-progress", "-all-root", "-no-xattrs"])
        .args(["-mkfs-time", &made, "-all-time", &made])
        .args(COMPRESSION)
        .done()?;
    Ok(squashfs.to_path_buf())
}

fn fill(board: &Board, programs: &Programs, made: u64, root: &Path) -> Result<()> {
    for folder in ["bin", "data", "dev", "etc", "proc", "run", "sys", "tmp"] {
        fs::create_dir(root.join(folder))?;
        fs::set_permissions(root.join(folder), fs::Permissions::from_mode(0o755))?;
    }
    let Programs { tandem, tandem_init, flite, boot: _ } = programs;
    for (name, program) in [("tandem", tandem), ("tandem-init", tandem_init), (voice::NAME, flite)] {
        let stripped = root.join("bin").join(name);
        tool("aarch64-linux-gnu-strip", ["--strip-all", "-o"]).arg(&stripped).arg(program).done()?;
        let content = fs::read(&stripped).with_context(|| program.display().to_string())?;
        if !is_static_aarch64(&content) {
            bail!("{} is not a static program for 64-bit ARM, and the image has no libraries", program.display());
        }
        fs::set_permissions(stripped, fs::Permissions::from_mode(0o755))?;
    }
    let files = [
        ("board", format!("{}\n", board.name)),
        ("floor", format!("{}\n", bundle::floor()?)),
        ("hosts", "127.0.0.1 localhost\n::1 localhost\n".to_owned()),
        ("made", format!("{made}\n")),
    ];
    for (name, content) in files {
        fs::write(root.join("etc").join(name), content)?;
        fs::set_permissions(root.join("etc").join(name), fs::Permissions::from_mode(0o644))?;
    }
    symlink("/run/resolv.conf", root.join("etc/resolv.conf"))?;
    Ok(())
}

/// Whether this is an ELF file for 64-bit ARM that names no interpreter (PT_INTERP), which would be the dynamic linker.
fn is_static_aarch64(program: &[u8]) -> bool {
    const AARCH64: u16 = 183;
    const PT_INTERP: u32 = 3;
    let number = |at: usize, length: usize| {
        let octets = program.get(at..at + length)?;
        Some(octets.iter().rev().fold(0u64, |number, octet| number << 8 | u64::from(*octet)))
    };
    let headers = || {
        let (start, size, count) = (number(32, 8)?, number(54, 2)?, number(56, 2)?);
        (0..count).map(|index| number(usize::try_from(start + index * size).ok()?, 4)).collect::<Option<Vec<u64>>>()
    };
    program.starts_with(b"\x7fELF\x02\x01")
        && number(18, 2) == Some(u64::from(AARCH64))
        && headers().is_some_and(|kinds| !kinds.contains(&u64::from(PT_INTERP)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_of_the_wrong_kind_is_refused() {
        let own = fs::read(std::env::current_exe().expect("a test is a program")).expect("it can be read");
        assert!(!is_static_aarch64(&own));
        assert!(!is_static_aarch64(b"#!/bin/sh\n"));
        assert!(!is_static_aarch64(b"\x7fELF\x02\x01"));
        let mut elf = b"\x7fELF\x02\x01".to_vec();
        elf.resize(64 + 2 * 56, 0);
        (elf[18], elf[32], elf[54], elf[56]) = (183, 64, 56, 2);
        assert!(is_static_aarch64(&elf));
        elf[64 + 56] = 3;
        assert!(!is_static_aarch64(&elf), "it asks for a dynamic linker");
        elf[64 + 56] = 0;
        elf[56] = 200;
        assert!(!is_static_aarch64(&elf), "its headers are cut off");
    }
}
