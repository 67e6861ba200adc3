//! The last octets of a slot partition: which build it holds, and where its kernel and its root are.
use heapless::String;

use super::{field, number};

/// Says what the octets are, and in which version of this format.
const MAGIC: [u8; 16] = *b"TANDEM-SLOT\0\0\0\0\x01";
/// How many octets at the end of the partition the trailer takes.
pub const TRAILER_LENGTH: usize = 4096;
/// The longest text of a version.
const TEXT: usize = 64;
/// Where the sum begins.
const SUM: usize = TRAILER_LENGTH - 4;
/// Where the fields begin.
const BUILD: usize = 16;
const KERNEL: usize = 24;
const ROOT: usize = KERNEL + PART;
const VERSION_LENGTH: usize = ROOT + PART;
const VERSION: usize = VERSION_LENGTH + 1;
/// Offset, length and digest.
const PART: usize = 8 + 8 + 32;

/// A stretch of the partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Part {
    /// Where it begins, in octets from the start of the partition.
    pub offset: u64,
    /// How many octets it has.
    pub length: u64,
    /// Their SHA-256.
    pub sha256: [u8; 32],
}

/// What a slot holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trailer {
    /// A number that only grows from build to build.
    pub build: u64,
    /// The version as people say it.
    pub version: String<TEXT>,
    /// An EFI program, as it is or packed by zstd.
    pub kernel: Part,
    /// A squashfs; it begins where the partition begins.
    pub root: Part,
}

/// Why octets are no trailer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TrailerFlaw {
    /// The slot is empty, half written, or of another version of this format.
    NoTrailer,
    /// The sum over them is wrong.
    BadSum,
    /// The sum is right and the version is no text, or a part lies outside the partition or over another.
    Nonsense,
}

impl Trailer {
    /// Magic (16), build (8), kernel and root (48 each: offset 8, length 8, SHA-256 32), length of the version (1), version (64),
    /// zeros, CRC-32 of it all (4). Numbers have their least significant octet first.
    pub fn encode(&self) -> [u8; TRAILER_LENGTH] {
        let mut octets = [0; TRAILER_LENGTH];
        octets[..16].copy_from_slice(&MAGIC);
        octets[BUILD..][..8].copy_from_slice(&self.build.to_le_bytes());
        for (at, part) in [(KERNEL, &self.kernel), (ROOT, &self.root)] {
            octets[at..][..8].copy_from_slice(&part.offset.to_le_bytes());
            octets[at + 8..][..8].copy_from_slice(&part.length.to_le_bytes());
            octets[at + 16..][..32].copy_from_slice(&part.sha256);
        }
        octets[VERSION_LENGTH] = self.version.len() as u8;
        octets[VERSION..][..self.version.len()].copy_from_slice(self.version.as_bytes());
        let sum = crc32fast::hash(&octets[..SUM]);
        octets[SUM..].copy_from_slice(&sum.to_le_bytes());
        octets
    }

    /// Reads what [`Trailer::encode`] wrote, and holds it against the length of its partition.
    pub fn decode(octets: &[u8; TRAILER_LENGTH], partition_length: u64) -> Result<Trailer, TrailerFlaw> {
        if octets[..16] != MAGIC {
            return Err(TrailerFlaw::NoTrailer);
        }
        if field(octets, SUM) != Some(crc32fast::hash(&octets[..SUM]).to_le_bytes()) {
            return Err(TrailerFlaw::BadSum);
        }
        let trailer = read(octets).ok_or(TrailerFlaw::Nonsense)?;
        let room = partition_length.saturating_sub(TRAILER_LENGTH as u64);
        let end = |part: &Part| part.offset.checked_add(part.length).filter(|end| part.length > 0 && *end <= room);
        let (kernel, root) = (end(&trailer.kernel), end(&trailer.root));
        let is_apart = root.is_some_and(|root_end| root_end <= trailer.kernel.offset);
        let is_good = kernel.is_some() && is_apart && trailer.root.offset == 0;
        if is_good { Ok(trailer) } else { Err(TrailerFlaw::Nonsense) }
    }
}

