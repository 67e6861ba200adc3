//! How messages and packets get from one party to the other.

use std::net::SocketAddr;

use bytes::Bytes;
use media::{Component, Socket, StreamId};
use pbx::Input;
use pbx::errand::ErrandReport;
use pbx::names::{Answer, Place, Question, Server, Unresolved};
use pbx::ports::{PortOrder, PortReport};
use pbx::recording::RecordingReport;
use sip::{Flow, Transmit, Transport};

use super::Lab;
use crate::ladder::{Arrow, Fate, Ladder};
use crate::phone::{Outgoing, Phone, PhoneId};

/// Something that is on its way.
#[derive(Debug, Clone)]
pub(super) enum Arrival {
    /// A SIP message for the exchange.
    SipAtExchange(Flow, Bytes),
    /// A SIP message for a phone.
    SipAtPhone(PhoneId, Bytes),
    /// A packet for a port of the exchange.
    RtpAtExchange { port: u16, from: SocketAddr, packet: Vec<u8> },
    /// A packet for a phone.
    RtpAtPhone { phone: PhoneId, port: u16, from: SocketAddr, packet: Vec<u8> },
    /// What the media thread has to report.
    Media(media::Event),
    /// What came of an order about a pair of ports.
    Port(PortReport),
    /// What came of a recording.
    Recording(RecordingReport),
    /// What came of an errand.
    Errand(ErrandReport),
    /// A connection could not be opened, or is gone.
    Closed(Flow),
    /// What came of a question.
    Named(Question, Result<Answer, Unresolved>),
}

impl Lab {
    /// Something will arrive.
    pub(super) fn post(&mut self, after: std::time::Duration, arrival: Arrival) {
        self.posted += 1;
        self.queue.insert((self.now + after, self.posted), arrival);
    }

    pub(super) fn arrive(&mut self, arrival: Arrival) {
        match arrival {
            Arrival::SipAtExchange(flow, bytes) => {
                let is_broken = flow.connection.is_some_and(|connection| !self.connections.is_up(connection));
                if !is_broken {
                    self.input(Input::Sip(flow, bytes));
                }
            }
            Arrival::SipAtPhone(phone, bytes) => {
                if self[phone].is_on {
                    self[phone].handle_sip(&bytes);
                }
            }
            Arrival::RtpAtExchange { port, from, packet } => self.take_packet(port, from, packet),
            Arrival::RtpAtPhone { phone, port, from, packet } => self.hear(phone, port, from, &packet),
            Arrival::Media(event) => self.input(Input::Media(event)),
            Arrival::Port(report) => self.input(Input::Port(report)),
            Arrival::Recording(report) => self.input(Input::Recording(report)),
            Arrival::Errand(report) => self.input(Input::Errand(report)),
            Arrival::Closed(flow) => self.input(Input::SipClosed(flow)),
            Arrival::Named(question, answer) => self.input(Input::Resolved(question, answer)),
        }
    }

    // --- from the phones ---

    pub(super) fn drain_phones(&mut self) {
        for index in 0..self.phones.len() {
            let phone = PhoneId(index);
            while let Some(outgoing) = self[phone].poll_outgoing() {
                match outgoing {
                    Outgoing::Sip(bytes) => self.carry_sip_from(phone, bytes),
                    Outgoing::Rtp { from, to, packet } => self.carry_rtp_from(phone, from, to, packet),
                }
            }
        }
    }

    fn carry_sip_from(&mut self, phone: PhoneId, bytes: Vec<u8>) {
        let (label, bytes) = (Ladder::label(&bytes), Bytes::from(bytes));
        if self[phone].transport.is_reliable() {
            let flow = self.connect(phone);
            self.draw(phone, true, label, Fate::Arrived);
            let delay = self.paths[phone.0].delay;
            return self.post(delay, Arrival::SipAtExchange(flow, bytes));
        }
        let local = self[phone].exchange;
        let remote = self.outside(phone, self[phone].address, local);
        let flow = Flow { transport: Transport::Udp, local, remote, connection: None };
        let arrivals = self.paths[phone.0].arrivals(&mut self.rng);
        self.draw(phone, true, label, fate_of(arrivals.len()));
        for after in arrivals {
            self.post(after, Arrival::SipAtExchange(flow, bytes.clone()));
        }
    }

    fn carry_rtp_from(&mut self, phone: PhoneId, from: SocketAddr, to: SocketAddr, packet: Vec<u8>) {
        let from = self.outside(phone, from, to);
        for after in self.paths[phone.0].arrivals(&mut self.rng) {
            self.post(after, Arrival::RtpAtExchange { port: to.port(), from, packet: packet.clone() });
        }
    }

    /// The source address that the exchange sees.
    pub(super) fn outside(&mut self, phone: PhoneId, inside: SocketAddr, to: SocketAddr) -> SocketAddr {
        match self.behind[phone.0] {
            Some(router) => self.routers[router].outward(self.now, inside, to.ip()),
            None => inside,
        }
    }

    // --- from the exchange ---

