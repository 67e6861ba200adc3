//! Two telephones and the engine between them, in virtual time.
//!
//! The phones build and read their packets with the `rtp` crate, so that no parser is its own judge.

mod attack;
mod browsers;
mod codecs;
mod continuity;
mod digits;
mod digits_sent;
mod ears;
mod encrypted;
mod forwarding;
mod garbage;
mod pauses;
mod programs;
mod reports;
mod rooms;
mod silence;
mod sound;
mod spread;
mod world;
