//! Session descriptions (RFC 8866) with a type, and the offer/answer model over them (RFC 3264).
//!
//! Reading is tolerant: lines in any order, any line end, missing `s=` and `t=`, broken UTF-8 (replaced). Lines without a field here are kept in their
//! order and written again. What is read must have an `o=` line, and each media a port.

mod codec;
pub mod crypto;
mod encryption;
pub mod offer_answer;
mod opus;
mod parse;
#[cfg(test)]
mod tests;
pub mod webrtc;
mod word;
mod write;

use std::net::{IpAddr, SocketAddr};

use bytes::Bytes;

pub use codec::RtpMap;
pub use crypto::{Crypto, CryptoKey, CryptoSuite};
pub use encryption::{Encryption, NegotiatedCrypto};
pub use offer_answer::{Capabilities, Codec, Local, Negotiated, NegotiatedCodec, Refusal, UsedNumbers};
pub use opus::OpusParameters;
pub use parse::SdpError;
pub use word::Word;

/// Whether media flows, as seen by who wrote the description.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum Direction {
    /// Both ways.
    #[default]
    SendRecv,
    /// I send and do not want to receive: hold with music.
    SendOnly,
    /// I only receive: what is answered to hold.
    RecvOnly,
    /// Nothing flows: hold without music.
    Inactive,
}

impl Direction {
    /// The attribute.
    pub fn name(self) -> &'static str {
        match self {
            Direction::SendRecv => "sendrecv",
            Direction::SendOnly => "sendonly",
            Direction::RecvOnly => "recvonly",
            Direction::Inactive => "inactive",
        }
    }

    /// Reads the attribute.
    pub fn parse(name: &str) -> Option<Direction> {
        [Direction::SendRecv, Direction::SendOnly, Direction::RecvOnly, Direction::Inactive]
            .into_iter()
            .find(|direction| direction.name().eq_ignore_ascii_case(name))
    }

    /// Whether its writer sends.
    pub fn sends(self) -> bool {
        matches!(self, Direction::SendRecv | Direction::SendOnly)
    }

    /// Whether its writer wants to receive.
    pub fn receives(self) -> bool {
        matches!(self, Direction::SendRecv | Direction::RecvOnly)
    }

    /// From the two halves.
    pub fn from_halves(sends: bool, receives: bool) -> Direction {
        match (sends, receives) {
            (true, true) => Direction::SendRecv,
            (true, false) => Direction::SendOnly,
            (false, true) => Direction::RecvOnly,
            (false, false) => Direction::Inactive,
        }
    }

    /// The same as the other side sees it.
    #[must_use]
    pub fn reversed(self) -> Direction {
        Direction::from_halves(self.receives(), self.sends())
    }

    /// What both allow.
    #[must_use]
    pub fn and(self, other: Direction) -> Direction {
        Direction::from_halves(self.sends() && other.sends(), self.receives() && other.receives())
    }
}

/// `o=`: whose session, and which version of its description.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// Nearly always `-`.
    pub username: Word,
    /// Number of the session. A text, because some phones send more digits than fit.
    pub session_id: Word,
    /// Counts up with each change. Saturates at the largest number.
    pub version: u64,
    /// The address of its author.
    pub address: Connection,
}

/// `c=`: where media is to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Connection {
    /// An address. A time to live or number of addresses behind it is not kept.
    Ip(IpAddr),
    /// A host name, or an address of an unknown kind: the words behind `IN`.
    Other(String),
}

impl Connection {
    /// The address, unless it is a name.
    pub fn ip(&self) -> Option<IpAddr> {
        match self {
            Connection::Ip(address) => Some(*address),
            Connection::Other(_) => None,
        }
    }
}

/// A line without a field of its own: the letter and what stands behind the `=`. Keys in it are not shown by `Debug`.
#[derive(Clone, PartialEq, Eq)]
pub struct Line {
    /// `a`, `b`, `i`, …
    pub kind: char,
    /// Everything behind the `=`.
    pub value: Word,
}

/// A session description.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionDescription {
    /// `o=`
    pub origin: Origin,
    /// `s=`
    pub name: Word,
    /// `c=` for all media without their own.
    pub connection: Option<Connection>,
    /// `t=`, `b=`, `a=` and all other lines of the session, in their order.
    pub lines: Vec<Line>,
    /// The direction of all media without their own.
    pub direction: Option<Direction>,
    /// `m=`, in their order, which never changes during a session.
    pub media: Vec<Media>,
}