    /// Finds out where a name is, as the daemon does.
    pub(super) fn look_up(&mut self, question: Question) {
        self.questions += 1;
        if !self.names_answer {
            let after = std::time::Duration::from_millis(4_500);
            return self.post(after, Arrival::Named(question, Err(Unresolved::NoAnswer)));
        }
        let transport = question.transport.unwrap_or(Transport::Udp);
        let place = |remote: &SocketAddr| Place {
            transport,
            local: self.exchange[usize::from(remote.is_ipv6())],
            remote: *remote,
        };
        // One server of several addresses: they are tried in this order.
        let server =
            |found: &Vec<SocketAddr>| Server { priority: 0, weight: 0, places: found.iter().map(place).collect() };
        let life = std::time::Duration::from_secs(300);
        let servers = self.names.get(&question.host).map(|found| vec![server(found)]);
        let answer = servers.map(|servers| Answer { servers, life }).ok_or(Unresolved::NoSuchName);
        self.post(std::time::Duration::from_millis(20), Arrival::Named(question, answer));
    }

    pub(super) fn carry_sip(&mut self, transmit: Transmit) {
        let Transmit { flow, bytes } = transmit;
        if flow.transport.is_reliable() {
            return self.carry_on_stream(flow, bytes);
        }
        let label = Ladder::label(&bytes);
        let Some((phone, inside)) = self.inside(flow.remote, flow.local) else { return };
        let is_there = self[phone].is_on && inside == self[phone].address;
        let arrivals = self.paths[phone.0].arrivals(&mut self.rng);
        let fate = if is_there { fate_of(arrivals.len()) } else { Fate::Unreachable };
        self.draw(phone, false, label, fate);
        for after in arrivals.into_iter().filter(|_| is_there) {
            self.post(after, Arrival::SipAtPhone(phone, bytes.clone()));
        }
    }

    fn carry_on_stream(&mut self, flow: Flow, bytes: Bytes) {
        let known = flow.connection.and_then(|connection| self.connections.phone(connection));
        let listens = |phone: &Phone| phone.is_on && phone.transport == Transport::Tcp && phone.address == flow.remote;
        let mut phones = self.phones.iter().zip(&self.behind);
        let listening = phones.position(|(phone, router)| listens(phone) && router.is_none()).map(PhoneId);
        match (flow.connection, known, listening) {
            (Some(_), Some(phone), _) if self[phone].is_on => self.deliver_on_stream(phone, bytes),
            (None, _, Some(phone)) => {
                self.connect_to(phone);
                self.deliver_on_stream(phone, bytes);
            }
            _ => self.post(std::time::Duration::from_millis(5), Arrival::Closed(flow)),
        }
    }

    fn deliver_on_stream(&mut self, phone: PhoneId, bytes: Bytes) {
        self.draw(phone, false, Ladder::label(&bytes), Fate::Arrived);
        let delay = self.paths[phone.0].delay;
        self.post(delay, Arrival::SipAtPhone(phone, bytes));
    }

    /// Which phone is reached at an address that the exchange sends to, and at which address of its own.
    fn inside(&mut self, remote: SocketAddr, local: SocketAddr) -> Option<(PhoneId, SocketAddr)> {
        let router = self.routers.iter().position(|router| router.outside == remote.ip());
        let inside = match router {
            Some(router) => self.routers[router].inward(self.now, remote.port(), local.ip())?,
            None => remote,
        };
        let mut phones = self.phones.iter().zip(&self.behind);
        let found = phones.position(|(phone, behind)| phone.address.ip() == inside.ip() && *behind == router)?;
        Some((PhoneId(found), inside))
    }

    fn draw(&mut self, phone: PhoneId, is_from_phone: bool, label: String, fate: Fate) {
        self.ladder.push(Arrow { at: self.now, phone: phone.0, is_from_phone, label, fate });
    }

    // --- audio ---

    /// Binds or releases a pair of ports, as the daemon's media thread does.
    pub(super) fn handle_port_order(&mut self, order: PortOrder) {
        match order {
            PortOrder::Release(port) => {
                assert!(self.bound.remove(&port) && !self.ports.contains_key(&port), "port {port} is in use");
            }
            PortOrder::Bind(_) if !self.binds_ports => {}
            PortOrder::Bind(port) => {
                let report = match [port, port + 1].iter().any(|port| self.held_ports.contains(port)) {
                    true => PortReport::Held(port),
                    false => PortReport::Bound(port),
                };
                if report == PortReport::Bound(port) {
                    self.bound.insert(port);
                }
                self.post(std::time::Duration::from_micros(50), Arrival::Port(report));
            }
        }
    }

