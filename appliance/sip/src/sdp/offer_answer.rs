//! Offer and answer (RFC 3264) for one stream of audio; every other stream is refused with port 0.

mod numbers;

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use super::{
    Connection, Crypto, Direction, Encryption, Format, Media, NegotiatedCrypto, Origin, RtpMap, SessionDescription,
    encryption, webrtc,
    word::{Word, number_word},
};

pub use numbers::UsedNumbers;

/// A codec we speak.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Codec {
    /// What it is.
    pub map: RtpMap,
    /// The payload type we offer it under.
    pub payload_type: u8,
    /// Its settings as we write them.
    pub fmtp: Option<Word>,
}

impl Codec {
    /// A codec without settings.
    pub fn new(payload_type: u8, name: &str, clock_rate: u32) -> Codec {
        Codec { map: RtpMap::new(name, clock_rate), payload_type, fmtp: None }
    }

    /// G.711 µ-law.
    pub fn pcmu() -> Codec {
        Codec::new(0, "PCMU", 8000)
    }

    /// G.711 A-law.
    pub fn pcma() -> Codec {
        Codec::new(8, "PCMA", 8000)
    }
}

/// What we can do with audio.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Capabilities {
    /// In order of preference for our offers. In answers the order of the offerer counts.
    pub codecs: Vec<Codec>,
    /// Whether digits are taken as telephone-event (RFC 4733).
    pub telephone_event: bool,
    /// Whether comfort noise (RFC 3389) is understood.
    pub comfort_noise: bool,
    /// The milliseconds of audio in a packet that we ask for.
    pub ptime: Option<u16>,
    /// Whether audio is encrypted.
    pub encryption: Encryption,
    /// The suites we speak, in order of preference for our offers, with the keys we would use. In a session that goes on
    /// under its keys that is [`NegotiatedCrypto::ours`].
    pub cryptos: Vec<Crypto>,
    /// How we are found and our certificate, where audio may be secured by a handshake. Our offers are of such audio then, and of no other.
    pub webrtc: Option<Box<webrtc::Ours>>,
}

impl Default for Capabilities {
    fn default() -> Capabilities {
        Capabilities {
            codecs: vec![Codec::pcmu(), Codec::pcma()],
            telephone_event: true,
            comfort_noise: true,
            ptime: Some(20),
            encryption: Encryption::Off,
            cryptos: Vec::new(),
            webrtc: None,
        }
    }
}

/// Our side of one session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Local {
    /// Where we receive audio.
    pub address: IpAddr,
    /// The port for RTP; the next one is for RTCP.
    pub port: u16,
    /// Number of the session, for `o=`.
    pub session_id: u64,
    /// What we want to do: `SendOnly` or `Inactive` puts the other side on hold.
    pub direction: Direction,
    /// The payload types that new codecs must not get.
    pub used: UsedNumbers,
}

/// A payload type both ways, for what it stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NegotiatedCodec {
    /// What it is.
    pub map: RtpMap,
    /// The number in packets to the other side.
    pub send: u8,
    /// The number in packets from the other side.
    pub receive: u8,
    /// The settings the other side wrote.
    pub fmtp: Option<Word>,
    /// The settings we wrote.
    pub ours: Option<Word>,
}

/// What both sides agreed on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Negotiated {
    /// Where to send RTP. The address is unspecified (0.0.0.0) while the other side holds in the old way.
    pub remote_rtp: SocketAddr,
    /// Where to send RTCP.
    pub remote_rtcp: SocketAddr,
    /// The codecs, the one to use first. Never empty.
    pub codecs: Vec<NegotiatedCodec>,
    /// Digits, one for each clock rate of the codecs.
    pub telephone_events: Vec<NegotiatedCodec>,
    /// Comfort noise.
    pub comfort_noise: Option<NegotiatedCodec>,
    /// What we do: `RecvOnly` or `Inactive` when the other side holds.
    pub direction: Direction,
    /// Milliseconds of audio in our packets.
    pub ptime: u16,
    /// By which keys audio is encrypted, if it is.
    pub crypto: Option<Box<NegotiatedCrypto>>,
    /// Who comes, and how audio is secured, where that is by a handshake. The addresses above mean nothing then.
    pub webrtc: Option<Box<webrtc::Theirs>>,
}

