//! A board's image from all its parts: root, kernel and boot program, put onto a disk and packed.
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use sha2::{Digest, Sha256};

use crate::bill;
use crate::board::Board;
use crate::disk::Disk;
use crate::kernel::Kernel;
use crate::root::{self, Programs};
use crate::run::tool;
use crate::slot::Version;

/// What an image is made of.
pub struct Image<'a> {
    pub board: &'a Board,
    pub programs: &'a Programs,
    pub kernel: &'a Kernel,
    pub version: &'a Version,
    /// The time all files bear, so that the same commit gives the same bytes.
    pub made: u64,
}

impl Image<'_> {
    /// Writes `bill.json`, `root.squashfs`, `Image`, `Image.zst`, `command_line`, `disk.img` and `disk.img.zst`, unless they are there already.
    pub fn build(&self, out: &Path) -> Result<()> {
        fs::create_dir_all(out).with_context(|| out.display().to_string())?;
        let (stamp, stamp_file) = (self.stamp()?, out.join("stamp"));
        let is_made = ["disk.img", "disk.img.zst", crate::UNSTRIPPED].iter().all(|file| out.join(file).exists());
        if is_made && fs::read_to_string(&stamp_file).is_ok_and(|old| old == stamp) {
            return Ok(());
        }
        // A build that breaks off must not look like one that did not.
        let _ = fs::remove_file(&stamp_file);
        let root = root::build(self.board, self.programs, self.made, &out.join("root.squashfs"))?;
        fs::copy(&self.kernel.image, out.join("Image"))?;
        fs::copy(&self.kernel.packed, out.join("Image.zst"))?;
        fs::copy(&self.programs.tandem_init, out.join(crate::UNSTRIPPED))?;
        fs::write(out.join("command_line"), &self.board.command_line)?;
        bill::write(&bill::components(self.board)?, self.board, self.version, &out.join("bill.json"))?;
        let (boot, kernel) = (&self.programs.boot, &self.kernel.packed);
        let disk = Disk { board: self.board, boot, kernel, root: &root, version: self.version, made: self.made };
        disk.assemble(&out.join("disk.img"))?;
        let packed = out.join("disk.img.zst");
        tool("zstd", ["-q", "-f", "-19", "-T0"]).arg(out.join("disk.img")).arg("-o").arg(packed).done()?;
        Ok(fs::write(&stamp_file, stamp)?)
    }

    /// Stands for everything the image is made of, this builder included.
    fn stamp(&self) -> Result<String> {
        let Programs { tandem, tandem_init, flite, boot } = self.programs;
        let mut digest = Sha256::new();
        for file in [&std::env::current_exe()?, tandem, tandem_init, flite, boot, &self.kernel.packed] {
            digest.update(Sha256::digest(fs::read(file).with_context(|| file.display().to_string())?));
        }
        digest.update(self.made.to_be_bytes());
        digest.update(crate::bundle::floor()?.to_be_bytes());
        for text in [&self.version.text, &self.board.command_line, &self.board.partitions] {
            digest.update(Sha256::digest(text));
        }
        Ok(hex::encode(digest.finalize()))
    }
}
