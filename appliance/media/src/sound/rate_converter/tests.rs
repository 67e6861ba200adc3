//! That lengths are exact, and the filter as good as stated.

use super::*;

/// Converts in uneven pieces.
fn convert(input: &[f32], from: u32, to: SampleRate) -> Vec<i16> {
    let mut converter = RateConverter::new(from, to);
    let mut output = vec![0; (input.len() as u64 * u64::from(to.hz()) / u64::from(from)) as usize + 2];
    let (mut taken, mut written) = (0, 0);
    for size in (1..1_500).step_by(37).cycle() {
        let room = (written + size).min(output.len());
        let count = converter.pull(&mut output[written..room]);
        written += count;
        if count == 0 && taken == input.len() {
            if converter.ended {
                break;
            }
            converter.end();
        } else if count == 0 {
            taken += converter.push(&input[taken..(taken + size).min(input.len())]);
        }
    }
    output.truncate(written);
    output
}

fn sine(hz: f64, from: u32, seconds: f64, peak: f64) -> Vec<f32> {
    let count = (f64::from(from) * seconds) as usize;
    (0..count).map(|at| ((hz / f64::from(from) * at as f64 * std::f64::consts::TAU).sin() * peak) as f32).collect()
}

/// The level beside that of a sine of `peak`, seen through a window that makes the ends count little.
fn decibels(pcm: &[i16], peak: f64) -> f64 {
    let middle = &pcm[pcm.len() / 8..pcm.len() / 8 * 7];
    let weight = |at: usize| (at as f64 / middle.len() as f64 * std::f64::consts::PI).sin().powi(4);
    let square: f64 = middle.iter().enumerate().map(|(at, sample)| f64::from(*sample).powi(2) * weight(at)).sum();
    let weights: f64 = (0..middle.len()).map(weight).sum();
    10.0 * (square / weights * 2.0 / (peak * peak)).max(1e-12).log10()
}

const RATES: [u32; 14] =
    [4_000, 8_000, 11_025, 12_000, 16_000, 22_050, 24_000, 32_000, 37_800, 44_056, 44_100, 48_000, 96_000, 192_000];

#[test]
fn the_length_is_exact_and_nothing_is_late() {
    for from in RATES {
        for to in SampleRate::ALL {
            for count in [0, 1, 2, 777, 5_000] {
                let mut input = vec![0.0; count];
                // An impulse as long as a period of either rate, to be found again at its time.
                let at = count / 2;
                let width = (from / to.hz()).max(1) as usize;
                input[at..(at + width).min(count)].fill(30_000.0);
                let output = convert(&input, from, to);
                let exact = (count as u64 * u64::from(to.hz())).div_ceil(u64::from(from));
                assert_eq!(output.len() as u64, exact, "{count} samples, {from} to {to}");
                if count == 5_000 {
                    let loudest = (0..output.len()).max_by_key(|at| output[*at]).unwrap() as f64;
                    let expected = (at as f64 + width as f64 / 2.0 - 0.5) * f64::from(to.hz()) / f64::from(from);
                    let period = (f64::from(to.hz()) / f64::from(from)).max(1.0);
                    assert!((loudest - expected).abs() <= period, "{from} to {to}: {loudest} for {expected}");
                }
            }
        }
    }
}

#[test]
fn the_same_rate_is_left_alone() {
    let input: Vec<f32> = (-3_000_i16..3_000).map(|sample| f32::from(sample) * 10.0).collect();
    assert!(convert(&input, 16_000, SampleRate::Khz16) == (-3_000_i16..3_000).map(|s| s * 10).collect::<Vec<_>>());
}

#[test]
fn the_pass_band_is_flat_and_the_stop_band_quiet() {
    let peak = 16_000.0;
    for from in RATES {
        for to in SampleRate::ALL {
            let lower = f64::from(from.min(to.hz()));
            for part in [0.01, 0.1, 0.2, 0.3, 0.4, 0.425] {
                let level = decibels(&convert(&sine(lower * part, from, 0.25, peak), from, to), peak);
                assert!(level.abs() < 0.02, "{from} to {to}, {part}: {level} dB");
            }
            if from <= to.hz() {
                continue;
            }
            for part in [0.56, 0.6, 0.75, 1.0, 1.4, 2.0] {
                if lower * part >= f64::from(from) * 0.499 {
                    continue;
                }
                let level = decibels(&convert(&sine(lower * part, from, 0.25, peak), from, to), peak);
                // What is below a quarter of a step of 16 bits is rounded to nothing.
                assert!(level < -80.0, "{from} to {to}, {part}: {level} dB");
            }
        }
    }
}

#[test]
fn a_sine_stays_a_sine() {
    for (from, to) in [
        (44_100, SampleRate::Khz8),
        (44_100, SampleRate::Khz48),
        (11_025, SampleRate::Khz16),
        (44_056, SampleRate::Khz8),
    ] {
        let peak = 30_000.0;
        let output = convert(&sine(1_000.0, from, 0.5, peak), from, to);
        let turn = 1_000.0 / f64::from(to.hz()) * std::f64::consts::TAU;
        let middle = output.len() / 8..output.len() / 8 * 7;
        let error =
            middle.clone().map(|at| (f64::from(output[at]) - (turn * at as f64).sin() * peak).powi(2)).sum::<f64>();
        let ratio = 10.0 * (error / middle.len() as f64 * 2.0 / (peak * peak)).log10();
        assert!(ratio < -85.0, "{from} to {to}: noise at {ratio} dB");
    }
}

#[test]
fn unusual_rates_need_no_more_memory() {
    for from in [1_000, 44_056, 47_999, 100_003, 383_999, 384_000] {
        for to in SampleRate::ALL {
            let converter = RateConverter::new(from, to);
            let kept = match &converter.weights {
                Weights::Bank(weights) | Weights::Scratch(weights) => weights.len(),
                Weights::None => 0,
            };
            assert!(kept <= limits::SOUND_BANK && converter.samples.len() <= 4_000, "{from} to {to}");
        }
    }
}
