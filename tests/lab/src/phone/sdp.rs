//! Session descriptions as a phone writes and reads them: one audio line.

use std::net::{IpAddr, SocketAddr};

use super::line::KeyLine;
use super::manner::Codec;

/// Who speaks, seen from whoever wrote it (RFC 3264 §5.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// Both.
    SendRecv,
    /// The writer only speaks.
    SendOnly,
    /// The writer only listens.
    RecvOnly,
    /// Nobody.
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

    /// What the other side has to say to it.
    pub fn mirrored(self) -> Direction {
        match self {
            Direction::SendOnly => Direction::RecvOnly,
            Direction::RecvOnly => Direction::SendOnly,
            both => both,
        }
    }

    /// Whether the writer speaks.
    pub fn sends(self) -> bool {
        matches!(self, Direction::SendRecv | Direction::SendOnly)
    }

    /// Whether the writer listens.
    pub fn receives(self) -> bool {
        matches!(self, Direction::SendRecv | Direction::RecvOnly)
    }
}

/// What a phone needs to know of a session description.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sdp {
    /// Where the writer listens.
    pub rtp: SocketAddr,
    /// The payload types of the audio line, best first.
    pub formats: Vec<u8>,
    /// `a=rtpmap`, by payload type.
    pub rtpmaps: Vec<(u8, String)>,
    /// `a=fmtp`, by payload type.
    pub fmtps: Vec<(u8, String)>,
    /// Whether the profile is `RTP/SAVP`.
    pub is_secure: bool,
    /// `a=crypto`, in order.
    pub keys: Vec<KeyLine>,
    /// Who speaks.
    pub direction: Direction,
    /// The version in `o=`.
    pub version: u64,
    /// The identity in `o=`: all but the version.
    pub identity: String,
    /// How many `m=` lines there are.
    pub lines: usize,
}

impl Sdp {
    /// Reads one, strictly: whatever the exchange writes has to be in the order of RFC 8866 §5.
    pub fn read(text: &str) -> Result<Sdp, String> {
        let wrong = |what: &str| format!("{what} in session description:\n{text}");
        let mut sdp = Sdp {
            rtp: SocketAddr::from(([0, 0, 0, 0], 0)),
            formats: Vec::new(),
            rtpmaps: Vec::new(),
            fmtps: Vec::new(),
            is_secure: false,
            keys: Vec::new(),
            direction: Direction::SendRecv,
            version: 0,
            identity: String::new(),
            lines: 0,
        };
        let (mut address, mut kinds) = (None, String::new());
        for line in text.split_terminator("\r\n") {
            let (kind, value) = line.split_once('=').ok_or_else(|| wrong("a line without `=`"))?;
            kinds.push_str(kind);
            match kind {
                "o" => sdp.read_origin(value).ok_or_else(|| wrong("a bad o="))?,
                "m" => sdp.read_media(value).ok_or_else(|| wrong("a bad m="))?,
                "c" => address = value.rsplit(' ').next().and_then(|address| address.parse::<IpAddr>().ok()),
                "a" if sdp.lines <= 1 => sdp.read_attribute(value),
                _ => {}
            }
        }
        if !kinds.starts_with("vos") || !kinds.contains('t') || !kinds.contains('m') {
            return Err(wrong("lines missing or out of order"));
        }
        sdp.rtp.set_ip(address.ok_or_else(|| wrong("no address"))?);
        Ok(sdp)
    }

    fn read_origin(&mut self, value: &str) -> Option<()> {
        let mut fields: Vec<&str> = value.split(' ').collect();
        if fields.len() != 6 {
            return None;
        }
        self.version = fields.remove(2).parse().ok()?;
        self.identity = fields.join(" ");
        Some(())
    }

    fn read_media(&mut self, value: &str) -> Option<()> {
        self.lines += 1;
        let mut fields = value.split(' ');
        if fields.next()? != "audio" || self.lines > 1 {
            return Some(());
        }
        self.rtp.set_port(fields.next()?.parse().ok()?);
        let profile = fields.next()?;
        self.is_secure = profile == "RTP/SAVP";
        (self.is_secure || profile == "RTP/AVP").then_some(())?;
        self.formats = fields.map(|format| format.parse().ok()).collect::<Option<Vec<u8>>>()?;
        Some(())
    }

    fn read_attribute(&mut self, value: &str) {
        for direction in [Direction::SendRecv, Direction::SendOnly, Direction::RecvOnly, Direction::Inactive] {
            if value == direction.name() {
                self.direction = direction;
            }
        }
        self.keys.extend(value.strip_prefix("crypto:").and_then(KeyLine::read));
        for (prefix, place) in [("rtpmap:", &mut self.rtpmaps), ("fmtp:", &mut self.fmtps)] {
            if let Some((format, text)) = value.strip_prefix(prefix).and_then(|value| value.split_once(' ')) {
                place.extend(format.parse().ok().map(|format| (format, text.to_string())));
            }
        }
    }

