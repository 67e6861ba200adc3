//! The RTP header (RFC 3550 §5.1), read with every length checked and written over in place.

use thiserror::Error;

use crate::limits;

/// Octets of a header without contributing sources and extension.
pub const LENGTH: usize = 12;

/// What stands in the header of a packet, and where its payload lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header {
    /// Begin of a talk spurt, or of a digit (RFC 3551 §4.1, RFC 4733 §2.5.1.1).
    pub marker: bool,
    /// 0–127.
    pub payload_type: u8,
    /// Counts packets, modulo 2¹⁶.
    pub sequence: u16,
    /// Counts samples, modulo 2³².
    pub timestamp: u32,
    /// The synchronization source.
    pub ssrc: u32,
    /// Offset of the first payload octet.
    pub payload_start: usize,
    /// Offset behind the last payload octet, before any padding.
    pub payload_end: usize,
}

/// Why a packet is no RTP.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum Malformed {
    /// Fewer than [`LENGTH`] octets, or more than [`limits::PACKET`].
    #[error("no RTP packet is {0} octets long")]
    Length(usize),
    /// A version other than 2.
    #[error("version {0} instead of 2")]
    Version(u8),
    /// The list of contributing sources, or the extension, ends behind the packet.
    #[error("the header is longer than the packet")]
    Header,
    /// The padding is empty or longer than what it pads.
    #[error("{0} octets of padding do not fit")]
    Padding(u8),
}

impl Header {
    /// Reads the header of `packet`.
    pub fn parse(packet: &[u8]) -> Result<Header, Malformed> {
        let Some(fixed) = packet.first_chunk::<LENGTH>() else { return Err(Malformed::Length(packet.len())) };
        if packet.len() > limits::PACKET {
            return Err(Malformed::Length(packet.len()));
        }
        // Version 2, no padding, no extension, no contributing sources: nearly every packet of a telephone.
        let (payload_start, payload_end) =
            if fixed[0] == 0x80 { (LENGTH, packet.len()) } else { Self::payload_range(packet, fixed[0])? };
        Ok(Header {
            marker: fixed[1] & 0x80 != 0,
            payload_type: fixed[1] & 0x7F,
            sequence: u16::from_be_bytes([fixed[2], fixed[3]]),
            timestamp: u32::from_be_bytes([fixed[4], fixed[5], fixed[6], fixed[7]]),
            ssrc: u32::from_be_bytes([fixed[8], fixed[9], fixed[10], fixed[11]]),
            payload_start,
            payload_end,
        })
    }

    /// How many payload octets there are.
    pub fn payload_len(&self) -> usize {
        self.payload_end - self.payload_start
    }

    /// The payload of `packet`, from which this header was read.
    pub fn payload<'a>(&self, packet: &'a [u8]) -> &'a [u8] {
        packet.get(self.payload_start..self.payload_end).unwrap_or_default()
    }

    #[cold]
    fn payload_range(packet: &[u8], first: u8) -> Result<(usize, usize), Malformed> {
        if first >> 6 != 2 {
            return Err(Malformed::Version(first >> 6));
        }
        let start = length(packet).ok_or(Malformed::Header)?;
        let mut end = packet.len();
        if first & 0x20 != 0 {
            let padding = packet[end - 1];
            if padding == 0 || usize::from(padding) > end - start {
                return Err(Malformed::Padding(padding));
            }
            end -= usize::from(padding);
        }
        Ok((start, end))
    }
}

/// Octets of the header of `packet`, contributing sources and extension included. `None`: they end behind the packet, or it
/// is of another version. Padding, which may be encrypted still, is not looked at.
pub fn length(packet: &[u8]) -> Option<usize> {
    let first = *packet.first().filter(|first| **first >> 6 == 2)?;
    let mut length = LENGTH + 4 * usize::from(first & 0x0F);
    if first & 0x10 != 0 {
        let &[_, _, high, low] = packet.get(length..length + 4)? else { return None };
        length += 4 + 4 * usize::from(u16::from_be_bytes([high, low]));
    }
    (length <= packet.len()).then_some(length)
}

/// Source and sequence number of `packet`, if it is as long as a header.
pub fn identity(packet: &[u8]) -> Option<(u32, u16)> {
    let fixed = packet.first_chunk::<LENGTH>()?;
    let ssrc = u32::from_be_bytes([fixed[8], fixed[9], fixed[10], fixed[11]]);
    Some((ssrc, u16::from_be_bytes([fixed[2], fixed[3]])))
}

/// The values of a header that is written, over those of a packet that is forwarded or anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rewrite {
    /// See [`Header::marker`].
    pub marker: bool,
    /// See [`Header::payload_type`].
    pub payload_type: u8,
    /// See [`Header::sequence`].
    pub sequence: u16,
    /// See [`Header::timestamp`].
    pub timestamp: u32,
    /// See [`Header::ssrc`].
    pub ssrc: u32,
}

