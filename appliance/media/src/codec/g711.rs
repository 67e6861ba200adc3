//! µ-law and A-law turned into each other, octet by octet (ITU-T G.711).
//!
//! G.711 tables 3 and 4 map each code of one law to the code of the other whose level is nearest. The laws count in
//! different units: the overload point of µ-law, 8159, stands for +3.17 dBm0, that of A-law, 4096, for +3.14 dBm0. On a
//! scale of 16 bits for both, a µ-law value is therefore 4 · 8159 / (8 · 4096) · 10^(0.03/20) ≈ 1.0075 times as loud as the same
//! A-law value. With that factor "nearest" is unambiguous for all 256 codes and gives the printed tables.

pub mod linear;

/// One of the two laws.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Law {
    /// µ-law, PCMU.
    Ulaw,
    /// A-law, PCMA.
    Alaw,
}

/// For each µ-law octet the A-law octet of the same level.
pub static ULAW_TO_ALAW: [u8; 256] = ulaw_to_alaw();

/// For each A-law octet the µ-law octet of the same level.
pub static ALAW_TO_ULAW: [u8; 256] = alaw_to_ulaw();

/// Turns µ-law samples into A-law in place.
pub fn to_alaw(samples: &mut [u8]) {
    translate(samples, &ULAW_TO_ALAW);
}

/// Turns A-law samples into µ-law in place.
pub fn to_ulaw(samples: &mut [u8]) {
    translate(samples, &ALAW_TO_ULAW);
}

fn translate(samples: &mut [u8], table: &[u8; 256]) {
    for sample in samples {
        *sample = table[usize::from(*sample)];
    }
}

/// The level of a µ-law magnitude 0–127 on a scale of 16 bits, in ten-thousandths.
const fn ulaw_level(magnitude: u8) -> u64 {
    let segment = magnitude >> 4;
    let interval = (magnitude & 0x0F) as u64;
    ((((interval << 3) + 132) << segment) - 132) * 10_075
}

/// The level of an A-law magnitude 0–127 on a scale of 16 bits, in ten-thousandths.
const fn alaw_level(magnitude: u8) -> u64 {
    let segment = magnitude >> 4;
    let interval = (magnitude & 0x0F) as u64;
    let value = match segment {
        0 => (interval << 4) + 8,
        _ => ((interval << 4) + 264) << (segment - 1),
    };
    value * 10_000
}

const fn ulaw_to_alaw() -> [u8; 256] {
    let mut table = [0; 256];
    let mut code = 0;
    while code < 256 {
        // µ-law is sent inverted, A-law with every second bit inverted; the sign bit means the same in both.
        let magnitude = !(code as u8) & 0x7F;
        let mut best = 0;
        let mut candidate = 1;
        while candidate < 128 {
            let level = ulaw_level(magnitude);
            if alaw_level(candidate).abs_diff(level) < alaw_level(best).abs_diff(level) {
                best = candidate;
            }
            candidate += 1;
        }
        table[code] = (code as u8 & 0x80) | (best ^ 0x55);
        code += 1;
    }
    table
}

