//! Reads a session description line by line.

use std::{borrow::Cow, net::IpAddr};

use super::{
    Connection, Direction, Format, Line, Media, Origin, RtpMap, SessionDescription,
    word::{Word, word},
};
use crate::limits;

/// Why a body is no session description.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum SdpError {
    /// A line is not a letter, `=` and a value.
    #[error("line {0}: not a letter and a value")]
    Line(usize),
    /// `v=` is there and not 0.
    #[error("line {0}: version is not 0")]
    Version(usize),
    /// The `o=` line is missing.
    #[error("no origin")]
    NoOrigin,
    /// The `o=` line has not its six fields.
    #[error("line {0}: bad origin")]
    Origin(usize),
    /// A `c=` line has not its three fields.
    #[error("line {0}: bad connection")]
    Connection(usize),
    /// An `m=` line lacks a field, or its port is no port.
    #[error("line {0}: bad media")]
    Media(usize),
    /// More lines, media or formats than [`limits`] allow.
    #[error("line {0}: too many")]
    TooMany(usize),
}

pub(super) fn parse(body: &[u8]) -> Result<SessionDescription, SdpError> {
    let text = String::from_utf8_lossy(body);
    let mut origin = None;
    let mut session = SessionDescription {
        origin: Origin {
            username: Word::default(),
            session_id: Word::default(),
            version: 0,
            address: Connection::Other(String::new()),
        },
        name: Word::Borrowed("-"),
        connection: None,
        lines: Vec::new(),
        direction: None,
        media: Vec::new(),
    };
    for (number, line) in text.split('\n').enumerate().map(|(index, line)| (index + 1, line)) {
        let line = line.strip_suffix('\r').unwrap_or(line);
        if line.bytes().all(|b| b.is_ascii_whitespace()) {
            continue;
        }
        if number > limits::SDP_LINES {
            return Err(SdpError::TooMany(number));
        }
        let line = printable(line);
        let (kind, value) = split(&line).ok_or(SdpError::Line(number))?;
        match kind {
            'm' if session.media.len() == limits::SDP_MEDIA => return Err(SdpError::TooMany(number)),
            'm' => session.media.push(media(value, number)?),
            'v' if value.trim() != "0" => return Err(SdpError::Version(number)),
            'v' => {}
            'o' if origin.is_none() => origin = Some(parse_origin(value).ok_or(SdpError::Origin(number))?),
            'c' => {
                let connection = parse_connection(value).ok_or(SdpError::Connection(number))?;
                let place = session.media.last_mut().map_or(&mut session.connection, |media| &mut media.connection);
                place.get_or_insert(connection);
            }
            's' if session.media.is_empty() => session.name = word(value),
            _ => match session.media.last_mut() {
                Some(media) => media_line(media, kind, value),
                None => session_line(&mut session, kind, value),
            },
        }
    }
    session.origin = origin.ok_or(SdpError::NoOrigin)?;
    session.media.iter_mut().for_each(name_well_known);
    Ok(session)
}

/// Without stray carriage returns and zeros, which must not be written again (RFC 8866 §5).
fn printable(line: &str) -> Cow<'_, str> {
    if line.bytes().any(|b| matches!(b, b'\r' | 0)) {
        Cow::Owned(line.replace(['\r', '\0'], ""))
    } else {
        Cow::Borrowed(line)
    }
}

fn split(line: &str) -> Option<(char, &str)> {
    if let [letter, b'=', ..] = line.as_bytes()
        && letter.is_ascii_alphabetic()
    {
        return Some((char::from(*letter), &line[2..]));
    }
    let (kind, value) = line.trim_start().split_once('=')?;
    let mut letters = kind.trim().chars();
    match (letters.next(), letters.next()) {
        (Some(letter), None) if letter.is_ascii_alphabetic() => Some((letter, value)),
        _ => None,
    }
}

fn parse_origin(value: &str) -> Option<Origin> {
    let mut words = value.split_ascii_whitespace();
    let username = word(words.next()?);
    let session_id = word(words.next()?);
    let version = words.next()?;
    let digits = !version.is_empty() && version.bytes().all(|b| b.is_ascii_digit());
    let version = digits.then(|| version.parse().unwrap_or(u64::MAX))?;
    let address = connection_words(words.next()?, words.next()?, words.next()?);
    Some(Origin { username, session_id, version, address })
}

