//! Phones that encrypt, by an implementation that is not ours, with those that do not.

use std::time::Duration;

use media::srtp::{Keys, MasterKey, Profile};
use media::{Direction, Event, Format, Socket, StreamId};
use webrtc_srtp::context::Context;
use webrtc_srtp::protection_profile::ProtectionProfile;
use webrtc_util::marshal::Marshal;

use crate::world::{A, B, PTIME, World, alaw, ulaw};

/// The encryption of a phone.
pub struct Line {
    profile: Profile,
    /// The seed of the phone's key, and of ours.
    seeds: (u8, u8),
    sends: Context,
    hears: Context,
}

impl Line {
    pub fn new(profile: Profile, seeds: (u8, u8)) -> Line {
        Line { profile, seeds, sends: context(profile, seeds.0), hears: context(profile, seeds.1) }
    }

    /// What the exchange is told of it.
    pub fn keys(&self) -> Box<Keys> {
        let key = |seed| MasterKey::new(self.profile, &octets(self.profile, seed)).unwrap();
        Box::new(Keys { send: key(self.seeds.1), receive: key(self.seeds.0), receive_key_id_len: 0 })
    }

    pub fn protect(&mut self, plain: &[u8]) -> Vec<u8> {
        self.sends.encrypt_rtp(plain).unwrap().to_vec()
    }

    pub fn unprotect(&mut self, packet: &[u8]) -> Vec<u8> {
        self.hears.decrypt_rtp(packet).unwrap().to_vec()
    }
}

fn octets(profile: Profile, seed: u8) -> Vec<u8> {
    (0..profile.key_len() + profile.salt_len()).map(|at| (at as u8).wrapping_mul(29) ^ seed).collect()
}

fn context(profile: Profile, seed: u8) -> Context {
    let theirs = match profile {
        Profile::AesCm128HmacSha1_80 => ProtectionProfile::Aes128CmHmacSha1_80,
        Profile::AesCm128HmacSha1_32 => ProtectionProfile::Aes128CmHmacSha1_32,
        Profile::AesCm256HmacSha1_80 => ProtectionProfile::Aes256CmHmacSha1_80,
        Profile::AesCm256HmacSha1_32 => ProtectionProfile::Aes256CmHmacSha1_32,
        Profile::AeadAes128Gcm => ProtectionProfile::AeadAes128Gcm,
        Profile::AeadAes256Gcm => ProtectionProfile::AeadAes256Gcm,
    };
    let octets = octets(profile, seed);
    let (key, salt) = octets.split_at(profile.key_len());
    Context::new(key, salt, theirs, None, None).unwrap()
}

/// A call in which the phones encrypt as it is said of each.
fn call(formats: [Format; 2], profiles: [Option<Profile>; 2]) -> World {
    let mut world = World::call(&formats);
    for (who, profile) in profiles.into_iter().enumerate() {
        encrypt(&mut world, who, profile, (10 * who as u8 + 1, 10 * who as u8 + 2));
    }
    world
}

fn encrypt(world: &mut World, who: usize, profile: Option<Profile>, seeds: (u8, u8)) {
    world.phones[who].line = profile.map(|profile| Line::new(profile, seeds));
    world.configure(who, Direction::SendRecv);
}

/// Both speak for so many packets, and each heard what the other said.
fn talk(world: &mut World, packets: usize) {
    world.forget_heard();
    let mut said = [Vec::new(), Vec::new()];
    for _ in 0..packets {
        for who in [A, B] {
            let packet = world.phones[who].audio();
            world.send(who, &packet);
            said[who].push(packet.payload);
        }
        world.pass(PTIME);
    }
    for (who, other) in [(A, B), (B, A)] {
        let heard: Vec<_> = world.phones[who].heard.iter().map(|heard| heard.packet.payload.clone()).collect();
        assert_eq!(heard, said[other]);
        world.assert_gapless(who);
    }
    assert!(world.astray.is_empty());
}

#[test]
fn every_pair_of_phones_hears_each_other() {
    let all: Vec<Option<Profile>> = Profile::ALL.into_iter().map(Some).chain([None]).collect();
    for a in &all {
        for b in &all {
            let mut world = call([ulaw(), ulaw()], [*a, *b]);
            // Over the wrap of the phones' sequence numbers, which begin at 65,500.
            talk(&mut world, 60);
            assert_eq!(world.statistics(A).dropped.total(), 0);
        }
    }
}

#[test]
fn what_we_make_is_encrypted_too() {
    let mut world = call([ulaw(), alaw()], [Some(Profile::AeadAes128Gcm), None]);
    world.say(&[(A, 440.0), (B, 1_000.0)], 60);
    world.heard(A).after(300).assert_tones(&[440.0, 1_000.0], &[1_000.0]);
    world.heard(B).after(300).assert_tones(&[440.0, 1_000.0], &[440.0]);
    world.assert_gapless(A);
}

