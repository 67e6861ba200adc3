//! What a bundle says of itself.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{Fault, limits};

/// The manifest. Fields that this program does not know are no fault: a later one may add some.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// For which board it is, such as `qemu_virt`.
    pub board: String,
    /// A number that only grows.
    pub build: u64,
    /// What people call the version, 1 to 64 printable characters.
    pub version: String,
    /// A box with this version never goes back to a build below this.
    pub floor: u64,
    /// The root and the kernel, in this order.
    pub parts: Vec<Part>,
}

/// What is said of a part.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    /// Which it is.
    pub name: PartName,
    /// Octets, at least one.
    pub size: u64,
    /// SHA-256 of them.
    #[serde(with = "hex::serde")]
    pub sha256: [u8; 32],
}

/// The parts that there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PartName {
    /// The file system with the programs (squashfs).
    Root,
    /// The kernel.
    Kernel,
}

impl fmt::Display for PartName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            PartName::Root => "file system",
            PartName::Kernel => "kernel",
        })
    }
}

impl Manifest {
    /// Reads one.
    ///
    /// # Errors
    /// [`Fault::Manifest`] says what of it cannot be.
    pub fn parse(json: &[u8]) -> Result<Manifest, Fault> {
        let manifest: Manifest =
            serde_json::from_slice(json).map_err(|error| Fault::Manifest(format!("its manifest has an {error}")))?;
        let wrong = |what: &str| Err(Fault::Manifest(what.to_owned()));
        let names: Vec<PartName> = manifest.parts.iter().map(|part| part.name).collect();
        if names != [PartName::Root, PartName::Kernel] {
            return wrong("its parts are not a file system and a kernel");
        }
        if manifest.parts.iter().any(|part| part.size == 0 || part.size > u64::MAX / 4) {
            return wrong("one of its parts has an impossible length");
        }
        let is_printable =
            |text: &str| (1..=limits::VERSION).contains(&text.chars().count()) && !text.chars().any(char::is_control);
        if !is_printable(&manifest.version) || !is_printable(&manifest.board) {
            return wrong("its version or its board has no readable name");
        }
        if manifest.floor > manifest.build {
            return wrong("it would forbid itself");
        }
        Ok(manifest)
    }

    /// Octets that its parts take in a slot, each beginning at a block's start.
    pub fn room(&self) -> u64 {
        self.parts.iter().map(|part| part.size.next_multiple_of(limits::ALIGNMENT)).sum()
    }

    /// Octets of its parts in the file.
    pub fn octets(&self) -> u64 {
        self.parts.iter().map(|part| part.size).sum()
    }
}