    /// Whether nothing can be sent to the writer: port 0, or the hold of RFC 2543.
    pub fn is_nowhere(&self) -> bool {
        self.rtp.port() == 0 || self.rtp.ip().is_unspecified()
    }

    /// What is called so, in the order of the audio line: each payload type with its `a=fmtp`.
    pub fn settings_of(&self, name: &str) -> Vec<(u8, &str)> {
        let formats = self.formats.iter().filter(|format| self.name_of(**format) == name);
        let settings = |format: u8| self.fmtps.iter().find(|(known, _)| *known == format).map_or("", |(_, text)| text);
        formats.map(|format| (*format, settings(*format))).collect()
    }

    /// The names of all payload types, in the order of the audio line.
    pub fn names(&self) -> Vec<&str> {
        self.formats.iter().map(|format| self.name_of(*format)).collect()
    }

    /// The RTP clock of a payload type.
    pub fn clock_of(&self, payload_type: u8) -> u32 {
        self.name_of(payload_type).split('/').nth(1).and_then(|rate| rate.parse().ok()).unwrap_or(8_000)
    }

    /// The name of a payload type: from `a=rtpmap`, or by RFC 3551.
    pub fn name_of(&self, payload_type: u8) -> &str {
        let mapped = self.rtpmaps.iter().find(|(format, _)| *format == payload_type);
        match (mapped, payload_type) {
            (Some((_, name)), _) => name,
            (None, 0) => "PCMU/8000",
            (None, 8) => "PCMA/8000",
            (None, 9) => "G722/8000",
            (None, 18) => "G729/8000",
            (None, _) => "",
        }
    }
}

/// What a phone says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Description {
    /// Where it listens.
    pub rtp: SocketAddr,
    /// The address it names instead, for the hold of RFC 2543.
    pub named_address: Option<IpAddr>,
    /// Codecs with the payload types to use for them.
    pub codecs: Vec<Codec>,
    /// Whether it insists on encryption, and by which key it does.
    pub keys: Option<(bool, KeyLine)>,
    /// Who speaks.
    pub direction: Direction,
    /// Counts up with every change.
    pub version: u64,
}

impl Description {
    /// Writes it.
    pub fn write(&self) -> String {
        let family = |address: IpAddr| if address.is_ipv4() { "IP4" } else { "IP6" };
        let own = self.rtp.ip();
        let named = self.named_address.unwrap_or(own);
        let formats: Vec<String> = self.codecs.iter().map(|codec| codec.payload_type.to_string()).collect();
        let mut maps = String::new();
        for codec in &self.codecs {
            maps += &format!("a=rtpmap:{} {}\r\n", codec.payload_type, codec.rtpmap);
            if !codec.fmtp.is_empty() {
                maps += &format!("a=fmtp:{} {}\r\n", codec.payload_type, codec.fmtp);
            }
        }
        let is_secure = self.keys.as_ref().is_some_and(|(insists, _)| *insists);
        let profile = if is_secure { "RTP/SAVP" } else { "RTP/AVP" };
        if let Some((_, line)) = &self.keys {
            maps += &format!("a=crypto:{}\r\n", line.write());
        }
        format!(
            "v=0\r\no=- 4711 {} IN {} {own}\r\ns=phone\r\nc=IN {} {named}\r\nt=0 0\r\nm=audio {} {profile} {}\r\n{maps}a=ptime:20\r\na={}\r\n",
            self.version,
            family(own),
            family(named),
            self.rtp.port(),
            formats.join(" "),
            self.direction.name(),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::phone::manner::{DIGITS, OPUS, PCMA};

    #[test]
    fn what_is_written_is_read() {
        let description = Description {
            rtp: "10.0.0.7:4000".parse().unwrap(),
            named_address: None,
            codecs: vec![PCMA, DIGITS],
            keys: None,
            direction: Direction::SendOnly,
            version: 3,
        };
        let sdp = Sdp::read(&description.write()).unwrap();
        assert_eq!((sdp.rtp, sdp.formats.clone(), sdp.direction), (description.rtp, vec![8, 101], Direction::SendOnly));
        assert_eq!((sdp.version, sdp.lines, sdp.name_of(101)), (3, 1, "telephone-event/8000"));
        let opus = Description { codecs: vec![OPUS], ..description.clone() };
        let sdp = Sdp::read(&opus.write()).unwrap();
        assert_eq!(sdp.settings_of("opus/48000/2"), [(111, "minptime=10;useinbandfec=1")]);
        assert_eq!((sdp.names(), sdp.clock_of(111)), (vec!["opus/48000/2"], 48_000));
        let held = Description { named_address: Some([0, 0, 0, 0].into()), ..description };
        assert!(Sdp::read(&held.write()).unwrap().is_nowhere());
    }

    #[test]
    fn a_bad_description_is_refused() {
        for bad in
            ["", "v=0\r\n", "o=- 1 1 IN IP4 1.2.3.4\r\nv=0\r\ns=-\r\nt=0 0\r\nm=audio 4 RTP/AVP 0\r\n", "nonsense"]
        {
            assert!(Sdp::read(bad).is_err(), "{bad}");
        }
    }
}
