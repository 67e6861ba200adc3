//! A SIP phone without sockets and clock: a user agent small enough to be believed, with manners good and bad.

pub mod asking;
pub mod audio;
pub mod call;
mod called;
mod calling;
pub mod client;
pub mod dialog;
pub mod digest;
pub mod line;
pub mod manner;
pub mod registration;
pub mod sdp;
pub mod server;
mod stun;
mod transfer;
mod within;

use std::collections::VecDeque;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use sip::Transport;

pub use asking::{Asking, OnRegister};
pub use audio::{Audio, Heard};
pub use call::{Call, State};
pub use digest::{Algorithm, Challenge};
pub use line::{KeyLine, Line, Secrecy};
pub use manner::{Codec, Manner, OnInvite, TooShort};
pub use registration::Registration;
pub use sdp::{Direction, Sdp};

use crate::Time;
use crate::wire::Message;
use client::Client;
use server::Server;

/// RFC 3261 §17.1.1.1: the round trip that phones assume.
pub const T1: Duration = Duration::from_millis(500);
/// RFC 3261 §17.1.2.2: the longest pause between two tries.
pub const T2: Duration = Duration::from_secs(4);
/// 64 × T1: when a phone gives up.
pub const PATIENCE: Duration = Duration::from_secs(32);

/// Which phone of the lab.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PhoneId(pub usize);

/// What a phone wants to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outgoing {
    /// A SIP message to the exchange.
    Sip(Vec<u8>),
    /// An RTP packet from one of its ports.
    Rtp {
        /// The phone's address.
        from: SocketAddr,
        /// Where its peer said it receives.
        to: SocketAddr,
        /// The packet.
        packet: Vec<u8>,
    },
}

/// A phone.
#[derive(Debug)]
pub struct Phone {
    /// Its extension's number.
    pub number: String,
    /// What it believes the password is.
    pub password: String,
    /// How it behaves.
    pub manner: Manner,
    /// Its own address, which a NAT may hide.
    pub address: SocketAddr,
    /// Where it sends everything.
    pub exchange: SocketAddr,
    /// Datagrams or a connection.
    pub transport: Transport,
    /// Whether it has power.
    pub is_on: bool,
    /// Its registration.
    pub registration: Registration,
    /// Its calls, the newest last.
    pub calls: Vec<Call>,
    /// What it found wrong with what it was sent; a lab ends with an empty list.
    pub complaints: Vec<String>,
    /// Every INFO body it got.
    pub infos: Vec<String>,
    /// The statuses that it was told of transfers.
    pub notified: Vec<u16>,
    /// How many questions of STUN it got.
    pub questions: usize,
    /// How many OPTIONS it got.
    pub options: usize,
    /// The byte that its voice is made of.
    pub voice: u8,
    pub(crate) now: Time,
    pub(crate) rng: ChaCha8Rng,
    pub(crate) clients: Vec<Client>,
    pub(crate) servers: Vec<Server>,
    pub(crate) challenge: Option<Challenge>,
    pub(crate) outbox: VecDeque<Outgoing>,
    pub(crate) next_rtp_port: u16,
}

impl Phone {
    /// A phone that has just been plugged in.
    pub fn new(number: &str, id: PhoneId, address: SocketAddr, exchange: SocketAddr, seed: u64) -> Phone {
        Phone {
            number: number.into(),
            password: crate::password_of(number),
            manner: Manner::default(),
            address,
            exchange,
            transport: Transport::Udp,
            is_on: true,
            registration: Registration::default(),
            calls: Vec::new(),
            complaints: Vec::new(),
            infos: Vec::new(),
            notified: Vec::new(),
            questions: 0,
            options: 0,
            voice: 0x90 + id.0 as u8,
            now: Time::ZERO,
            rng: ChaCha8Rng::seed_from_u64(seed),
            clients: Vec::new(),
            servers: Vec::new(),
            challenge: None,
            outbox: VecDeque::new(),
            next_rtp_port: 4_000,
        }
    }

    /// A message came. `from` is who the phone believes sent it.
    pub fn handle_sip(&mut self, bytes: &[u8]) {
        if bytes.iter().all(|byte| b"\r\n".contains(byte)) {
            return;
        }
        if bytes[0] < 4 {
            return self.answer_stun(bytes);
        }
        match Message::read(bytes) {
            Err(error) => self.complain(error),
            Ok(message) if message.status().is_some() => self.handle_response(message),
            Ok(message) => self.handle_request(message),
        }
    }

    /// Runs what is due: repeats, gives up, refreshes, speaks.
    pub fn handle_timeout(&mut self, now: Time) {
        self.now = now;
        self.run_clients();
        self.run_servers();
        self.run_registration();
        self.run_calls();
    }

    /// When [`Phone::handle_timeout`] is due.
    pub fn poll_timeout(&self) -> Option<Time> {
        let clients = self.clients.iter().filter_map(Client::deadline);
        let servers = self.servers.iter().filter_map(Server::deadline);
        let calls = self.calls.iter().filter_map(Call::deadline);
        clients.chain(servers).chain(calls).chain(self.registration.refresh_at).min()
    }

    /// What it wants to be sent.
    pub fn poll_outgoing(&mut self) -> Option<Outgoing> {
        self.outbox.pop_front()
    }

    /// Pulls the plug: everything is forgotten, nobody is told.
    pub fn lose_power(&mut self) {
        self.is_on = false;
        self.clients.clear();
        self.servers.clear();
        self.outbox.clear();
        self.registration.refresh_at = None;
        self.calls.iter_mut().for_each(Call::vanish);
    }

    /// Starts nothing new by itself any more; what the exchange asks is still answered.
    pub fn rest(&mut self) {
        self.registration.refresh_at = None;
        self.manner.keeps_registering = false;
    }

    /// The host part of its Contact and Via. What runs in a browser knows no address, and makes up a name (RFC 7118 §5).
    pub(crate) fn host(&self) -> String {
        if self.transport.is_websocket() {
            return format!("page{:02x}.invalid", self.voice);
        }
        match self.address.ip() {
            IpAddr::V4(address) => format!("{address}:{}", self.address.port()),
            IpAddr::V6(address) => format!("[{address}]:{}", self.address.port()),
        }
    }

    pub(crate) fn contact(&self) -> String {
        let transport = match self.transport {
            Transport::Tcp => ";transport=tcp",
            Transport::Ws | Transport::Wss => ";transport=ws",
            _ => "",
        };
        format!("<sip:{}@{}{transport}>", self.number, self.host())
    }

    pub(crate) fn via(&mut self) -> String {
        let branch = self.token();
        format!("SIP/2.0/{} {};branch=z9hG4bK{branch};rport", self.transport.name(), self.host())
    }

    /// Eight hexadecimal digits, from the seed.
    pub(crate) fn token(&mut self) -> String {
        format!("{:08x}", self.rng.random::<u32>())
    }

    pub(crate) fn send(&mut self, message: &Message) {
        let bytes = message.write();
        self.send_bytes(bytes);
    }

    pub(crate) fn send_bytes(&mut self, bytes: Vec<u8>) {
        self.outbox.push_back(Outgoing::Sip(bytes));
    }

    pub(crate) fn complain(&mut self, what: impl Into<String>) {
        self.complaints.push(format!("{} at {:?}: {}", self.number, self.now, what.into()));
    }

    pub(crate) fn is_datagram(&self) -> bool {
        !self.transport.is_reliable()
    }
}
