//! The four octets before each frame, and the tag that encoders put into the first.

/// The longest frame: MPEG-1, 320 kbit/s at 32,000 Hz, padded; MPEG-2.5, 160 kbit/s at 8,000 Hz, padded, has as many.
pub(super) const LONGEST: usize = 1_441;

/// Octets from the beginning of a frame that must be seen to believe it.
pub(super) const LOOK_AHEAD: usize = 2 * LONGEST + 4;

/// What the head of a frame says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct FrameHeader {
    version: Version,
    pub hz: u32,
    pub channels: u8,
    /// Octets, the head included.
    pub length: usize,
    /// Samples of each channel.
    pub samples: usize,
    has_crc: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Version {
    Mpeg1,
    Mpeg2,
    Mpeg25,
}

/// What a Xing or LAME tag says about the length.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Gapless {
    /// Frames, without the one that holds the tag.
    pub frames: Option<u32>,
    /// Samples that the encoder put before the first.
    pub delay: Option<u32>,
    /// Samples that it put behind the last.
    pub padding: Option<u32>,
}

/// In kbit/s; 0 is "free", which nobody uses.
const MPEG1_BIT_RATES: [usize; 15] = [0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320];
const MPEG2_BIT_RATES: [usize; 15] = [0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160];

impl FrameHeader {
    /// Reads the head of a layer III frame whose length it tells.
    pub fn parse(octets: [u8; 4]) -> Option<FrameHeader> {
        let word = u32::from_be_bytes(octets);
        let is_synchronised = word >> 21 == 0x7FF;
        let version = match word >> 19 & 3 {
            0 => Version::Mpeg25,
            2 => Version::Mpeg2,
            3 => Version::Mpeg1,
            _ => return None,
        };
        let is_layer_3 = word >> 17 & 3 == 1;
        let (bit_rate, rate, emphasis) = (word >> 12 & 15, word >> 10 & 3, word & 3);
        if !is_synchronised || !is_layer_3 || bit_rate == 0 || bit_rate == 15 || rate == 3 || emphasis == 2 {
            return None;
        }
        let rates = [44_100, 48_000, 32_000];
        let (hz, bit_rates, samples) = match version {
            Version::Mpeg1 => (rates[rate as usize], MPEG1_BIT_RATES, 1_152),
            Version::Mpeg2 => (rates[rate as usize] / 2, MPEG2_BIT_RATES, 576),
            Version::Mpeg25 => (rates[rate as usize] / 4, MPEG2_BIT_RATES, 576),
        };
        let padding = (word >> 9 & 1) as usize;
        let length = samples / 8 * bit_rates[bit_rate as usize] * 1_000 / hz as usize + padding;
        let channels = if word >> 6 & 3 == 3 { 1 } else { 2 };
        let has_crc = word >> 16 & 1 == 0;
        Some(FrameHeader { version, hz, channels, length, samples, has_crc })
    }

    /// Whether both may belong to one file.
    pub fn is_like(&self, other: &FrameHeader) -> bool {
        (self.version, self.hz, self.channels) == (other.version, other.hz, other.channels)
    }

