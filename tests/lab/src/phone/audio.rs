//! The audio of one call of a phone: what it says of itself, what it sends, what it hears. Packets are built and read with `rtp`.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use rtp::header::Header;
use rtp::packet::Packet;
use webrtc_util::marshal::{Marshal, Unmarshal};

use super::line::{KeyLine, Line, Secrecy};
use super::manner::Codec;
use super::sdp::{Description, Direction, Sdp};
use crate::Time;

/// Audio in one packet.
pub const PTIME: Duration = Duration::from_millis(20);
/// Octets in one packet, whatever the codec.
const OCTETS: usize = 160;

/// A packet that a phone heard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Heard {
    /// When.
    pub at: Time,
    /// From where.
    pub from: SocketAddr,
    /// What it is.
    pub payload_type: u8,
    /// Of which source.
    pub ssrc: u32,
    /// Its number.
    pub sequence: u16,
    /// Its time.
    pub timestamp: u32,
    /// Whose voice it is: the byte that it is made of, if it is made of one.
    pub voice: Option<u8>,
    /// The key that it tells of, if it is a telephone event (RFC 4733), and whether the key was let go.
    pub key: Option<(char, bool)>,
    /// How long the key was held, in units of its clock.
    pub duration: u16,
}

/// The keys in the order of their event numbers.
const KEYS: &[u8; 16] = b"0123456789*#ABCD";

/// The audio of one call.
#[derive(Debug, Clone)]
pub struct Audio {
    /// Where the phone listens.
    pub local: SocketAddr,
    /// What it last said of itself.
    pub said: Option<Description>,
    /// What its peer last said.
    pub peer: Option<Sdp>,
    /// Everything it heard.
    pub heard: Vec<Heard>,
    /// How many packets it sent.
    pub sent: usize,
    /// The payload type it sends, once it may.
    pub payload_type: Option<u8>,
    /// Whether it listens, as offer and answer have it.
    pub listens: bool,
    /// When the next packet goes out.
    pub next_at: Option<Time>,
    /// How many reports came (RFC 3550 §6.4).
    pub reports: usize,
    /// What encrypts it, where that was agreed on.
    pub line: Option<Line>,
    /// How often the phone has taken a new key for what it sends.
    pub key_changes: u8,
    /// Packets of keys, and whether each is the first of its key.
    keys: VecDeque<(Bytes, bool)>,
    ssrc: u32,
    sequence: u16,
    timestamp: u32,
}

impl Audio {
    /// Nothing said yet.
    pub fn new(local: SocketAddr, ssrc: u32) -> Audio {
        Audio {
            local,
            said: None,
            peer: None,
            heard: Vec::new(),
            sent: 0,
            payload_type: None,
            listens: false,
            next_at: None,
            reports: 0,
            line: None,
            key_changes: 0,
            keys: VecDeque::new(),
            ssrc,
            sequence: ssrc as u16,
            timestamp: ssrc.rotate_left(7),
        }
    }

    /// What to offer next.
    pub fn offer(&self, codecs: &[Codec], secrecy: Option<Secrecy>, direction: Direction) -> Description {
        let (version, named_address) = (self.next_version(), None);
        let keys = secrecy.map(|secrecy| (secrecy.insists, self.key_line(1, secrecy)));
        Description { rtp: self.local, named_address, codecs: codecs.to_vec(), keys, direction, version }
    }

    /// The phone's own key, another one for each call and each change.
    fn key_line(&self, tag: u32, secrecy: Secrecy) -> KeyLine {
        let len = match secrecy.suite {
            "AEAD_AES_128_GCM" => 28,
            "AEAD_AES_256_GCM" => 44,
            _ => 30,
        };
        let seed = self.ssrc.rotate_left(9) ^ u32::from(self.local.port()) << 8 ^ u32::from(self.key_changes);
        let key = (0..len).map(|at| (seed.wrapping_mul(0x9e37_79b9).rotate_left(at) >> 3) as u8 ^ at as u8).collect();
        KeyLine { tag, suite: secrecy.suite.into(), key }
    }

    /// What to answer to the keys in an offer; `None` if one side insists and the other cannot.
    fn answer_keys(&self, offer: &Sdp, secrecy: Option<Secrecy>) -> Option<Option<(bool, KeyLine)>> {
        let found = secrecy.and_then(|secrecy| {
            let theirs = offer.keys.iter().find(|line| line.suite == secrecy.suite)?;
            Some((offer.is_secure, self.key_line(theirs.tag, secrecy)))
        });
        let insists = offer.is_secure || secrecy.is_some_and(|secrecy| secrecy.insists);
        (found.is_some() || !insists).then_some(found)
    }

