//! The few things a generator has to read in a SIP message and to write into one, without parsing the rest.

use std::io::Write;

/// A message as it arrived.
#[derive(Debug, Clone, Copy)]
pub struct Message<'a>(pub &'a [u8]);

impl<'a> Message<'a> {
    /// The status of a response; `None` on a request.
    pub fn status(self) -> Option<u16> {
        let digits = self.0.strip_prefix(b"SIP/2.0 ")?.get(..3)?;
        std::str::from_utf8(digits).ok()?.parse().ok()
    }

    /// Whether it is a request of this method.
    pub fn asks(self, method: &str) -> bool {
        self.0.strip_prefix(method.as_bytes()).is_some_and(|rest| rest.starts_with(b" "))
    }

    /// The values of a header, spelt as Tandem writes it or in small letters.
    pub fn all(self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.lines().filter_map(move |line| {
            let (found, value) = line.split_once(':')?;
            found.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }

    /// The first value of a header.
    pub fn header(self, name: &'a str) -> Option<&'a str> {
        self.all(name).next()
    }

    /// The address in the first Contact.
    pub fn contact(self) -> Option<&'a str> {
        let contact = self.header("Contact")?;
        contact.split_once('<').and_then(|(_, rest)| rest.split_once('>')).map(|(uri, _)| uri).or(Some(contact))
    }

    /// The port of the audio in the body.
    pub fn audio_port(self) -> Option<u16> {
        let text = std::str::from_utf8(self.0).ok()?;
        text.split_once("\r\nm=audio ")?.1.split(' ').next()?.parse().ok()
    }

    fn lines(self) -> impl Iterator<Item = &'a str> {
        let head = self.0.windows(4).position(|four| four == b"\r\n\r\n").unwrap_or(self.0.len());
        std::str::from_utf8(&self.0[..head]).unwrap_or_default().split("\r\n").skip(1)
    }
}

/// Writes the response of a callee: what has to be copied is copied, `To` gets `tag`.
pub fn respond(out: &mut Vec<u8>, request: Message<'_>, status: &str, tag: &str, rest: &str) {
    out.clear();
    let mut line =
        |text: std::fmt::Arguments<'_>| out.write_fmt(text).expect("a vector takes whatever is written to it");
    line(format_args!("SIP/2.0 {status}\r\n"));
    for name in ["Via", "From", "Call-ID", "CSeq", "Record-Route"] {
        request.all(name).for_each(|value| line(format_args!("{name}: {value}\r\n")));
    }
    let to = request.header("To").unwrap_or_default();
    let tag = if to.contains(";tag=") { String::new() } else { format!(";tag={tag}") };
    line(format_args!("To: {to}{tag}\r\n{rest}"));
}

/// An offer or an answer of one G.711 stream on a port, of µ-law (payload type 0) or A-law (8).
pub fn session((port, law): (u16, u8)) -> String {
    let name = if law == 0 { "PCMU" } else { "PCMA" };
    format!(
        "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio {port} RTP/AVP {law} 101\r\n\
         a=rtpmap:{law} {name}/8000\r\na=rtpmap:101 telephone-event/8000\r\na=ptime:20\r\na=sendrecv\r\n"
    )
}

/// The end of a message with a session description.
pub fn with_session(audio: (u16, u8)) -> String {
    let session = session(audio);
    format!("Content-Type: application/sdp\r\nContent-Length: {}\r\n\r\n{session}", session.len())
}
