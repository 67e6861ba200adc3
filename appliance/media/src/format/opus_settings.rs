//! What both sides said about Opus in `a=fmtp` (RFC 7587 §6.1), for one direction.

use crate::SampleRate;

/// How Opus is to be made or read in one direction. The default is what RFC 7587 says where nothing is said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct OpusSettings {
    /// The highest rate that makes sense: the lower of the receiver's `maxplaybackrate` and the sender's
    /// `sprop-maxcapturerate`.
    pub rate: SampleRate,
    /// Whether the receiver would rather have two channels (`stereo`). We always send one, which it must take.
    pub stereo: bool,
    /// Whether the receiver makes use of in-band FEC (`useinbandfec`).
    pub in_band_fec: bool,
    /// Whether the receiver would rather get nothing while nobody speaks (`usedtx`).
    pub dtx: bool,
    /// Whether the receiver wants packets of one size (`cbr`).
    pub constant_bit_rate: bool,
    /// The most bits a second the receiver wants, 6,000–510,000 (`maxaveragebitrate`). `None`: as the rate suggests.
    pub max_average_bit_rate: Option<u32>,
}

impl Default for OpusSettings {
    fn default() -> OpusSettings {
        OpusSettings {
            rate: SampleRate::Khz48,
            stereo: false,
            in_band_fec: false,
            dtx: false,
            constant_bit_rate: false,
            max_average_bit_rate: None,
        }
    }
}