fn read(octets: &[u8; TRAILER_LENGTH]) -> Option<Trailer> {
    let part = |at| {
        Some(Part { offset: number(octets, at)?, length: number(octets, at + 8)?, sha256: field(octets, at + 16)? })
    };
    let length = usize::from(octets[VERSION_LENGTH]).min(TEXT + 1);
    let version = core::str::from_utf8(octets.get(VERSION..VERSION + length)?).ok()?;
    let version = version.try_into().ok()?;
    Some(Trailer { build: number(octets, BUILD)?, version, kernel: part(KERNEL)?, root: part(ROOT)? })
}

#[cfg(test)]
mod tests {
    use rand_chacha::ChaCha8Rng;
    use rand_chacha::rand_core::{Rng, SeedableRng};

    use super::*;

    const PARTITION: u64 = 32 << 20;

    fn trailer() -> Trailer {
        Trailer {
            build: 1_790_000_000,
            version: "0.1.0 (a6a90c1)".try_into().expect("it is short"),
            kernel: Part { offset: 10 << 20, length: 3_000_001, sha256: [7; 32] },
            root: Part { offset: 0, length: 9_539_584, sha256: [9; 32] },
        }
    }

    #[test]
    fn a_trailer_is_read_as_it_was_written() {
        let octets = trailer().encode();
        assert_eq!(Trailer::decode(&octets, PARTITION), Ok(trailer()));
        assert_eq!(&octets[..11], b"TANDEM-SLOT");
        assert_eq!(&octets[VERSION..][..15], b"0.1.0 (a6a90c1)");
    }

    #[test]
    fn what_is_damaged_is_not_believed() {
        assert_eq!(Trailer::decode(&[0; TRAILER_LENGTH], PARTITION), Err(TrailerFlaw::NoTrailer));
        for seed in 0..2000 {
            let mut random = ChaCha8Rng::seed_from_u64(seed);
            let mut octets = trailer().encode();
            let bit = random.next_u32() as usize % (TRAILER_LENGTH * 8);
            octets[bit / 8] ^= 1 << (bit % 8);
            assert!(Trailer::decode(&octets, PARTITION).is_err(), "seed {seed}");
        }
    }

    #[test]
    fn parts_lie_within_the_partition_and_beside_each_other() {
        let with = |change: fn(&mut Trailer)| {
            let mut trailer = trailer();
            change(&mut trailer);
            Trailer::decode(&trailer.encode(), PARTITION)
        };
        let nonsense = Err(TrailerFlaw::Nonsense);
        assert_eq!(with(|trailer| trailer.kernel.length = u64::MAX), nonsense);
        assert_eq!(with(|trailer| trailer.kernel.offset = u64::MAX), nonsense);
        assert_eq!(with(|trailer| trailer.kernel.length = PARTITION - (10 << 20) - 4095), nonsense);
        assert!(with(|trailer| trailer.kernel.length = PARTITION - (10 << 20) - 4096).is_ok());
        assert_eq!(with(|trailer| trailer.kernel.length = 0), nonsense);
        assert_eq!(with(|trailer| trailer.root.length = (10 << 20) + 1), nonsense);
        assert_eq!(with(|trailer| trailer.root.offset = 4096), nonsense);
        assert_eq!(Trailer::decode(&trailer().encode(), 4000), nonsense, "a partition shorter than its trailer");
    }

    #[test]
    fn a_version_is_a_text_of_limited_length() {
        for (length, octet) in [(65, b'x'), (255, b'x'), (3, 0xff)] {
            let mut octets = trailer().encode();
            octets[VERSION_LENGTH] = length;
            octets[VERSION..][..64].fill(octet);
            let sum = crc32fast::hash(&octets[..SUM]);
            octets[SUM..].copy_from_slice(&sum.to_le_bytes());
            assert_eq!(Trailer::decode(&octets, PARTITION), Err(TrailerFlaw::Nonsense), "{length} octets");
        }
    }
}
