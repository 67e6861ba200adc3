//! Opus through our face: what comes back, what is lost and found again, what is not worth sending.

use std::f64::consts::PI;

use super::*;
use crate::codec::{Decoder, Encoder};
use crate::format::{AudioFormat, Codec};

fn format(settings: OpusSettings) -> AudioFormat {
    AudioFormat::new(Codec::Opus, 111).with_opus(settings)
}

fn with_fec() -> OpusSettings {
    OpusSettings { rate: SampleRate::Khz16, in_band_fec: true, ..OpusSettings::default() }
}

/// A voiced sound that changes its pitch: harmonics of 120–180 Hz.
fn voice(rate: SampleRate, frames: usize) -> Vec<i16> {
    let mut phase = 0.0;
    let sample = |n: usize| {
        let seconds = n as f64 / f64::from(rate.hz());
        phase += 2.0 * PI * (150.0 + 30.0 * (2.0 * PI * 0.7 * seconds).sin()) / f64::from(rate.hz());
        let envelope = 0.6 + 0.4 * (2.0 * PI * 3.0 * seconds).sin();
        let sum: f64 = (1..20).map(|harmonic| (phase * f64::from(harmonic)).sin() / f64::from(harmonic)).sum();
        (6_000.0 * envelope * sum) as i16
    };
    (0..rate.frame() * frames).map(sample).collect()
}

/// How much louder the signal is than the error, in dB, at the delay where it is greatest.
fn signal_to_noise(original: &[i16], decoded: &[i16], most_delay: usize) -> f64 {
    let at = |delay: usize| {
        let pairs = original.iter().zip(&decoded[delay..]);
        let (signal, noise) = pairs.fold((0.0, 0.0), |(signal, noise), (a, b)| {
            let (a, b) = (f64::from(*a), f64::from(*b));
            (signal + a * a, noise + (a - b) * (a - b))
        });
        10.0 * (signal / noise).log10()
    };
    (0..most_delay).map(at).fold(f64::MIN, f64::max)
}

fn packets(encoder: &mut Encoder, pcm: &[i16]) -> Vec<Vec<u8>> {
    let frame = encoder.sample_rate().frame();
    let one = |frame: &[i16]| {
        let mut payload = [0; 1_500];
        let encoded = encoder.encode(frame, &mut payload).expect("a whole frame");
        payload[..encoded.len].to_vec()
    };
    pcm.chunks_exact(frame).map(one).collect()
}

#[test]
fn the_library_is_the_one_we_chose() {
    let version = audiopus::version();
    assert!(version.starts_with("libopus 1.6"), "{version}");
}

#[test]
fn what_was_said_is_heard_at_every_rate() {
    for rate in SampleRate::ALL {
        let settings = OpusSettings { rate, ..OpusSettings::default() };
        let mut encoder = Encoder::new(&format(settings)).expect("opus");
        let mut decoder = Decoder::new(&format(settings)).expect("opus");
        assert_eq!((encoder.sample_rate(), decoder.sample_rate()), (rate, rate));
        let said = voice(rate, 50);
        let mut heard = vec![0; said.len()];
        for (payload, pcm) in packets(&mut encoder, &said).iter().zip(heard.chunks_exact_mut(rate.frame())) {
            assert_eq!(decoder.decode(payload, pcm), Ok(rate.frame()));
        }
        // The codec keeps the sound, not the wave; but what is wholly wrong is far below.
        let settled = rate.frame() * 5;
        let quality = signal_to_noise(&said[settled..said.len() - rate.frame()], &heard[settled..], rate.frame());
        assert!(quality > 5.0, "{rate}: {quality:.1} dB");
    }
}

#[test]
fn a_bridge_to_the_telephone_has_it_at_8_khz() {
    let full = format(OpusSettings::default());
    let mut encoder = Encoder::new(&full).expect("opus");
    let mut decoder = Decoder::at_most(SampleRate::Khz8, &full).expect("opus");
    assert_eq!(decoder.sample_rate(), SampleRate::Khz8);
    let mut pcm = [0; 160];
    for payload in packets(&mut encoder, &voice(SampleRate::Khz48, 5)) {
        assert_eq!(decoder.decode(&payload, &mut pcm), Ok(160));
    }
    let narrow = Encoder::at_most(SampleRate::Khz8, &full).expect("opus");
    assert_eq!(narrow.sample_rate(), SampleRate::Khz8);
}

