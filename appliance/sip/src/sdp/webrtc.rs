//! The part of offer and answer that browsers add (RFC 8829): ICE (RFC 8839), of which we are the lite side, and the certificate of
//! a DTLS handshake by its fingerprint (RFC 8122, RFC 8842).
//!
//! Such a stream is `UDP/TLS/RTP/SAVPF`. Its candidates are never read: who is lite waits to be found. RTP and RTCP share one path
//! (RFC 5761), and so do all streams of a description (RFC 8843), of which there is one.

use std::net::SocketAddr;

use super::offer_answer::Refusal;
use super::word::{Word, word};
use super::{Line, Media, SessionDescription};
use crate::limits;

/// Our side.
#[derive(Clone, PartialEq, Eq)]
pub struct Ours {
    /// `a=ice-ufrag`
    pub ufrag: String,
    /// `a=ice-pwd`
    pub password: String,
    /// Where we can be reached over UDP, the likeliest first.
    pub addresses: Vec<SocketAddr>,
    /// Where we can be reached over TCP (RFC 6544).
    pub tcp_addresses: Vec<SocketAddr>,
    /// The SHA-256 of our certificate.
    pub fingerprint: [u8; 32],
    /// We began the handshake that this session has had.
    pub was_active: bool,
}

impl std::fmt::Debug for Ours {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Ours({}, …)", self.ufrag)
    }
}

/// The other side.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Theirs {
    /// `a=ice-ufrag`
    pub ufrag: String,
    /// The hash of its certificate, and by which function.
    pub fingerprint: (Hash, Box<[u8]>),
    /// We begin the handshake.
    pub are_we_active: bool,
}

/// A hash function of RFC 8122 that is good enough.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Hash {
    /// `sha-256`
    Sha256,
    /// `sha-384`
    Sha384,
    /// `sha-512`
    Sha512,
}

/// The profile of such a stream.
pub const PROFILE: &str = "UDP/TLS/RTP/SAVPF";
/// What some write instead, who send no feedback (RFC 5764 §8).
const WITHOUT_FEEDBACK: &str = "UDP/TLS/RTP/SAVP";

impl Hash {
    fn parse(name: &str) -> Option<(Hash, usize)> {
        [("sha-256", Hash::Sha256, 32), ("sha-384", Hash::Sha384, 48), ("sha-512", Hash::Sha512, 64)]
            .into_iter()
            .find_map(|(known, hash, len)| known.eq_ignore_ascii_case(name).then_some((hash, len)))
    }
}

impl Media {
    /// Whether it is secured by a handshake.
    pub fn has_handshake(&self) -> bool {
        [PROFILE, WITHOUT_FEEDBACK].into_iter().any(|known| self.proto.eq_ignore_ascii_case(known))
    }
}

impl SessionDescription {
    /// Whether its audio is secured by a handshake.
    pub fn has_handshake(&self) -> bool {
        self.media.iter().find(|media| media.is_audio()).is_some_and(Media::has_handshake)
    }

    /// The value of an attribute of a stream, or of the session where it says nothing of its own.
    fn attribute<'a>(&'a self, media: &'a Media, name: &'a str) -> Option<&'a str> {
        attributes(&media.lines, name).next().or_else(|| attributes(&self.lines, name).next())
    }
}

/// The values of an attribute.
fn attributes<'a>(lines: &'a [Line], name: &'a str) -> impl Iterator<Item = &'a str> {
    lines.iter().filter(|line| line.kind == 'a').filter_map(move |line| {
        let (is, value) = line.value.split_once(':')?;
        (is == name).then(|| value.trim())
    })
}

/// What a description of the other side is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Says {
    /// It offers, in a session where we had begun the handshake, or had not.
    Offer {
        /// We had.
        were_we_active: bool,
    },
    /// It answers to an offer of ours.
    Answer,
}

