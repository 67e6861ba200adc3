//! How the ladder of a call is kept while it is up: cheaply, as the messages themselves, and put into words when it is read.

use std::borrow::Cow;
use std::collections::VecDeque;

use bytes::Bytes;
use sip::sdp::crypto::without_keys;
use uuid::Uuid;

use crate::correction::Correction;
use crate::directory::direct_hash::PREFIX;
use crate::sequence::{Participant, Role, Sequence, Step, StepKind};
use crate::{UnixMicros, limits};

/// The columns that every ladder has; called phones come after them.
pub const CALLER: u8 = 0;
/// Transactions, dialogs, digest.
pub const SIP: u8 = 1;
/// Directory and registrar.
pub const REGISTRAR: u8 = 2;
/// The back-to-back user agent.
pub const CALL: u8 = 3;
/// The media engine.
pub const MEDIA: u8 = 4;
/// The first called phone.
pub const FIRST_CALLED: u8 = 5;

/// What is told of a step.
#[derive(Debug, Clone)]
pub enum Detail {
    /// A message as it went over the wire.
    Message(Bytes),
    /// What stands on the arrow, and more where there is more.
    Words(Cow<'static, str>, String),
}

/// A step as it is kept.
#[derive(Debug, Clone)]
struct Rung {
    at: UnixMicros,
    from: u8,
    to: u8,
    kind: StepKind,
    detail: Detail,
}

/// The ladder of one call.
#[derive(Debug)]
pub struct Ladder {
    phones: Vec<(Uuid, String, String)>,
    rungs: Vec<Rung>,
    omitted: u32,
}

impl Ladder {
    /// A ladder with the caller's column, beginning with what its INVITE went through before there was a call.
    pub fn new(caller: (Uuid, String, String), prelude: Vec<Noted>) -> Ladder {
        let mut ladder = Ladder { phones: vec![caller], rungs: Vec::with_capacity(32), omitted: 0 };
        for Noted { at, inbound, message } in prelude {
            ladder.message(at, CALLER, inbound, message);
        }
        ladder
    }

    /// Adds a called phone and returns its column.
    pub fn add_phone(&mut self, leg: Uuid, name: String, address: String) -> u8 {
        self.phones.push((leg, name, address));
        (self.phones.len() - 1) as u8 - 1 + FIRST_CALLED
    }

    /// Says where the phone at a place is, as soon as that is known.
    pub fn set_address(&mut self, place: usize, address: String) {
        if let Some(phone) = self.phones.get_mut(place) {
            phone.2 = address;
        }
    }

    /// A message between a phone and the SIP endpoint.
    pub fn message(&mut self, at: UnixMicros, phone: u8, inbound: bool, message: Bytes) {
        let (from, to) = if inbound { (phone, SIP) } else { (SIP, phone) };
        self.push(Rung { at, from, to, kind: StepKind::Sip, detail: Detail::Message(message) });
    }

    /// A step within the exchange.
    pub fn internal(&mut self, at: UnixMicros, between: (u8, u8), label: impl Into<Cow<'static, str>>, more: String) {
        self.words(at, between, StepKind::Internal, (label.into(), more));
    }

    /// Something about audio.
    pub fn media(&mut self, at: UnixMicros, between: (u8, u8), label: impl Into<Cow<'static, str>>, more: String) {
        self.words(at, between, StepKind::Media, (label.into(), more));
    }

    /// An event that was stated.
    pub fn event(&mut self, at: UnixMicros, name: &'static str) {
        self.words(at, (CALL, CALL), StepKind::Event, (Cow::Borrowed(name), String::new()));
    }