    /// What to answer to an offer; `None` if no codec is common, or the encryption is not.
    pub fn answer(
        &self,
        offer: &Sdp,
        (codecs, secrecy): (&[Codec], Option<Secrecy>),
        direction: Direction,
    ) -> Option<Description> {
        let keys = self.answer_keys(offer, secrecy)?;
        let mut common = Vec::new();
        for format in &offer.formats {
            let name = offer.name_of(*format);
            if let Some(codec) = codecs.iter().find(|codec| codec.rtpmap.eq_ignore_ascii_case(name)) {
                common.push(Codec { payload_type: *format, ..*codec });
            }
        }
        common.iter().any(|codec| !codec.rtpmap.starts_with("telephone")).then_some(())?;
        let wanted = match offer.is_nowhere() {
            true => Direction::SendRecv,
            false => offer.direction.mirrored(),
        };
        let direction = match (wanted.sends() && direction.sends(), wanted.receives() && direction.receives()) {
            (true, true) => Direction::SendRecv,
            (true, false) => Direction::SendOnly,
            (false, true) => Direction::RecvOnly,
            (false, false) => Direction::Inactive,
        };
        Some(Description {
            rtp: self.local,
            named_address: None,
            codecs: common,
            keys,
            direction,
            version: self.next_version(),
        })
    }

    fn next_version(&self) -> u64 {
        self.said.as_ref().map_or(1, |said| said.version + 1)
    }

    /// Offer and answer are exchanged. `is_offerer`: the phone made the offer.
    pub fn agree(&mut self, now: Time, said: Description, peer: Sdp, is_offerer: bool) -> Result<(), String> {
        self.judge_version(&peer)?;
        let ours: Vec<u8> = said.codecs.iter().map(|codec| codec.payload_type).collect();
        if is_offerer && peer.rtp.port() != 0 && !peer.formats.iter().any(|format| ours.contains(format)) {
            return Err(format!("the answer {:?} has nothing of the offer {ours:?}", peer.formats));
        }
        if is_offerer && peer.lines != 1 {
            return Err(format!("one m= line offered, {} answered", peer.lines));
        }
        self.agree_on_keys(&said, &peer, is_offerer)?;
        let is_held = peer.is_nowhere() || said.named_address.is_some_and(|named| named.is_unspecified());
        let sends = said.direction.sends() && peer.direction.receives() && !peer.is_nowhere();
        self.listens = said.direction.receives() && peer.direction.sends() && !is_held;
        let speakable = |format: &&u8| !peer.name_of(**format).starts_with("telephone") && ours.contains(format);
        self.payload_type = peer.formats.iter().find(speakable).copied();
        self.local = said.rtp;
        self.next_at = sends.then_some(now);
        self.said = Some(said);
        self.peer = Some(peer);
        Ok(())
    }

    /// RFC 4568 §5.1: the answer has one of the lines of the offer, under its number, with a key of its own.
    fn agree_on_keys(&mut self, said: &Description, peer: &Sdp, is_offerer: bool) -> Result<(), String> {
        let before = self.line.take();
        let Some((insists, ours)) = said.keys.clone() else {
            return if peer.is_secure { Err("RTP/SAVP with a phone that cannot".into()) } else { Ok(()) };
        };
        let theirs = peer.keys.iter().find(|line| line.tag == ours.tag && line.suite == ours.suite);
        match theirs {
            Some(_) if is_offerer && peer.keys.len() != 1 => Err(format!("{} keys answered", peer.keys.len())),
            _ if insists != peer.is_secure => Err("the profile changed on the way".into()),
            Some(theirs) => {
                self.line = Some(Line::agree(before, ours, theirs.clone())?);
                Ok(())
            }
            None if insists => Err("no key for RTP/SAVP".into()),
            None => Ok(()),
        }
    }

    /// RFC 3264 §8: the version counts up by one with a change, and stays without one.
    fn judge_version(&self, new: &Sdp) -> Result<(), String> {
        let Some(old) = &self.peer else { return Ok(()) };
        let is_same = Sdp { version: 0, ..old.clone() } == Sdp { version: 0, ..new.clone() };
        match new.version.checked_sub(old.version) {
            _ if old.identity != new.identity => Err(format!("o= changed from {} to {}", old.identity, new.identity)),
            Some(0) if is_same => Ok(()),
            Some(1) => Ok(()),
            _ => Err(format!("o= version went from {} to {} (same: {is_same})", old.version, new.version)),
        }
    }

    /// The next packet of speech, if one is due.
    pub fn speak(&mut self, now: Time, voice: u8) -> Option<(SocketAddr, Vec<u8>)> {
        let due = self.next_at.filter(|at| *at <= now)?;
        self.next_at = Some(due + PTIME);
        let (to, payload_type) = (self.peer.as_ref()?.rtp, self.payload_type?);
        let ticks = self.ticks(payload_type);
        let is_first = self.sent == 0;
        self.sent += 1;
        if let Some((payload, is_begin)) = self.keys.pop_front() {
            let event = self.event_payload_type()?;
            if is_begin {
                self.timestamp = self.timestamp.wrapping_add(8 * ticks);
            }
            return Some((to, self.packet((event, is_begin), payload)));
        }
        self.timestamp = self.timestamp.wrapping_add(ticks);
        Some((to, self.packet((payload_type, is_first), Bytes::from(vec![voice; OCTETS]))))
    }

