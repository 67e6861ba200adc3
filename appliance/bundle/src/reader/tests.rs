//! Bundles that are good, and each way in which one is not.

use super::*;
use crate::{Part, PrivateKey, sign};

const ROOT: &[u8] = &[7; 10_000];
const KERNEL: &[u8] = b"a kernel, compressed";

fn key(seed: u8) -> PrivateKey {
    PrivateKey::from_seed(&[seed; 32])
}

fn manifest() -> Manifest {
    let part = |name, octets: &[u8]| Part { name, size: octets.len() as u64, sha256: Sha256::digest(octets).into() };
    Manifest {
        board: "qemu_virt".into(),
        build: 1_790_000_000,
        version: "0.2.0".into(),
        floor: 1_780_000_000,
        parts: vec![part(PartName::Root, ROOT), part(PartName::Kernel, KERNEL)],
    }
}

fn bundle_of(manifest: &Manifest, keys: &[PrivateKey]) -> Vec<u8> {
    [&sign(manifest, keys).expect("the manifest is good")[..], ROOT, KERNEL].concat()
}

fn reader() -> Reader {
    let trusted = Trusted::new(vec![key(1).public(), key(2).public()]);
    Reader::new(trusted, Expected { board: "qemu_virt".into(), floor: 1_785_000_000, room: 1 << 20 })
}

/// Reads a bundle in pieces of this many octets at most; the root and the kernel as they came out.
fn read(mut reader: Reader, bundle: &[u8], piece: usize) -> Result<(Vec<u8>, Vec<u8>), Fault> {
    let (mut root, mut kernel) = (Vec::new(), Vec::new());
    for mut octets in bundle.chunks(piece) {
        while !octets.is_empty() {
            let (taken, piece) = reader.handle(octets)?;
            match piece {
                Piece::Part(PartName::Root) => root.extend_from_slice(&octets[..taken]),
                Piece::Part(PartName::Kernel) => kernel.extend_from_slice(&octets[..taken]),
                Piece::Head | Piece::Manifest => {}
            }
            octets = &octets[taken..];
        }
    }
    reader.finish()?;
    Ok((root, kernel))
}

fn fault(bundle: &[u8]) -> Fault {
    let whole = read(reader(), bundle, usize::MAX).expect_err("it has a fault");
    let pieces = read(reader(), bundle, 1).expect_err("it has a fault");
    assert_eq!(whole, pieces, "however it is cut");
    whole
}

#[test]
fn however_it_is_cut_its_parts_come_out() {
    let bundle = bundle_of(&manifest(), &[key(1)]);
    for piece in [1, 2, 7, 64, 1_000, usize::MAX] {
        assert_eq!(read(reader(), &bundle, piece), Ok((ROOT.to_vec(), KERNEL.to_vec())), "{piece}");
    }
}

#[test]
fn either_of_two_keys_is_enough() {
    for keys in [vec![key(2)], vec![key(3), key(2)], vec![key(1), key(2)]] {
        assert!(read(reader(), &bundle_of(&manifest(), &keys), 100).is_ok());
    }
    assert_eq!(fault(&bundle_of(&manifest(), &[key(3)])), Fault::UnknownKey);
}

#[test]
fn whatever_is_changed_is_noticed() {
    let bundle = bundle_of(&manifest(), &[key(1)]);
    let head = bundle.len() - ROOT.len() - KERNEL.len();
    for at in 0..head + 10 {
        let mut changed = bundle.clone();
        changed[at] ^= 0x10;
        let fault = read(reader(), &changed, 64).expect_err("an octet of it is another one");
        assert!(at >= head || !matches!(fault, Fault::WrongHash(_)), "{at}: nothing is written before that is known");
    }
    let change = |at: usize| {
        let mut changed = bundle.clone();
        changed[at] ^= 1;
        fault(&changed)
    };
    assert_eq!(change(40), Fault::WrongSignature);
    assert_eq!(change(head), Fault::WrongHash(PartName::Root));
    assert_eq!(change(bundle.len() - 1), Fault::WrongHash(PartName::Kernel));
    assert_eq!(change(head - SIGNATURE), Fault::UnknownKey);
}

