//! Measures what the resampler states: pass-band, stop-band, delay, and that nothing depends on how the input is cut.

use std::f64::consts::PI;

use super::*;

/// Half a second of a tone at full scale less 1 dB.
fn tone(rate: SampleRate, hz: f64) -> Vec<i16> {
    let samples = rate.hz() as usize / 2;
    (0..samples).map(|n| (29_000.0 * (2.0 * PI * hz * n as f64 / f64::from(rate.hz())).sin()).round() as i16).collect()
}

fn resample(from: SampleRate, to: SampleRate, input: &[i16]) -> Vec<i16> {
    let mut output = vec![0; input.len() * to.per_ms() / from.per_ms()];
    assert_eq!(Resampler::new(from, to).process(input, &mut output), output.len());
    output
}

/// What of a signal is a tone of this frequency (its amplitude), and the power of all the rest, of the last 400 ms.
fn analyse(rate: SampleRate, signal: &[i16], hz: f64) -> (f64, f64) {
    let part = &signal[signal.len() - rate.per_ms() * 400..];
    let (mut sine, mut cosine, mut power) = (0.0, 0.0, 0.0);
    for (n, sample) in part.iter().enumerate() {
        let (angle, value) = (2.0 * PI * hz * n as f64 / f64::from(rate.hz()), f64::from(*sample));
        sine += value * angle.sin();
        cosine += value * angle.cos();
        power += value * value;
    }
    let length = part.len() as f64;
    let amplitude = 2.0 * sine.hypot(cosine) / length;
    (amplitude, (power / length - amplitude * amplitude / 2.0).max(1e-9))
}

fn decibel(ratio: f64) -> f64 {
    20.0 * ratio.log10()
}

fn pairs() -> impl Iterator<Item = (SampleRate, SampleRate)> {
    let pair = |from| SampleRate::ALL.into_iter().map(move |to| (from, to));
    SampleRate::ALL.into_iter().flat_map(pair).filter(|(from, to)| from != to)
}

#[test]
fn the_pass_band_is_flat_and_nothing_is_added() {
    for (from, to) in pairs() {
        let end = f64::from(from.min(to).hz()) * filter::PASS;
        let (mut ripple, mut worst_noise) = (0.0_f64, 0.0_f64);
        // Multiples of 2.5 Hz: whole periods in the 400 ms that are looked at.
        for hz in (1..=40).map(|step| (end * f64::from(step) / 40.0 / 2.5).floor() * 2.5) {
            let (amplitude, noise) = analyse(to, &resample(from, to, &tone(from, hz)), hz);
            ripple = ripple.max(decibel(amplitude / 29_000.0).abs());
            worst_noise = worst_noise.max(decibel((2.0 * noise).sqrt() / 29_000.0) + 200.0);
        }
        println!("{from} to {to}: ripple {ripple:.4} dB, images and noise {:.1} dB", worst_noise - 200.0);
        assert!(ripple < 0.01, "{from} to {to}: {ripple} dB");
        assert!(worst_noise - 200.0 < -80.0, "{from} to {to}: {} dB", worst_noise - 200.0);
    }
}

#[test]
fn what_the_lower_rate_cannot_hold_is_gone() {
    for (from, to) in pairs().filter(|(from, to)| from > to) {
        let begin = f64::from(to.hz()) * filter::STOP;
        let end = f64::from(from.hz()) / 2.0;
        let mut loudest = f64::MIN;
        for hz in (0..60).map(|step| begin + (end - 1.0 - begin) * f64::from(step) / 59.0) {
            let output = resample(from, to, &tone(from, hz));
            // Behind the filter's own length, within which the tone's beginning is a click.
            let part = &output[to.per_ms() * 50..];
            let power = part.iter().map(|sample| f64::from(*sample).powi(2)).sum::<f64>() / part.len() as f64;
            loudest = loudest.max(decibel((2.0 * power).sqrt().max(1e-3) / 29_000.0));
        }
        println!("{from} to {to}: stop-band {loudest:.1} dB");
        assert!(loudest < -80.0, "{from} to {to}: {loudest} dB");
    }
}

