//! Updates: what is in a slot of an image, as one signed file. And the keys: whose updates an image takes, and who signs here.
use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow, bail};
use bundle::{Manifest, Part, PartName, PrivateKey, PublicKey, Trusted, sign};
use hal::slot::{Slot, TRAILER_LENGTH, Trailer};
use sha2::{Digest, Sha256};

use crate::board::Board;
use crate::partitions;
use crate::run::tool;

/// What an update consists of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Update {
    pub board: String,
    /// A number that only grows.
    pub build: u64,
    pub version: String,
    pub root: Vec<u8>,
    pub kernel: Vec<u8>,
}

impl Update {
    /// What the first slot of an image's disk holds.
    pub fn of_image(board: &Board, disk: &Path) -> Result<Update> {
        let table = partitions::read(&board.partitions)?;
        let name = Slot::A.partition();
        let slot = table.iter().find(|partition| partition.name == name).with_context(|| format!("no {name}"))?;
        let file = File::open(disk).with_context(|| format!("{}; `make image` builds it", disk.display()))?;
        let read = |at: u64, length: usize| -> Result<Vec<u8>> {
            let mut octets = vec![0; length];
            file.read_exact_at(&mut octets, slot.start + at)?;
            Ok(octets)
        };
        let trailer = read(slot.length - TRAILER_LENGTH as u64, TRAILER_LENGTH)?;
        let trailer: &[u8; TRAILER_LENGTH] = trailer.first_chunk().expect("it was read with that length");
        let trailer =
            Trailer::decode(trailer, slot.length).map_err(|flaw| anyhow!("{name} holds no image: {flaw:?}"))?;
        let part = |part: &hal::slot::Part| {
            let octets = read(part.offset, usize::try_from(part.length)?)?;
            if Sha256::digest(&octets)[..] != part.sha256 {
                bail!("{name} is not what its trailer says");
            }
            Ok(octets)
        };
        let (root, kernel) = (part(&trailer.root)?, part(&trailer.kernel)?);
        let version = trailer.version.as_str().to_owned();
        Ok(Update { board: board.name.clone(), build: trailer.build, version, root, kernel })
    }

    /// The file, signed by these keys.
    pub fn seal(&self, keys: &[PrivateKey]) -> Result<Vec<u8>> {
        let part =
            |name, octets: &[u8]| Part { name, size: octets.len() as u64, sha256: Sha256::digest(octets).into() };
        let parts = vec![part(PartName::Root, &self.root), part(PartName::Kernel, &self.kernel)];
        let (board, version) = (self.board.clone(), self.version.clone());
        let manifest = Manifest { board, build: self.build, version, floor: floor()?, parts };
        let head = sign(&manifest, keys).context("the update cannot be signed")?;
        Ok([&head[..], &self.root, &self.kernel].concat())
    }
}

/// No build below this is taken by a box with an image that is built now.
pub fn floor() -> Result<u64> {
    let path = folder().join("floor");
    let text = fs::read_to_string(&path).with_context(|| path.display().to_string())?;
    text.trim().parse().with_context(|| format!("{} holds no number", path.display()))
}

/// Whose updates images take: the keys in `images/keys`, or the development's where there is none.
pub fn trusted() -> Result<Trusted> {
    let mut files: Vec<PathBuf> = fs::read_dir(folder().join("keys"))?.flatten().map(|entry| entry.path()).collect();
    files.retain(|file| file.extension().is_some_and(|kind| kind == "pub"));
    files.sort();
    let read = |file: &PathBuf| {
        let pem = fs::read_to_string(file).with_context(|| file.display().to_string())?;
        PublicKey::from_pem(&pem).with_context(|| file.display().to_string())
    };
    let keys = files.iter().map(read).collect::<Result<Vec<_>>>()?;
    Ok(Trusted::new(if keys.is_empty() { vec![development_key()?.public()] } else { keys }))
}

/// The development's key, which is made where there is none. It is this machine's and nobody else's.
pub fn development_key() -> Result<PrivateKey> {
    let kept = crate::cache()?.join("keys");
    fs::create_dir_all(&kept).with_context(|| kept.display().to_string())?;
    let lock = File::create(kept.join("lock"))?;
    lock.lock().context("the folder of keys cannot be locked")?;
    let path = kept.join("development.pem");
    if !path.exists() {
        let made = tool("openssl", ["genpkey", "-algorithm", "ed25519"]).output()?;
        // Renamed when it is whole, so that a build that breaks off leaves nothing that looks like a key.
        let part = kept.join("development.pem.new");
        let mut file = OpenOptions::new().create(true).write(true).truncate(true).mode(0o600).open(&part)?;
        file.write_all(made.as_bytes())?;
        fs::rename(part, &path)?;
    }
    private_key(&path)
}

/// A key in a file, as `openssl genpkey -algorithm ed25519` makes it.
pub fn private_key(path: &Path) -> Result<PrivateKey> {
    let pem = fs::read_to_string(path).with_context(|| path.display().to_string())?;
    PrivateKey::from_pem(&pem).with_context(|| path.display().to_string())
}

fn folder() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

#[cfg(test)]
mod tests {
    use bundle::{Expected, Piece, Reader};

    use super::*;

    #[test]
    fn what_is_in_an_images_slot_comes_out_of_its_bundle() {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let (root, kernel) = (vec![3; 9_000], vec![4; 5_001]);
        let board = Board::open("qemu_virt").expect("it is our own");
        let table = partitions::read(&board.partitions).expect("it is our own");
        let slot = table.iter().find(|partition| partition.name == "slot_a").expect("it is in the table");
        let (root_file, kernel_file, disk) =
            (folder.path().join("root"), folder.path().join("kernel"), folder.path().join("disk"));
        fs::write(&root_file, &root).expect("the folder is ours");
        fs::write(&kernel_file, &kernel).expect("the folder is ours");
        let version = crate::slot::Version { build: 7, text: "0.1.0+abc".to_owned() };
        let content =
            crate::slot::Slot::lay_out(&root_file, &kernel_file, &version, slot.length).expect("there is room");
        let file = File::create(&disk).expect("the folder is ours");
        file.set_len(partitions::disk_length(&table)).expect("holes cost nothing");
        assert!(Update::of_image(&board, &disk).is_err(), "there is nothing in it yet");
        for (at, octets) in content.pieces(slot.length) {
            file.write_all_at(&octets, slot.start + at).expect("the folder is ours");
        }
        let update = Update::of_image(&board, &disk).expect("it is there");
        let text = "0.1.0+abc".to_owned();
        assert_eq!(
            update,
            Update { board: "qemu_virt".into(), build: 7, version: text, root: root.clone(), kernel: kernel.clone() }
        );

        let key = PrivateKey::from_seed(&[1; 32]);
        let trusted = Trusted::new(vec![key.public()]);
        let sealed = update.seal(&[key]).expect("it is signed");
        let mut reader = Reader::new(trusted, Expected { board: "qemu_virt".into(), floor: 0, room: slot.length });
        let (mut rest, mut parts) = (&sealed[..], Vec::new());
        while !rest.is_empty() {
            let (taken, piece) = reader.handle(rest).expect("it is good");
            if let Piece::Part(_) = piece {
                parts.extend_from_slice(&rest[..taken]);
            }
            rest = &rest[taken..];
        }
        assert_eq!(reader.finish().map(|manifest| manifest.build), Ok(7));
        assert!(parts == [root, kernel].concat());
        file.write_all_at(&[9], slot.start + 10).expect("the folder is ours");
        assert!(Update::of_image(&board, &disk).is_err(), "an octet is another one");
    }
}
