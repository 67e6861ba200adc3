//! Writes a session description in the order of RFC 8866 §9.

use std::{fmt, net::IpAddr};

use super::{Connection, Line, Media, SessionDescription};
use crate::message::token::{write_number, write_v4};

impl fmt::Display for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = Vec::new();
        Lines(&mut out).connection(self);
        f.write_str(&String::from_utf8_lossy(&out))
    }
}

pub(super) fn write(session: &SessionDescription, out: &mut Vec<u8>) {
    let mut out = Lines(out);
    let (origin, name) = (&session.origin, if session.name.is_empty() { "-" } else { &session.name });
    out.ours("v=0\r\no=").text(&origin.username).ours(" ").text(&origin.session_id).ours(" ").number(origin.version);
    out.ours(" ").connection(&origin.address).ours("\r\ns=").text(name).ours("\r\n");
    out.kept(&session.lines, |kind| "iuep".contains(kind));
    if let Some(connection) = &session.connection {
        out.ours("c=").connection(connection).ours("\r\n");
    }
    out.kept(&session.lines, |kind| kind == 'b');
    if !session.lines.iter().any(|line| line.kind == 't') {
        out.ours("t=0 0\r\n");
    }
    out.kept(&session.lines, |kind| !"iuepb".contains(kind));
    if let Some(direction) = session.direction {
        out.ours("a=").ours(direction.name()).ours("\r\n");
    }
    session.media.iter().for_each(|media| out.media(media));
}

struct Lines<'a>(&'a mut Vec<u8>);

impl Lines<'_> {
    /// Text of our own, line ends and all.
    fn ours(&mut self, text: &'static str) -> &mut Self {
        self.0.extend_from_slice(text.as_bytes());
        self
    }

    /// A value, without line breaks and zeros: none smuggles in a line of its own.
    fn text(&mut self, value: &str) -> &mut Self {
        let breaks = |b: u8| matches!(b, b'\r' | b'\n' | 0);
        if value.bytes().any(breaks) {
            self.0.extend(value.bytes().filter(|&b| !breaks(b)));
        } else {
            self.0.extend_from_slice(value.as_bytes());
        }
        self
    }

    fn number(&mut self, number: impl Into<u64>) -> &mut Self {
        write_number(self.0, number.into());
        self
    }

    fn connection(&mut self, connection: &Connection) -> &mut Self {
        match connection {
            Connection::Ip(IpAddr::V4(address)) => {
                self.ours("IN IP4 ");
                write_v4(self.0, *address);
                self
            }
            Connection::Ip(IpAddr::V6(address)) => self.ours("IN IP6 ").text(&address.to_string()),
            Connection::Other(words) => self.text(words),
        }
    }

    fn kept(&mut self, lines: &[Line], wanted: impl Fn(char) -> bool) {
        for line in lines.iter().filter(|line| wanted(line.kind)) {
            self.text(line.kind.encode_utf8(&mut [0; 4])).ours("=").text(&line.value).ours("\r\n");
        }
    }

    fn media(&mut self, media: &Media) {
        self.ours("m=").text(&media.kind).ours(" ").number(media.port).ours(" ").text(&media.proto);
        for format in &media.formats {
            self.ours(" ").text(&format.word);
        }
        self.ours("\r\n").kept(&media.lines, |kind| kind == 'i');
        if let Some(connection) = &media.connection {
            self.ours("c=").connection(connection).ours("\r\n");
        }
        self.kept(&media.lines, |kind| kind == 'b');
        self.formats(media);
        if let Some(ptime) = media.ptime {
            self.ours("a=ptime:").number(ptime).ours("\r\n");
        }
        if let Some(maxptime) = media.maxptime {
            self.ours("a=maxptime:").number(maxptime).ours("\r\n");
        }
        if let Some((port, address)) = media.rtcp {
            self.ours("a=rtcp:").number(port);
            if let Some(address) = address {
                self.ours(" ").connection(&Connection::Ip(address));
            }
            self.ours("\r\n");
        }
        self.kept(&media.lines, |kind| !"ib".contains(kind));
        if let Some(direction) = media.direction {
            self.ours("a=").ours(direction.name()).ours("\r\n");
        }
    }

    fn formats(&mut self, media: &Media) {
        for format in &media.formats {
            if let Some(map) = &format.map {
                self.ours("a=rtpmap:").text(&format.word).ours(" ").text(&map.name).ours("/").number(map.clock_rate);
                if map.channels > 1 {
                    self.ours("/").number(map.channels);
                }
                self.ours("\r\n");
            }
            if let Some(fmtp) = &format.fmtp {
                self.ours("a=fmtp:").text(&format.word).ours(" ").text(fmtp).ours("\r\n");
            }
        }
    }
}
