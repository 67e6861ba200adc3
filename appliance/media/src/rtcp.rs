//! The control protocol of RTP (RFC 3550 §6): what phones report to us and what we report to them.

pub mod read;
pub mod reporting;
pub mod wall_clock;
pub mod write;
