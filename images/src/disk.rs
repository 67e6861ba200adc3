//! The disk: a GPT with boot (FAT: the boot program and the kernel's command line), boot_state, slot_a (filled), slot_b and
//! factory (empty), data (ext4, empty).
use std::fs::{self, File};
use std::io::Read;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use hal::slot::{BootState, COPIES, Slot};

use crate::board::Board;
use crate::partitions::{self, Partition};
use crate::run::tool;
use crate::slot::{self, Version};

/// What a disk is made of.
pub struct Disk<'a> {
    pub board: &'a Board,
    /// The program that the firmware starts.
    pub boot: &'a Path,
    /// An EFI program, packed or not.
    pub kernel: &'a Path,
    pub root: &'a Path,
    pub version: &'a Version,
    /// The age of its files.
    pub made: u64,
}

impl Disk<'_> {
    /// Writes the disk's image.
    pub fn assemble(&self, image: &Path) -> Result<()> {
        let table = partitions::read(&self.board.partitions)?;
        let work = tempfile::tempdir()?;
        // A fresh file, because one written over would keep its old data where the new one has holes.
        let _ = fs::remove_file(image);
        let disk = File::create_new(image).with_context(|| image.display().to_string())?;
        disk.set_len(partitions::disk_length(&table))?;
        tool("sfdisk", ["-q"]).arg(image).input(&self.board.partitions).done()?;
        for partition in &table {
            match partition.name.as_str() {
                "boot" => place(&self.boot_files(partition, work.path())?, partition, &disk)?,
                "boot_state" => write_state(&BootState::new(Slot::A), partition, &disk)?,
                "slot_a" => self.slot(partition, &disk)?,
                "slot_b" | "factory" => {}
                "data" => place(&self.data(partition, work.path())?, partition, &disk)?,
                other => bail!("nobody knows what goes into the partition {other:?}"),
            }
        }
        Ok(())
    }

    fn boot_files(&self, partition: &Partition, work: &Path) -> Result<PathBuf> {
        let file = blank(partition, work)?;
        let made = self.made.to_string();
        tool("mkfs.vfat", ["--invariant", "-n", "BOOT"]).arg(&file).done()?;
        let command_line = work.join("command_line");
        fs::write(&command_line, &self.board.command_line)?;
        for folder in ["::EFI", "::EFI/BOOT"] {
            tool("mmd", ["-i"]).arg(&file).arg(folder).env("SOURCE_DATE_EPOCH", &made).done()?;
        }
        // Where firmware looks on a disk about which it has been told nothing (UEFI specification, section 3.5.1.1).
        let boot_name = format!("::EFI/BOOT/BOOT{}.EFI", self.board.architecture.efi_suffix());
        for (content, name) in [(self.boot, boot_name.as_str()), (&command_line, "::cmdline.txt")] {
            let mcopy = tool("mcopy", ["-i"]).arg(&file).arg(content).arg(name);
            mcopy.env("SOURCE_DATE_EPOCH", &made).done()?;
        }
        Ok(file)
    }

    fn slot(&self, partition: &Partition, disk: &File) -> Result<()> {
        let slot = slot::Slot::lay_out(self.root, self.kernel, self.version, partition.length)?;
        for (at, octets) in slot.pieces(partition.length) {
            disk.write_all_at(&octets, partition.start + at)?;
        }
        Ok(())
    }

    /// Everything that is usually left to chance or to the first mount is done here, the same every time.
    fn data(&self, partition: &Partition, work: &Path) -> Result<PathBuf> {
        const UUID: &str = "54414e44-454d-4000-8000-000000000006";
        let file = blank(partition, work)?;
        let options = format!("hash_seed={UUID},lazy_itable_init=0,lazy_journal_init=0,root_owner=0:0");
        tool(
            "mke2fs",
            ["-q", "-F", "-t", "ext4", "-b", "4096", "-m", "0", "-J", "size=8", "-L", "data", "-U", UUID, "-E"],
        )
        .arg(options)
        .arg(&file)
        .env("SOURCE_DATE_EPOCH", self.made.to_string())
        .env("E2FSPROGS_FAKE_TIME", self.made.to_string())
        .done()?;
        Ok(file)
    }
}

fn blank(partition: &Partition, work: &Path) -> Result<PathBuf> {
    let path = work.join(&partition.name);
    File::create(&path)?.set_len(partition.length)?;
    Ok(path)
}

/// Copies a file system to its place. Zeros are left out: the disk's image is made of them and stays small.
fn place(content: &Path, partition: &Partition, disk: &File) -> Result<()> {
    let mut source = File::open(content)?;
    let length = source.metadata()?.len();
    if length > partition.length {
        bail!("{} does not fit: it has {length} octets of {} taken", partition.name, partition.length);
    }
    let mut chunk = vec![0; 64 << 10];
    let mut at = partition.start;
    loop {
        let length = source.read(&mut chunk)?;
        if length == 0 {
            return Ok(());
        }
        if chunk[..length].iter().any(|octet| *octet != 0) {
            disk.write_all_at(&chunk[..length], at)?;
        }
        at += length as u64;
    }
}

/// Writes both copies of the state to a disk on which nobody else works.
pub fn write_state(state: &BootState, partition: &Partition, disk: &File) -> Result<()> {
    for copy in COPIES {
        disk.write_all_at(&state.encode(), partition.start + copy)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_disk_has_all_partitions_filled_or_empty_as_they_should_be() {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let board = Board::open("qemu_virt").expect("it is our own");
        let [boot, kernel, root] = ["a boot program", "a kernel", "hsqs and so on"].map(|content| {
            let file = folder.path().join(content);
            fs::write(&file, content).expect("the folder is ours");
            file
        });
        let version = Version { build: 1_790_000_000, text: "0.1.0".to_owned() };
        let disk =
            Disk { board: &board, boot: &boot, kernel: &kernel, root: &root, version: &version, made: version.build };
        let image = folder.path().join("disk");
        disk.assemble(&image).expect("all tools are there");
        let table = partitions::read(&board.partitions).expect("it is our own");
        let image = fs::read(image).expect("it was just written");
        let at = |name: &str, offset: u64, length: usize| {
            let partition = table.iter().find(|partition| partition.name == name).expect("it is in the table");
            let start = (partition.start + offset) as usize;
            &image[start..start + length]
        };
        assert_eq!(&image[512..520], b"EFI PART");
        assert_eq!(at("boot", 54, 5), b"FAT16");
        assert_eq!(at("slot_a", 0, 14), b"hsqs and so on");
        assert_eq!(at("slot_a", 4096, 8), b"a kernel");
        assert_eq!(at("slot_a", (32 << 20) - 4096, 11), b"TANDEM-SLOT");
        assert!(at("slot_b", 0, 32 << 20).iter().all(|octet| *octet == 0));
        for copy in COPIES {
            let state = at("boot_state", copy, 64).try_into().expect("there are so many");
            assert_eq!(BootState::decode(state), Ok(BootState::new(Slot::A)));
        }
        assert_eq!(at("data", 1024 + 56, 2), [0x53, 0xef], "the mark of ext4");
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let content = folder.path().join("content");
        fs::write(&content, [1; 1025]).expect("the folder is ours");
        let disk = File::create(folder.path().join("disk")).expect("the folder is ours");
        let partition = Partition { name: "root".to_owned(), start: 0, length: 1024 };
        let error = place(&content, &partition, &disk).expect_err("it has an octet too many");
        assert!(format!("{error}").starts_with("root does not fit"), "{error}");
    }
}