fn parse_connection(value: &str) -> Option<Connection> {
    let mut words = value.split_ascii_whitespace();
    Some(connection_words(words.next()?, words.next()?, words.next()?))
}

fn connection_words(net: &str, kind: &str, address: &str) -> Connection {
    let bare = address.split('/').next().unwrap_or(address);
    let known =
        net.eq_ignore_ascii_case("IN") && (kind.eq_ignore_ascii_case("IP4") || kind.eq_ignore_ascii_case("IP6"));
    match bare.parse::<IpAddr>() {
        Ok(ip) if known => Connection::Ip(ip),
        _ => Connection::Other(format!("{net} {kind} {address}")),
    }
}

fn media(value: &str, number: usize) -> Result<Media, SdpError> {
    let mut words = value.split_ascii_whitespace();
    let mut next = || words.next().ok_or(SdpError::Media(number));
    let kind = word(next()?);
    let port = next()?;
    let port = port.split('/').next().and_then(|port| port.parse().ok()).ok_or(SdpError::Media(number))?;
    let proto = word(next()?);
    let mut formats = Vec::with_capacity(8);
    for text in words {
        if formats.len() == limits::SDP_FORMATS {
            return Err(SdpError::TooMany(number));
        }
        if formats.iter().all(|format: &Format| format.word != text) {
            formats.push(Format { word: word(text), map: None, fmtp: None });
        }
    }
    let (connection, direction, ptime, maxptime, rtcp, lines) = Default::default();
    Ok(Media { kind, port, proto, formats, connection, direction, ptime, maxptime, rtcp, lines })
}

fn session_line(session: &mut SessionDescription, kind: char, value: &str) {
    match Direction::parse(value.trim()) {
        Some(direction) if kind == 'a' => session.direction = Some(direction),
        _ => session.lines.push(Line { kind, value: word(value) }),
    }
}

fn media_line(media: &mut Media, kind: char, value: &str) {
    if kind != 'a' || !media_attribute(media, value) {
        media.lines.push(Line { kind, value: word(value) });
    }
}

/// Takes an attribute into its field; false when it has none or cannot be read.
fn media_attribute(media: &mut Media, attribute: &str) -> bool {
    let (name, value) = match attribute.split_once(':') {
        Some((name, value)) => (name.trim(), value.trim()),
        None => (attribute.trim(), ""),
    };
    match name {
        "rtpmap" => {
            let Some((number, map)) = value.split_once(' ') else { return false };
            let Some(map) = RtpMap::parse(map) else { return false };
            format(media, number).is_some_and(|format| format.map.replace(map).is_none())
        }
        "fmtp" => {
            let Some((number, settings)) = value.split_once(' ') else { return false };
            format(media, number).is_some_and(|format| format.fmtp.replace(word(settings.trim())).is_none())
        }
        "ptime" => take_number(&mut media.ptime, value),
        "maxptime" => take_number(&mut media.maxptime, value),
        "rtcp" if media.rtcp.is_none() => {
            let mut words = value.split_ascii_whitespace();
            let Some(port) = words.next().and_then(|port| port.parse().ok()) else { return false };
            media.rtcp = Some((port, words.nth(2).and_then(|address| address.parse().ok())));
            true
        }
        _ => match Direction::parse(name) {
            Some(direction) => {
                media.direction = Some(direction);
                true
            }
            None => false,
        },
    }
}

fn format<'a>(media: &'a mut Media, number: &str) -> Option<&'a mut Format> {
    media.formats.iter_mut().find(|format| format.word == number)
}

/// Some phones write fractions: `a=ptime:20.0`.
fn take_number(place: &mut Option<u16>, value: &str) -> bool {
    if place.is_some() {
        return false;
    }
    let whole = value.split('.').next().unwrap_or(value);
    *place = whole.parse().ok().filter(|&number| number > 0);
    place.is_some()
}

fn name_well_known(media: &mut Media) {
    if !media.proto.to_ascii_uppercase().contains("RTP/") {
        return;
    }
    for format in &mut media.formats {
        if format.map.is_none() {
            format.map = format.payload_type().and_then(RtpMap::well_known);
        }
    }
}
