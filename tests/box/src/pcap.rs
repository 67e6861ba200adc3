//! Files of captured packets, as SIPp plays them: RTP with G.711 A-law, one packet in 20 ms.

use std::path::Path;

use anyhow::Result;

/// Samples in a packet.
const FRAME: usize = 160;

/// Writes such a file of samples of 8 kHz, -1.0 to 1.0.
pub fn write(path: &Path, samples: &[f64]) -> Result<()> {
    // libpcap's file format: magic, version 2.4, time zone, accuracy, longest packet, Ethernet.
    let mut file: Vec<u8> =
        [0xa1b2_c3d4_u32, 0x0004_0002, 0, 0, 65_535, 1].iter().flat_map(|word| word.to_le_bytes()).collect();
    for (number, frame) in samples.chunks(FRAME).enumerate() {
        let packet = packet(number, frame);
        let micros = number as u32 * 20_000;
        let length = packet.len() as u32;
        for word in [micros / 1_000_000, micros % 1_000_000, length, length] {
            file.extend_from_slice(&word.to_le_bytes());
        }
        file.extend_from_slice(&packet);
    }
    Ok(std::fs::write(path, file)?)
}

/// Ethernet, IPv4, UDP, RTP. SIPp writes addresses and ports of its own.
fn packet(number: usize, frame: &[f64]) -> Vec<u8> {
    let udp = 8 + 12 + frame.len() as u16;
    let [high, low] = (20 + udp).to_be_bytes();
    let mut packet = vec![0; 12];
    packet.extend_from_slice(&[8, 0, 0x45, 0, high, low, 0, 0, 0x40, 0, 64, 17, 0, 0, 127, 0, 0, 1, 127, 0, 0, 1]);
    packet.extend_from_slice(&[0x27, 0x10, 0x27, 0x10]);
    packet.extend_from_slice(&udp.to_be_bytes());
    packet.extend_from_slice(&[0, 0, 0x80, if number == 0 { 0x88 } else { 8 }]);
    packet.extend_from_slice(&(number as u16).to_be_bytes());
    packet.extend_from_slice(&((number * FRAME) as u32).to_be_bytes());
    packet.extend_from_slice(&0x0051_9900_u32.to_be_bytes());
    packet.extend(frame.iter().map(|sample| alaw((sample * 32_767.0) as i16)));
    packet
}

/// ITU-T G.711 table 1a.
fn alaw(sample: i16) -> u8 {
    let magnitude = i32::from(sample).unsigned_abs().min(32_767) >> 4;
    let segment = magnitude.checked_ilog2().map_or(0, |bits| bits.saturating_sub(3));
    let step = magnitude >> segment.saturating_sub(1) & 0xf;
    let sign = if sample < 0 { 0 } else { 0x80 };
    (sign | segment << 4 | step) as u8 ^ 0x55
}

#[cfg(test)]
mod tests {
    use super::alaw;

    #[test]
    fn samples_are_coded_as_the_recommendation_has_it() {
        assert_eq!([0, -1, 32_256, -32_256, 504].map(alaw), [0xD5, 0x55, 0xAA, 0x2A, 0xCA]);
    }
}
