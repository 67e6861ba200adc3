//! A browser in virtual time: an ICE agent that chooses, and a DTLS endpoint. Ours is the lite side.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use dimpl::{Config, Dtls, DtlsCertificate, Output};
use is::stun::{StunMessage, StunPacket};
use is::{Candidate, IceAgent, IceAgentEvent, IceCreds, Protocol};
use media::StreamId;
use media::webrtc::{Agreement, Command, Credentials, Event, Fingerprint, Hash, Role};
use ring::digest;
use webrtc::framing::{self, Frames};
use webrtc::{Agent, Connection, HandOver, Identity, Path};

/// Where the box is.
pub const BOX: &str = "192.0.2.1:3478";

pub fn at(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

/// A certificate with its key.
pub fn certificate() -> (Vec<u8>, Vec<u8>) {
    let pair = rcgen::KeyPair::generate().unwrap();
    let made = rcgen::CertificateParams::default().self_signed(&pair).unwrap();
    (made.der().to_vec(), pair.serialize_der())
}

/// Which versions of DTLS the browser speaks.
#[derive(Clone, Copy, PartialEq)]
pub enum Speaks {
    Only12,
    Both,
}

pub struct Browser {
    pub ice: IceAgent,
    pub dtls: Dtls,
    pub certificate: Vec<u8>,
    /// Where it is now.
    pub here: SocketAddr,
    /// What it sends, from where.
    pub outbox: VecDeque<(SocketAddr, Vec<u8>)>,
    pub keys: Option<Vec<u8>>,
    /// Whether it sends anything.
    pub is_mute: bool,
    /// How it comes.
    protocol: Protocol,
    secured: bool,
}

impl Browser {
    pub fn new(base: Instant, (here, protocol): (&str, Protocol), speaks: Speaks, active: bool) -> Browser {
        let (certificate, private_key) = certificate();
        let config = Config::builder().with_crypto_provider(webrtc::crypto::provider()).build().unwrap();
        let pair = DtlsCertificate { certificate: certificate.clone(), private_key };
        let config = Arc::new(config);
        let mut dtls = match speaks {
            Speaks::Only12 => Dtls::new_12(config, pair, base),
            Speaks::Both => Dtls::new_auto(config, pair, base),
        };
        dtls.set_active(active);
        let mut ice = IceAgent::new(IceCreds { ufrag: "them".into(), pass: "theirpasswordtheirpassword".into() });
        ice.set_controlling(true);
        ice.add_local_candidate(Candidate::host(at(here), protocol).unwrap());
        let (outbox, keys) = Default::default();
        Browser { ice, dtls, certificate, here: at(here), outbox, keys, is_mute: false, protocol, secured: false }
    }

    /// What it says of itself.
    pub fn agreement(&self, role: Role) -> Agreement {
        let octets = digest::digest(&digest::SHA256, &self.certificate).as_ref().into();
        let fingerprint = Fingerprint { hash: Hash::Sha256, octets };
        Agreement { ufrag: self.ice.local_credentials().ufrag.clone(), fingerprint, role }
    }

    /// It hears of the box.
    pub fn learn(&mut self, ours: &Credentials) {
        self.ice.set_remote_credentials(IceCreds { ufrag: ours.ufrag.clone(), pass: ours.password.clone() });
        self.ice.add_remote_candidate(Candidate::host(at(BOX), self.protocol).unwrap());
    }

    /// Time goes by.
    pub fn step(&mut self, now: Instant) {
        self.ice.handle_timeout(now);
        while let Some(sent) = self.ice.poll_transmit() {
            self.outbox.push_back((sent.source, Vec::from(sent.contents)));
        }
        while let Some(event) = self.ice.poll_event() {
            if let IceAgentEvent::NominatedSend { source, .. } = event {
                self.here = source;
                self.secured = true;
            }
        }
        self.dtls.handle_timeout(now).unwrap();
        self.drain();
    }

    fn drain(&mut self) {
        let mut buffer = vec![0; 2_048];
        // The handshake begins when there is a way, as in a browser.
        while self.secured {
            match self.dtls.poll_output(&mut buffer) {
                Output::Packet(octets) => self.outbox.push_back((self.here, octets.to_vec())),
                Output::KeyingMaterial(keys, _) => self.keys = Some(keys.to_vec()),
                Output::Timeout(_) => return,
                _ => {}
            }
        }
    }

    /// The box has sent it something.
    pub fn receive(&mut self, now: Instant, to: SocketAddr, octets: &[u8]) {
        if octets[0] < 4 {
            let message = StunMessage::parse(octets).expect("what we send is STUN");
            let packet = StunPacket { proto: self.protocol, source: at(BOX), destination: to, message };
            self.ice.handle_packet(now, packet);
        } else {
            // One that is refused says so in its own way.
            let _ = self.dtls.handle_packet(octets);
        }
        self.drain();
    }
}

/// The box and one browser, with nothing between them but time.
pub struct World {
    pub agent: Agent,
    pub browser: Browser,
    pub now: Duration,
    pub events: Vec<Event>,
    pub hand_overs: Vec<HandOver>,
    /// The TCP connection between the two, if they speak over one.
    pub stream: Option<Stream>,
    base: Instant,
}

/// A TCP connection, with what came of it in each direction.
pub struct Stream {
    pub connection: Connection,
    up: Frames,
    down: Frames,
}

impl Stream {
    pub fn new(number: u32) -> Stream {
        Stream { connection: Connection(number), up: Frames::default(), down: Frames::default() }
    }
}

/// A datagram on its way through a stream, which brings it in parts.
fn carried(frames: &mut Frames, datagram: &[u8]) -> Vec<u8> {
    let (mut whole, mut count) = (Vec::new(), 0);
    let framed = [&framing::header(datagram.len()).unwrap()[..], datagram].concat();
    for part in framed.chunks(1_000.min(framed.len() - 1)) {
        frames
            .take(part, |datagram| {
                whole = datagram.to_vec();
                count += 1;
            })
            .unwrap();
    }
    assert_eq!(count, 1);
    whole
}

pub const STREAM: StreamId = StreamId(7);

pub fn ours(ufrag: &str) -> Credentials {
    Credentials { ufrag: ufrag.into(), password: format!("password-of-{ufrag}-0123456789") }
}

impl World {
    pub fn new(speaks: Speaks, role: Role) -> World {
        let base = Instant::now();
        let agent = Agent::new(Identity::new(certificate(), base).unwrap());
        let browser = Browser::new(base, ("198.51.100.7:50000", Protocol::Udp), speaks, role == Role::Passive);
        let (events, hand_overs) = Default::default();
        World { agent, browser, now: Duration::ZERO, events, hand_overs, stream: None, base }
    }

    /// The same where there is a TCP connection and nothing else.
    pub fn over_tcp(speaks: Speaks, role: Role) -> World {
        let world = World::new(speaks, role);
        let browser = Browser::new(world.base, ("198.51.100.7:50000", Protocol::Tcp), speaks, role == Role::Passive);
        World { browser, stream: Some(Stream::new(1)), ..world }
    }

    /// Both know each other.
    pub fn introduced(mut self, role: Role) -> World {
        self.agent.handle_command(self.now, Command::Expect { stream: STREAM, ours: ours("ours") });
        self.browser.learn(&ours("ours"));
        let theirs = self.browser.agreement(role);
        self.agent.handle_command(self.now, Command::Agree { stream: STREAM, theirs });
        self
    }

    /// Time goes by, in steps of 10 ms.
    pub fn pass(&mut self, time: Duration) {
        let end = self.now + time;
        while self.now < end {
            self.now += Duration::from_millis(10);
            let moment = self.base + self.now;
            self.browser.step(moment);
            for (from, octets) in std::mem::take(&mut self.browser.outbox) {
                if self.browser.is_mute {
                    continue;
                }
                let (connection, octets) = match &mut self.stream {
                    Some(stream) => (Some(stream.connection), carried(&mut stream.up, &octets)),
                    None => (None, octets),
                };
                let path = Path { connection, ..Path::udp(at(BOX), from) };
                self.agent.handle_datagram(self.now, path, &octets);
            }
            if self.agent.poll_timeout().is_some_and(|due| due <= self.now) {
                self.agent.handle_timeout(self.now);
            }
            while let Some(sent) = self.agent.poll_transmit() {
                assert_eq!(sent.path.local, at(BOX));
                assert_eq!(sent.path.connection, self.stream.as_ref().map(|stream| stream.connection));
                let octets = match &mut self.stream {
                    Some(stream) => carried(&mut stream.down, &sent.octets),
                    None => sent.octets,
                };
                self.browser.receive(moment, sent.path.remote, &octets);
            }
            self.events.extend(std::iter::from_fn(|| self.agent.poll_event()));
            self.hand_overs.extend(std::iter::from_fn(|| self.agent.poll_hand_over()));
        }
    }

    /// Nothing of it is left.
    pub fn assert_empty(&self) {
        assert_eq!((self.agent.counters().sessions, self.agent.poll_timeout()), (0, None));
    }
}
