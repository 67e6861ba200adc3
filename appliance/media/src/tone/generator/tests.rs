//! What a generator makes: frequencies, levels, lengths, and nothing that clicks.

use super::*;
use crate::tone::{Country, Signal};

fn samples(tone: &Tone, rate: SampleRate, ms: usize) -> Vec<i16> {
    let mut pcm = vec![0; ms * rate.per_ms()];
    ToneGenerator::new(tone, rate).fill(&mut pcm);
    pcm
}

fn tone(text: &str) -> Tone {
    Tone::parse(text).unwrap()
}

/// The level in dBm0 of what is in `pcm` at one frequency (Goertzel, over whole milliseconds).
fn level_at(pcm: &[i16], hz: f64, rate: SampleRate) -> f64 {
    let turn = hz / f64::from(rate.hz()) * std::f64::consts::TAU;
    let (mut re, mut im) = (0.0, 0.0);
    for (at, sample) in pcm.iter().enumerate() {
        re += f64::from(*sample) * (turn * at as f64).cos();
        im += f64::from(*sample) * (turn * at as f64).sin();
    }
    20.0 * ((re * re + im * im).sqrt() * 2.0 / pcm.len() as f64 / PEAK_0_DBM0).log10()
}

/// The level in dBm0 of everything in `pcm`.
fn level(pcm: &[i16]) -> f64 {
    let square = pcm.iter().map(|sample| f64::from(*sample).powi(2)).sum::<f64>() / pcm.len() as f64;
    10.0 * (square * 2.0 / PEAK_0_DBM0.powi(2)).log10()
}

#[test]
fn the_levels_are_what_is_stated() {
    for rate in SampleRate::ALL {
        let dial = &samples(&tone("350+440"), rate, 1_100)[100 * rate.per_ms()..];
        assert!((level(dial) + 13.0).abs() < 0.05, "{}", level(dial));
        for hz in [350.0, 440.0] {
            assert!((level_at(dial, hz, rate) + 16.0).abs() < 0.05, "{}", level_at(dial, hz, rate));
        }
        for text in ["425", "400*25", "1400+2060+2450+2600"] {
            let sound = &samples(&tone(text), rate, 1_100)[100 * rate.per_ms()..];
            assert!((level(sound) + 13.0).abs() < 0.1, "{text}: {}", level(sound));
        }
        let quiet = &samples(&tone("425@-10"), rate, 1_100)[100 * rate.per_ms()..];
        assert!((level(quiet) + 23.0).abs() < 0.05, "{}", level(quiet));
    }
}

#[test]
fn a_digit_has_its_levels_and_ends() {
    let digit = Tone::digit('7', 100).unwrap();
    let pcm = samples(&digit, SampleRate::Khz8, 100);
    let middle = &pcm[80..720];
    assert!((level_at(middle, 852.0, SampleRate::Khz8) + 11.0).abs() < 0.4);
    assert!((level_at(middle, 1_209.0, SampleRate::Khz8) + 9.0).abs() < 0.4);
    let mut generator = ToneGenerator::new(&digit, SampleRate::Khz8);
    let mut pcm = [0; 160];
    // 100 ms of tone and 70 ms of silence are eight and a half frames.
    let going: Vec<bool> = (0..10).map(|_| generator.fill(&mut pcm)).collect();
    assert_eq!(going.iter().filter(|going| **going).count(), 8);
    assert!(!going[8] && pcm == [0; 160]);
}

#[test]
fn a_cadence_is_exact_to_the_sample_for_hours() {
    let busy = tone("480+620/500,0/500");
    let mut generator = ToneGenerator::new(&busy, SampleRate::Khz8);
    let mut second = [0i16; 8_000];
    for turn in 0..1_000 {
        generator.fill(&mut second);
        // It swells within 4 ms and fades within 4 ms.
        let first = second.iter().position(|sample| sample.abs() > 20).unwrap();
        let first =
            if turn == 0 { first } else { second[40..].iter().position(|sample| sample.abs() > 20).unwrap() + 40 };
        assert!(first < 60, "{turn}: {first}");
        assert!(second[4_032..].iter().all(|sample| *sample == 0), "{turn}");
        assert!(level(&second[100..3_900]) > -13.2, "{turn}");
    }
}

#[test]
fn how_it_is_asked_for_makes_no_difference() {
    let tone = tone("!950/330,!1400/330,!1800/330,425/100,0/33");
    let whole = samples(&tone, SampleRate::Khz16, 2_000);
    let mut generator = ToneGenerator::new(&tone, SampleRate::Khz16);
    let mut pieces = vec![0; whole.len()];
    let mut rest = &mut pieces[..];
    for size in (1..700).cycle() {
        let (now, later) = rest.split_at_mut(size.min(rest.len()));
        assert!(generator.fill(now));
        rest = later;
        if rest.is_empty() {
            break;
        }
    }
    assert_eq!(pieces, whole);
}

#[test]
fn nothing_clicks() {
    // A click is energy where the tone has none: above 3 kHz a swelling or fading within 4 ms leaves next to nothing.
    for country in Country::all() {
        for signal in Signal::ALL {
            let Some(tone) = country.tone(signal).filter(|_| signal != Signal::Howler) else { continue };
            let pcm = samples(&tone, SampleRate::Khz16, 8_000);
            // Four differences in a row: a high-pass of 24 dB an octave, 24 dB up at 8 kHz, −3 dB at 2.7 kHz.
            let mut high: Vec<i32> = pcm.iter().map(|sample| i32::from(*sample)).collect();
            for _ in 0..4 {
                high = high.windows(2).map(|pair| pair[1] - pair[0]).collect();
            }
            let peak = high.iter().map(|sample| sample.abs()).max().unwrap();
            // 1,800 Hz passes with a quarter of its 5,100, and bends where it follows 1,400 Hz; a step would leave three
            // times its height.
            let bound = if signal == Signal::SpecialInformation || country.code == "be" { 2_500 } else { 300 };
            assert!(peak < bound, "{} {signal:?}: {peak}", country.name);
        }
    }
}

#[test]
fn a_frequency_that_the_rate_cannot_carry_is_silent() {
    let pcm = samples(&tone("425+5000"), SampleRate::Khz8, 200);
    assert!((level(&pcm[160..]) + 16.0).abs() < 0.1);
    assert!(samples(&tone("4000"), SampleRate::Khz8, 200).iter().all(|sample| *sample == 0));
}
