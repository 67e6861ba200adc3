//! Builds a board's image: a kernel from Debian's source, a read-only root with the programs, a disk with both in
//! one of two slots, a boot program that picks the slot, and room for data. Needs no root, and the same inputs give the same bytes.
pub mod bill;
pub mod board;
pub mod bundle;
pub mod disk;
pub mod image;
pub mod kernel;
pub mod partitions;
pub mod root;
pub mod run;
pub mod slot;
pub mod voice;

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// Where what takes long is kept: `TANDEM_CACHE`, or a folder of the user's.
pub(crate) fn cache() -> Result<PathBuf> {
    let cache = std::env::var_os("TANDEM_CACHE").map(PathBuf::from);
    let cache = cache.or_else(|| Some(Path::new(&std::env::var_os("HOME")?).join(".cache/tandem")));
    cache.context("neither TANDEM_CACHE nor HOME is set")
}

/// The `tandem-init` of an image as it was before it was stripped, beside that image: the texts of the flight recorder are in it.
pub const UNSTRIPPED: &str = "tandem-init.unstripped";

/// Where the image of a board is when it is built: `Image`, `Image.zst`, `command_line`, `disk.img`, `disk.img.zst`.
pub fn out(board: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("out").join(board)
}