#[test]
fn the_delay_is_what_is_stated() {
    for (from, to) in pairs() {
        let resampler = Resampler::new(from, to);
        // A slow tone: its phase tells the delay to a fraction of a sample.
        let hz = 100.0;
        let output = resample(from, to, &tone(from, hz));
        let from_end = to.per_ms() * 400;
        let start = (output.len() - from_end) as f64 / f64::from(to.hz());
        let (mut sine, mut cosine) = (0.0, 0.0);
        for (n, sample) in output[output.len() - from_end..].iter().enumerate() {
            let angle = 2.0 * PI * hz * (start + n as f64 / f64::from(to.hz()));
            sine += f64::from(*sample) * angle.sin();
            cosine += f64::from(*sample) * angle.cos();
        }
        let measured = -cosine.atan2(sine) / (2.0 * PI * hz);
        let stated = resampler.delay().as_secs_f64();
        println!("{from} to {to}: delay {:.4} ms", measured * 1e3);
        assert!((measured - stated).abs() < 1e-6, "{from} to {to}: {measured} s instead of {stated} s");
    }
    assert_eq!(Resampler::new(SampleRate::Khz8, SampleRate::Khz16).delay(), Duration::from_micros(2_500));
    assert_eq!(Resampler::new(SampleRate::Khz48, SampleRate::Khz16).delay(), Duration::from_micros(1_250));
}

#[test]
fn how_the_input_is_cut_does_not_matter() {
    for (from, to) in pairs() {
        let input = tone(from, 440.0);
        let whole = resample(from, to, &input);
        let mut resampler = Resampler::new(from, to);
        let (mut rest, mut pieces, mut place) = (&input[..], Vec::new(), 0);
        for milliseconds in [1, 20, 3, 10, 11, 120, 7, 60, 1].into_iter().cycle() {
            let piece = rest.len().min(milliseconds * from.per_ms());
            let mut output = vec![0; to.per_ms() * milliseconds];
            let written = resampler.process(&rest[..piece], &mut output);
            assert_eq!(written, piece * to.per_ms() / from.per_ms());
            pieces.extend_from_slice(&output[..written]);
            (rest, place) = (&rest[piece..], place + 1);
            if rest.is_empty() {
                break;
            }
        }
        assert_eq!(pieces, whole, "{from} to {to}, {place} pieces");
    }
}

#[test]
fn one_rate_is_copied_and_what_is_too_much_is_left_out() {
    let mut same = Resampler::new(SampleRate::Khz16, SampleRate::Khz16);
    let input: Vec<i16> = (0..320).collect();
    let mut output = vec![0; 320];
    assert_eq!(same.process(&input, &mut output), 320);
    assert_eq!((output, same.delay()), (input.clone(), Duration::ZERO));
    let mut up = Resampler::new(SampleRate::Khz16, SampleRate::Khz48);
    let mut output = vec![0; 100];
    assert_eq!(up.process(&input, &mut output), 96, "two milliseconds have room");
    assert_eq!(up.process(&input[..17], &mut output), 48, "one whole millisecond is there");
    assert_eq!(up.process(&[], &mut []), 0);
}

#[test]
fn the_loudest_does_not_wrap() {
    for (from, to) in pairs() {
        let square: Vec<i16> =
            (0..from.frame() * 10).map(|n| if n / from.per_ms() % 2 == 0 { i16::MAX } else { i16::MIN }).collect();
        let output = resample(from, to, &square);
        // In the middle of a half-wave, away from its edges, nothing may have the other sign.
        for (n, sample) in output.iter().enumerate().skip(to.frame()) {
            let delayed = n as f64 - Resampler::new(from, to).delay().as_secs_f64() * f64::from(to.hz());
            let place = delayed / to.per_ms() as f64;
            if (0.4..0.6).contains(&place.fract()) {
                assert_eq!(*sample > 0, (place as usize).is_multiple_of(2), "{from} to {to}, sample {n}");
            }
        }
        assert!(output.contains(&i16::MAX) && output.contains(&i16::MIN), "the overshoot is clipped");
    }
}

#[test]
fn a_reset_forgets() {
    let mut resampler = Resampler::new(SampleRate::Khz8, SampleRate::Khz48);
    let mut output = vec![0; 960];
    resampler.process(&tone(SampleRate::Khz8, 1_000.0)[..160], &mut output);
    resampler.reset();
    assert_eq!(resampler.process(&[0; 160], &mut output), 960);
    assert!(output.iter().all(|sample| *sample == 0));
}
