//! The process tandem: where the pure parts meet the world.

fn main() {}