/// What the other side says of itself in a stream of its description.
pub fn read((session, index): (&SessionDescription, usize), says: Says) -> Result<Theirs, Refusal> {
    let media = &session.media[index];
    let of = |name| session.attribute(media, name);
    let fingerprints = attributes(&media.lines, "fingerprint").chain(attributes(&session.lines, "fingerprint"));
    let fingerprint =
        fingerprints.take(limits::SDP_FINGERPRINTS).find_map(fingerprint).ok_or(Refusal::NoFingerprint)?;
    let ufrag = of("ice-ufrag").filter(|ufrag| (4..=256).contains(&ufrag.len()) && of("ice-pwd").is_some());
    let ufrag = ufrag.ok_or(Refusal::NoIce)?.to_owned();
    if !media.has_attribute("rtcp-mux") {
        return Err(Refusal::NoRtcpMux);
    }
    let are_we_active = match (of("setup"), says) {
        (Some("active"), _) | (None, Says::Answer) => false,
        (Some("passive"), _) => true,
        // Who we are in a handshake that goes on stays (RFC 8842 §5.3).
        (Some("actpass") | None, Says::Offer { were_we_active }) => were_we_active,
        _ => return Err(Refusal::NoFingerprint),
    };
    Ok(Theirs { ufrag, fingerprint, are_we_active })
}

/// `sha-256 AB:CD:…`
fn fingerprint(value: &str) -> Option<(Hash, Box<[u8]>)> {
    let (name, octets) = value.split_once(' ')?;
    let (hash, len) = Hash::parse(name)?;
    // `from_str_radix` takes a sign as well.
    let is_octet = |hex: &&str| hex.len() == 2 && hex.bytes().all(|digit| digit.is_ascii_hexdigit());
    let octet = |hex| Some(hex).filter(is_octet).and_then(|hex| u8::from_str_radix(hex, 16).ok());
    let octets: Vec<u8> = octets.trim().split(':').map(octet).collect::<Option<_>>()?;
    (octets.len() == len).then(|| (hash, octets.into()))
}

/// What we say of ourselves in a stream; `setup`: our part in the handshake.
pub fn lines<'a>(ours: &'a Ours, setup: &'static str, mid: Option<&'a str>) -> impl Iterator<Item = Line> + 'a {
    let line = |text: String| Line { kind: 'a', value: Word::Owned(text) };
    let named = mid.map(|mid| line(format!("mid:{mid}")));
    let fixed = [
        Line { kind: 'a', value: Word::Borrowed("rtcp-mux") },
        line(format!("ice-ufrag:{}", ours.ufrag)),
        line(format!("ice-pwd:{}", ours.password)),
        line(format!("fingerprint:sha-256 {}", hex(&ours.fingerprint))),
        line(format!("setup:{setup}")),
        Line { kind: 'a', value: Word::Borrowed("msid:tandem audio") },
    ];
    let udp = ours.addresses.iter().zip(0_u32..).map(|(at, place)| ("UDP", at, "", 126, place));
    let tcp = ours.tcp_addresses.iter().zip(0_u32..).map(|(at, place)| ("TCP", at, " tcptype passive", 90, place));
    let candidates = udp.chain(tcp).enumerate().map(move |(index, (proto, at, kind, preference, place))| {
        // RFC 8445 §5.1.2.1: the kind, then the rank among its like, then the component.
        let priority = (preference << 24) + ((65_535 - place) << 8) + 255;
        let (foundation, address, port) = (index + 1, at.ip(), at.port());
        line(format!("candidate:{foundation} 1 {proto} {priority} {address} {port} typ host{kind}"))
    });
    let end = Line { kind: 'a', value: Word::Borrowed("end-of-candidates") };
    named.into_iter().chain(fixed).chain(candidates).chain([end])
}

/// What we say of ourselves in the session: that we are lite, and that the streams with these names share one path.
pub fn session_lines(mid: Option<&str>) -> impl Iterator<Item = Line> {
    let group = mid.map(|mid| Line { kind: 'a', value: Word::Owned(format!("group:BUNDLE {mid}")) });
    [Line { kind: 'a', value: Word::Borrowed("ice-lite") }].into_iter().chain(group)
}

/// The name of a stream (RFC 5888), to be kept in an answer, even where the stream is refused.
pub fn mid(media: &Media) -> Option<&str> {
    attributes(&media.lines, "mid").next()
}

/// Whether a stream is offered to share its path with others.
pub fn is_bundled(session: &SessionDescription, mid: &str) -> bool {
    let groups = attributes(&session.lines, "group").filter_map(|group| group.strip_prefix("BUNDLE "));
    groups.flat_map(str::split_ascii_whitespace).any(|member| member == mid)
}

/// A line with the name of a stream.
pub fn mid_line(mid: &str) -> Line {
    Line { kind: 'a', value: word(&format!("mid:{mid}")) }
}

fn hex(octets: &[u8]) -> String {
    let octets: Vec<String> = octets.iter().map(|octet| format!("{octet:02X}")).collect();
    octets.join(":")
}

#[cfg(test)]
mod tests;