#[test]
fn reports_are_encrypted_both_ways() {
    for profile in Profile::ALL {
        let mut world = call([ulaw(), ulaw()], [Some(profile), None]);
        talk(&mut world, 500);
        let (stream, from) = (world.phones[A].stream, world.phones[A].rtcp_at());
        let mut reports = 0;
        for (_, transmit) in &world.transmits {
            let opened = match transmit.at.stream == stream {
                true => world.phones[A].line.as_mut().unwrap().hears.decrypt_rtcp(transmit.packet()).unwrap().to_vec(),
                false => transmit.packet().to_vec(),
            };
            assert!(matches!(opened[..2], [0x81, 200]) && opened.len() % 4 == 0, "{opened:?}");
            reports += usize::from(transmit.at.stream == stream);
        }
        assert!((1..=4).contains(&reports), "{reports}");
        let plain = [0x80, 201, 0, 1, 0xA0, 0, 0, 1];
        let report = world.phones[A].line.as_mut().unwrap().sends.encrypt_rtcp(&plain).unwrap();
        world.deliver(Socket::rtcp(stream), from, &report);
        assert_eq!(world.statistics(A).rtcp_received, 1);
        world.deliver(Socket::rtcp(stream), from, &report);
        world.deliver(Socket::rtcp(stream), from, &plain);
        let statistics = world.statistics(A);
        assert_eq!((statistics.rtcp_received, statistics.dropped.replayed), (1, 1));
        assert_eq!(statistics.dropped.malformed + statistics.dropped.not_authentic, 1);
    }
}

#[test]
fn who_does_not_know_the_key_is_not_heard_nor_followed() {
    let mut world = call([ulaw(), ulaw()], [Some(Profile::AesCm128HmacSha1_80), None]);
    let (stream, at) = (world.phones[A].stream, world.phones[A].at);
    let plain = world.phones[A].audio().marshal().unwrap();
    let stranger = Line::new(Profile::AesCm128HmacSha1_80, (77, 78)).protect(&plain);
    for packet in [&plain[..], &stranger, &plain[..12]] {
        world.deliver(Socket::rtp(stream), at, packet);
    }
    let dropped = world.statistics(A).dropped;
    assert_eq!((dropped.not_authentic, dropped.malformed, dropped.total()), (2, 1, 3));
    assert!(world.events.is_empty(), "{:?}", world.events);
    // The phone itself is taken wherever it is.
    world.phones[A].at = "203.0.113.7:7000".parse().unwrap();
    talk(&mut world, 3);
    let from = world.phones[A].at;
    assert!(world.events.contains(&Event::Started { stream, from }));
    let again = world.phones[A].line.as_mut().unwrap().protect(&plain);
    world.deliver(Socket::rtp(stream), from, &again);
    world.deliver(Socket::rtp(stream), from, &again);
    assert_eq!(world.statistics(A).dropped.replayed, 1);
}

#[test]
fn a_packet_without_room_for_its_tag_is_counted() {
    let mut world = call([ulaw(), ulaw()], [None, Some(Profile::AeadAes256Gcm)]);
    let mut packet = world.phones[A].audio().marshal().unwrap().to_vec();
    let (stream, at) = (world.phones[A].stream, world.phones[A].at);
    assert!(world.engine.handle_packet(world.now, Socket::rtp(stream), at, &mut packet).is_none());
    assert_eq!(world.statistics(A).dropped.not_protected, 1);
    talk(&mut world, 3);
}

#[test]
fn a_call_goes_on_under_its_keys_and_under_new_ones() {
    let profile = Some(Profile::AesCm128HmacSha1_80);
    let mut world = call([ulaw(), ulaw()], [profile, profile]);
    talk(&mut world, 60);
    // Hold and resume: the same keys, so that the counters go on.
    world.configure(A, Direction::SendOnly);
    world.configure(A, Direction::SendRecv);
    talk(&mut world, 5);
    let source = world.headers(A)[0].ssrc;
    encrypt(&mut world, A, profile, (31, 32));
    talk(&mut world, 5);
    assert_eq!(world.headers(A)[0].ssrc, source, "our counter is at 0 still");
    // Both ways plain, and encrypted again.
    encrypt(&mut world, A, None, (0, 0));
    talk(&mut world, 5);
    encrypt(&mut world, A, Some(Profile::AeadAes128Gcm), (41, 42));
    talk(&mut world, 5);
}

/// Where our counter is not at 0, nobody knows whether a phone lets it go on under a new key: a new source has none.
#[test]
fn after_the_wrap_a_new_key_brings_a_new_source() {
    let profile = Some(Profile::AesCm128HmacSha1_80);
    let mut world = call([ulaw(), ulaw()], [profile, None]);
    let jump = |world: &mut World| {
        // As if 50 minutes had passed: the phone skips what a lossy network would have lost.
        for _ in 0..70 {
            world.phones[B].sequence = world.phones[B].sequence.wrapping_add(2_000);
            let packet = world.phones[B].audio();
            world.send(B, &packet);
            world.pass(Duration::from_secs(1));
        }
    };
    talk(&mut world, 3);
    let source = world.headers(A)[0].ssrc;
    jump(&mut world);
    assert_eq!(world.phones[A].heard.last().map(|heard| heard.packet.header.ssrc), Some(source));
    encrypt(&mut world, A, profile, (51, 52));
    talk(&mut world, 3);
    assert_ne!(world.headers(A)[0].ssrc, source);
    assert_eq!(world.statistics(B).dropped.not_protected, 0);
}

#[test]
fn an_encrypted_stream_goes_by_no_rule_alone() {
    let mut world = call([ulaw(), ulaw()], [None, None]);
    talk(&mut world, 3);
    let rules = |world: &World| [1, 2].map(|id| world.engine.forwarding_rule(StreamId(id)).is_some());
    assert_eq!(rules(&world), [true, true]);
    encrypt(&mut world, B, Some(Profile::AeadAes128Gcm), (1, 2));
    talk(&mut world, 3);
    assert_eq!(rules(&world), [false, false]);
}
