//! Writes a session description in the order of RFC 8866 §9.

use std::{fmt, fmt::Write as _, net::IpAddr};

use super::{Connection, Line, Media, SessionDescription};

/// Text without line breaks: no value smuggles in a line of its own.
struct OneLine<'a>(&'a str);

impl fmt::Display for OneLine<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.split(['\r', '\n', '\0']).try_for_each(|piece| f.write_str(piece))
    }
}

impl fmt::Display for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Connection::Ip(IpAddr::V4(address)) => write!(f, "IN IP4 {address}"),
            Connection::Ip(IpAddr::V6(address)) => write!(f, "IN IP6 {address}"),
            Connection::Other(words) => OneLine(words).fmt(f),
        }
    }
}

pub(super) fn write(session: &SessionDescription, out: &mut Vec<u8>) {
    let mut text = String::with_capacity(320);
    describe(session, &mut text).expect("writing to a string does not fail");
    out.extend_from_slice(text.as_bytes());
}

fn describe(session: &SessionDescription, text: &mut String) -> fmt::Result {
    let origin = &session.origin;
    write!(
        text,
        "v=0\r\no={} {} {} {}\r\n",
        OneLine(&origin.username),
        OneLine(&origin.session_id),
        origin.version,
        origin.address
    )?;
    write!(text, "s={}\r\n", OneLine(if session.name.is_empty() { "-" } else { &session.name }))?;
    lines(session.lines.iter().filter(|line| "iuep".contains(line.kind)), text)?;
    if let Some(connection) = &session.connection {
        write!(text, "c={connection}\r\n")?;
    }
    lines(session.lines.iter().filter(|line| line.kind == 'b'), text)?;
    if !session.lines.iter().any(|line| line.kind == 't') {
        text.push_str("t=0 0\r\n");
    }
    lines(session.lines.iter().filter(|line| !"iuepb".contains(line.kind)), text)?;
    if let Some(direction) = session.direction {
        write!(text, "a={}\r\n", direction.name())?;
    }
    session.media.iter().try_for_each(|media| describe_media(media, text))
}

fn lines<'a>(lines: impl Iterator<Item = &'a Line>, text: &mut String) -> fmt::Result {
    for line in lines {
        write!(text, "{}={}\r\n", line.kind, OneLine(&line.value))?;
    }
    Ok(())
}

fn describe_media(media: &Media, text: &mut String) -> fmt::Result {
    write!(text, "m={} {} {}", OneLine(&media.kind), media.port, OneLine(&media.proto))?;
    for format in &media.formats {
        write!(text, " {}", OneLine(&format.word))?;
    }
    text.push_str("\r\n");
    lines(media.lines.iter().filter(|line| line.kind == 'i'), text)?;
    if let Some(connection) = &media.connection {
        write!(text, "c={connection}\r\n")?;
    }
    lines(media.lines.iter().filter(|line| line.kind == 'b'), text)?;
    for format in &media.formats {
        if let Some(map) = &format.map {
            write!(text, "a=rtpmap:{} {}/{}", OneLine(&format.word), OneLine(&map.name), map.clock_rate)?;
            if map.channels > 1 {
                write!(text, "/{}", map.channels)?;
            }
            text.push_str("\r\n");
        }
        if let Some(fmtp) = &format.fmtp {
            write!(text, "a=fmtp:{} {}\r\n", OneLine(&format.word), OneLine(fmtp))?;
        }
    }
    if let Some(ptime) = media.ptime {
        write!(text, "a=ptime:{ptime}\r\n")?;
    }
    if let Some(maxptime) = media.maxptime {
        write!(text, "a=maxptime:{maxptime}\r\n")?;
    }
    match media.rtcp {
        Some((port, Some(address))) => write!(text, "a=rtcp:{port} {}\r\n", Connection::Ip(address))?,
        Some((port, None)) => write!(text, "a=rtcp:{port}\r\n")?,
        None => {}
    }
    lines(media.lines.iter().filter(|line| !"ib".contains(line.kind)), text)?;
    match media.direction {
        Some(direction) => write!(text, "a={}\r\n", direction.name()),
        None => Ok(()),
    }
}