impl Rewrite {
    /// Writes the header over that of `packet`, from which `header` was read, and returns the new length.
    ///
    /// Contributing sources, extension and padding go: the ids of an extension (RFC 8285) were negotiated with the sender
    /// and mean something else to the receiver, and who is behind a leg is nobody's business on the other.
    pub fn apply(&self, packet: &mut [u8], header: &Header) -> usize {
        if header.payload_start != LENGTH {
            packet.copy_within(header.payload_start..header.payload_end, LENGTH);
        }
        self.write(packet);
        LENGTH + header.payload_len()
    }

    /// Writes the header of a packet of our own; nothing where there is no room for it.
    pub fn write(&self, packet: &mut [u8]) {
        let Some(fixed) = packet.first_chunk_mut::<LENGTH>() else { return };
        let [s0, s1] = self.sequence.to_be_bytes();
        let [t0, t1, t2, t3] = self.timestamp.to_be_bytes();
        let [r0, r1, r2, r3] = self.ssrc.to_be_bytes();
        let second = u8::from(self.marker) << 7 | (self.payload_type & 0x7F);
        *fixed = [0x80, second, s0, s1, t0, t1, t2, t3, r0, r1, r2, r3];
    }
}

/// Whether a packet on the RTP port is RTCP: its packet type lies where RTP has none (RFC 5761 §4).
pub fn looks_like_rtcp(packet: &[u8]) -> bool {
    matches!(packet, [first, 192..=223, ..] if first >> 6 == 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAIN: [u8; 16] = [0x80, 0x88, 0x12, 0x34, 0, 0, 1, 0, 0xDE, 0xAD, 0xBE, 0xEF, 1, 2, 3, 4];

    #[test]
    fn reads_a_plain_header() {
        let header = Header::parse(&PLAIN).unwrap();
        assert_eq!(
            header,
            Header {
                marker: true,
                payload_type: 8,
                sequence: 0x1234,
                timestamp: 256,
                ssrc: 0xDEAD_BEEF,
                payload_start: 12,
                payload_end: 16
            }
        );
        assert_eq!(header.payload(&PLAIN), [1, 2, 3, 4]);
    }

    #[test]
    fn reads_contributing_sources_extension_and_padding() {
        let mut packet = PLAIN[..12].to_vec();
        packet[0] = 0x80 | 0x20 | 0x10 | 2;
        packet.extend([0; 8]);
        packet.extend([0xBE, 0xDE, 0, 1, 0x10, 9, 0, 0]);
        packet.extend([7, 8, 9]);
        packet.extend([0, 0, 3]);
        let header = Header::parse(&packet).unwrap();
        assert_eq!(header.payload(&packet), [7, 8, 9]);
    }

    #[test]
    fn rejects_lengths_that_lie() {
        assert_eq!(Header::parse(&PLAIN[..11]), Err(Malformed::Length(11)));
        assert_eq!(Header::parse(&[0x80; limits::PACKET + 1]), Err(Malformed::Length(limits::PACKET + 1)));
        let with = |first: u8, last: u8| {
            let mut packet = PLAIN;
            packet[0] = first;
            packet[15] = last;
            Header::parse(&packet)
        };
        assert_eq!(with(0x40, 0), Err(Malformed::Version(1)));
        assert_eq!(with(0x82, 0), Err(Malformed::Header));
        assert_eq!(with(0x90, 1), Err(Malformed::Header));
        assert_eq!(with(0xA0, 0), Err(Malformed::Padding(0)));
        assert_eq!(with(0xA0, 5), Err(Malformed::Padding(5)));
        assert_eq!(with(0xA0, 4).unwrap().payload_len(), 0);
        assert_eq!(with(0x81, 4).unwrap().payload_len(), 0);
    }

    #[test]
    fn the_extension_that_breaks_other_parsers_is_an_empty_packet() {
        let packet = [0x90, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1, 0xBE, 0xDE, 0, 1, 0x1F, 0, 0, 0];
        assert_eq!(Header::parse(&packet).unwrap().payload_len(), 0);
    }

    #[test]
    fn writes_over_in_place_and_strips() {
        let mut packet = PLAIN[..12].to_vec();
        packet[0] = 0xB1;
        packet.extend([0; 4]);
        packet.extend([0xBE, 0xDE, 0, 0]);
        packet.extend([7, 8, 9, 1]);
        let header = Header::parse(&packet).unwrap();
        let rewrite = Rewrite { marker: false, payload_type: 101, sequence: 0xFFFF, timestamp: 1, ssrc: 2 };
        let len = rewrite.apply(&mut packet, &header);
        assert_eq!(packet[..len], [0x80, 101, 0xFF, 0xFF, 0, 0, 0, 1, 0, 0, 0, 2, 7, 8, 9]);
    }

    #[test]
    fn tells_rtcp_from_rtp() {
        assert!(looks_like_rtcp(&[0x80, 200, 0, 1]));
        assert!(!looks_like_rtcp(&[0x80, 0x80 | 101]));
        assert!(!looks_like_rtcp(&[0x80, 0x88]));
        assert!(!looks_like_rtcp(&[0x00, 200]));
        assert!(!looks_like_rtcp(&[]));
    }
}
