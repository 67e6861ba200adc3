//! Ways to browsers: checks, handshakes and noise, from those who know the password and from those who do not.
//!
//! The input is steps, each after a head of four octets: what is done, a number for it, and how many octets behind belong to it
//! (two octets, big endian). What is done, by its lowest two bits: a datagram as it is, from the place of the number; a check of
//! who knows the password, with the octets turned into it; an order; time goes by.

use std::collections::HashSet;
use std::net::SocketAddr;
use std::sync::OnceLock;
use std::time::Duration;

use hmac::{Hmac, KeyInit, Mac};
use is::stun::{StunMessage, TransId};
use media::StreamId;
use media::webrtc::{Agreement, Command, Credentials, Fingerprint, Hash, Role};
use sha1::Sha1;
use webrtc::{Agent, Identity, Path};

/// As many steps as one input may have.
const STEPS: usize = 256;
const STREAM: StreamId = StreamId(1);

/// Whatever comes, nothing is sent to who has not proved the password, and in the end nothing is left.
pub fn webrtc(data: &[u8]) {
    static IDENTITY: OnceLock<Identity> = OnceLock::new();
    let identity = IDENTITY.get_or_init(|| {
        let pair = rcgen::KeyPair::generate().expect("the system has randomness");
        let made = rcgen::CertificateParams::default().self_signed(&pair).expect("it is a certificate");
        let certificate = (made.der().to_vec(), pair.serialize_der());
        Identity::new(certificate, std::time::Instant::now()).expect("it has a key of the right kind")
    });
    let mut world = World { agent: Agent::new(identity.clone()), now: Duration::ZERO, proved: HashSet::new() };
    world.order(0);
    let mut rest = data;
    for _ in 0..STEPS {
        let Some((&[what, number, high, low], behind)) = rest.split_first_chunk::<4>() else { break };
        let length = usize::from(u16::from_be_bytes([high, low])).min(behind.len());
        let (octets, behind) = behind.split_at(length);
        rest = behind;
        match what & 3 {
            0 => world.agent.handle_datagram(world.now, path(number), octets),
            1 => world.check(number, octets),
            2 => world.order(number),
            _ => world.now += Duration::from_millis(u64::from(number) * 250),
        }
        world.drain();
    }
    world.agent.handle_command(world.now, Command::Close { stream: STREAM });
    assert_eq!((world.agent.counters().sessions, world.agent.poll_timeout()), (0, None));
}

struct World {
    agent: Agent,
    now: Duration,
    proved: HashSet<Path>,
}

impl World {
    fn check(&mut self, number: u8, turned: &[u8]) {
        let name = if number & 64 == 0 { "ours:them" } else { "anew:them" };
        let message = StunMessage::binding_request(name, TransId::new(), true, 7, 1, number & 32 == 0);
        let mut octets = vec![0; 256];
        let len = message.to_bytes(Some(b"a password of the box"), &mut octets, digest).unwrap_or_default();
        octets.truncate(len);
        for (octet, turned) in octets.iter_mut().zip(turned) {
            *octet ^= turned;
        }
        self.proved.insert(path(number));
        self.agent.handle_datagram(self.now, path(number), &octets);
    }

    fn order(&mut self, number: u8) {
        let ufrag = if number & 1 == 0 { "ours" } else { "anew" };
        let ours = Credentials { ufrag: ufrag.into(), password: "a password of the box".into() };
        let fingerprint = Fingerprint { hash: Hash::Sha256, octets: [number >> 4; 32].into() };
        let role = if number & 2 == 0 { Role::Passive } else { Role::Active };
        let theirs = Agreement { ufrag: "them".into(), fingerprint, role };
        for command in [
            Some(Command::Expect { stream: STREAM, ours }),
            (number & 4 == 0).then_some(Command::Agree { stream: STREAM, theirs }),
            (number & 8 != 0).then_some(Command::Close { stream: STREAM }),
        ] {
            command.into_iter().for_each(|command| self.agent.handle_command(self.now, command));
        }
    }

    fn drain(&mut self) {
        if self.agent.poll_timeout().is_some_and(|due| due <= self.now) {
            self.agent.handle_timeout(self.now);
        }
        while let Some(sent) = self.agent.poll_transmit() {
            assert!(self.proved.contains(&sent.path), "something goes to a stranger");
            assert!(sent.octets.len() <= webrtc::limits::DATAGRAM);
        }
        while self.agent.poll_event().is_some() {}
        assert!(self.agent.poll_hand_over().is_none(), "nobody here has a certificate that counts");
    }
}

fn path(number: u8) -> Path {
    let remote = SocketAddr::from(([198, 51, 100, 1], 40_000 + u16::from(number & 31)));
    Path::udp(SocketAddr::from(([192, 0, 2, 1], 3_478)), remote)
}

fn digest(key: &[u8], parts: &[&[u8]]) -> [u8; 20] {
    let mut mac = Hmac::<Sha1>::new_from_slice(key).expect("any length is a key");
    parts.iter().for_each(|part| mac.update(part));
    mac.finalize().into_bytes().into()
}
