//! Builds a board's image: a kernel from Debian's source, a read-only root with the two programs, a disk with both and room
//! for data. Needs no root, and the same inputs give the same bytes.
pub mod board;
pub mod disk;
pub mod kernel;
pub mod partitions;
pub mod root;
pub mod run;

use std::path::{Path, PathBuf};

/// Where the image of a board is when it is built: `Image.gz`, `command_line`, `disk.img`, `disk.img.zst`.
pub fn out(board: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("out").join(board)
}