    fn words(&mut self, at: UnixMicros, between: (u8, u8), kind: StepKind, words: (Cow<'static, str>, String)) {
        let (from, to) = between;
        self.push(Rung { at, from, to, kind, detail: Detail::Words(words.0, words.1) });
    }

    fn push(&mut self, rung: Rung) {
        if self.rungs.len() < limits::SEQUENCE_STEPS {
            self.rungs.push(rung);
        } else {
            self.omitted += 1;
        }
    }

    /// The ladder in words.
    pub fn sequence(&self) -> Sequence {
        let parts = [(Role::Sip, "sip"), (Role::Registrar, "registrar"), (Role::Call, "call"), (Role::Media, "media")];
        let phone = |(leg, name, address): &(Uuid, String, String)| Participant {
            role: Role::Phone(*leg),
            name: name.clone(),
            detail: address.clone(),
        };
        let mut participants = vec![phone(&self.phones[0])];
        participants.extend(parts.map(|(role, name)| Participant { role, name: name.into(), detail: String::new() }));
        participants.extend(self.phones[1..].iter().map(phone));
        let steps = self.rungs.iter().map(step).collect();
        Sequence { call_id: self.phones[0].0, participants, steps, omitted: self.omitted }
    }

    /// The wall clock was set: the steps keep as far apart as they were.
    pub fn redate(&mut self, correction: &Correction) {
        self.rungs.iter_mut().for_each(|rung| correction.redate(&mut rung.at));
    }

    /// How many bytes of messages it holds.
    pub fn weight(&self) -> usize {
        self.rungs.iter().map(|rung| if let Detail::Message(bytes) = &rung.detail { bytes.len() } else { 64 }).sum()
    }
}

fn step(rung: &Rung) -> Step {
    let Rung { at, from, to, kind, detail } = rung;
    let (label, detail) = match detail {
        Detail::Words(label, more) => (label.to_string(), more.clone()),
        Detail::Message(bytes) => (label_of(bytes), masked(bytes)),
    };
    Step { at: *at, from: *from, to: *to, kind: *kind, label, detail }
}

/// The method, or the status with its words; `with SDP` where a description is carried.
fn label_of(message: &[u8]) -> String {
    let line = message.split(|byte| matches!(byte, b'\r' | b'\n')).next().unwrap_or_default();
    let line = String::from_utf8_lossy(line);
    let mut label = match line.strip_prefix("SIP/2.0 ") {
        Some(status) => status.to_string(),
        None => line.split(' ').next().unwrap_or_default().to_string(),
    };
    if memchr_slice(message, b"application/sdp").is_some() {
        label.push_str(" (SDP)");
    }
    label
}

/// The message as text, with what proves a password and what decrypts audio made unreadable.
fn masked(message: &[u8]) -> String {
    let text = String::from_utf8_lossy(message);
    let mut out = String::with_capacity(text.len());
    for line in text.split_inclusive('\n') {
        let name = line.split(':').next().unwrap_or_default().trim();
        if name.eq_ignore_ascii_case("authorization") || name.eq_ignore_ascii_case("proxy-authorization") {
            out.push_str(&masked_line(line));
        } else {
            out.push_str(line);
        }
    }
    let out = match without_keys(&out) {
        Cow::Owned(masked) => masked,
        Cow::Borrowed(_) => out,
    };
    without_direct_hashes(out)
}

/// The text without what is behind each `direct.`: whoever reads a ladder need not be able to call so.
fn without_direct_hashes(text: String) -> String {
    let mut parts = text.split(PREFIX);
    let (Some(first), Some(next)) = (parts.next(), parts.next()) else { return text };
    let mut out = String::from(first);
    for part in std::iter::once(next).chain(parts) {
        out.push_str(PREFIX);
        let rest = part.trim_start_matches(|c: char| c.is_ascii_alphanumeric());
        if rest.len() < part.len() {
            out.push('…');
        }
        out.push_str(rest);
    }
    out
}

fn masked_line(line: &str) -> String {
    let lower = line.to_ascii_lowercase();
    let Some(start) = lower.match_indices("response").map(|(at, _)| at).find(|at| {
        lower[at + 8..].trim_start().starts_with('=') && !lower[..*at].ends_with(|c: char| c.is_ascii_alphanumeric())
    }) else {
        return line.to_string();
    };
    let end = lower[start..].find([',', '\r', '\n']).map_or(line.len(), |offset| start + offset);
    format!("{}response=\"…\"{}", &line[..start], &line[end..])
}

fn memchr_slice(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack.windows(needle.len()).position(|window| window == needle)
}

/// The value of the Call-ID header in a raw message, found without parsing the rest. `None` where there is none.
pub fn call_id_of(message: &[u8]) -> Option<&[u8]> {
    let mut rest = message;
    while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
        let line = &rest[..end];
        rest = &rest[end + 1..];
        let value = match line.first()? {
            b'C' | b'c' if line.len() > 8 && line[..7].eq_ignore_ascii_case(b"call-id") => &line[7..],
            b'I' | b'i' if matches!(line.get(1), Some(b':' | b' ' | b'\t')) => &line[1..],
            b'\r' => return None,
            _ => continue,
        };
        return value.trim_ascii_start().strip_prefix(b":").map(<[u8]>::trim_ascii);
    }
    None
}

/// A message that was seen before its call existed: the first INVITE and its challenge.
#[derive(Debug, Clone)]
pub struct Noted {
    /// When.
    pub at: UnixMicros,
    /// From the phone to us.
    pub inbound: bool,
    /// The message.
    pub message: Bytes,
}

/// What INVITEs went through that are no calls yet. Bounded; the oldest are forgotten.
#[derive(Debug, Default)]
pub struct Preludes {
    recent: VecDeque<(Bytes, Vec<Noted>)>,
}

impl Preludes {
    /// Notes a message if it is an INVITE, or belongs to one that was noted.
    pub fn note(&mut self, call_id: &[u8], noted: Noted) {
        if let Some((_, list)) = self.recent.iter_mut().rev().find(|(id, _)| id == call_id) {
            if list.len() < limits::PRELUDE_STEPS {
                list.push(noted);
            }
        } else if noted.inbound && noted.message.starts_with(b"INVITE ") {
            if self.recent.len() >= limits::PRELUDES {
                self.recent.pop_front();
            }
            self.recent.push_back((Bytes::copy_from_slice(call_id), vec![noted]));
        }
    }