impl Negotiated {
    /// The codec to use.
    pub fn codec(&self) -> &NegotiatedCodec {
        self.codecs.first().expect("a negotiation without codec is a refusal")
    }

    /// The telephone-event of the codec's clock (RFC 4733 §2.1), or one of another where a phone has no better.
    pub fn telephone_event(&self) -> Option<&NegotiatedCodec> {
        let rate = self.codec().map.clock_rate;
        let same = self.telephone_events.iter().find(|event| event.map.clock_rate == rate);
        same.or(self.telephone_events.first())
    }

    /// Whether the other side does not want to hear us.
    pub fn is_held(&self) -> bool {
        !self.direction.sends()
    }
}

/// Why there is no session. [`Refusal::warning`] is for the Warning header of the 488.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Refusal {
    /// There is no stream of audio, or it is refused.
    #[error("no audio")]
    NoAudio,
    /// The transport of the audio is not one we speak.
    #[error("transport not understood")]
    Transport,
    /// Audio must be encrypted and is not.
    #[error("audio is not encrypted")]
    NotEncrypted,
    /// No `a=crypto` line can be used.
    #[error("no usable crypto line")]
    NoCommonCrypto,
    /// Browsers are not let in.
    #[error("no browsers are let in")]
    NoBrowsers,
    /// The certificate of the handshake is named by no fingerprint that counts, or nobody would begin it.
    #[error("no usable fingerprint")]
    NoFingerprint,
    /// A stream that is secured by a handshake is not found by ICE.
    #[error("no ICE credentials")]
    NoIce,
    /// A stream that is secured by a handshake wants a path of its own for RTCP.
    #[error("no rtcp-mux")]
    NoRtcpMux,
    /// No codec in common.
    #[error("no common codec")]
    NoCommonCodec,
    /// The address is missing, a name, multicast, or of another family than ours.
    #[error("address not usable")]
    Address,
    /// The answer does not fit the offer: other streams, or another number of them.
    #[error("answer does not match the offer")]
    Mismatch,
}

impl Refusal {
    /// The warn-code of RFC 3261 §20.43 and its words.
    pub fn warning(self) -> (u16, &'static str) {
        match self {
            Refusal::NoAudio => (304, "Media type not available"),
            Refusal::Transport => (302, "Incompatible transport protocol"),
            Refusal::NotEncrypted => (399, "Encryption required"),
            Refusal::NoCommonCrypto => (306, "No usable crypto attribute"),
            Refusal::NoBrowsers => (399, "WebRTC is off here: it takes --webrtc"),
            Refusal::NoFingerprint => (399, "No usable fingerprint of a DTLS certificate"),
            Refusal::NoIce => (399, "ICE required for DTLS-SRTP"),
            Refusal::NoRtcpMux => (399, "rtcp-mux required for DTLS-SRTP"),
            Refusal::NoCommonCodec => (305, "Incompatible media format"),
            Refusal::Address => (301, "Incompatible network address formats"),
            Refusal::Mismatch => (399, "Answer does not match the offer"),
        }
    }
}

const DEFAULT_PTIME: u16 = 20;
const TELEPHONE_EVENT: &str = "telephone-event";
const DIGITS: &str = "0-16";
/// The clock at which every phone can tell digits, even one that has no codec of that clock.
const EVENT_RATE: u32 = 8_000;

/// Answers an offer: every stream in its place, one of audio accepted with the codecs we share in the order of the offerer.
///
/// In a running session let the answer [`SessionDescription::follow`] our last description.
pub fn answer(
    offer: &SessionDescription,
    capabilities: &Capabilities,
    local: &Local,
) -> Result<(SessionDescription, Negotiated), Refusal> {
    let (index, security) = usable_audio(offer, local.address, capabilities)?;
    let media = &offer.media[index];
    let (codecs, formats) = common(media, capabilities);
    if codecs.is_empty() {
        return Err(Refusal::NoCommonCodec);
    }
    let direction = offer.direction_of(index).reversed().and(local.direction);
    let mut accepted = audio(local, media.proto.clone(), formats);
    accepted.direction = Some(direction);
    accepted.ptime = media.ptime;
    accepted.lines.extend(security.crypto.iter().map(|crypto| crypto.ours().to_line()));
    let mut session = session(local);
    if let (Some(ours), Some(theirs)) = (&capabilities.webrtc, &security.webrtc) {
        let (setup, mid) = (if theirs.are_we_active { "active" } else { "passive" }, webrtc::mid(media));
        accepted.lines.extend(webrtc::lines(ours, setup, mid));
        session.lines.extend(webrtc::session_lines(mid.filter(|mid| webrtc::is_bundled(offer, mid))));
    }
    session.media = offer.media.iter().map(refused).collect();
    session.media[index] = accepted;
    let negotiated = negotiated(offer, index, codecs, direction)?;
    let Security { crypto, webrtc } = security;
    Ok((session, Negotiated { crypto, webrtc, ..negotiated }))
}

