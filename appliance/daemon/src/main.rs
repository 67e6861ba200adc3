//! The process tandem: where the pure parts meet the world.

mod clock;
mod data_folder;
mod options;
mod udp_batch;

fn main() {}