    /// Carries out an order to the media engine, as the daemon's media thread does.
    pub(super) fn carry_out(&mut self, command: media::Command) {
        if let media::Command::Open { stream, port } = command {
            assert!(self.bound.contains(&port), "a description may name port {port}, which is not ours");
            assert!(!self.ports.contains_key(&port), "port {port} serves another stream");
            let answer = match self.opens_streams {
                true => media::Event::Opened { stream },
                false => media::Event::OpenFailed { stream, reason: "far behind".into() },
            };
            let is_open = matches!(answer, media::Event::Opened { .. });
            self.post(std::time::Duration::from_micros(50), Arrival::Media(answer));
            if !is_open {
                return;
            }
            self.ports.insert(port, stream);
        }
        let recorded = match &command {
            media::Command::Record { recording, .. } => Some(*recording),
            _ => None,
        };
        let played = match &command {
            media::Command::Play { playback, what: media::Playable::Sounds(_), .. } => Some(*playback),
            _ => None,
        };
        self.engine.handle_command(self.now, command);
        if let Some(playback) = played {
            self.feed(playback);
        }
        if let Some(recording) = recorded {
            self.lend_buffers(recording);
        }
        self.drain_engine();
    }

    /// Whatever sound it is, here it is a second of a tone of 500 Hz.
    fn feed(&mut self, playback: media::PlaybackId) {
        let wave = |at: usize| ((at as f64 * 500.0 * std::f64::consts::TAU / 8_000.0).sin() * 10_000.0) as i16;
        let pcm: Box<[i16]> = (0..8_000).map(wave).collect();
        self.engine.handle_sound(playback, media::SoundBuffer { len: pcm.len(), pcm, last: true });
    }

    pub(super) fn drain_engine(&mut self) {
        let mut packet = vec![0; media::limits::AUDIO_PACKET];
        while let Some(forward) = self.engine.poll_audio(&mut packet) {
            self.carry_rtp(forward.at, forward.to, packet[..forward.len].to_vec());
        }
        while let Some(transmit) = self.engine.poll_transmit() {
            let packet = transmit.packet().to_vec();
            self.carry_rtp(transmit.at, transmit.to, packet);
        }
        self.drain_parcels();
        while let Some(event) = self.engine.poll_event() {
            if let media::Event::RecordingEnded { recording, .. } = &event {
                self.complete_recording(*recording);
            }
            if let media::Event::Closed { stream, .. } = &event {
                self.ports.retain(|_, open| open != stream);
            }
            self.post(std::time::Duration::from_micros(50), Arrival::Media(event));
        }
    }

    fn take_packet(&mut self, port: u16, from: SocketAddr, mut packet: Vec<u8>) {
        let (even, component) = match port % 2 {
            0 => (port, Component::Rtp),
            _ => (port - 1, Component::Rtcp),
        };
        let Some(stream) = self.ports.get(&even).copied() else {
            self.misdelivered += 1;
            return;
        };
        // What goes on may be longer than what came.
        let len = packet.len();
        packet.resize(len + media::srtp::RTP_OVERHEAD, 0);
        let datagram = media::Datagram::new(&mut packet, len);
        let forward = self.engine.handle_packet(self.now, Socket { stream, component }, from, datagram);
        if let Some(forward) = forward {
            self.carry_rtp(forward.at, forward.to, packet[..forward.len].to_vec());
        }
        self.drain_engine();
    }

    fn carry_rtp(&mut self, at: Socket, to: SocketAddr, packet: Vec<u8>) {
        let Some(port) = self.port_of(at.stream) else { return };
        let port = port + u16::from(at.component == Component::Rtcp);
        let from = SocketAddr::new(self.exchange[usize::from(to.is_ipv6())].ip(), port);
        let Some((phone, inside)) = self.inside(to, from) else { return };
        for after in self.paths[phone.0].arrivals(&mut self.rng) {
            self.post(after, Arrival::RtpAtPhone { phone, port: inside.port(), from, packet: packet.clone() });
        }
    }

    fn port_of(&self, stream: StreamId) -> Option<u16> {
        self.ports.iter().find(|(_, open)| **open == stream).map(|(port, _)| *port)
    }

    fn hear(&mut self, phone: PhoneId, port: u16, from: SocketAddr, packet: &[u8]) {
        let now = self.now;
        let phone = &mut self[phone];
        if !phone.is_on || packet.is_empty() {
            return;
        }
        let even = port & !1;
        let Some(call) = phone.calls.iter_mut().find(|call| call.audio.local.port() == even) else { return };
        let heard = match port == even {
            true => call.audio.hear(now, from, packet),
            false => call.audio.hear_report(packet),
        };
        if let Err(error) = heard {
            phone.complain(error);
        }
    }

    /// Throws a packet at a port of the exchange, from anywhere.
    pub fn throw_packet(&mut self, from: SocketAddr, port: u16, packet: Vec<u8>) {
        self.post(std::time::Duration::ZERO, Arrival::RtpAtExchange { port, from, packet });
    }

    /// Throws a datagram at the SIP port of the exchange, from anywhere.
    pub fn throw_sip(&mut self, from: SocketAddr, datagram: &[u8]) {
        let local = self.exchange[usize::from(from.is_ipv6())];
        let flow = Flow { transport: Transport::Udp, local, remote: from, connection: None };
        self.post(std::time::Duration::ZERO, Arrival::SipAtExchange(flow, Bytes::copy_from_slice(datagram)));
    }
}

fn fate_of(copies: usize) -> Fate {
    match copies {
        0 => Fate::Lost,
        1 => Fate::Arrived,
        _ => Fate::ArrivedTwice,
    }
}
