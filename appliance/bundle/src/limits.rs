//! Every bound of a bundle, with its reason.

/// Octets of a manifest, which has a few hundred; it is in memory as a whole.
pub const MANIFEST: usize = 64 << 10;
/// Signatures: one for each key that boxes out there may trust while one key takes another's place.
pub const SIGNATURES: usize = 4;
/// Characters of a version's name, which stands in a line of the page.
pub const VERSION: usize = 64;
/// Parts begin at multiples of this in a slot, as blocks of a disk do.
pub const ALIGNMENT: u64 = 4_096;