/// Makes an offer; in a running session the successor of `previous`, our last description: the same streams, the same numbers.
pub fn offer(capabilities: &Capabilities, local: &Local, previous: Option<&SessionDescription>) -> SessionDescription {
    let index = previous.and_then(|previous| previous.media.iter().position(Media::is_audio));
    let kept = previous.zip(index).map(|(previous, index)| &previous.media[index]);
    let secured = capabilities.webrtc.as_deref();
    let first = Word::Borrowed(secured.map_or(encryption::proto(capabilities.encryption), |_| webrtc::PROFILE));
    let proto = kept.map_or(first, |media| media.proto.clone());
    let mut offered = audio(local, proto, offered_formats(capabilities, kept, local.used));
    offered.direction = Some(local.direction);
    offered.ptime = capabilities.ptime;
    let mut session = session(local);
    if let Some(ours) = secured {
        let mid = kept.and_then(webrtc::mid).unwrap_or("0");
        offered.lines.extend(webrtc::lines(ours, "actpass", Some(mid)));
        session.lines.extend(webrtc::session_lines(Some(mid)));
    } else {
        offered.lines.extend(encryption::offer(capabilities));
    }
    match (previous, index) {
        (Some(previous), Some(index)) => {
            session.media = previous.media.iter().map(refused).collect();
            session.media[index] = offered;
        }
        (Some(previous), None) => {
            session.media = previous.media.iter().map(refused).collect();
            session.media.push(offered);
        }
        (None, _) => session.media.push(offered),
    }
    if let Some(previous) = previous {
        session.follow(previous);
    }
    session
}

/// What the answer to our offer makes of it.
pub fn accept_answer(offer: &SessionDescription, answer: &SessionDescription) -> Result<Negotiated, Refusal> {
    let index = accepted_audio(offer, answer)?;
    let (ours, theirs) = (&offer.media[index], &answer.media[index]);
    if !theirs.proto.eq_ignore_ascii_case(&ours.proto) {
        return Err(Refusal::Transport);
    }
    let security = match ours.has_handshake() {
        true => Security::by_handshake(webrtc::read((answer, index), webrtc::Says::Answer)?),
        false => Security { crypto: encryption::accept(ours, theirs)?, webrtc: None },
    };
    if security.webrtc.is_none() {
        let family = offer.address_of(index).ok_or(Refusal::Address)?;
        usable_address(answer, index, family)?;
    }
    let mut codecs = Vec::new();
    for format in &theirs.formats {
        let Some(send) = format.payload_type() else { continue };
        // A number that is not explained means what it meant in the offer.
        let of_ours = ours.formats.iter().find(|own| match &format.map {
            Some(map) => own.map.as_ref() == Some(map),
            None => own.word == format.word,
        });
        let Some((map, receive)) = of_ours.and_then(|own| own.map.clone().zip(own.payload_type())) else { continue };
        if codecs.iter().all(|codec: &NegotiatedCodec| codec.map != map) {
            let (fmtp, ours) = (format.fmtp.clone(), of_ours.and_then(|own| own.fmtp.clone()));
            codecs.push(NegotiatedCodec { map, send, receive, fmtp, ours });
        }
    }
    let direction = answer.direction_of(index).reversed().and(offer.direction_of(index));
    let Security { crypto, webrtc } = security;
    Ok(Negotiated { crypto, webrtc, ..negotiated(answer, index, codecs, direction)? })
}

/// How a stream is encrypted, if it is: by keys in the description, or by a handshake.
struct Security {
    crypto: Option<Box<NegotiatedCrypto>>,
    webrtc: Option<Box<webrtc::Theirs>>,
}

impl Security {
    fn by_handshake(theirs: webrtc::Theirs) -> Security {
        Security { crypto: None, webrtc: Some(Box::new(theirs)) }
    }
}

