//! Noise is measured, told, made again, and measured again.

use super::*;
use crate::codec::Malformed;

/// The level in dB below full scale, and how alike neighbours are, −1 to 1, at two distances.
fn measure(pcm: &[i16]) -> (f64, [f64; 2]) {
    let at = |lag: usize| pcm.iter().zip(&pcm[lag..]).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum::<f64>();
    let level = 10.0 * (at(0) / pcm.len() as f64 / (32_768.0 * 32_768.0)).log10();
    (level, [at(1) / at(0), at(2) / at(0)])
}

fn generate(payload: &[u8], samples: usize) -> Vec<i16> {
    let mut generator = NoiseGenerator::new();
    generator.hear(payload).expect("a payload");
    let mut pcm = vec![0; samples + 1_000];
    generator.fill(&mut pcm);
    pcm.split_off(1_000)
}

fn estimate(pcm: &[i16]) -> [u8; PAYLOAD] {
    let mut estimator = NoiseEstimator::new();
    pcm.chunks(160).for_each(|frame| estimator.hear(frame));
    let mut payload = [0; PAYLOAD];
    assert_eq!(estimator.write(&mut payload), PAYLOAD);
    payload
}

#[test]
fn white_noise_has_the_level_it_is_told() {
    for level in [10, 30, 50, 70] {
        let (measured, alike) = measure(&generate(&[level], 80_000));
        // Below 60 dB the steps of the samples themselves count.
        let tolerance = if level > 60 { 1.5 } else { 0.3 };
        assert!((measured + f64::from(level)).abs() < tolerance, "{measured} dB instead of -{level}");
        assert!(alike.iter().all(|alike| alike.abs() < 0.05), "{alike:?}");
    }
}

#[test]
fn the_quietest_is_silence() {
    assert!(generate(&[127], 8_000).iter().all(|sample| *sample == 0));
    let mut silent = vec![1; 160];
    NoiseGenerator::new().fill(&mut silent);
    assert!(silent.iter().all(|sample| *sample == 0), "nothing was told");
}

#[test]
fn coloured_noise_keeps_its_level_and_its_colour() {
    // Rumble, hiss, and a hum in between.
    for colour in [[20, 127, 127], [230, 127, 127], [60, 220, 100]] {
        let original = generate(&[[40].as_slice(), &colour].concat(), 80_000);
        let (level, alike) = measure(&original);
        assert!((level + 40.0).abs() < 0.5, "{colour:?}: {level} dB");
        let told = estimate(&original);
        let (level_again, alike_again) = measure(&generate(&told, 80_000));
        assert!((level_again - level).abs() < 1.5, "{colour:?}: {level_again} dB instead of {level}");
        for (before, after) in alike.iter().zip(alike_again) {
            assert!((before - after).abs() < 0.1, "{colour:?}: {alike:?} became {alike_again:?}");
        }
        for (told, meant) in told[1..].iter().zip(colour) {
            assert!(told.abs_diff(meant) <= 16, "{colour:?} told as {told:?}");
        }
    }
}

/// −R(1)/R(0): what falls towards high frequencies has a first coefficient below zero.
#[test]
fn the_sign_is_the_usual_one() {
    let (_, alike) = measure(&generate(&[30, 27], 40_000));
    assert!((alike[0] - 100.0 / 127.0).abs() < 0.03, "{alike:?}");
}

#[test]
fn a_change_is_no_click() {
    let mut generator = NoiseGenerator::new();
    generator.hear(&[60]).expect("a payload");
    let mut pcm = vec![0; 8_000];
    generator.fill(&mut pcm[..4_000]);
    generator.hear(&[30]).expect("a payload");
    generator.fill(&mut pcm[4_000..]);
    let power = |part: &[i16]| measure(part).0;
    assert!(power(&pcm[4_000..4_040]) < -36.0, "the first 5 ms are on the way");
    assert!((power(&pcm[5_000..]) + 30.0).abs() < 0.5);
}

#[test]
fn no_payload_makes_it_ring_or_stop() {
    let mut random = 1_u32;
    let mut generator = NoiseGenerator::new();
    assert_eq!(generator.hear(&[]), Err(Malformed::Empty));
    let mut pcm = [0; 160];
    for round in 0..5_000 {
        let len = 1 + round % 300;
        let mut payload = vec![0; len];
        for octet in &mut payload {
            random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            *octet = match round % 3 {
                0 => [0, 255][(random >> 31) as usize],
                _ => (random >> 24) as u8,
            };
        }
        generator.hear(&payload).expect("anything is noise");
        generator.fill(&mut pcm);
    }
    generator.hear(&[50]).expect("a payload");
    for _ in 0..50 {
        generator.fill(&mut pcm);
    }
    let mut long = vec![0; 16_000];
    generator.fill(&mut long);
    assert!((measure(&long).0 + 50.0).abs() < 0.5, "{:?}", measure(&long));
}

#[test]
fn anything_can_be_estimated() {
    for pcm in [vec![i16::MIN; 160], vec![i16::MAX; 960], vec![0; 160], vec![1; 5], Vec::new()] {
        let payload = estimate(&pcm);
        assert!(payload[0] <= 127 && payload[1..].iter().all(|octet| *octet <= 254), "{payload:?}");
    }
    assert_eq!(estimate(&[0; 160])[0], 127, "silence is the quietest");
    let tone: Vec<i16> = (0..8_000).map(|n| (f64::from(n) * 0.3).sin().mul_add(10_000.0, 0.0) as i16).collect();
    let mut generator = NoiseGenerator::new();
    generator.hear(&estimate(&tone)).expect("a payload");
    let mut pcm = vec![0; 16_000];
    generator.fill(&mut pcm);
    let level = measure(&pcm[8_000..]).0;
    assert!((-16.0..-8.0).contains(&level), "a tone becomes noise as loud, {level} dB");
    let mut short = [9; 3];
    assert_eq!(NoiseEstimator::new().write(&mut short), 3);
}
