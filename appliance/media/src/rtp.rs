//! The Real-time Transport Protocol (RFC 3550): what is read from packets and what is remembered about their sequence.

pub mod header;
pub mod latching;
pub mod media_clock;
pub mod reception;
pub mod sender;
pub mod sequence_map;
