//! What 20 ms of audio cost: decoded and encoded by each codec, taken from one rate to another.
//!
//! `cargo bench -p media --bench codecs`. What a call between Opus and G.711 costs over libopus alone is told by `make bench`.

#![allow(clippy::disallowed_types, clippy::disallowed_methods, reason = "it measures time")]

use std::hint::black_box;
use std::time::Duration;

use criterion::{Criterion, Throughput, criterion_group};
use media::codec::{Decoder, Encoder, opus};
use media::comfort_noise::{NoiseEstimator, NoiseGenerator};
use media::{AudioFormat, Codec, OpusSettings, Resampler, SampleRate};

/// Packets of 20 ms in the speech that everything is measured with.
const PACKETS: usize = 250;

/// Something like speech: a voice that changes its pitch and loudness, with breath and pauses.
fn speech(rate: SampleRate) -> Vec<i16> {
    let hz = f64::from(rate.hz());
    let (mut phase, mut random) = (0.0_f64, 1_u32);
    let sample = |n: usize| {
        let seconds = n as f64 / hz;
        random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let noise = f64::from((random >> 16) as i16) / 32_768.0;
        phase += std::f64::consts::TAU * (140.0 + 40.0 * (seconds * 4.0).sin()) / hz;
        let syllable = (seconds * 12.0).sin().max(0.0);
        let harmonics = (1..=20).filter(|harmonic| f64::from(*harmonic) * 180.0 < hz / 2.0);
        let voice: f64 = harmonics.map(|harmonic| (phase * f64::from(harmonic)).sin() / f64::from(harmonic)).sum();
        (6_000.0 * syllable * voice + 400.0 * noise * (1.0 - syllable) + 20.0 * noise) as i16
    };
    (0..rate.frame() * PACKETS).map(sample).collect()
}

fn opus_format(rate: SampleRate) -> AudioFormat {
    let settings = OpusSettings { rate, in_band_fec: true, ..OpusSettings::default() };
    AudioFormat::new(Codec::Opus, 111).with_opus(settings)
}

fn formats() -> Vec<(String, AudioFormat)> {
    let plain = [Codec::Pcmu, Codec::Pcma, Codec::G722, Codec::L16(SampleRate::Khz16)];
    let plain = plain.map(|codec| (codec.name().to_lowercase(), AudioFormat::new(codec, 96)));
    let opus = SampleRate::ALL.map(|rate| (format!("opus at {rate}"), opus_format(rate)));
    plain.into_iter().chain(opus).collect()
}

/// The speech as packets of this format.
fn packets(format: &AudioFormat) -> Vec<Vec<u8>> {
    let mut encoder = Encoder::new(format).expect("a codec of ours");
    let speech = speech(encoder.sample_rate());
    let one = |pcm: &[i16]| {
        let mut payload = [0; 2_000];
        let encoded = encoder.encode(pcm, &mut payload).expect("a frame of 20 ms");
        payload[..encoded.len].to_vec()
    };
    speech.chunks_exact(speech.len() / PACKETS).map(one).collect()
}

fn codecs(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("encode");
    group.throughput(Throughput::Elements(1));
    for (name, format) in formats() {
        let mut encoder = Encoder::new(&format).expect("a codec of ours");
        let speech = speech(encoder.sample_rate());
        let mut frames = speech.chunks_exact(encoder.sample_rate().frame()).cycle();
        let mut payload = [0; 2_000];
        group.bench_function(name, |bencher| {
            bencher.iter(|| encoder.encode(black_box(frames.next().expect("endless")), black_box(&mut payload)));
        });
    }
    group.finish();
    let mut group = criterion.benchmark_group("decode");
    group.throughput(Throughput::Elements(1));
    for (name, format) in formats() {
        let mut decoder = Decoder::new(&format).expect("a codec of ours");
        let packets = packets(&format);
        let mut packets = packets.iter().cycle();
        let mut pcm = [0; 960];
        group.bench_function(name, |bencher| {
            bencher.iter(|| decoder.decode(black_box(packets.next().expect("endless")), black_box(&mut pcm)));
        });
    }
}

fn complexities(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("complexity");
    group.throughput(Throughput::Elements(1));
    for rate in [SampleRate::Khz8, SampleRate::Khz48] {
        let speech = speech(rate);
        for complexity in [0, 2, 4, opus::COMPLEXITY, 6, 8, 10] {
            let encoder = Encoder::new(&opus_format(rate)).expect("a codec of ours");
            let mut encoder = encoder.with_complexity(complexity).expect("0 to 10");
            let mut frames = speech.chunks_exact(rate.frame()).cycle();
            let mut payload = [0; 2_000];
            group.bench_function(format!("{complexity} at {rate}"), |bencher| {
                bencher.iter(|| encoder.encode(black_box(frames.next().expect("endless")), black_box(&mut payload)));
            });
        }
    }
}

fn resampling(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("resample");
    group.throughput(Throughput::Elements(1));
    for from in SampleRate::ALL {
        for to in SampleRate::ALL.into_iter().filter(|to| *to != from) {
            let mut resampler = Resampler::new(from, to);
            let speech = speech(from);
            let mut pcm = [0; 960];
            group.bench_function(format!("{from} to {to}"), |bencher| {
                bencher.iter(|| resampler.process(black_box(&speech[..from.frame()]), black_box(&mut pcm)));
            });
        }
    }
}

fn noise(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("comfort noise");
    group.throughput(Throughput::Elements(1));
    let (mut estimator, mut generator) = (NoiseEstimator::new(), NoiseGenerator::new());
    let speech = speech(SampleRate::Khz8);
    group.bench_function("heard", |bencher| bencher.iter(|| estimator.hear(black_box(&speech[..160]))));
    let mut payload = [0; 11];
    estimator.write(&mut payload);
    generator.hear(&payload).expect("a payload");
    let mut pcm = [0; 160];
    group.bench_function("made", |bencher| bencher.iter(|| generator.fill(black_box(&mut pcm))));
}

criterion_group! {
    name = benches;
    config = Criterion::default().measurement_time(Duration::from_secs(1)).warm_up_time(Duration::from_millis(200));
    targets = codecs, complexities, resampling, noise
}

fn main() {
    benches();
    Criterion::default().configure_from_args().final_summary();
}