/// What is heard when the fourth of every five packets goes to `lost` instead, with the one after it.
fn hear(packets: &[Vec<u8>], lost: impl Fn(&mut Decoder, &[u8], &mut [i16])) -> Vec<i16> {
    let mut decoder = Decoder::new(&format(with_fec())).expect("opus");
    let mut heard = vec![0; packets.len() * 320];
    for (index, pcm) in heard.chunks_exact_mut(320).enumerate() {
        match index % 5 {
            3 => lost(&mut decoder, &packets[index + 1], pcm),
            _ => assert_eq!(decoder.decode(&packets[index], pcm), Ok(320)),
        }
    }
    heard
}

#[test]
fn a_lost_packet_is_in_the_next_one() {
    let said = voice(SampleRate::Khz16, 60);
    let packets = packets(&mut Encoder::new(&format(with_fec())).expect("opus"), &said);
    let found = std::cell::Cell::new(0);
    let recovered = hear(&packets, |decoder, next, pcm| match decoder.recover(next, pcm) {
        320 => found.set(found.get() + 1),
        // libopus repeats what it takes for speech, not what it takes for its end.
        samples => assert!(samples == 0 && decoder.conceal(pcm)),
    });
    assert!(found.get() >= 6, "{} of 12 lost packets were in the next", found.get());
    let concealed = hear(&packets, |decoder, _, pcm| assert!(decoder.conceal(pcm)));
    let silent = hear(&packets, |_, _, pcm| pcm.fill(0));
    let mut decoder = Decoder::new(&format(with_fec())).expect("opus");
    let mut everything = vec![0; said.len()];
    for (payload, pcm) in packets.iter().zip(everything.chunks_exact_mut(320)) {
        assert_eq!(decoder.decode(payload, pcm), Ok(320));
    }
    // Against what is heard when nothing is lost, the delay is the same everywhere.
    let [recovered, concealed, silent] =
        [recovered, concealed, silent].map(|heard| signal_to_noise(&everything[1_600..], &heard[1_600..], 1));
    println!("{recovered:.1} dB with FEC, {concealed:.1} dB concealed, {silent:.1} dB silent");
    assert!(recovered > concealed + 1.0, "{recovered:.1} dB with FEC, {concealed:.1} dB without");
    assert!(concealed > silent, "{concealed:.1} dB concealed, {silent:.1} dB silent");
}

#[test]
fn nothing_is_recovered_from_a_packet_without_fec() {
    let settings = OpusSettings { in_band_fec: false, ..with_fec() };
    let packets = packets(&mut Encoder::new(&format(settings)).expect("opus"), &voice(SampleRate::Khz16, 10));
    let mut decoder = Decoder::new(&format(settings)).expect("opus");
    let mut pcm = [0; 320];
    assert!(packets.iter().all(|payload| decoder.recover(payload, &mut pcm) == 0));
    assert_eq!(decoder.recover(&[], &mut pcm), 0);
    assert!(!decoder.conceal(&mut pcm[..17]), "17 samples are no multiple of 2.5 ms");
    assert!(!decoder.conceal(&mut []));
}

#[test]
fn silence_is_not_worth_sending_where_dtx_was_agreed() {
    for dtx in [true, false] {
        let settings = OpusSettings { dtx, rate: SampleRate::Khz16, ..OpusSettings::default() };
        let mut encoder = Encoder::new(&format(settings)).expect("opus");
        let mut payload = [0; 1_500];
        let mut sent = 0;
        for _ in 0..200 {
            let encoded = encoder.encode(&[0; 320], &mut payload).expect("a whole frame");
            sent += usize::from(encoded.worth_sending);
        }
        let speech = voice(SampleRate::Khz16, 1);
        assert!(encoder.encode(&speech, &mut payload).expect("a whole frame").worth_sending);
        // Every 400 ms one packet tells the noise of the background.
        assert_eq!(dtx, sent < 40, "{sent} of 200 sent");
    }
}

