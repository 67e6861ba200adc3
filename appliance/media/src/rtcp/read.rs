//! What a phone's RTCP packet says that matters to us.

use rtcp_types::{ReceiverReport, ReportBlock, RtcpPacketParser, SenderReport};
use thiserror::Error;

use crate::limits;

/// The contents of a compound packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Heard {
    /// Who reports.
    pub ssrc: u32,
    /// The NTP timestamp of its sender report.
    pub sender_report: Option<u64>,
    /// What it says about our packets.
    pub about_us: Option<Block>,
    /// Whether it says goodbye.
    pub bye: bool,
}

/// A report block about us (RFC 3550 §6.4.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Block {
    /// In 1/256 since the last report.
    pub fraction_lost: u8,
    /// In all, with sign.
    pub lost: i32,
    /// In timestamp units.
    pub jitter: u32,
    /// The middle of the NTP timestamp of our report that it heard last; 0: none.
    pub last_sender_report: u32,
    /// Since then, in 1/65536 s.
    pub delay: u32,
}

/// The packet is no compound RTCP packet (RFC 3550 A.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("no RTCP packet")]
pub struct Malformed;

const SENDER_REPORT: u8 = 200;
const RECEIVER_REPORT: u8 = 201;
const BYE: u8 = 203;

/// Reads a compound packet. `ours` is our SSRC, whose blocks are picked out.
///
/// The parts are walked here, because only reports matter and walking allocates nothing; what is inside a report is read
/// by `rtcp-types`. A compound packet begins with a report (RFC 3550 §6.1).
pub fn read(packet: &[u8], ours: u32) -> Result<Heard, Malformed> {
    if packet.len() > limits::PACKET || !matches!(packet.get(1), Some(&(SENDER_REPORT | RECEIVER_REPORT))) {
        return Err(Malformed);
    }
    let mut heard = Heard::default();
    let mut rest = packet;
    while let Some(&[first, kind, high, low]) = rest.first_chunk::<4>() {
        let length = 4 + 4 * usize::from(u16::from_be_bytes([high, low]));
        let (part, behind) = rest.split_at_checked(length).ok_or(Malformed)?;
        // Only the last part may be padded (A.2).
        if first >> 6 != 2 || (first & 0x20 != 0 && !behind.is_empty()) {
            return Err(Malformed);
        }
        match kind {
            SENDER_REPORT => {
                let report = SenderReport::parse(part).map_err(|_| Malformed)?;
                heard.ssrc = report.ssrc();
                heard.sender_report = Some(report.ntp_timestamp());
                heard.take_block(report.report_blocks(), ours);
            }
            RECEIVER_REPORT => {
                let report = ReceiverReport::parse(part).map_err(|_| Malformed)?;
                heard.ssrc = report.ssrc();
                heard.take_block(report.report_blocks(), ours);
            }
            BYE => heard.bye = true,
            _ => {}
        }
        rest = behind;
    }
    if rest.is_empty() { Ok(heard) } else { Err(Malformed) }
}

impl Heard {
    fn take_block<'a>(&mut self, mut blocks: impl Iterator<Item = ReportBlock<'a>>, ours: u32) {
        if let Some(block) = blocks.find(|block| block.ssrc() == ours) {
            self.about_us = Some(Block {
                fraction_lost: block.fraction_lost(),
                lost: ((block.cumulative_lost() << 8) as i32) >> 8,
                jitter: block.interarrival_jitter(),
                last_sender_report: block.last_sender_report_timestamp(),
                delay: block.delay_since_last_sender_report_timestamp(),
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn receiver_report() -> Vec<u8> {
        let mut packet = vec![0x81, 201, 0, 7, 0, 0, 0, 9];
        packet.extend([0, 0, 0, 1, 64, 0xFF, 0xFF, 0xFE, 0, 0, 0, 5, 0, 0, 0, 6, 1, 2, 3, 4, 0, 1, 0, 0]);
        packet
    }

    #[test]
    fn reads_the_block_about_us() {
        let heard = read(&receiver_report(), 1).unwrap();
        assert_eq!((heard.ssrc, heard.sender_report, heard.bye), (9, None, false));
        let block = heard.about_us.unwrap();
        assert_eq!((block.fraction_lost, block.lost, block.jitter), (64, -2, 6));
        assert_eq!((block.last_sender_report, block.delay), (0x0102_0304, 65_536));
        assert_eq!(read(&receiver_report(), 2).unwrap().about_us, None);
    }

    #[test]
    fn reads_a_sender_report_and_a_bye() {
        let mut packet = vec![0x80, 200, 0, 6, 0, 0, 0, 9, 1, 2, 3, 4, 5, 6, 7, 8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
        packet.extend([0x81, 203, 0, 1, 0, 0, 0, 9]);
        let heard = read(&packet, 1).unwrap();
        assert_eq!((heard.sender_report, heard.bye), (Some(0x0102_0304_0506_0708), true));
    }

    #[test]
    fn rejects_what_lies() {
        let packet = receiver_report();
        for len in 0..packet.len() {
            assert_eq!(read(&packet[..len], 1), Err(Malformed), "{len}");
        }
        let mut longer = packet.clone();
        longer[3] = 8;
        assert_eq!(read(&longer, 1), Err(Malformed));
        let mut more_blocks = packet.clone();
        more_blocks[0] = 0x82;
        assert_eq!(read(&more_blocks, 1), Err(Malformed));
        let mut alone = packet;
        alone[1] = 203;
        assert_eq!(read(&alone, 1), Err(Malformed));
    }
}
