//! Writes a bundle into a slot while it comes, and believes nothing but what it has read back.
use std::time::{Duration, Instant};

use bundle::limits::ALIGNMENT;
use bundle::{Manifest, PartName, Piece, Reader};
use hal::slot::{BootState, Part, Slot, TRAILER_LENGTH, Trailer, load, save};
use hal::storage::Storage;
use sha2::{Digest, Sha256};

use super::{Content, Trouble, slots};

/// Octets that are brought to the flash at a time. Between two such steps the flash belongs to recordings and call records.
const STEP: u64 = 256 << 10;
/// The longest rest, where a flash takes its time for a step.
const LONGEST_REST: Duration = Duration::from_secs(2);
/// Octets that are read back at a time.
const PIECE: usize = 64 << 10;

/// What a slot is on.
pub trait Medium: Storage {
    /// What is read from now on comes from the medium, and from no memory that remembers what was written.
    fn forget(&mut self);
    /// Leaves the medium to others for so long.
    fn rest(&mut self, time: Duration);
}

/// A bundle on its way into a slot.
pub struct Installation<M: Medium> {
    reader: Reader,
    slot: M,
    /// Octets of the slot's partition.
    length: u64,
    state: M,
    running: Slot,
    /// Of the root and of the kernel.
    written: [u64; 2],
    unflushed: u64,
}

impl<M: Medium> Installation<M> {
    /// Into a slot of this length, of a box whose boot state is on the other medium and which runs from the slot named.
    pub fn new(reader: Reader, (slot, length): (M, u64), (state, running): (M, Slot)) -> Installation<M> {
        Installation { reader, slot, length, state, running, written: [0; 2], unflushed: 0 }
    }

    /// Takes some of the bundle.
    pub fn handle(&mut self, mut octets: &[u8]) -> Result<(), Trouble> {
        while !octets.is_empty() {
            let (taken, piece) = self.reader.handle(octets)?;
            match piece {
                Piece::Head => {}
                Piece::Manifest => self.empty()?,
                Piece::Part(name) => self.write(name, &octets[..taken])?,
            }
            octets = &octets[taken..];
        }
        Ok(())
    }

    /// That was all: reads it back and makes the slot whole. `look` is told from time to time how many octets were read.
    pub fn finish(mut self, mut look: impl FnMut(u64)) -> Result<Content, Trouble> {
        let manifest = self.reader.finish()?.clone();
        self.slot.flush().map_err(Trouble::of_disk)?;
        self.slot.forget();
        let mut read = 0;
        for (index, part) in manifest.parts.iter().enumerate() {
            let digest = self.digest((offset(&manifest, index), part.size), &mut read, &mut look)?;
            if digest != part.sha256 {
                let sentence =
                    format!("The {} was written, and something else was read back: the flash is worn out.", part.name);
                return Err(Trouble::new("READ_BACK", sentence));
            }
        }
        let trailer = trailer(&manifest)?;
        let at = self.length - TRAILER_LENGTH as u64;
        self.slot.write_at(at, &trailer.encode()).and_then(|()| self.slot.flush()).map_err(Trouble::of_disk)?;
        self.slot.forget();
        let mut octets = [0; TRAILER_LENGTH];
        self.slot.read_at(at, &mut octets).map_err(Trouble::of_disk)?;
        match Trailer::decode(&octets, self.length) {
            Ok(found) if found == trailer => Ok(Content { build: manifest.build, version: manifest.version }),
            _ => Err(Trouble::new("READ_BACK", "The flash does not keep what is written: it is worn out.")),
        }
    }

    /// From here on the slot holds nothing: nobody starts it, whatever is written of it.
    fn empty(&mut self) -> Result<(), Trouble> {
        let mut state = load(&mut self.state).unwrap_or_else(|| BootState::new(self.running));
        let before = state;
        slots::settle(&mut state, self.running);
        if state != before {
            save(&mut self.state, &state).map_err(Trouble::of_disk)?;
        }
        let at = self.length - TRAILER_LENGTH as u64;
        self.slot.write_at(at, &[0; TRAILER_LENGTH]).and_then(|()| self.slot.flush()).map_err(Trouble::of_disk)
    }

    fn write(&mut self, name: PartName, octets: &[u8]) -> Result<(), Trouble> {
        let index = name as usize;
        // The reader forgets its manifest with the fault that it finds at a part's end, and then nothing is written.
        let Some(manifest) = self.reader.manifest() else { return Ok(()) };
        let at = offset(manifest, index) + self.written[index];
        self.slot.write_at(at, octets).map_err(Trouble::of_disk)?;
        self.written[index] += octets.len() as u64;
        self.unflushed += octets.len() as u64;
        if self.unflushed >= STEP {
            self.unflushed = 0;
            let began = Instant::now();
            self.slot.flush().map_err(Trouble::of_disk)?;
            // Half of the time the flash is for others.
            self.slot.rest(began.elapsed().min(LONGEST_REST));
        }
        Ok(())
    }

    fn digest(
        &mut self,
        (at, size): (u64, u64),
        read: &mut u64,
        look: &mut impl FnMut(u64),
    ) -> Result<[u8; 32], Trouble> {
        let (mut digest, mut piece) = (Sha256::new(), vec![0; PIECE]);
        let mut come = 0;
        while come < size {
            let length = (size - come).min(PIECE as u64) as usize;
            self.slot.read_at(at + come, &mut piece[..length]).map_err(Trouble::of_disk)?;
            digest.update(&piece[..length]);
            come += length as u64;
            *read += length as u64;
            look(*read);
        }
        Ok(digest.finalize().into())
    }
}

/// Where a part begins: behind those before it, at a block's start.
fn offset(manifest: &Manifest, index: usize) -> u64 {
    manifest.parts[..index].iter().map(|part| part.size.next_multiple_of(ALIGNMENT)).sum()
}

fn trailer(manifest: &Manifest) -> Result<Trailer, Trouble> {
    let part = |name: PartName| {
        let index = name as usize;
        let part = &manifest.parts[index];
        Part { offset: offset(manifest, index), length: part.size, sha256: part.sha256 }
    };
    let too_long =
        || Trouble::new("UNREADABLE_MANIFEST", "This update cannot be read: its version's name is too long.");
    let version = manifest.version.as_str().try_into().map_err(|_| too_long())?;
    Ok(Trailer { build: manifest.build, version, kernel: part(PartName::Kernel), root: part(PartName::Root) })
}
