//! Encrypted streams from outside: what a phone sees of us, and what we take from it.

mod forged;
mod independent;
mod packets;
mod renewal;
mod sequence;
