//! What goes into a slot partition: the root, the kernel behind it, and the trailer in the last octets.
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, anyhow, bail};
use hal::slot::{Part, TRAILER_LENGTH, Trailer};
use sha2::{Digest, Sha256};

/// The kernel begins where a page of memory could.
const ALIGNMENT: u64 = 4096;

/// Which build of the image this is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Version {
    /// A number that only grows: the time of the commit, in seconds since 1970.
    pub build: u64,
    /// What people say.
    pub text: String,
}

/// The content of a slot, as pieces with their places.
pub struct Slot {
    pub root: Vec<u8>,
    pub kernel: Vec<u8>,
    pub trailer: Trailer,
}

impl Slot {
    /// Lays out a slot in a partition of this length.
    pub fn lay_out(root: &Path, kernel: &Path, version: &Version, length: u64) -> Result<Slot> {
        let read = |file: &Path| fs::read(file).with_context(|| file.display().to_string());
        let (root, kernel) = (read(root)?, read(kernel)?);
        let part = |offset: u64, octets: &[u8]| Part {
            offset,
            length: octets.len() as u64,
            sha256: Sha256::digest(octets).into(),
        };
        let kernel_at = (root.len() as u64).next_multiple_of(ALIGNMENT);
        let text = version.text.as_str();
        let trailer = Trailer {
            build: version.build,
            version: text.try_into().map_err(|_| anyhow!("the version {text:?} is too long"))?,
            kernel: part(kernel_at, &kernel),
            root: part(0, &root),
        };
        // Read back as the board will, so that what it would refuse is refused here.
        if Trailer::decode(&trailer.encode(), length) != Ok(trailer.clone()) {
            bail!(
                "a slot of {length} octets has no room for a root of {} and a kernel of {}",
                root.len(),
                kernel.len()
            );
        }
        Ok(Slot { root, kernel, trailer })
    }

    /// What to write, and where in a partition of this length.
    pub fn pieces(&self, length: u64) -> [(u64, Vec<u8>); 3] {
        [
            (self.trailer.root.offset, self.root.clone()),
            (self.trailer.kernel.offset, self.kernel.clone()),
            (length - TRAILER_LENGTH as u64, self.trailer.encode().to_vec()),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slot_holds_what_its_trailer_says_or_is_refused() {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let (root, kernel) = (folder.path().join("root"), folder.path().join("kernel"));
        fs::write(&root, [1; 5000]).expect("the folder is ours");
        fs::write(&kernel, [2; 3000]).expect("the folder is ours");
        let version = Version { build: 7, text: "0.1.0".to_owned() };
        let slot = Slot::lay_out(&root, &kernel, &version, 16384).expect("there is room");
        assert_eq!((slot.trailer.kernel.offset, slot.trailer.kernel.length), (8192, 3000));
        assert_eq!(slot.trailer.kernel.sha256[..], Sha256::digest([2; 3000])[..]);
        assert_eq!(slot.pieces(16384).map(|(at, octets)| (at, octets.len())), [(0, 5000), (8192, 3000), (12288, 4096)]);
        let error = Slot::lay_out(&root, &kernel, &version, 12288).map(drop).expect_err("there is no room");
        assert!(format!("{error}").contains("no room"), "{error}");
        let long = Version { build: 7, text: "x".repeat(65) };
        assert!(Slot::lay_out(&root, &kernel, &long, 16384).is_err());
    }
}