#[test]
fn the_receiver_decides_how_many_bits_there_are() {
    let said = voice(SampleRate::Khz48, 100);
    let bits = |settings: OpusSettings| {
        let packets = packets(&mut Encoder::new(&format(settings)).expect("opus"), &said);
        let sizes: Vec<usize> = packets.iter().skip(10).map(Vec::len).collect();
        (sizes.iter().sum::<usize>() * 8 / sizes.len() * 50, sizes.iter().all(|size| *size == sizes[0]))
    };
    let usual = bits(OpusSettings::default());
    assert!((25_000..55_000).contains(&usual.0) && !usual.1, "{usual:?}");
    let few = bits(OpusSettings { max_average_bit_rate: Some(12_000), ..OpusSettings::default() });
    assert!(few.0 < 16_000, "{few:?}");
    let absurd = bits(OpusSettings { max_average_bit_rate: Some(1), ..OpusSettings::default() });
    assert!(absurd.0 < 10_000, "{absurd:?}");
    let constant = bits(OpusSettings { constant_bit_rate: true, ..OpusSettings::default() });
    assert!(constant.1 && constant.0 == 40_000, "{constant:?}");
}

#[test]
fn a_packet_has_one_of_opus_lengths() {
    let mut encoder = Encoder::new(&format(OpusSettings::default())).expect("opus");
    let mut payload = [0; 1_500];
    let pcm = voice(SampleRate::Khz48, 7);
    for milliseconds in [5, 10, 20, 40, 60, 80, 100, 120] {
        let encoded = encoder.encode(&pcm[..48 * milliseconds], &mut payload).expect("a length of Opus");
        let mut decoder = Decoder::new(&format(OpusSettings::default())).expect("opus");
        let mut heard = vec![0; 48 * 120];
        assert_eq!(decoder.decode(&payload[..encoded.len], &mut heard), Ok(48 * milliseconds));
        let short = &mut heard[..48 * milliseconds - 1];
        assert_eq!(decoder.decode(&payload[..encoded.len], short), Err(Malformed::TooLong));
    }
    for samples in [0, 1, 47, 48 * 30, 48 * 50, 48 * 120 + 1] {
        let refused = encoder.encode(&vec![0; samples], &mut payload);
        assert_eq!(refused, Err(CodecError::FrameLength), "{samples}");
    }
    assert_eq!(encoder.encode(&pcm[..960], &mut []), Err(CodecError::NoRoom));
}

#[test]
fn complexity_and_loss_are_kept_within_bounds() {
    let mut encoder = Encoder::new(&format(with_fec())).expect("opus").with_complexity(99).expect("cut to 10");
    assert_eq!(encoder.expect_loss(255), Ok(()));
    let mut payload = [0; 1_500];
    assert!(encoder.encode(&voice(SampleRate::Khz16, 1), &mut payload).is_ok());
}

#[test]
fn two_channels_become_one() {
    let rate = audiopus::SampleRate::Hz48000;
    let mut encoder = audiopus::coder::Encoder::new(rate, Channels::Stereo, Application::Audio).expect("opus");
    encoder.set_force_channels(Channels::Stereo).expect("two");
    let mono = voice(SampleRate::Khz48, 10);
    let mut decoder = Decoder::new(&format(OpusSettings::default())).expect("opus");
    let mut heard = vec![0; mono.len()];
    for (said, pcm) in mono.chunks_exact(960).zip(heard.chunks_exact_mut(960)) {
        // Only on the left: half as loud when both are added up.
        let said: Vec<i16> = said.iter().flat_map(|sample| [*sample, 0]).collect();
        let mut payload = [0; 1_500];
        let len = encoder.encode(&said, &mut payload).expect("a whole frame");
        assert_eq!(
            audiopus::packet::nb_channels(Packet::try_from(&payload[..len]).expect("a packet")),
            Ok(Channels::Stereo)
        );
        assert_eq!(decoder.decode(&payload[..len], pcm), Ok(960));
    }
    let half: Vec<i16> = mono.iter().map(|sample| sample / 2).collect();
    let quality = signal_to_noise(&half[4_800..8_640], &heard[4_800..], 960);
    assert!(quality > 10.0, "{quality:.1} dB");
}
