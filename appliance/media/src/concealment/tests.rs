//! How far what is put in place is from what was lost.

use super::*;
use crate::test_sound::{Dice, level, noise, speech, tone};

/// Plays `sound` in packets of 20 ms of which those are lost that `is_lost` says.
fn play(rate: SampleRate, sound: &[i16], mut is_lost: impl FnMut(usize) -> bool) -> Vec<i16> {
    let mut concealment = Concealment::new(rate);
    let mut played = sound.to_vec();
    for (index, frame) in played.chunks_exact_mut(rate.frame()).enumerate() {
        if is_lost(index) {
            frame.fill(0x7FFF);
            concealment.conceal(frame);
        } else {
            concealment.heard(frame);
        }
    }
    played
}

/// Signal to noise of `played` against `sound`, in dB.
fn fidelity(sound: &[i16], played: &[i16]) -> f64 {
    let signal: f64 = sound.iter().map(|sample| f64::from(*sample).powi(2)).sum();
    let errors = sound.iter().zip(played).map(|(a, b)| (f64::from(*a) - f64::from(*b)).powi(2));
    10.0 * (signal / errors.sum::<f64>().max(1.0)).log10()
}

#[test]
fn nothing_lost_nothing_changed() {
    let sound = speech(1, 8_000, -15.0, 5).pcm;
    assert_eq!(play(SampleRate::Khz8, &sound, |_| false), sound);
}

#[test]
fn a_tone_goes_on_through_a_gap_at_every_rate() {
    for rate in SampleRate::ALL {
        for hertz in [250.0, 440.0, 1_000.0, 1_850.0] {
            let sound = tone(rate.hz(), hertz, -10.0, 400);
            let played = play(rate, &sound, |frame| frame == 10);
            let frame = rate.frame();
            // The first 10 ms are not yet faded.
            let gap = 10 * frame..10 * frame + frame / 2;
            let fidelity = fidelity(&sound[gap.clone()], &played[gap]);
            assert!(fidelity > 10.0, "{rate} {hertz}: {fidelity}");
            // No sample steps further than the tone itself does, by more than 3 dB.
            let steepest = |pcm: &[i16]| pcm.windows(2).map(|pair| pair[0].abs_diff(pair[1])).max().unwrap();
            let (ours, theirs) = (steepest(&played), steepest(&sound));
            assert!(f64::from(ours) < f64::from(theirs) * 1.41, "{rate} {hertz}: {ours} {theirs}");
        }
    }
}

#[test]
fn it_fades_from_ten_milliseconds_on_and_is_silent_after_sixty() {
    for rate in SampleRate::ALL {
        let sound = tone(rate.hz(), 400.0, -10.0, 500);
        let played = play(rate, &sound, |frame| (10..15).contains(&frame));
        let of = |from: usize| level(&played[200 * rate.per_ms() + from * rate.per_ms()..][..5 * rate.per_ms()]);
        assert!((of(0) + 10.0).abs() < 0.7 && (of(5) + 10.0).abs() < 0.7, "{} {}", of(0), of(5));
        for (at, part) in [(20, 0.75), (30, 0.55), (40, 0.35), (50, 0.15)] {
            let expected = -10.0 + 20.0 * f64::log10(part);
            assert!((of(at) - expected).abs() < 1.5, "{rate} {at}: {} {expected}", of(at));
        }
        assert!(played[260 * rate.per_ms()..300 * rate.per_ms()].iter().all(|sample| *sample == 0));
        // 10 ms after the gap all is as it was.
        assert_eq!(played[310 * rate.per_ms()..], sound[310 * rate.per_ms()..]);
    }
}

/// What two percent of loss did to a minute of speech.
struct Outcome {
    /// Signal to noise with concealment and with silence in the gaps, in dB.
    concealed: f64,
    silenced: f64,
    /// The same over the first 5 ms of the gaps that are amid sound.
    at_first: f64,
    gaps: usize,
    /// Those of them in which less than a sixteenth of the power before is left.
    holes: usize,
}

