//! The image that `make image` has built comes out byte for byte the same when it is put together again, later and elsewhere.
use std::fs;

use anyhow::{Context, Result, ensure};
use hal::slot::{TRAILER_LENGTH, Trailer};
use images::board::Board;
use images::image::Image;
use images::root::Programs;
use images::run::tool;
use images::slot::Version;
use images::{kernel, partitions, voice};

const BOARD: &str = "qemu_virt";

/// What the trailer of slot A says that it is.
fn version(board: &Board, disk: &[u8]) -> Result<Version> {
    let table = partitions::read(&board.partitions)?;
    let slot = partitions::named(&table, "slot_a")?;
    let end = (slot.start + slot.length) as usize;
    let octets = disk.get(end - TRAILER_LENGTH..end).and_then(|octets| octets.try_into().ok());
    let trailer = Trailer::decode(octets.context("the disk is too short")?, slot.length);
    let trailer = trailer.map_err(|flaw| anyhow::anyhow!("slot A has no trailer: {flaw:?}"))?;
    Ok(Version { build: trailer.build, text: trailer.version.as_str().to_owned() })
}

#[test]
fn an_image_put_together_again_is_the_same() -> Result<()> {
    let out = images::out(BOARD);
    let built = fs::read(out.join("disk.img")).context("there is no image yet; `make image` builds it")?;
    let (board, folder) = (Board::open(BOARD)?, tempfile::tempdir()?);
    let version = version(&board, &built)?;
    let at = |name: &str| folder.path().join(name);

    // The programs as they are in the image: stripped once more they stay what they are.
    tool("unsquashfs", ["-q", "-n", "-d"]).arg(at("root")).arg(out.join("root.squashfs")).done()?;
    let table = partitions::read(&board.partitions)?;
    let file_system = format!("{}@@{}", out.join("disk.img").display(), partitions::named(&table, "boot")?.start);
    tool("mcopy", ["-i"]).arg(file_system).arg("::EFI/BOOT/BOOTAA64.EFI").arg(at("boot")).done()?;
    let program = |name: &str| at("root").join("bin").join(name);
    let (tandem, tandem_init, flite) = (program("tandem"), program("tandem-init"), program(voice::NAME));
    let programs = Programs { tandem, tandem_init, flite, boot: at("boot") };
    let made = fs::read_to_string(at("root/etc/made"))?.trim().parse()?;
    let kernel = kernel::build(&board)?;
    let image = Image { board: &board, programs: &programs, kernel: &kernel, version: &version, made };
    image.build(&at("again"))?;

    for name in ["root.squashfs", "bill.json", "Image.zst", "disk.img", "disk.img.zst"] {
        let (before, after) = (fs::read(out.join(name))?, fs::read(at("again").join(name))?);
        ensure!(before == after, "{name} differs{}", first_difference(&before, &after));
    }
    Ok(())
}

fn first_difference(before: &[u8], after: &[u8]) -> String {
    let place = before.iter().zip(after).position(|(before, after)| before != after);
    place.map_or_else(|| ": its length".to_owned(), |place| format!(" at octet {place}"))
}
