//! That the piece is as loud as stated, begins anew without a seam, and never clicks.

use super::*;

fn round(music: &mut Music, rate: SampleRate) -> Vec<i16> {
    let mut pcm = vec![0; ROUND_MS * rate.per_ms()];
    for frame in pcm.chunks_mut(rate.frame()) {
        music.fill(frame);
    }
    pcm
}

/// The last place at which two rounds differ by more than the order in which their notes are added.
fn differing(a: &[i16], b: &[i16]) -> Option<usize> {
    a.iter().zip(b).rposition(|(a, b)| a.abs_diff(*b) > 1)
}

#[test]
fn it_begins_anew_without_a_seam() {
    for rate in [SampleRate::Khz8, SampleRate::Khz16] {
        let mut music = Music::new(rate);
        let [first, second, third] = [0; 3].map(|_| round(&mut music, rate));
        assert_eq!(differing(&second, &third), None);
        // The first round only lacks what rings on from the one before.
        let last = differing(&first, &second).unwrap();
        assert!((2_000..4_000).contains(&(last / rate.per_ms())), "{last}");
        assert_eq!(music.stolen, 0);
    }
    const { assert!(ROUND_MS >= 60_000) };
}

#[test]
fn it_is_quiet_at_every_rate() {
    for rate in SampleRate::ALL {
        let pcm = round(&mut Music::new(rate), rate);
        let peak = pcm.iter().map(|sample| sample.unsigned_abs()).max().unwrap();
        let square = pcm.iter().map(|sample| f64::from(*sample).powi(2)).sum::<f64>() / pcm.len() as f64;
        let decibels = 10.0 * (square / 32_768_f64.powi(2)).log10();
        assert!((-25.0..-21.0).contains(&decibels), "{rate}: {decibels} dB");
        assert!((6_000..11_626).contains(&peak), "{rate}: {peak}");
        // It never stops for long: nobody shall think that the line is dead.
        for second in pcm.chunks(rate.hz() as usize) {
            assert!(second.iter().any(|sample| sample.unsigned_abs() > 1_000));
        }
    }
}

#[test]
fn nothing_clicks() {
    let rate = SampleRate::Khz16;
    let mut music = Music::new(rate);
    let mut pcm = round(&mut music, rate);
    pcm.extend(round(&mut music, rate));
    // The highest note is C6 with its octave at 2,093 Hz; above 4 kHz there is nothing unless something clicks.
    let mut high: Vec<i32> = pcm.iter().map(|sample| i32::from(*sample)).collect();
    for _ in 0..6 {
        high = high.windows(2).map(|pair| pair[1] - pair[0]).collect();
    }
    let peak = high.iter().map(|sample| sample.abs()).max().unwrap();
    // The notes themselves leave at most 150; a step of one thousandth of full scale would leave 330.
    assert!(peak < 260, "{peak}");
}
