//! A slot's kernel: read, held against its sum, unpacked, and started.
use alloc::vec::Vec;

use hal::slot::{Part, Reason, TRAILER_LENGTH, Trailer};
use hal::storage::Storage;
use ruzstd::decoding::FrameDecoder;
use sha2::{Digest, Sha256};
use uefi::boot::{self, LoadImageSource};
use uefi::proto::loaded_image::LoadedImage;
use uefi::{CString16, Handle, println};

use crate::disk::Window;

/// No kernel is larger, packed or not.
const LARGEST: u64 = 64 << 20;
/// The first octets of what zstd has packed.
const PACKED: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];
/// The firmware resets a box whose kernel has not taken over by then.
const START_LIMIT_SECONDS: usize = 60;
/// A number for the firmware's log; those below are the firmware's own.
const WATCHDOG_CODE: u64 = 0x1_0000;

/// What a slot holds, if it is whole.
pub fn trailer(slot: &mut Window) -> Result<Trailer, Reason> {
    let mut octets = [0; TRAILER_LENGTH];
    let length = slot.partition.length;
    let at = length.checked_sub(TRAILER_LENGTH as u64).ok_or(Reason::Damaged)?;
    slot.read_at(at, &mut octets).map_err(|error| complain("the trailer cannot be read", &error))?;
    Trailer::decode(&octets, length).map_err(|flaw| complain("the trailer is no good", &flaw))
}

/// The kernel, ready to be started.
pub fn read(slot: &mut Window, part: &Part) -> Result<Vec<u8>, Reason> {
    let mut octets = room(part.length)?;
    slot.read_at(part.offset, &mut octets).map_err(|error| complain("the kernel cannot be read", &error))?;
    if Sha256::digest(&octets)[..] != part.sha256 {
        return Err(complain("the kernel is not the one that was written", &"its SHA-256 is another"));
    }
    if !octets.starts_with(&PACKED) {
        return Ok(octets);
    }
    let mut decoder = FrameDecoder::new();
    decoder.init(&octets[..]).map_err(|error| complain("the kernel cannot be unpacked", &error))?;
    let mut unpacked = room(decoder.content_size())?;
    let length = decoder.decode_all(&octets, &mut unpacked);
    let length = length.map_err(|error| complain("the kernel cannot be unpacked", &error))?;
    unpacked.truncate(length);
    Ok(unpacked)
}

/// Starts the kernel and returns only if that fails.
pub fn start(kernel: Vec<u8>, command_line: &str) -> Reason {
    let source = LoadImageSource::FromBuffer { buffer: &kernel, file_path: None };
    let image = match boot::load_image(boot::image_handle(), source) {
        Ok(image) => image,
        Err(error) => {
            complain("the firmware does not take the kernel", &error);
            return Reason::NotStarted;
        }
    };
    // The firmware has made a copy.
    drop(kernel);
    let started = give(image, command_line).and_then(|_options| {
        // Where the firmware has no watchdog, there is none to be had before the kernel's.
        let _ = boot::set_watchdog_timer(START_LIMIT_SECONDS, WATCHDOG_CODE, None);
        boot::start_image(image).map_err(|error| complain("the kernel has ended", &error))
    });
    let _ = boot::unload_image(image);
    if started.is_ok() {
        println!("boot: the kernel has come back");
    }
    Reason::NotStarted
}

/// Gives the kernel its command line, which has to be kept until it has started.
fn give(image: Handle, command_line: &str) -> Result<CString16, Reason> {
    let options = CString16::try_from(command_line).map_err(|error| complain("the command line is no text", &error))?;
    let loaded = boot::open_protocol_exclusive::<LoadedImage>(image);
    let mut loaded = loaded.map_err(|error| complain("the kernel cannot be told its command line", &error))?;
    // SAFETY: the text outlives the start of the image, since it is returned to whoever starts it.
    unsafe { loaded.set_load_options(options.as_ptr().cast(), options.num_bytes() as u32) };
    Ok(options)
}

/// Octets to read into; what no box has room for is damage.
fn room(length: u64) -> Result<Vec<u8>, Reason> {
    let mut octets = Vec::new();
    if length > LARGEST {
        return Err(complain("the kernel is too large", &length));
    }
    octets.try_reserve_exact(length as usize).map_err(|error| complain("the kernel is too large", &error))?;
    octets.resize(length as usize, 0);
    Ok(octets)
}

/// Says on the console what is wrong.
fn complain(what: &str, detail: &dyn core::fmt::Debug) -> Reason {
    println!("boot: {what}: {detail:?}");
    Reason::Damaged
}
