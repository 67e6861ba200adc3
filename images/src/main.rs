//! `images BOARD TANDEM TANDEM_INIT BOOT` writes to `images/out/BOARD`; `make image` calls it with freshly built programs.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};

use images::board::Board;
use images::image::Image;
use images::root::Programs;
use images::slot::Version;
use images::{kernel, run, voice};

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [board, tandem, tandem_init, boot] = &arguments[..] else {
        bail!("usage: images BOARD TANDEM TANDEM_INIT BOOT")
    };
    let board = Board::open(board)?;
    let (tandem, tandem_init, boot) = (tandem.into(), tandem_init.into(), boot.into());
    let programs = Programs { tandem, tandem_init, flite: voice::build()?, boot };
    build(&board, &programs).with_context(|| format!("the image for {} cannot be built", board.name))
}

fn build(board: &Board, programs: &Programs) -> Result<()> {
    let (kernel, made, out) = (kernel::build(board)?, source_date()?, images::out(&board.name));
    let version = Version { build: made, text: version_text() };
    Image { board, programs, kernel: &kernel, version: &version, made }.build(&out)?;
    report(&out)
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

/// The version with the commit, where there is one.
fn version_text() -> String {
    let version = env!("CARGO_PKG_VERSION");
    let commit = run::tool("git", ["rev-parse", "--short=12", "HEAD"]).output().unwrap_or_default();
    if commit.trim().is_empty() { version.to_owned() } else { format!("{version}+{}", commit.trim()) }
}

fn report(out: &Path) -> Result<()> {
    println!("image in {}", out.display());
    for (name, file) in [("kernel", "Image.zst"), ("root", "root.squashfs"), ("compressed", "disk.img.zst")] {
        let length = fs::metadata(out.join(file)).with_context(|| file.to_owned())?.len();
        println!("image_{name} {:.2} MB", length as f64 / 1e6);
    }
    Ok(())
}
