//! What a payload type number stands for: `a=rtpmap`, and the numbers that RFC 3551 gave away.

use std::fmt;

use super::word::{Word, word};

/// An encoding: its name, clock and channels.
#[derive(Debug, Clone)]
pub struct RtpMap {
    /// `PCMU`, `opus`, … Compared without case.
    pub name: Word,
    /// Ticks of the RTP clock a second. For G722 8000, which is half of what it samples (RFC 3551 §4.5.2).
    pub clock_rate: u32,
    /// 1 where nothing is said.
    pub channels: u8,
}

impl RtpMap {
    /// An encoding of one channel.
    pub fn new(name: &str, clock_rate: u32) -> RtpMap {
        RtpMap { name: word(name), clock_rate, channels: 1 }
    }

    /// Whether it has this name.
    pub fn is(&self, name: &str) -> bool {
        self.name.eq_ignore_ascii_case(name)
    }

    /// Reads `PCMU/8000` or `opus/48000/2`.
    pub(super) fn parse(text: &str) -> Option<RtpMap> {
        let mut parts = text.trim().split('/');
        let name = word(parts.next().filter(|name| !name.is_empty())?);
        let clock_rate = parts.next()?.trim().parse().ok().filter(|&rate| rate > 0)?;
        let channels = parts.next().and_then(|channels| channels.trim().parse().ok()).unwrap_or(1).max(1);
        Some(RtpMap { name, clock_rate, channels })
    }

    /// What RFC 3551 §6 says of a number for audio.
    pub(super) fn well_known(payload_type: u8) -> Option<RtpMap> {
        let (name, clock_rate, channels) = match payload_type {
            0 => ("PCMU", 8000, 1),
            3 => ("GSM", 8000, 1),
            4 => ("G723", 8000, 1),
            5 => ("DVI4", 8000, 1),
            6 => ("DVI4", 16000, 1),
            7 => ("LPC", 8000, 1),
            8 => ("PCMA", 8000, 1),
            9 => ("G722", 8000, 1),
            10 => ("L16", 44100, 2),
            11 => ("L16", 44100, 1),
            12 => ("QCELP", 8000, 1),
            13 => ("CN", 8000, 1),
            15 => ("G728", 8000, 1),
            16 => ("DVI4", 11025, 1),
            17 => ("DVI4", 22050, 1),
            18 => ("G729", 8000, 1),
            _ => return None,
        };
        Some(RtpMap { name: Word::Borrowed(name), clock_rate, channels })
    }
}

impl PartialEq for RtpMap {
    fn eq(&self, other: &RtpMap) -> bool {
        self.clock_rate == other.clock_rate && self.channels == other.channels && self.is(&other.name)
    }
}

impl Eq for RtpMap {}

impl fmt::Display for RtpMap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.name, self.clock_rate)?;
        match self.channels {
            1 => Ok(()),
            channels => write!(f, "/{channels}"),
        }
    }
}
