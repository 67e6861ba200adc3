//! Samples without a header: only a name or a person can say what they are.

use super::pcm::{Encoding, PcmReader};
use crate::limits;

/// What a file without a header holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct RawFormat {
    /// How samples are written.
    pub encoding: Encoding,
    /// Channels in turn.
    pub channels: u16,
    /// Samples a second.
    pub hz: u32,
}

impl RawFormat {
    /// What the end of a file's name says, by the custom of other exchanges: `ulaw`, `alaw`, `g722`, `sln`, `sln16` and so on.
    pub fn from_extension(extension: &str) -> Option<RawFormat> {
        let mono = |encoding, hz| Some(RawFormat { encoding, channels: 1, hz });
        match extension.to_ascii_lowercase().as_str() {
            "ulaw" | "ul" | "mulaw" | "pcmu" | "mu" => mono(Encoding::Ulaw, 8_000),
            "alaw" | "al" | "pcma" => mono(Encoding::Alaw, 8_000),
            "g722" => mono(Encoding::G722, 16_000),
            "sln" | "slin" | "sln8" => mono(Encoding::S16, 8_000),
            "sln12" => mono(Encoding::S16, 12_000),
            "sln16" => mono(Encoding::S16, 16_000),
            "sln24" => mono(Encoding::S16, 24_000),
            "sln32" => mono(Encoding::S16, 32_000),
            "sln44" => mono(Encoding::S16, 44_100),
            "sln48" => mono(Encoding::S16, 48_000),
            _ => None,
        }
    }

    pub(super) fn reader(self) -> PcmReader {
        let channels = usize::from(self.channels).clamp(1, limits::SOUND_CHANNELS);
        let hz = self.hz.clamp(*limits::SOUND_HZ.start(), *limits::SOUND_HZ.end());
        let (channels, hz) = if self.encoding == Encoding::G722 { (1, 16_000) } else { (channels, hz) };
        PcmReader::new(self.encoding, channels, hz, None)
    }
}