    /// Takes what was noted of a call that now begins.
    pub fn take(&mut self, call_id: &[u8]) -> Vec<Noted> {
        match self.recent.iter().rposition(|(id, _)| id == call_id) {
            Some(position) => self.recent.remove(position).map(|(_, list)| list).unwrap_or_default(),
            None => Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_call_id_is_found_in_any_spelling() {
        for (text, id) in [
            ("INVITE sip:a SIP/2.0\r\nCall-ID: x1@h\r\n\r\n", Some("x1@h")),
            ("INVITE sip:a SIP/2.0\r\ni: x2\r\n\r\n", Some("x2")),
            ("INVITE sip:a SIP/2.0\nCALL-ID  :x3 \n\n", Some("x3")),
            ("INVITE sip:a SIP/2.0\r\nVia: v\r\n\r\nCall-ID: in the body\r\n", None),
            ("Call-ID", None),
        ] {
            assert_eq!(call_id_of(text.as_bytes()), id.map(str::as_bytes), "{text:?}");
        }
    }

    #[test]
    fn a_digest_response_is_not_shown() {
        let message = b"INVITE sip:a SIP/2.0\r\nAuthorization: Digest username=\"a\", response=\"0123456789abcdef\", nc=1\r\n\r\n";
        let shown = masked(message);
        assert!(!shown.contains("0123456789abcdef") && shown.contains("nc=1"), "{shown}");
        assert_eq!(label_of(b"SIP/2.0 180 Ringing\r\n\r\n"), "180 Ringing");
    }

    #[test]
    fn direct_hashes_are_not_shown() {
        let message =
            b"INVITE sip:direct.5ec4e70@h SIP/2.0\r\nTo: <sip:direct.5ec4e70@h>\r\nSubject: direct. And so on\r\n\r\n";
        let shown = masked(message);
        assert!(shown.starts_with("INVITE sip:direct.…@h SIP/2.0\r\nTo: <sip:direct.…@h>\r\n"), "{shown}");
        assert!(shown.contains("Subject: direct. And so on\r\n"), "{shown}");
    }

    #[test]
    fn keys_of_audio_are_not_shown() {
        let message = b"SIP/2.0 200 OK\r\nContent-Type: application/sdp\r\n\r\nv=0\r\nm=audio 4 RTP/SAVP 0\r\n\
            a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz|2^20\r\na=sendrecv\r\n";
        let shown = masked(message);
        assert!(!shown.contains("WVNf") && !shown.contains("2^20"), "{shown}");
        assert!(shown.contains("a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:…\r\na=sendrecv\r\n"), "{shown}");
    }

    #[test]
    fn a_prelude_belongs_to_its_invite_and_memory_is_bounded() {
        let mut preludes = Preludes::default();
        let noted = |text: &'static str, inbound| Noted {
            at: UnixMicros(0),
            inbound,
            message: Bytes::from_static(text.as_bytes()),
        };
        preludes.note(b"a", noted("REGISTER sip:x SIP/2.0", true));
        assert!(preludes.take(b"a").is_empty());
        preludes.note(b"b", noted("INVITE sip:x SIP/2.0", true));
        preludes.note(b"b", noted("SIP/2.0 401 Unauthorized", false));
        assert_eq!(preludes.take(b"b").len(), 2);
        for n in 0..limits::PRELUDES + 10 {
            preludes.note(n.to_string().as_bytes(), noted("INVITE sip:x SIP/2.0", true));
        }
        assert_eq!(preludes.recent.len(), limits::PRELUDES);
    }
}
