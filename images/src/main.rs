//! `images BOARD TANDEM TANDEM_INIT` writes to `images/out/BOARD`; `make image` calls it with freshly built programs.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use sha2::{Digest, Sha256};

use images::board::Board;
use images::disk::Disk;
use images::root::{self, Programs};
use images::{kernel, run, voice};

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [board, tandem, tandem_init] = &arguments[..] else { bail!("usage: images BOARD TANDEM TANDEM_INIT") };
    let board = Board::open(board)?;
    let programs = Programs { tandem: tandem.into(), tandem_init: tandem_init.into(), flite: voice::build()? };
    let out = images::out(&board.name);
    build(&board, &programs, &out).with_context(|| format!("the image for {} cannot be built", board.name))
}

fn build(board: &Board, programs: &Programs, out: &Path) -> Result<()> {
    let kernel = kernel::build(board)?;
    fs::create_dir_all(out).with_context(|| out.display().to_string())?;
    let made = source_date()?;
    let stamp = stamp(board, programs, &kernel, made)?;
    let (stamp_file, compressed) = (out.join("stamp"), out.join("disk.img.zst"));
    if fs::read_to_string(&stamp_file).is_ok_and(|old| old == stamp)
        && compressed.exists()
        && out.join(images::UNSTRIPPED).exists()
    {
        return report(&kernel, &out.join("root.squashfs"), &compressed);
    }
    // A build that breaks off must not look like one that did not.
    let _ = fs::remove_file(&stamp_file);
    let root = root::build(programs, made, &out.join("root.squashfs"))?;
    fs::copy(&kernel, out.join("Image.gz"))?;
    fs::copy(&programs.tandem_init, out.join(images::UNSTRIPPED))?;
    fs::write(out.join("command_line"), &board.command_line)?;
    let disk = Disk { board, kernel: &kernel, root: &root, made };
    disk.assemble(&out.join("disk.img"))?;
    run::tool("zstd", ["-q", "-f", "-19", "-T0"]).arg(out.join("disk.img")).arg("-o").arg(&compressed).done()?;
    fs::write(&stamp_file, stamp)?;
    report(&kernel, &root, &compressed)
}

/// The time all files of the image bear: that of the commit, so that the same commit gives the same bytes.
fn source_date() -> Result<u64> {
    if let Ok(date) = std::env::var("SOURCE_DATE_EPOCH") {
        return date.trim().parse().with_context(|| format!("SOURCE_DATE_EPOCH is {date:?}"));
    }
    let date = run::tool("git", ["log", "-1", "--format=%ct"]).output();
    // Without git's history (a tarball) any fixed time will do.
    Ok(date.ok().and_then(|date| date.trim().parse().ok()).unwrap_or(1_790_000_000))
}

/// Stands for everything the image is made of, this builder included.
fn stamp(board: &Board, programs: &Programs, kernel: &Path, made: u64) -> Result<String> {
    let mut digest = Sha256::new();
    let builder = std::env::current_exe()?;
    let kernel = kernel.to_path_buf();
    for file in [&builder, &programs.tandem, &programs.tandem_init, &programs.flite, &kernel] {
        digest.update(Sha256::digest(fs::read(file).with_context(|| file.display().to_string())?));
    }
    digest.update(made.to_be_bytes());
    digest.update(&board.command_line);
    digest.update(&board.partitions);
    Ok(hex::encode(digest.finalize()))
}

fn report(kernel: &Path, root: &Path, compressed: &Path) -> Result<()> {
    let size =
        |file: &Path| fs::metadata(file).map(|metadata| metadata.len()).with_context(|| file.display().to_string());
    let folder: PathBuf = compressed.parent().map(Path::to_path_buf).unwrap_or_default();
    println!("image in {}", folder.display());
    println!("image_kernel {:.2} MB", size(kernel)? as f64 / 1e6);
    println!("image_root {:.2} MB", size(root)? as f64 / 1e6);
    println!("image_compressed {:.2} MB", size(compressed)? as f64 / 1e6);
    Ok(())
}