const fn alaw_to_ulaw() -> [u8; 256] {
    let mut table = [0; 256];
    let mut code = 0;
    while code < 256 {
        let magnitude = (code as u8 ^ 0x55) & 0x7F;
        let mut best = 0;
        let mut candidate = 1;
        while candidate < 128 {
            let level = alaw_level(magnitude);
            if ulaw_level(candidate).abs_diff(level) < ulaw_level(best).abs_diff(level) {
                best = candidate;
            }
            candidate += 1;
        }
        table[code] = (code as u8 & 0x80) | (!best & 0x7F);
        code += 1;
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    /// G.711 table 2a: the signed value of a µ-law octet, in units of its own overload point 8159.
    fn ulaw_value(octet: u8) -> f64 {
        let code = !octet;
        let (segment, interval) = (i32::from(code >> 4 & 7), f64::from(code & 15));
        let value = (2.0 * interval + 33.0) * 2f64.powi(segment) - 33.0;
        if octet & 0x80 != 0 { value } else { -value }
    }

    /// G.711 table 1a: the signed value of an A-law octet, in units of its own overload point 4096.
    fn alaw_value(octet: u8) -> f64 {
        let code = octet ^ 0x55;
        let (segment, interval) = (i32::from(code >> 4 & 7), f64::from(code & 15));
        let value = match segment {
            0 => 2.0 * interval + 1.0,
            _ => (2.0 * interval + 33.0) * 2f64.powi(segment - 1),
        };
        if octet & 0x80 != 0 { value } else { -value }
    }

    /// The level of a value as a part of 0 dBm0's peak, so that both laws stand on one scale. The level of the overload
    /// point comes in hundredths of a dBm0.
    fn level(value: f64, overload: f64, overload_level: f64) -> f64 {
        value / overload * 10f64.powf(overload_level / 2_000.0)
    }

    fn ulaw_real(octet: u8) -> f64 {
        level(ulaw_value(octet), 8159.0, 317.0)
    }

    fn alaw_real(octet: u8) -> f64 {
        level(alaw_value(octet), 4096.0, 314.0)
    }

    fn same_sign(a: u8, b: u8) -> bool {
        a & 0x80 == b & 0x80
    }

    #[test]
    fn each_ulaw_code_becomes_the_alaw_code_of_the_nearest_level() {
        for octet in 0..=255u8 {
            let ours = ULAW_TO_ALAW[usize::from(octet)];
            assert!(same_sign(octet, ours));
            let error = (alaw_real(ours) - ulaw_real(octet)).abs();
            for other in (0..=255u8).filter(|other| *other != ours && same_sign(octet, *other)) {
                assert!(
                    error < (alaw_real(other) - ulaw_real(octet)).abs(),
                    "{octet:#04x}: {ours:#04x} or {other:#04x}"
                );
            }
        }
    }

    #[test]
    fn each_alaw_code_becomes_the_ulaw_code_of_the_nearest_level() {
        for octet in 0..=255u8 {
            let ours = ALAW_TO_ULAW[usize::from(octet)];
            assert!(same_sign(octet, ours));
            let error = (ulaw_real(ours) - alaw_real(octet)).abs();
            for other in (0..=255u8).filter(|other| *other != ours && same_sign(octet, *other)) {
                assert!(
                    error < (ulaw_real(other) - alaw_real(octet)).abs(),
                    "{octet:#04x}: {ours:#04x} or {other:#04x}"
                );
            }
        }
    }

    #[test]
    fn silence_stays_silence_and_the_loudest_stays_the_loudest() {
        assert_eq!(ULAW_TO_ALAW[0xFF], 0xD5);
        assert_eq!(ULAW_TO_ALAW[0x7F], 0x55);
        assert_eq!(ULAW_TO_ALAW[0x80], 0xAA);
        assert_eq!(ALAW_TO_ULAW[0xD5], 0xFE);
        assert_eq!(ALAW_TO_ULAW[0xAA], 0x80);
    }

    #[test]
    fn a_second_round_trip_changes_nothing_more() {
        for octet in 0..=255u8 {
            let once = ALAW_TO_ULAW[usize::from(ULAW_TO_ALAW[usize::from(octet)])];
            let twice = ALAW_TO_ULAW[usize::from(ULAW_TO_ALAW[usize::from(once)])];
            assert_eq!(once, twice);
        }
    }

    #[test]
    fn translates_in_place() {
        let mut samples = [0xFF, 0x80, 0x00];
        to_alaw(&mut samples);
        assert_eq!(samples, [0xD5, 0xAA, 0x2A]);
        to_ulaw(&mut samples);
        assert_eq!(samples, [0xFE, 0x80, 0x00]);
    }
}
