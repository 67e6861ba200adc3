//! The partition table of a board, in the words of `sfdisk`.
use anyhow::{Context, Result, bail};

/// The unit of the table.
pub const SECTOR: u64 = 512;
/// What GPT needs after the last partition for its second copy, rounded up to a megabyte.
const TAIL: u64 = 1 << 20;

/// A partition's name and place, in octets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Partition {
    pub name: String,
    pub start: u64,
    pub length: u64,
}

/// The partitions in a table, in the order of their places.
pub fn read(table: &str) -> Result<Vec<Partition>> {
    let mut partitions = Vec::new();
    for line in table.lines().filter(|line| line.contains("start=")) {
        let field = |key: &str| line.split(',').find_map(|field| field.trim().strip_prefix(key)?.strip_prefix('='));
        let sectors = |key: &str| {
            let number = field(key).and_then(|number| number.parse::<u64>().ok());
            number.with_context(|| format!("no {key} in {line:?}"))
        };
        let name = field("name").with_context(|| format!("no name in {line:?}"))?.to_owned();
        partitions.push(Partition { name, start: sectors("start")? * SECTOR, length: sectors("size")? * SECTOR });
    }
    partitions.sort_by_key(|partition| partition.start);
    if partitions.is_empty() || partitions.windows(2).any(|pair| pair[0].start + pair[0].length > pair[1].start) {
        bail!("the partition table is empty or its partitions overlap");
    }
    Ok(partitions)
}

/// The partition with this name.
pub fn named<'a>(partitions: &'a [Partition], name: &str) -> Result<&'a Partition> {
    partitions.iter().find(|partition| partition.name == name).with_context(|| format!("there is no partition {name}"))
}

/// How long a disk with these partitions must be.
pub fn disk_length(partitions: &[Partition]) -> u64 {
    partitions.iter().map(|partition| partition.start + partition.length).max().unwrap_or(0) + TAIL
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_of_each_board_is_good() {
        let table = read(include_str!("../boards/qemu_virt/partitions")).expect("it is our own");
        let names: Vec<&str> = table.iter().map(|partition| partition.name.as_str()).collect();
        assert_eq!(names, ["boot", "boot_state", "slot_a", "slot_b", "factory", "data"]);
        assert!(disk_length(&table) >= (16 + 1 + 32 + 32 + 1 + 256) << 20);
    }

    #[test]
    fn overlaps_and_gaps_in_the_text_are_errors() {
        assert!(read("name=a, start=2048, size=2049\nname=b, start=4096, size=1").is_err());
        assert!(read("name=a, start=2048, size=lots").is_err());
        assert!(read("start=2048, size=1").is_err());
        assert!(read("label: gpt").is_err());
    }
}
