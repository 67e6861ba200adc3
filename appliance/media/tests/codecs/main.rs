//! The codecs through their one face: fed with octets nobody meant, and counted at the allocator.

mod allocation;
mod garbage;

use media::{AudioFormat, Codec, OpusSettings, SampleRate};

/// Every codec there is, at every rate it has.
fn formats() -> Vec<AudioFormat> {
    let opus = SampleRate::ALL.map(|rate| {
        let settings = OpusSettings { rate, in_band_fec: true, dtx: true, ..OpusSettings::default() };
        AudioFormat::new(Codec::Opus, 111).with_opus(settings)
    });
    let linear = SampleRate::ALL.map(|rate| AudioFormat::new(Codec::L16(rate), 96));
    let others = [Codec::Pcmu, Codec::Pcma, Codec::G722].map(|codec| AudioFormat::new(codec, 97));
    [opus.as_slice(), &linear, &others].concat()
}

/// A generator of our own (xorshift64*), so that a run can be repeated.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound as u64) as usize
    }

    /// Octets without meaning, mostly few.
    fn octets(&mut self) -> Vec<u8> {
        let most = [2, 20, 200, 1_501][self.below(4)];
        let len = self.below(most);
        (0..len).map(|_| self.next() as u8).collect()
    }

    /// Loud noise.
    fn noise(&mut self, samples: usize) -> Vec<i16> {
        (0..samples).map(|_| self.next() as i16).collect()
    }
}