    /// The tag in the place of sound, if `frame` holds one.
    pub fn tag(&self, frame: &[u8]) -> Option<Gapless> {
        let side_information = match (self.version, self.channels) {
            (Version::Mpeg1, 1) => 17,
            (Version::Mpeg1, _) => 32,
            (_, 1) => 9,
            _ => 17,
        };
        let at = 4 + if self.has_crc { 2 } else { 0 } + side_information;
        let tag = frame.get(at..)?;
        if frame.get(36..40) == Some(b"VBRI") {
            let frames = frame.get(50..54).map(be_u32);
            return Some(Gapless { frames, delay: None, padding: None });
        }
        if !tag.starts_with(b"Xing") && !tag.starts_with(b"Info") {
            return None;
        }
        let flags = be_u32(tag.get(4..8)?);
        let mut next = 8;
        let mut field = |present: bool, octets: usize| {
            let here = next;
            next += if present { octets } else { 0 };
            present.then_some(here)
        };
        let frames = field(flags & 1 != 0, 4).and_then(|at| tag.get(at..at + 4)).map(be_u32);
        field(flags & 2 != 0, 4);
        field(flags & 4 != 0, 100);
        field(flags & 8 != 0, 4);
        // Nine octets of the encoder's name come next, then eleven, then twice twelve bits.
        let lengths = tag.get(next + 21..next + 24).filter(|_| tag[next..].iter().take(4).all(u8::is_ascii_graphic));
        let lengths =
            lengths.map(|octets| u32::from(octets[0]) << 16 | u32::from(octets[1]) << 8 | u32::from(octets[2]));
        Some(Gapless {
            frames: frames.filter(|frames| *frames > 0),
            delay: lengths.map(|both| both >> 12),
            padding: lengths.map(|both| both & 0xFFF),
        })
    }
}

/// The first frame in `octets` with another of its kind behind it, or with the end of the file if `is_last`. One that is not like
/// `like` needs a third.
pub(super) fn find(octets: &[u8], is_last: bool, like: Option<FrameHeader>) -> Option<(usize, FrameHeader)> {
    for at in 0..octets.len().saturating_sub(3) {
        if octets[at] != 0xFF || octets[at + 1] & 0xE0 != 0xE0 {
            continue;
        }
        let Some(header) = header_at(octets, at) else { continue };
        let followers = if like.is_none_or(|like| header.is_like(&like)) { 1 } else { 2 };
        if is_followed(octets, at, header, is_last, followers) {
            return Some((at, header));
        }
    }
    None
}

fn is_followed(octets: &[u8], mut at: usize, header: FrameHeader, is_last: bool, followers: usize) -> bool {
    let mut length = header.length;
    for _ in 0..followers {
        at += length;
        match header_at(octets, at) {
            Some(next) if next.is_like(&header) => length = next.length,
            Some(_) => return false,
            // Nothing, or a tag, at the end of the file.
            None => {
                let behind = octets.get(at..);
                return is_last && behind.is_some_and(|behind| behind.len() < 4 || behind.starts_with(b"TAG"));
            }
        }
    }
    true
}

fn header_at(octets: &[u8], at: usize) -> Option<FrameHeader> {
    octets.get(at..).and_then(<[u8]>::first_chunk).and_then(|head| FrameHeader::parse(*head))
}

fn be_u32(octets: &[u8]) -> u32 {
    octets.iter().take(4).fold(0, |sum, octet| sum << 8 | u32::from(*octet))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heads_are_read() {
        // MPEG-1, 128 kbit/s, 44,100 Hz, joint stereo.
        let header = FrameHeader::parse([0xFF, 0xFB, 0x90, 0x44]).unwrap();
        assert_eq!((header.hz, header.channels, header.length, header.samples), (44_100, 2, 417, 1_152));
        // MPEG-2.5, 16 kbit/s, 8,000 Hz, mono, padded.
        let header = FrameHeader::parse([0xFF, 0xE3, 0x2A, 0xC4]).unwrap();
        assert_eq!((header.hz, header.channels, header.length, header.samples), (8_000, 1, 145, 576));
        for other in [[0xFF, 0xFD, 0x90, 0x44], [0xFF, 0xFB, 0x00, 0x44], [0xFF, 0xFB, 0xF0, 0], [0xFF, 0xFB, 0x9C, 0]]
        {
            assert_eq!(FrameHeader::parse(other), None, "{other:x?}");
        }
    }

    #[test]
    fn no_frame_is_longer_than_the_longest() {
        let mut longest = 0;
        for word in 0..=0xFFFF_u16 {
            let [b, c] = word.to_be_bytes();
            longest = longest.max(FrameHeader::parse([0xFF, b, c, 0]).map_or(0, |header| header.length));
        }
        assert_eq!(longest, LONGEST);
    }
}