fn lose(rate: SampleRate, seed: u64) -> Outcome {
    let speech = speech(seed, rate.hz(), -18.0, 60);
    let mut dice = Dice::new(seed + 100);
    let mut lost: Vec<bool> = (0..speech.spoken.len()).map(|_| dice.unit() < 0.02).collect();
    lost[..4].fill(false);
    let played = play(rate, &speech.pcm, |frame| lost[frame]);
    let mut silenced = speech.pcm.clone();
    let frames = silenced.chunks_exact_mut(rate.frame()).zip(&lost).filter(|(_, lost)| **lost);
    frames.for_each(|(frame, _)| frame.fill(0));
    let (mut gaps, mut holes) = (0, 0);
    let (mut sent, mut heard) = (Vec::new(), Vec::new());
    for frame in (4..lost.len()).filter(|frame| lost[*frame] && !lost[*frame - 1]) {
        let range = frame * rate.frame()..(frame + 1) * rate.frame();
        let before = level(&speech.pcm[range.start - rate.frame() / 2..range.start]);
        if before > -30.0 {
            gaps += 1;
            holes += usize::from(level(&played[range.clone()]) < before - 12.0);
            sent.extend(&speech.pcm[range.clone()][..rate.frame() / 4]);
            heard.extend(&played[range][..rate.frame() / 4]);
        }
    }
    let (concealed, silenced) = (fidelity(&speech.pcm, &played), fidelity(&speech.pcm, &silenced));
    Outcome { concealed, silenced, at_first: fidelity(&sent, &heard), gaps, holes }
}

#[test]
fn two_percent_of_loss_leaves_no_hole_in_speech() {
    for rate in SampleRate::ALL {
        let outcomes: Vec<Outcome> = (1..6).map(|seed| lose(rate, seed)).collect();
        let mean = |of: fn(&Outcome) -> f64| outcomes.iter().map(of).sum::<f64>() / 5.0;
        let (gain, at_first) = (mean(|of| of.concealed - of.silenced), mean(|of| of.at_first));
        assert!(gain > 0.0 && at_first > 4.0, "{rate}: {gain} dB better than silence, {at_first} dB at first");
        let (gaps, holes) = (mean(|of| of.gaps as f64) * 5.0, mean(|of| of.holes as f64) * 5.0);
        assert!(gaps > 80.0 && holes == 0.0, "{rate}: {holes} of {gaps}");
    }
}

#[test]
fn noise_stays_noise_of_its_level() {
    let sound = noise(7, 8_000, -25.0, 2_000);
    let played = play(SampleRate::Khz8, &sound, |frame| frame % 10 == 9);
    for frame in (9..100).step_by(10) {
        let level = level(&played[frame * 160..][..80]);
        assert!((-29.0..-21.0).contains(&level), "{level}");
    }
}

#[test]
fn pieces_of_any_length_are_concealed() {
    let mut concealment = Concealment::new(SampleRate::Khz8);
    concealment.conceal(&mut []);
    let mut loud = vec![i16::MIN; 2_000];
    concealment.heard(&mut loud[..1]);
    concealment.heard(&mut loud);
    for length in [0, 1, 7, 13, 79, 80, 81, 500, 0, 9] {
        let mut pcm = vec![1; length];
        concealment.conceal(&mut pcm);
        assert!(concealment.is_concealing());
        concealment.heard(&mut pcm[..length / 2]);
        concealment.conceal(&mut []);
        concealment.conceal(&mut pcm);
    }
    concealment.heard(&mut loud);
    assert!(!concealment.is_concealing());
}

#[test]
fn a_cut_is_faded_over() {
    let mut concealment = Concealment::new(SampleRate::Khz8);
    let sound = tone(8_000, 400.0, -10.0, 100);
    concealment.heard(&mut sound.clone());
    concealment.conceal(&mut []);
    // Half a period is left out: without the fade, the step would be the whole height.
    let mut after = sound[4..164].to_vec();
    concealment.heard(&mut after);
    let steepest = sound.windows(2).map(|pair| pair[0].abs_diff(pair[1])).max().unwrap();
    let joined: Vec<i16> = sound.iter().chain(&after).copied().collect();
    let ours = joined.windows(2).map(|pair| pair[0].abs_diff(pair[1])).max().unwrap();
    assert!(ours < steepest * 3 / 2, "{ours} {steepest}");
}