/// The first stream of audio that was offered and not refused.
fn accepted_audio(offer: &SessionDescription, answer: &SessionDescription) -> Result<usize, Refusal> {
    for (index, ours) in offer.media.iter().enumerate().filter(|(_, media)| media.is_audio()) {
        match answer.media.get(index) {
            Some(theirs) if !theirs.kind.eq_ignore_ascii_case(&ours.kind) => return Err(Refusal::Mismatch),
            Some(theirs) if theirs.port == 0 => {}
            Some(_) => return Ok(index),
            None => return Err(Refusal::Mismatch),
        }
    }
    Err(Refusal::NoAudio)
}

/// The first stream of audio we can use, and how it is encrypted.
fn usable_audio(
    offer: &SessionDescription,
    local: IpAddr,
    capabilities: &Capabilities,
) -> Result<(usize, Security), Refusal> {
    let mut refusal = Refusal::NoAudio;
    for (index, media) in offer.media.iter().enumerate().filter(|(_, media)| media.is_audio()) {
        let usable = match &capabilities.webrtc {
            Some(ours) if media.has_handshake() => {
                webrtc::read((offer, index), webrtc::Says::Offer { were_we_active: ours.was_active })
                    .map(Security::by_handshake)
            }
            _ => encryption::choose(media, capabilities)
                .and_then(|crypto| usable_address(offer, index, local).map(|()| Security { crypto, webrtc: None })),
        };
        match usable {
            Ok(security) => return Ok((index, security)),
            Err(other) => refusal = other,
        }
    }
    Err(refusal)
}

fn usable_address(session: &SessionDescription, index: usize, local: IpAddr) -> Result<(), Refusal> {
    match session.address_of(index) {
        Some(address) if address.is_multicast() || address.is_ipv4() != local.is_ipv4() => Err(Refusal::Address),
        Some(_) => Ok(()),
        None => Err(Refusal::Address),
    }
}

/// What of an offered stream we understand, and how we write it back: in its order, under its numbers, each codec once.
fn common(media: &Media, capabilities: &Capabilities) -> (Vec<NegotiatedCodec>, Vec<Format>) {
    let mut codecs: Vec<NegotiatedCodec> = Vec::new();
    let mut formats = Vec::new();
    let of_ours = |map: &RtpMap| capabilities.codecs.iter().find(|codec| codec.map == *map);
    let maps = media.formats.iter().filter_map(|format| format.map.as_ref());
    let rates: Vec<u32> = maps.filter(|map| of_ours(map).is_some()).map(|map| map.clock_rate).collect();
    let tells_digits = |map: &RtpMap| map.is(TELEPHONE_EVENT) && rates.contains(&map.clock_rate);
    let has_digits = media.formats.iter().any(|format| format.map.as_ref().is_some_and(tells_digits));
    for format in &media.formats {
        let (Some(map), Some(number)) = (&format.map, format.payload_type()) else { continue };
        let known_rate = rates.contains(&map.clock_rate);
        let ours = if let Some(codec) = of_ours(map) {
            codec.fmtp.clone()
        } else if map.is(TELEPHONE_EVENT)
            && capabilities.telephone_event
            && (known_rate || (map.clock_rate == EVENT_RATE && !has_digits))
        {
            Some(Word::Borrowed(DIGITS))
        } else if map.is("CN") && capabilities.comfort_noise && known_rate {
            None
        } else {
            continue;
        };
        if codecs.iter().any(|codec| codec.map == *map) {
            continue;
        }
        formats.push(Format { word: format.word.clone(), map: Some(map.clone()), fmtp: ours.clone() });
        let (map, fmtp) = (map.clone(), format.fmtp.clone());
        codecs.push(NegotiatedCodec { map, send: number, receive: number, fmtp, ours });
    }
    if rates.is_empty() { (Vec::new(), Vec::new()) } else { (codecs, formats) }
}

