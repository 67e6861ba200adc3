//! G.722 held against the test sequences of its Appendix II, against what two other implementations make of a signal, and
//! against what a codec of its kind must be able to do.

use std::f64::consts::PI;

use super::*;

/// CRC-32 as the ITU lists it for its test sequences.
fn crc(octets: impl IntoIterator<Item = u8>) -> u32 {
    !octets.into_iter().fold(!0, |crc, octet| {
        (0..8).fold(crc ^ u32::from(octet), |crc, _| if crc & 1 == 1 { crc >> 1 ^ 0xEDB8_8320 } else { crc >> 1 })
    })
}

/// The checksum of a test sequence in the ITU's form: words of 16 bits, 16 resets (bit 0) before and after.
fn sequence_crc(words: &[u16]) -> u32 {
    let resets = [1; 16];
    crc(resets.iter().chain(words).chain(&resets).flat_map(|word| word.to_le_bytes()))
}

/// The overload sequence T1C2: as loud as can be at half the rate of the band, then at a third of it.
fn overload() -> Vec<u16> {
    let half = (0..639).map(|n| if n % 2 == 0 { 0x8000 } else { 0x7FFE });
    let third = (0..126).map(|n| if n % 3 == 1 { 0x7FFE } else { 0x8000 });
    half.chain([0, 0xB1E0, 0xC000]).chain(third).collect()
}

#[test]
fn the_overload_sequence_of_the_recommendation() {
    let input = overload();
    assert_eq!(sequence_crc(&input), 0x2D60_4685, "T1C2.XMT");
    // Configuration 1 of Appendix II: the word is the sample of both bands, in its upper 15 bits.
    let (mut lower, mut upper) = (Lower::default(), Upper::default());
    let bands = input.iter().map(|word| (*word as i16) >> 1);
    let codes: Vec<u8> = bands.map(|sample| upper.encode(sample) << 6 | lower.encode(sample)).collect();
    let words: Vec<u16> = codes.iter().map(|code| u16::from(*code) << 8).collect();
    assert_eq!(sequence_crc(&words), 0x344E_A5D0, "T2R2.COD");
    // Configuration 2.
    let (mut lower, mut upper) = (Lower::default(), Upper::default());
    let low: Vec<u16> = codes.iter().map(|code| (lower.decode(code & 63) << 1) as u16).collect();
    let high: Vec<u16> = codes.iter().map(|code| (upper.decode(code >> 6) << 1) as u16).collect();
    assert_eq!(sequence_crc(&low), 0xAF00_F31F, "T3L2.RC1");
    assert_eq!(sequence_crc(&high), 0x5330_AE2E, "T3H2.RC0");
}

/// Ten seconds in whole numbers, the same everywhere: a chirp of saw-teeth and noise, each louder and softer in turn.
fn signal() -> Vec<i16> {
    let (mut random, mut phase) = (1_u32, 0_u32);
    let sample = |n: u32| {
        random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        phase = phase.wrapping_add((n % 40_000) * 50_000 + 10_000_000);
        let (noise, tooth) = ((random >> 16) as u16 as i16 as i32, (phase >> 16) as u16 as i16 as i32);
        let (a, b) = ((n / 800 % 32) as i32, (n / 700 % 29) as i32);
        (noise * a / 64 + tooth * b / 40).clamp(-32_768, 32_767) as i16
    };
    (0..160_000).map(sample).collect()
}

#[test]
fn other_implementations_make_the_same_of_it() {
    let signal = signal();
    let mut codes = vec![0; signal.len() / 2];
    G722Encoder::new().encode(&signal, &mut codes);
    let mut heard = vec![0; signal.len()];
    G722Decoder::new().decode(&codes, &mut heard);
    let checksums = (crc(codes), crc(heard.iter().flat_map(|sample| sample.to_le_bytes())));
    // FFmpeg 5.1 makes both of it, spandsp 0.0.6 the codes (its decoder wraps where the sound overflows, in 8 samples).
    assert_eq!(checksums, (0xE93C_ED67, 0xDD06_0633), "{checksums:#010x?}");
}

#[test]
fn how_the_audio_is_cut_does_not_matter() {
    let signal = &signal()[..20_000];
    let (mut whole, mut pieces) = (vec![0; 10_000], vec![0; 10_000]);
    G722Encoder::new().encode(signal, &mut whole);
    let (mut encoder, mut place) = (G722Encoder::new(), 0);
    for octets in [1, 80, 81, 160, 79, 7].into_iter().cycle() {
        let end = pieces.len().min(place + octets);
        encoder.encode(&signal[place * 2..end * 2], &mut pieces[place..end]);
        place = end;
        if place == pieces.len() {
            break;
        }
    }
    assert_eq!(pieces, whole);
    let (mut at_once, mut in_pieces) = (vec![0; 20_000], Vec::new());
    G722Decoder::new().decode(&whole, &mut at_once);
    let mut decoder = G722Decoder::new();
    for octets in whole.chunks(93) {
        let mut pcm = vec![0; octets.len() * 2];
        decoder.decode(octets, &mut pcm);
        in_pieces.extend(pcm);
    }
    assert_eq!(in_pieces, at_once);
}

#[test]
fn a_tone_comes_back_clean_wherever_it_lies() {
    // G.722 clause 2.5 wants a ratio of signal to distortion of some 30 dB and more for a tone in mode 1; the upper band, with
    // 2 bits, has less.
    for (hz, least) in [(300.0, 35.0), (1_000.0, 35.0), (3_000.0, 30.0), (5_000.0, 14.0), (6_500.0, 14.0)] {
        let tone: Vec<i16> =
            (0..16_000).map(|n| (8_000.0 * (2.0 * PI * hz * f64::from(n) / 16_000.0).sin()) as i16).collect();
        let mut codes = vec![0; 8_000];
        G722Encoder::new().encode(&tone, &mut codes);
        let mut heard = vec![0; 16_000];
        G722Decoder::new().decode(&codes, &mut heard);
        // Over whole periods: what is not the tone is distortion.
        let part = &heard[8_000..];
        let (mut sine, mut cosine, mut power) = (0.0, 0.0, 0.0);
        for (n, sample) in part.iter().enumerate() {
            let (angle, value) = (2.0 * PI * hz * n as f64 / 16_000.0, f64::from(*sample));
            sine += value * angle.sin();
            cosine += value * angle.cos();
            power += value * value;
        }
        let length = part.len() as f64;
        let amplitude = 2.0 * sine.hypot(cosine) / length;
        let distortion = power / length - amplitude * amplitude / 2.0;
        let ratio = 10.0 * (amplitude * amplitude / 2.0 / distortion).log10();
        println!("{hz} Hz: {:.2} dB, {ratio:.1} dB above its distortion", 20.0 * (amplitude / 8_000.0).log10());
        assert!((20.0 * (amplitude / 8_000.0).log10()).abs() < 0.5, "{hz} Hz: amplitude {amplitude}");
        assert!(ratio > least, "{hz} Hz: {ratio:.1} dB");
    }
}
