//! A board's folder: what its image is made of beside the programs.
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};

/// What a board's processor speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Architecture {
    Aarch64,
    X86_64,
}

impl Architecture {
    /// The end of the name under which firmware looks for a boot program.
    pub fn efi_suffix(self) -> &'static str {
        match self {
            Architecture::Aarch64 => "AA64",
            Architecture::X86_64 => "X64",
        }
    }
}

/// The files of `images/boards/NAME`.
pub struct Board {
    pub name: String,
    pub architecture: Architecture,
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
            architecture: match read("architecture")?.trim() {
                "aarch64" => Architecture::Aarch64,
                "x86_64" => Architecture::X86_64,
                other => bail!("the board {name:?} has an unknown architecture {other:?}"),
            },
            kernel_config: read("kernel.config")?,
            command_line: read("command_line")?,
            partitions: read("partitions")?,
        })
    }
}
