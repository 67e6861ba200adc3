//! The partition table of a disk (GPT, UEFI specification section 5.3), read to find a partition by its name.
use crate::Error;
use crate::storage::Storage;

/// What each entry of a table is at most; common is 128.
const LONGEST_ENTRY: usize = 512;
/// More entries than this are nonsense.
const MOST_ENTRIES: u64 = 256;
/// The part of the header that has a meaning.
const HEADER: usize = 92;

/// A partition's place on its disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Partition {
    /// Where it begins, in octets.
    pub start: u64,
    /// How many octets it has.
    pub length: u64,
    /// What tells it from all others, in the order of octets on the disk.
    pub id: [u8; 16],
}

/// A disk and how it is divided into blocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Geometry {
    /// Octets in a block: 512 or 4096.
    pub block: u64,
    /// How many blocks there are.
    pub blocks: u64,
}

/// Finds the first partition that `is_wanted` says yes to, given its name in UTF-16 and what it is. The second table at the end of the
/// disk is read when the first one is damaged.
pub fn find(
    disk: &mut impl Storage,
    geometry: Geometry,
    mut is_wanted: impl FnMut(&[u16], &Partition) -> bool,
) -> Result<Partition, Error> {
    let last = geometry.blocks.saturating_sub(1);
    let table = read_header(disk, geometry, 1).or_else(|_| read_header(disk, geometry, last))?;
    let mut octets = [0; LONGEST_ENTRY];
    for index in 0..table.count {
        let entry = &mut octets[..table.entry];
        disk.read_at(table.start + index * table.entry as u64, entry)?;
        if let Some((name, partition)) = read_entry(entry, geometry)
            && is_wanted(clipped(&name), &partition)
        {
            return Ok(partition);
        }
    }
    Err(Error::Missing("partition"))
}

/// Whether a name in UTF-16 is this one.
pub fn is_named(name: &[u16], wanted: &str) -> bool {
    name.iter().copied().eq(wanted.encode_utf16())
}

/// A table whose sums are right.
struct Table {
    start: u64,
    count: u64,
    entry: usize,
}

fn read_header(disk: &mut impl Storage, geometry: Geometry, block: u64) -> Result<Table, Error> {
    const NONSENSE: Error = Error::Nonsense("partition table");
    let mut header = [0; HEADER];
    disk.read_at(block.checked_mul(geometry.block).ok_or(NONSENSE)?, &mut header)?;
    let long = |at: usize| u64::from_le_bytes(core::array::from_fn(|index| header[at + index]));
    let short = |at: usize| u32::from_le_bytes(core::array::from_fn(|index| header[at + index]));
    let (count, entry) = (u64::from(short(80)), short(84) as usize);
    let mut blanked = header;
    blanked[16..20].fill(0);
    let is_whole = header[..8] == *b"EFI PART" && short(12) as usize == HEADER && long(24) == block;
    if !is_whole || crc32fast::hash(&blanked) != short(16) {
        return Err(NONSENSE);
    }
    if count > MOST_ENTRIES || !(128..=LONGEST_ENTRY).contains(&entry) || long(72) >= geometry.blocks {
        return Err(NONSENSE);
    }
    let start = long(72).checked_mul(geometry.block).ok_or(NONSENSE)?;
    let (mut sum, mut octets) = (crc32fast::Hasher::new(), [0; LONGEST_ENTRY]);
    for index in 0..count {
        disk.read_at(start + index * entry as u64, &mut octets[..entry])?;
        sum.update(&octets[..entry]);
    }
    if sum.finalize() == short(88) { Ok(Table { start, count, entry }) } else { Err(NONSENSE) }
}

fn read_entry(entry: &[u8], geometry: Geometry) -> Option<([u16; 36], Partition)> {
    let long = |at: usize| u64::from_le_bytes(core::array::from_fn(|index| entry[at + index]));
    if entry[..16] == [0; 16] {
        return None;
    }
    let (first, last) = (long(32), long(40));
    let blocks = last.checked_sub(first)?.checked_add(1)?;
    if last >= geometry.blocks {
        return None;
    }
    let name = core::array::from_fn(|index| u16::from_le_bytes([entry[56 + index * 2], entry[57 + index * 2]]));
    let id = core::array::from_fn(|index| entry[16 + index]);
    Some((name, Partition { start: first * geometry.block, length: blocks * geometry.block, id }))
}

