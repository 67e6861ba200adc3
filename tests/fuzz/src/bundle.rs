//! Updates of the box, good and bad.
//!
//! The first octet of the input says how it is cut: so many octets at a time, 0 for all at once. The others are a bundle. The
//! corpus is signed by the key whose secret is 32 times the octet 1; most mutations of it no longer are, so each input is also read
//! with its head signed anew where there is one.

use std::collections::BTreeMap;

use update_bundle::{Expected, Fault, Manifest, Piece, PrivateKey, Reader, Trusted, sign};

/// Octets that a slot has in this story.
const ROOM: u64 = 64 << 10;

/// Reads it twice, in pieces and at once, which must come to the same; what comes out of it fits into a slot, and was signed.
pub fn bundle(data: &[u8]) {
    let Some((&piece, octets)) = data.split_first() else { return };
    judge(octets, usize::from(piece).max(1));
    if let Some(signed) = signed_anew(octets) {
        judge(&signed, usize::from(piece).max(1));
    }
}

fn judge(octets: &[u8], piece: usize) {
    let (cut, whole) = (read(octets, piece), read(octets, usize::MAX));
    assert_eq!(cut, whole, "it matters how it is cut");
    if let Ok(parts) = whole {
        let written: u64 = parts.values().sum();
        assert!(written <= ROOM && parts.len() == 2, "{parts:?}");
    }
}

/// How much of each part came out.
fn read(octets: &[u8], piece: usize) -> Result<BTreeMap<String, u64>, Fault> {
    let expected = Expected { board: "qemu_virt".into(), floor: 10, room: ROOM };
    let mut reader = Reader::new(Trusted::new(vec![key().public()]), expected);
    let mut parts = BTreeMap::new();
    for mut octets in octets.chunks(piece.min(octets.len().max(1))) {
        while !octets.is_empty() {
            let (taken, kind) = reader.handle(octets)?;
            assert!((1..=octets.len()).contains(&taken), "{taken} octets were taken");
            if let Piece::Part(name) = kind {
                let manifest = reader.manifest().expect("parts come behind a good head");
                assert!(manifest.room() <= ROOM && manifest.build >= 10);
                *parts.entry(name.to_string()).or_default() += taken as u64;
            }
            octets = &octets[taken..];
        }
    }
    reader.finish()?;
    Ok(parts)
}

/// The same bundle as if we had signed what it says, where that can be read.
fn signed_anew(octets: &[u8]) -> Option<Vec<u8>> {
    let length = u32::from_be_bytes(*octets.get(16..20)?.first_chunk()?) as usize;
    let manifest = Manifest::parse(octets.get(20..)?.get(..length)?).ok()?;
    let count = usize::from(*octets.get(20 + length)?);
    let parts = octets.get(20 + length + 1 + count * 72..)?;
    Some([sign(&manifest, &[key()]).ok()?, parts.to_vec()].concat())
}

fn key() -> PrivateKey {
    PrivateKey::from_seed(&[1; 32])
}
