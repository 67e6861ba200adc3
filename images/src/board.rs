//! A board's folder: what its image is made of beside the programs.
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

/// The files of `images/boards/NAME`.
pub struct Board {
    pub name: String,
    /// Kernel options on top of `tinyconfig`.
    pub kernel_config: String,
    /// What the kernel is told at boot, in one line.
    pub command_line: String,
    /// The partition table, as `sfdisk` reads it.
    pub partitions: String,
}

impl Board {
    /// Reads a board's folder.
    pub fn open(name: &str) -> Result<Board> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("boards").join(name);
        let read = |file: &str| {
            fs::read_to_string(folder.join(file)).with_context(|| format!("the board {name:?} has no readable {file}"))
        };
        Ok(Board {
            name: name.to_owned(),
            kernel_config: read("kernel.config")?,
            command_line: read("command_line")?,
            partitions: read("partitions")?,
        })
    }
}
