//! Tones that phones say, and what is found of them in what others hear.

use std::f64::consts::TAU;

use media::codec::decoder::Decoder;
use media::codec::encoder::Encoder;
use media::{AudioFormat, SampleRate};

use crate::world::Heard;

/// The amplitude of the tones that phones say, about −13 dBm0: six of them together are not yet limited.
pub const AMPLITUDE: f64 = 5_000.0;

/// A phone's voice: a tone, encoded.
pub struct Tone {
    encoder: Encoder,
    hertz: f64,
    loudness: f64,
    sample: u64,
}

impl Tone {
    pub fn new(format: &AudioFormat, hertz: f64, loudness: f64) -> Tone {
        Tone { encoder: Encoder::new(format).unwrap(), hertz, loudness, sample: 0 }
    }

    /// The payload of the next 20 ms.
    pub fn payload(&mut self) -> Vec<u8> {
        let rate = self.encoder.sample_rate();
        let step = TAU * self.hertz / f64::from(rate.hz());
        let sample = |at: u64| (self.loudness * AMPLITUDE * (step * at as f64).sin()) as i16;
        let pcm: Vec<i16> = (self.sample..).take(rate.frame()).map(sample).collect();
        self.sample += rate.frame() as u64;
        let mut payload = vec![0; 2_000];
        let encoded = self.encoder.encode(&pcm, &mut payload).unwrap();
        payload.truncate(encoded.len);
        payload
    }
}

/// What a phone heard, as samples.
pub struct Pcm {
    pub rate: SampleRate,
    pub samples: Vec<i16>,
}

impl Pcm {
    /// Decodes packets in the order of their coming.
    pub fn decoded(heard: &[Heard], format: &AudioFormat) -> Pcm {
        let mut decoder = Decoder::new(format).unwrap();
        let mut samples = Vec::new();
        let mut pcm = [0; 6_000];
        for heard in heard {
            let count = decoder.decode(&heard.packet.payload, &mut pcm).unwrap();
            samples.extend(&pcm[..count]);
        }
        Pcm { rate: decoder.sample_rate(), samples }
    }

    /// Without the first milliseconds, in which buffers fill.
    pub fn after(&self, milliseconds: usize) -> Pcm {
        let from = (self.rate.per_ms() * milliseconds).min(self.samples.len());
        Pcm { rate: self.rate, samples: self.samples[from..].to_vec() }
    }

    /// The amplitude of a tone in it (Goertzel).
    pub fn amplitude(&self, hertz: f64) -> f64 {
        let step = TAU * hertz / f64::from(self.rate.hz());
        let (mut real, mut imaginary) = (0.0, 0.0);
        for (at, sample) in self.samples.iter().enumerate() {
            real += f64::from(*sample) * (step * at as f64).cos();
            imaginary += f64::from(*sample) * (step * at as f64).sin();
        }
        2.0 * real.hypot(imaginary) / self.samples.len().max(1) as f64
    }

    /// Holds that exactly these of `all` tones are heard, within 1 dB of how they were said.
    pub fn assert_tones(&self, all: &[f64], heard: &[f64]) {
        assert!(self.samples.len() >= self.rate.per_ms() * 400, "{} samples", self.samples.len());
        for tone in all {
            let level = 20.0 * (self.amplitude(*tone) / AMPLITUDE).max(1e-6).log10();
            match heard.contains(tone) {
                true => assert!(level.abs() < 1.0, "{tone} Hz is heard at {level:.1} dB"),
                false => assert!(level < -30.0, "{tone} Hz is heard at {level:.1} dB, and should not be"),
            }
        }
    }
}
