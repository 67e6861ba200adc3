//! Our own RTCP packets, part by part, into a fixed buffer.

use crate::rtp::reception::ReceptionReport;
use crate::transmit::Transmit;

/// What a sender report says about us (RFC 3550 §6.4.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SenderInfo {
    /// The wall clock, see [`super::wall_clock`].
    pub ntp: u64,
    /// The same moment in timestamp units.
    pub timestamp: u32,
    /// Packets sent, modulo 2³².
    pub packets: u32,
    /// Payload octets sent, modulo 2³².
    pub octets: u32,
}

/// What we report about the phone's packets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BlockInfo {
    /// Loss and jitter.
    pub reception: ReceptionReport,
    /// The middle of the NTP timestamp of its last sender report; 0: none.
    pub last_sender_report: u32,
    /// Since then, in 1/65536 s.
    pub delay: u32,
}

/// Appends a report: a sender report when there is something to say about us, else a receiver report.
pub fn report(transmit: &mut Transmit, ssrc: u32, sender: Option<SenderInfo>, block: Option<BlockInfo>) {
    let count = u8::from(block.is_some());
    let (kind, words) = if sender.is_some() { (200, 6) } else { (201, 1) };
    transmit.push(&[0x80 | count, kind, 0, words + 6 * count]);
    transmit.push(&ssrc.to_be_bytes());
    if let Some(sender) = sender {
        transmit.push(&sender.ntp.to_be_bytes());
        for word in [sender.timestamp, sender.packets, sender.octets] {
            transmit.push(&word.to_be_bytes());
        }
    }
    if let Some(block) = block {
        let reception = block.reception;
        let loss = u32::from(reception.fraction_lost) << 24 | (reception.lost as u32 & 0x00FF_FFFF);
        let words = [reception.ssrc, loss, reception.highest, reception.jitter, block.last_sender_report, block.delay];
        for word in words {
            transmit.push(&word.to_be_bytes());
        }
    }
}

/// Appends our name (RFC 3550 §6.5.1): one chunk, ended by one to four zeros.
pub fn source_description(transmit: &mut Transmit, ssrc: u32, cname: &str) {
    let unpadded = 4 + 2 + cname.len();
    let words = unpadded / 4 + 1;
    transmit.push(&[0x81, 202, 0, words as u8]);
    transmit.push(&ssrc.to_be_bytes());
    transmit.push(&[1, cname.len() as u8]);
    transmit.push(cname.as_bytes());
    transmit.push(&[0; 4][..words * 4 - unpadded]);
}

/// Appends a BYE (RFC 3550 §6.6).
pub fn bye(transmit: &mut Transmit, ssrc: u32) {
    transmit.push(&[0x81, 203, 0, 1]);
    transmit.push(&ssrc.to_be_bytes());
}

#[cfg(test)]
mod tests {
    use rtcp_types::{Compound, Packet};

    use super::*;
    use crate::limits;
    use crate::socket::{Socket, StreamId};

    fn transmit() -> Transmit {
        Transmit::new(Socket::rtcp(StreamId(1)), "192.0.2.1:4001".parse().unwrap())
    }

    fn block() -> BlockInfo {
        let reception = ReceptionReport { ssrc: 7, fraction_lost: 3, lost: -1, highest: 70_000, jitter: 12 };
        BlockInfo { reception, last_sender_report: 0x1234_5678, delay: 65_536 }
    }

    #[test]
    fn the_longest_packet_fits_and_reads_back() {
        let mut transmit = transmit();
        let sender = SenderInfo { ntp: 0x0102_0304_0506_0708, timestamp: 9, packets: 10, octets: 11 };
        let cname = "c".repeat(limits::CNAME);
        report(&mut transmit, 5, Some(sender), Some(block()));
        source_description(&mut transmit, 5, &cname);
        bye(&mut transmit, 5);
        let parts: Vec<_> = Compound::parse(transmit.packet()).unwrap().map(Result::unwrap).collect();
        let [Packet::Sr(report), Packet::Sdes(names), Packet::Bye(bye)] = &parts[..] else { panic!("{parts:?}") };
        assert_eq!((report.ssrc(), report.ntp_timestamp(), report.rtp_timestamp()), (5, sender.ntp, 9));
        assert_eq!((report.packet_count(), report.octet_count()), (10, 11));
        let block = report.report_blocks().next().unwrap();
        assert_eq!((block.ssrc(), block.fraction_lost(), block.cumulative_lost()), (7, 3, 0xFF_FFFF));
        assert_eq!((block.extended_sequence_number(), block.interarrival_jitter()), (70_000, 12));
        let chunk = names.chunks().next().unwrap();
        assert_eq!(chunk.items().next().unwrap().value(), cname.as_bytes());
        assert_eq!(bye.ssrcs().collect::<Vec<_>>(), [5]);
    }

    #[test]
    fn names_of_any_length_are_padded_right() {
        for length in 0..=limits::CNAME {
            let mut transmit = transmit();
            report(&mut transmit, 5, None, None);
            source_description(&mut transmit, 5, &"n".repeat(length));
            let parts: Vec<_> = Compound::parse(transmit.packet()).unwrap().map(Result::unwrap).collect();
            let [Packet::Rr(_), Packet::Sdes(names)] = &parts[..] else { panic!("{parts:?}") };
            assert_eq!(names.chunks().next().unwrap().items().next().unwrap().value().len(), length);
        }
    }
}