/// What we offer: each under the number it had before, if it had one, and under none that meant something else.
fn offered_formats(capabilities: &Capabilities, kept: Option<&Media>, used: UsedNumbers) -> Vec<Format> {
    let mut formats: Vec<Format> = Vec::new();
    let mut add = |map: RtpMap, preferred: u8, fmtp: Option<Word>| {
        let before = kept.and_then(|media| media.formats.iter().find(|format| format.map.as_ref() == Some(&map)));
        let taken = |number: u8| {
            let word = number_word(number);
            used.contains(number)
                || formats.iter().any(|format| format.word == word)
                || kept.is_some_and(|media| media.formats.iter().any(|format| format.word == word))
        };
        let word = match before {
            Some(format) => Some(format.word.clone()),
            None if !taken(preferred) => Some(number_word(preferred)),
            None => (96..=127).find(|&number| !taken(number)).map(number_word),
        };
        if let Some(word) = word {
            formats.push(Format { word, map: Some(map), fmtp });
        }
    };
    let mut rates: Vec<u32> = Vec::new();
    for codec in &capabilities.codecs {
        add(codec.map.clone(), codec.payload_type, codec.fmtp.clone());
        if !rates.contains(&codec.map.clock_rate) {
            rates.push(codec.map.clock_rate);
        }
    }
    if capabilities.comfort_noise && rates.contains(&8000) {
        add(RtpMap::new("CN", 8000), 13, None);
    }
    if capabilities.telephone_event {
        if !rates.contains(&EVENT_RATE) {
            rates.push(EVENT_RATE);
        }
        for rate in rates {
            add(RtpMap::new(TELEPHONE_EVENT, rate), event_number(rate), Some(Word::Borrowed(DIGITS)));
        }
    }
    formats
}

/// The numbers that most of the world uses for digits: 101 at the telephone's clock, 110 at that of Opus.
const fn event_number(rate: u32) -> u8 {
    match rate {
        EVENT_RATE => 101,
        48_000 => 110,
        _ => 102,
    }
}

fn session(local: &Local) -> SessionDescription {
    let address = Connection::Ip(local.address);
    let (username, session_id) = (Word::Borrowed("-"), Word::Owned(local.session_id.to_string()));
    SessionDescription {
        origin: Origin { username, session_id, version: 1, address: address.clone() },
        name: Word::Borrowed("-"),
        connection: Some(address),
        lines: Vec::new(),
        direction: None,
        media: Vec::new(),
    }
}

fn audio(local: &Local, proto: Word, formats: Vec<Format>) -> Media {
    let (connection, direction, ptime, maxptime, rtcp, lines) = Default::default();
    Media {
        kind: Word::Borrowed("audio"),
        port: local.port,
        proto,
        formats,
        connection,
        direction,
        ptime,
        maxptime,
        rtcp,
        lines,
    }
}

/// The same stream with port 0 (RFC 3264 §6): formats are listed because the grammar wants one.
fn refused(media: &Media) -> Media {
    let formats =
        media.formats.iter().take(1).map(|format| Format { map: None, fmtp: None, ..format.clone() }).collect();
    let (connection, direction, ptime, maxptime, rtcp) = Default::default();
    let (kind, proto) = (media.kind.clone(), media.proto.clone());
    let lines = webrtc::mid(media).map(webrtc::mid_line).into_iter().collect();
    Media { kind, port: 0, proto, formats, connection, direction, ptime, maxptime, rtcp, lines }
}

fn negotiated(
    remote: &SessionDescription,
    index: usize,
    all: Vec<NegotiatedCodec>,
    direction: Direction,
) -> Result<Negotiated, Refusal> {
    let media = &remote.media[index];
    let nowhere = media.has_handshake().then_some(IpAddr::V4(Ipv4Addr::UNSPECIFIED));
    let address = nowhere.or(remote.address_of(index)).ok_or(Refusal::Address)?;
    let (telephone_events, others): (Vec<_>, Vec<_>) = all.into_iter().partition(|codec| codec.map.is(TELEPHONE_EVENT));
    let (noises, codecs): (Vec<_>, Vec<_>) = others.into_iter().partition(|codec| codec.map.is("CN"));
    if codecs.is_empty() {
        return Err(Refusal::NoCommonCodec);
    }
    let ptime = media.ptime.unwrap_or(DEFAULT_PTIME).min(media.maxptime.unwrap_or(u16::MAX));
    Ok(Negotiated {
        remote_rtp: SocketAddr::new(address, media.port),
        remote_rtcp: match nowhere {
            Some(nowhere) => SocketAddr::new(nowhere, 0),
            None => remote.rtcp_address_of(index).ok_or(Refusal::Address)?,
        },
        codecs,
        telephone_events,
        comfort_noise: noises.into_iter().next(),
        direction,
        ptime,
        crypto: None,
        webrtc: None,
    })
}
