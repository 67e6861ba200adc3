//! libopus 1.6 under the name by which audiopus looks for it.

pub use opusic_sys::*;

/// Whether a packet carries the audio of the packet before it a second time (in-band FEC, RFC 6716 §2.1.7).
pub fn has_in_band_fec(packet: &[u8]) -> bool {
    match i32::try_from(packet.len()) {
        // libopus reads the first octet before it looks at the length.
        Ok(0) | Err(_) => false,
        // SAFETY: the pointer and the length are those of a slice of at least one octet, which libopus only reads.
        Ok(len) => unsafe { opus_packet_has_lbrr(packet.as_ptr(), len) == 1 },
    }
}