    /// Presses a key for 100 ms: packets of one timestamp and growing duration, the last one three times (RFC 4733 §2.5).
    pub fn press(&mut self, key: char) {
        let number = KEYS.iter().position(|known| char::from(*known) == key).expect("a telephone has such a key") as u8;
        let ticks = self.event_payload_type().map_or(160, |event| self.ticks(event)) as u16;
        let packet = |duration: u16, has_ended: bool| {
            let [high, low] = duration.to_be_bytes();
            Bytes::copy_from_slice(&[number, 10 | u8::from(has_ended) << 7, high, low])
        };
        self.keys.extend((1..5).map(|step| (packet(step * ticks, false), step == 1)));
        self.keys.extend((0..3).map(|_| (packet(5 * ticks, true), false)));
    }

    /// How far the clock of a payload type runs in one packet.
    fn ticks(&self, payload_type: u8) -> u32 {
        self.peer.as_ref().map_or(8_000, |peer| peer.clock_of(payload_type)) / 50
    }

    /// The digits of the codec's clock, or else any that both have.
    fn event_payload_type(&self) -> Option<u8> {
        let (peer, said) = (self.peer.as_ref()?, self.said.as_ref()?);
        let clock = self.payload_type.map(|payload_type| peer.clock_of(payload_type));
        let mut events: Vec<u8> = peer.formats.clone();
        let known = |name: &str| said.codecs.iter().any(|codec| codec.rtpmap.eq_ignore_ascii_case(name));
        events.retain(|format| peer.name_of(*format).starts_with("telephone-event") && known(peer.name_of(*format)));
        events.iter().find(|event| Some(peer.clock_of(**event)) == clock).or(events.first()).copied()
    }

    /// The keys that were heard, each once.
    pub fn keys_heard(&self) -> String {
        let mut keys = String::new();
        let mut last = None;
        for heard in &self.heard {
            if let Some((key, true)) = heard.key.filter(|_| last != Some(heard.timestamp)) {
                keys.push(key);
                last = Some(heard.timestamp);
            }
        }
        keys
    }

    fn packet(&mut self, (payload_type, marker): (u8, bool), payload: Bytes) -> Vec<u8> {
        self.sequence = self.sequence.wrapping_add(1);
        let header = Header {
            version: 2,
            marker,
            payload_type,
            sequence_number: self.sequence,
            timestamp: self.timestamp,
            ssrc: self.ssrc,
            ..Header::default()
        };
        let packet = Packet { header, payload }.marshal().expect("a header of known fields can be written");
        match &self.line {
            Some(line) => line.protect(&packet),
            None => packet.to_vec(),
        }
    }

    /// A packet came.
    pub fn hear(&mut self, now: Time, from: SocketAddr, packet: &[u8]) -> Result<(), String> {
        let opened = self.line.as_ref().map(|line| line.unprotect(packet)).transpose()?;
        let packet = opened.as_deref().unwrap_or(packet);
        let packet = Packet::unmarshal(&mut &packet[..]).map_err(|error| format!("rtp: {error}"))?;
        let first = packet.payload.first().copied();
        let key = match &packet.payload[..] {
            [number, flags, _, _] => KEYS.get(usize::from(*number)).map(|key| (char::from(*key), flags & 0x80 != 0)),
            _ => None,
        };
        let duration = match &packet.payload[..] {
            [_, _, high, low] => u16::from_be_bytes([*high, *low]),
            _ => 0,
        };
        let is_one_voice = packet.payload.iter().all(|byte| Some(*byte) == first);
        self.heard.push(Heard {
            at: now,
            from,
            payload_type: packet.header.payload_type,
            ssrc: packet.header.ssrc,
            sequence: packet.header.sequence_number,
            timestamp: packet.header.timestamp,
            voice: first.filter(|_| is_one_voice && key.is_none()),
            key,
            duration,
        });
        Ok(())
    }

    /// A report came.
    pub fn hear_report(&mut self, packet: &[u8]) -> Result<(), String> {
        self.reports += 1;
        self.line.as_ref().map_or(Ok(()), |line| line.unprotect_report(packet).map(|_| ()))
    }

    /// Speaks under a new SSRC from now on, as phones do after a re-INVITE.
    pub fn change_ssrc(&mut self) {
        self.ssrc = self.ssrc.wrapping_mul(0x9e37_79b9).wrapping_add(1);
    }
}
