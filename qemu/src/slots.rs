//! Slots and the boot state in the file of a disk, written while its machine is off.
use std::fs::{self, File};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};
use hal::slot::{BootState, COPIES, STATE_PARTITION, Slot, load};
use images::board::Board;
use images::partitions::{self, Partition};
use images::slot::{Slot as Content, Version};
use tempfile::TempDir;

use crate::machine::BOARD;
use crate::setup::{Disk, run};

/// A program of a root that is to be another one.
pub struct Replacement<'a> {
    /// Such as `bin/tandem`.
    pub path: &'a str,
    pub with: PathBuf,
}

/// A root like the image's, with one file replaced.
pub struct Root {
    folder: TempDir,
}

impl Root {
    /// Unpacks the image's root, replaces, and packs it again.
    pub fn with(replacement: &Replacement) -> Result<Root> {
        let folder = tempfile::tempdir()?;
        let (unpacked, packed) = (folder.path().join("unpacked"), folder.path().join("root.squashfs"));
        let root = images::out(BOARD).join("root.squashfs");
        run(Command::new("unsquashfs").args(["-q", "-n", "-d"]).arg(&unpacked).arg(root))?;
        let place = unpacked.join(replacement.path);
        let permissions = fs::metadata(&place)?.permissions();
        fs::copy(&replacement.with, &place)?;
        fs::set_permissions(&place, permissions)?;
        // Packed in a hurry: it lives for one test.
        let options = ["-quiet", "-no-progress", "-all-root", "-comp", "zstd", "-Xcompression-level", "3"];
        run(Command::new("mksquashfs").arg(&unpacked).arg(packed).args(options))?;
        Ok(Root { folder })
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("root.squashfs")
    }
}

impl Disk {
    /// Fills a slot with the image's kernel and its root, or another one.
    pub fn fill(&self, slot: Slot, build: u64, root: Option<&Root>) -> Result<()> {
        let out = images::out(BOARD);
        let root = root.map_or_else(|| out.join("root.squashfs"), Root::path);
        let (partition, version) = (partition(slot.partition())?, Version { build, text: format!("test {build}") });
        let content = Content::lay_out(&root, &out.join("Image.zst"), &version, partition.length)?;
        for (at, octets) in content.pieces(partition.length) {
            self.write(partition.start + at, &octets)?;
        }
        Ok(())
    }

    /// Flips a bit of a slot, as a worn-out card does. A root damaged so is no file system any more, and the kernel panics.
    pub fn damage(&self, slot: Slot, part: Part) -> Result<()> {
        let at = partition(slot.partition())?.start
            + match part {
                Part::Kernel => self.trailer(slot)?.kernel.offset + 4096,
                Part::Root => 0,
            };
        let file = self.file()?;
        let mut octet = [0];
        file.read_exact_at(&mut octet, at)?;
        self.write(at, &[octet[0] ^ 1])
    }

    /// What the last octets of a slot say.
    pub fn trailer(&self, slot: Slot) -> Result<hal::slot::Trailer> {
        let partition = partition(slot.partition())?;
        let mut octets = [0; hal::slot::TRAILER_LENGTH];
        let end = partition.start + partition.length;
        self.file()?.read_exact_at(&mut octets, end - hal::slot::TRAILER_LENGTH as u64)?;
        let trailer = hal::slot::Trailer::decode(&octets, partition.length);
        trailer.map_err(|flaw| anyhow::anyhow!("slot {slot} has no trailer: {flaw:?}"))
    }

    /// Changes the boot state.
    pub fn change_state(&self, how: impl FnOnce(&mut BootState)) -> Result<()> {
        let mut state = self.state()?;
        how(&mut state);
        images::disk::write_state(&state, &partition(STATE_PARTITION)?, &self.file()?)
    }

    /// The boot state as the boot program would read it.
    pub fn state(&self) -> Result<BootState> {
        let partition = partition(STATE_PARTITION)?;
        let mut copies = vec![0; partition.length as usize];
        self.file()?.read_exact_at(&mut copies, partition.start)?;
        let file = tempfile::NamedTempFile::new()?;
        fs::write(&file, copies)?;
        load(&mut File::open(&file)?).context("both copies of the boot state are damaged")
    }

    /// Writes garbage over the first or the second copy of the boot state.
    pub fn damage_state(&self, copy: usize) -> Result<()> {
        self.write(partition(STATE_PARTITION)?.start + COPIES[copy], &[0x5a; 512])
    }

    fn write(&self, at: u64, octets: &[u8]) -> Result<()> {
        Ok(self.file()?.write_all_at(octets, at)?)
    }

    fn file(&self) -> Result<File> {
        let path: &Path = self.path();
        File::options().read(true).write(true).open(path).with_context(|| path.display().to_string())
    }
}

/// What of a slot is damaged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    Kernel,
    Root,
}

fn partition(name: &str) -> Result<Partition> {
    let table = partitions::read(&Board::open(BOARD)?.partitions)?;
    partitions::named(&table, name).cloned()
}