/// One `m=` line with everything that belongs to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Media {
    /// `audio`, `video`, `image`, …
    pub kind: Word,
    /// The port; 0 is a stream that is refused or ended.
    pub port: u16,
    /// `RTP/AVP`, …
    pub proto: Word,
    /// In order of preference.
    pub formats: Vec<Format>,
    /// `c=` of this media.
    pub connection: Option<Connection>,
    /// The direction of this media.
    pub direction: Option<Direction>,
    /// Milliseconds of audio in a packet, as its receiver wishes.
    pub ptime: Option<u16>,
    /// The most milliseconds its receiver accepts in a packet.
    pub maxptime: Option<u16>,
    /// Port and address for RTCP, where it is not the port after that of RTP (RFC 3605).
    pub rtcp: Option<(u16, Option<IpAddr>)>,
    /// All other lines, in their order.
    pub lines: Vec<Line>,
}

/// One format of an `m=` line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Format {
    /// As in the `m=` line: over RTP the payload type number.
    pub word: Word,
    /// What the number stands for, by `a=rtpmap` or by RFC 3551.
    pub map: Option<RtpMap>,
    /// `a=fmtp`, without the number.
    pub fmtp: Option<Word>,
}

impl Format {
    /// The payload type, over RTP.
    pub fn payload_type(&self) -> Option<u8> {
        self.word.parse().ok().filter(|&number| number < 128)
    }
}

impl Media {
    /// Whether it is a stream of audio over RTP that is not refused.
    pub fn is_audio(&self) -> bool {
        self.kind.eq_ignore_ascii_case("audio") && self.port != 0
    }

    /// The lines with keys, in their order; those that cannot be used with the reason.
    pub fn cryptos(&self) -> impl Iterator<Item = Result<Crypto, crypto::CryptoError>> {
        self.lines.iter().filter_map(Crypto::read)
    }

    /// Whether an attribute without value is there.
    pub fn has_attribute(&self, name: &str) -> bool {
        self.lines.iter().any(|line| line.kind == 'a' && line.value == name)
    }
}

impl SessionDescription {
    /// Reads a description.
    pub fn parse(body: &[u8]) -> Result<SessionDescription, SdpError> {
        parse::parse(body)
    }

    /// Appends the description as it goes into a body.
    pub fn write(&self, out: &mut Vec<u8>) {
        write::write(self, out);
    }

    /// The description as a body.
    pub fn to_bytes(&self) -> Bytes {
        let mut out = Vec::with_capacity(320);
        self.write(&mut out);
        out.into()
    }

    /// Where media `index` is to be sent, unless it says a name.
    pub fn address_of(&self, index: usize) -> Option<IpAddr> {
        let media = self.media.get(index)?;
        media.connection.as_ref().or(self.connection.as_ref())?.ip()
    }

    /// Where RTCP of media `index` is to be sent.
    pub fn rtcp_address_of(&self, index: usize) -> Option<SocketAddr> {
        let media = self.media.get(index)?;
        let address = self.address_of(index)?;
        Some(match media.rtcp {
            Some((port, other)) => SocketAddr::new(other.unwrap_or(address), port),
            None if media.has_attribute("rtcp-mux") => SocketAddr::new(address, media.port),
            None => SocketAddr::new(address, media.port.saturating_add(1)),
        })
    }

    /// Whether media `index` flows, as its author sees it. The old hold by the address 0.0.0.0 (RFC 2543) means that he does not receive.
    pub fn direction_of(&self, index: usize) -> Direction {
        let Some(media) = self.media.get(index) else { return Direction::Inactive };
        let said = media.direction.or(self.direction).unwrap_or_default();
        match self.address_of(index) {
            Some(address) if address.is_unspecified() && !media.has_handshake() => {
                Direction::from_halves(said.sends(), false)
            }
            _ => said,
        }
    }

    /// Makes this the successor of `previous` in the same session: its number, and the next version if anything differs (RFC 3264 §8).
    pub fn follow(&mut self, previous: &SessionDescription) {
        self.origin = previous.origin.clone();
        if self != previous {
            self.origin.version = previous.origin.version.saturating_add(1);
        }
    }
}
