//! The disk: a GPT with boot (FAT: kernel and command line), root (squashfs) and data (ext4, empty).
use std::fs::{self, File};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use crate::board::Board;
use crate::partitions::{self, Partition};
use crate::run::tool;

/// What a disk is made of.
pub struct Disk<'a> {
    pub board: &'a Board,
    pub kernel: &'a Path,
    pub root: &'a Path,
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
            let content = match partition.name.as_str() {
                "boot" => self.boot(partition, work.path())?,
                "root" => self.root.to_path_buf(),
                "data" => self.data(partition, work.path())?,
                other => bail!("nobody knows what goes into the partition {other:?}"),
            };
            place(&content, partition, &disk)?;
        }
        Ok(())
    }

    fn boot(&self, partition: &Partition, work: &Path) -> Result<PathBuf> {
        let file = blank(partition, work)?;
        tool("mkfs.vfat", ["--invariant", "-n", "BOOT"]).arg(&file).done()?;
        let command_line = work.join("command_line");
        fs::write(&command_line, &self.board.command_line)?;
        for (content, name) in [(self.kernel, "::Image.gz"), (&command_line, "::cmdline.txt")] {
            let mcopy = tool("mcopy", ["-i"]).arg(&file).arg(content).arg(name);
            mcopy.env("SOURCE_DATE_EPOCH", self.made.to_string()).done()?;
        }
        Ok(file)
    }

    /// Everything that is usually left to chance or to the first mount is done here, the same every time.
    fn data(&self, partition: &Partition, work: &Path) -> Result<PathBuf> {
        const UUID: &str = "54414e44-454d-4000-8000-000000000003";
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
fn place(content: &Path, partition: &Partition, mut disk: &File) -> Result<()> {
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
            disk.seek(SeekFrom::Start(at))?;
            disk.write_all(&chunk[..length])?;
        }
        at += length as u64;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_disk_is_the_same_twice_and_has_three_file_systems() {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let board = Board::open("qemu_virt").expect("it is our own");
        let (kernel, root) = (folder.path().join("kernel"), folder.path().join("root"));
        fs::write(&kernel, "a kernel").expect("the folder is ours");
        fs::write(&root, "hsqs and so on").expect("the folder is ours");
        let made = 1_790_000_000;
        let disk = Disk { board: &board, kernel: &kernel, root: &root, made };
        let images = ["first", "second"].map(|name| {
            let image = folder.path().join(name);
            disk.assemble(&image).expect("all tools are there");
            fs::read(image).expect("it was just written")
        });
        assert!(images[0] == images[1], "the two differ");
        let table = partitions::read(&board.partitions).expect("it is our own");
        let at = |name: &str, offset: u64, length: usize| {
            let partition = table.iter().find(|partition| partition.name == name).expect("it is in the table");
            let start = (partition.start + offset) as usize;
            &images[0][start..start + length]
        };
        assert_eq!(&images[0][512..520], b"EFI PART");
        assert_eq!(at("boot", 54, 5), b"FAT16");
        assert_eq!(at("root", 0, 14), b"hsqs and so on");
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