fn clipped(name: &[u16; 36]) -> &[u16] {
    let end = name.iter().position(|unit| *unit == 0).unwrap_or(name.len());
    &name[..end]
}

#[cfg(test)]
mod tests {
    use std::vec;
    use std::vec::Vec;

    use super::*;

    const GEOMETRY: Geometry = Geometry { block: 512, blocks: 128 };

    struct Memory(Vec<u8>);

    impl Storage for Memory {
        fn read_at(&mut self, offset: u64, octets: &mut [u8]) -> Result<(), Error> {
            let from = self.0.get(offset as usize..).and_then(|rest| rest.get(..octets.len()));
            octets.copy_from_slice(from.ok_or(Error::Refused("disk", 5))?);
            Ok(())
        }

        fn write_at(&mut self, offset: u64, octets: &[u8]) -> Result<(), Error> {
            self.0[offset as usize..][..octets.len()].copy_from_slice(octets);
            Ok(())
        }

        fn flush(&mut self) -> Result<(), Error> {
            Ok(())
        }
    }

    /// A disk with two partitions and both tables.
    fn disk() -> Memory {
        let mut octets = vec![0; 128 * 512];
        let mut entries = vec![0; 128 * 4];
        for (index, (name, first, last)) in [("slot_a", 40u64, 49u64), ("slot_b", 50, 59)].into_iter().enumerate() {
            let entry = &mut entries[index * 128..][..128];
            entry[..16].fill(7);
            entry[16..32].fill(index as u8 + 1);
            entry[32..40].copy_from_slice(&first.to_le_bytes());
            entry[40..48].copy_from_slice(&last.to_le_bytes());
            for (at, unit) in name.encode_utf16().enumerate() {
                entry[56 + at * 2..][..2].copy_from_slice(&unit.to_le_bytes());
            }
        }
        for (block, table) in [(1u64, 2u64), (127, 120)] {
            octets[table as usize * 512..][..entries.len()].copy_from_slice(&entries);
            let header = &mut octets[block as usize * 512..][..HEADER];
            header[..8].copy_from_slice(b"EFI PART");
            header[12..16].copy_from_slice(&92u32.to_le_bytes());
            header[24..32].copy_from_slice(&block.to_le_bytes());
            header[72..80].copy_from_slice(&table.to_le_bytes());
            header[80..84].copy_from_slice(&4u32.to_le_bytes());
            header[84..88].copy_from_slice(&128u32.to_le_bytes());
            header[88..92].copy_from_slice(&crc32fast::hash(&entries).to_le_bytes());
            let sum = crc32fast::hash(header);
            header[16..20].copy_from_slice(&sum.to_le_bytes());
        }
        Memory(octets)
    }

    fn find_named(disk: &mut Memory, wanted: &str) -> Result<Partition, Error> {
        find(disk, GEOMETRY, |name, _| is_named(name, wanted))
    }

    #[test]
    fn a_partition_is_found_by_its_name() {
        let found = find_named(&mut disk(), "slot_b").expect("it is in the table");
        assert_eq!(found, Partition { start: 50 * 512, length: 10 * 512, id: [2; 16] });
        assert_eq!(find_named(&mut disk(), "slot_c"), Err(Error::Missing("partition")));
        assert_eq!(find_named(&mut disk(), "slot"), Err(Error::Missing("partition")));
    }

    #[test]
    fn the_second_table_helps_where_the_first_is_damaged() {
        for at in [512, 512 + 20, 512 + 90, 2 * 512 + 40] {
            let mut disk = disk();
            disk.0[at] ^= 1;
            assert_eq!(find_named(&mut disk, "slot_a").map(|found| found.start), Ok(40 * 512), "octet {at}");
            disk.0[127 * 512 + 30] ^= 1;
            assert_eq!(find_named(&mut disk, "slot_a"), Err(Error::Nonsense("partition table")), "octet {at}");
        }
    }

    #[test]
    fn no_table_and_no_disk_are_errors() {
        assert_eq!(find_named(&mut Memory(vec![0; 128 * 512]), "slot_a"), Err(Error::Nonsense("partition table")));
        assert!(find_named(&mut Memory(Vec::new()), "slot_a").is_err());
    }
}
