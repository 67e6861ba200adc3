//! µ-law and A-law to and from linear samples (ITU-T G.711), on the usual scale: the loudest µ-law code is 32,124, the
//! loudest A-law code 32,256.

use crate::codec::g711::Law;

static ULAW: [i16; 256] = table(Law::Ulaw);
static ALAW: [i16; 256] = table(Law::Alaw);

/// The sample that each octet stands for; as many as the shorter of both slices holds.
pub fn decode(law: Law, octets: &[u8], pcm: &mut [i16]) {
    let table = match law {
        Law::Ulaw => &ULAW,
        Law::Alaw => &ALAW,
    };
    for (sample, octet) in pcm.iter_mut().zip(octets) {
        *sample = table[usize::from(*octet)];
    }
}

/// The octet in whose interval each sample lies; as many as the shorter of both slices holds.
pub fn encode(law: Law, pcm: &[i16], octets: &mut [u8]) {
    match law {
        Law::Ulaw => octets.iter_mut().zip(pcm).for_each(|(octet, sample)| *octet = to_ulaw(*sample)),
        Law::Alaw => octets.iter_mut().zip(pcm).for_each(|(octet, sample)| *octet = to_alaw(*sample)),
    }
}

const fn table(law: Law) -> [i16; 256] {
    let mut table = [0; 256];
    let mut code = 0;
    while code < 256 {
        table[code] = match law {
            Law::Ulaw => from_ulaw(code as u8),
            Law::Alaw => from_alaw(code as u8),
        };
        code += 1;
    }
    table
}

const fn from_ulaw(octet: u8) -> i16 {
    let code = !octet;
    let (segment, interval) = (code >> 4 & 7, (code & 15) as i16);
    let level = (((interval << 3) + BIAS) << segment) - BIAS;
    if code & 0x80 == 0 { level } else { -level }
}

const fn from_alaw(octet: u8) -> i16 {
    let code = octet ^ 0x55;
    let (segment, interval) = (code >> 4 & 7, (code & 15) as i16);
    let level = match segment {
        0 => (interval << 4) + 8,
        _ => ((interval << 4) + 0x108) << (segment - 1),
    };
    if code & 0x80 == 0 { -level } else { level }
}

/// What makes every segment of µ-law begin at a power of two.
const BIAS: i16 = 0x84;
/// The loudest µ-law has a code for: one interval above it the next segment would begin.
const ULAW_CLIP: u16 = 0x7FFF - BIAS as u16;

fn to_ulaw(sample: i16) -> u8 {
    let level = sample.unsigned_abs().min(ULAW_CLIP) + BIAS as u16;
    let segment = 8 - level.leading_zeros() as u16;
    let interval = level >> (segment + 3) & 15;
    let sign = if sample < 0 { 0x80 } else { 0 };
    !(sign | (segment << 4 | interval) as u8)
}

fn to_alaw(sample: i16) -> u8 {
    // The complement makes −1 the first interval below zero, as 0 is the first above it.
    let level = (if sample < 0 { !sample } else { sample }) as u16 >> 4;
    let segment = 12_u16.saturating_sub(level.max(1).leading_zeros() as u16);
    let interval = level >> segment.saturating_sub(1) & 15;
    let sign = if sample < 0 { 0 } else { 0x80 };
    (sign | (segment << 4 | interval) as u8) ^ 0x55
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(law: Law, octet: u8) -> i16 {
        let mut pcm = [0];
        decode(law, &[octet], &mut pcm);
        pcm[0]
    }

    fn back(law: Law, sample: i16) -> u8 {
        let mut octets = [0];
        encode(law, &[sample], &mut octets);
        octets[0]
    }

    #[test]
    fn the_values_of_the_recommendation() {
        // G.711 tables 1a and 2a, on a scale of 16 bits.
        for (octet, value) in
            [(0x80, 32_124), (0x00, -32_124), (0xFF, 0), (0x7F, 0), (0xFE, 8), (0xEF, 132), (0x8F, 16_764)]
        {
            assert_eq!(one(Law::Ulaw, octet), value, "{octet:#04x}");
        }
        for (octet, value) in
            [(0xAA, 32_256), (0x2A, -32_256), (0xD5, 8), (0x55, -8), (0xD4, 24), (0xC5, 264), (0xA5, 16_896)]
        {
            assert_eq!(one(Law::Alaw, octet), value, "{octet:#04x}");
        }
    }

    #[test]
    fn every_code_comes_back() {
        for octet in 0..=255 {
            // µ-law has two zeros; the negative one is never made.
            let expected = if octet == 0x7F { 0xFF } else { octet };
            assert_eq!(back(Law::Ulaw, one(Law::Ulaw, octet)), expected);
            assert_eq!(back(Law::Alaw, one(Law::Alaw, octet)), octet);
        }
    }

    #[test]
    fn every_sample_lies_in_the_interval_of_its_code() {
        for sample in i16::MIN..=i16::MAX {
            let (ulaw, alaw) = (back(Law::Ulaw, sample), back(Law::Alaw, sample));
            let distance = |law, octet| (i32::from(one(law, octet)) - i32::from(sample)).abs();
            // Half the width of the segment's intervals; beyond the last decision value everything is the loudest code.
            let segment = |code: u8| u32::from(code >> 4 & 7);
            let (half, beyond) = (4 << segment(!ulaw), (i32::from(sample).abs() - 32_636).max(0));
            assert!(distance(Law::Ulaw, ulaw) <= half + beyond, "{sample}: {ulaw:#04x}");
            let half = 8 << segment(alaw ^ 0x55).saturating_sub(1);
            assert!(distance(Law::Alaw, alaw) <= half, "{sample}: {alaw:#04x}");
        }
    }

    #[test]
    fn the_shorter_slice_ends_it() {
        let mut pcm = [7; 3];
        decode(Law::Ulaw, &[0x80], &mut pcm);
        assert_eq!(pcm, [32_124, 7, 7]);
        let mut octets = [7; 1];
        encode(Law::Alaw, &[0, 0, 0], &mut octets);
        assert_eq!(octets, [0xD5]);
    }
}