#[test]
fn one_that_ends_too_early_or_too_late_is_refused() {
    let bundle = bundle_of(&manifest(), &[key(1)]);
    for length in [0, 5, 16, 19, 30, bundle.len() - KERNEL.len(), bundle.len() - 1] {
        assert!(matches!(fault_of_length(&bundle[..length]), Fault::Truncated { .. }), "{length}");
    }
    assert_eq!(fault_of_length(&bundle[..bundle.len() - 3]), Fault::Truncated { missing: 3 });
    assert_eq!(fault(&[&bundle[..], b"x"].concat()), Fault::TooLong);
}

fn fault_of_length(bundle: &[u8]) -> Fault {
    read(reader(), bundle, 50).expect_err("it is not whole")
}

#[test]
fn what_is_no_bundle_is_refused_at_once() {
    assert_eq!(fault(b"TANDEM-BUNDEL 1\nand so on, and so on"), Fault::NoBundle);
    assert_eq!(fault(&[0; 1_000]), Fault::NoBundle);
    for length in [0u32, limits::MANIFEST as u32 + 1, u32::MAX] {
        assert_eq!(fault(&[&MAGIC[..], &length.to_be_bytes(), &[b'{'; 100]].concat()), Fault::Head);
    }
    for count in [0u8, 5, 255] {
        assert_eq!(fault(&[&MAGIC[..], &2u32.to_be_bytes(), b"{}", &[count], &[0; 400]].concat()), Fault::Head);
    }
}

#[test]
fn one_for_another_box_is_refused_in_words() {
    let board = Manifest { board: "generic".into(), ..manifest() };
    let said = fault(&bundle_of(&board, &[key(1)])).to_string();
    assert_eq!(said, "This update is for another kind of board: for generic, and this is qemu_virt.");
    let old = Manifest { build: 1_784_999_999, ..manifest() };
    let said = fault(&bundle_of(&old, &[key(1)])).to_string();
    assert!(said.contains("too old") && said.contains("1785000000"), "{said}");
    let mut large = manifest();
    large.parts[0].size = 1 << 20;
    assert_eq!(fault(&bundle_of(&large, &[key(1)])), Fault::TooLarge { needed: (1 << 20) + 4_096, room: 1 << 20 });
}

#[test]
fn a_manifest_that_makes_no_sense_is_refused_though_it_is_signed() {
    let signed = |json: &[u8]| {
        let mut head = [&MAGIC[..], &(json.len() as u32).to_be_bytes(), json].concat();
        let signature = key(1).sign(&head);
        head.push(1);
        head.extend(key(1).public().id());
        head.extend(signature);
        fault(&head)
    };
    let good = serde_json::to_value(manifest()).expect("it can be written as JSON");
    let with = |field: &str, value: serde_json::Value| {
        let mut other = good.clone();
        other[field] = value;
        signed(other.to_string().as_bytes())
    };
    let mut turned = manifest();
    turned.parts.reverse();
    let parts = serde_json::to_value(turned.parts).expect("they can be written as JSON");
    let faults = [
        signed(b"{}"),
        signed(b"\xff"),
        with("build", (-1).into()),
        with("version", "".into()),
        with("version", "a\nb".into()),
        with("version", "x".repeat(65).into()),
        with("floor", 1_790_000_001u64.into()),
        with("parts", serde_json::json!([])),
        with("parts", parts),
        with("parts", serde_json::json!([{"name": "root", "size": u64::MAX, "sha256": "00".repeat(32)}])),
        with("parts", serde_json::json!([{"name": "root", "size": 1, "sha256": "00"}])),
    ];
    for fault in faults {
        assert!(matches!(fault, Fault::Manifest(_)), "{fault}");
    }
}

#[test]
fn a_fault_is_final() {
    let mut reader = reader();
    assert_eq!(reader.handle(b"x"), Err(Fault::NoBundle));
    let bundle = bundle_of(&manifest(), &[key(1)]);
    assert_eq!(reader.handle(&bundle), Err(Fault::NoBundle));
    assert_eq!(reader.finish(), Err(Fault::NoBundle));
    assert_eq!(reader.manifest(), None);
}
