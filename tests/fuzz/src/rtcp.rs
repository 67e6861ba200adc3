//! RTCP as it arrives from the network (RFC 3550 §6).
//!
//! The input is a list of packets, each after a head of four octets: how many hundredths of a second later it comes
//! (0–255), whether a report of ours leaves before it (bit 0), and its length (two octets, big endian).

use std::time::Duration;

use media::rtcp::read;
use media::rtcp::reporting::Reporting;
use rtcp_types::{Compound, Packet};

/// As many packets as one input may hold.
const PACKETS: usize = 256;

/// Our own source.
const OURS: u32 = 1;

/// Reads a list of packets. What another reader takes for sound must be read, and say the same; no round trip is
/// longer than can be.
pub fn rtcp(data: &[u8]) {
    let (mut reporting, mut now, mut sent, mut accepted) = (Reporting::default(), Duration::from_secs(1), 0u64, 0);
    let mut rest = data;
    for _ in 0..PACKETS {
        let Some((&[wait, flags, high, low], behind)) = rest.split_first_chunk::<4>() else { break };
        let length = usize::from(u16::from_be_bytes([high, low])).min(behind.len());
        let (packet, behind) = behind.split_at(length);
        rest = behind;
        now += Duration::from_millis(u64::from(wait) * 10);
        if flags & 1 != 0 {
            sent += 1;
            // The middle of this time is what the corpus' phones repeat.
            reporting.transmit(now, Some(0x0102_0304_0000_0000 | sent), sent);
        }
        let heard = read::read(packet, OURS);
        if let Some(expected) = sound(packet) {
            let heard = heard.expect("another reader takes it for sound");
            assert_eq!((heard.ssrc, heard.sender_report, heard.bye), expected);
        }
        let Ok(heard) = heard else { continue };
        accepted += 1;
        assert!(packet.len().is_multiple_of(4) && matches!(packet[1], 200 | 201));
        reporting.hear(now, &heard);
        assert!(reporting.round_trip().is_none_or(|time| time <= Duration::from_secs(10)));
        let (middle, delay) = reporting.last_sender_report(now + Duration::from_secs(2));
        assert!((middle, delay) == (0, 0) || delay >= 2 << 16);
    }
    assert_eq!(reporting.counts(), (accepted, sent));
}

/// The source of the last report in a compound packet, the time of the last sender report and whether there is a BYE, if
/// every part of it is sound.
fn sound(packet: &[u8]) -> Option<(u32, Option<u64>, bool)> {
    let (mut ssrc, mut time, mut bye) = (None, None, false);
    for (index, part) in Compound::parse(packet).ok()?.enumerate() {
        match part.ok()? {
            Packet::Sr(report) => (ssrc, time) = (Some(report.ssrc()), Some(report.ntp_timestamp())),
            Packet::Rr(report) => ssrc = Some(report.ssrc()),
            _ if index == 0 => return None,
            Packet::Bye(_) => bye = true,
            _ => {}
        }
    }
    Some((ssrc?, time, bye))
}
