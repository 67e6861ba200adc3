//! Builds the bootable images without root.

fn main() {}
