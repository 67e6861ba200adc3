//! Octets that nobody sent on purpose: a drop and a count, never a panic, never growth.

use std::time::Duration;

use media::{Command, Component, Direction, Event, Latch, Socket, StreamId};
use webrtc_util::marshal::Marshal;

use crate::world::{A, B, PTIME, World, alaw, ulaw};

/// A generator of our own (xorshift64*), so that a run can be repeated.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound as u64) as usize
    }

    fn mutate(&mut self, octets: &mut Vec<u8>) {
        for _ in 0..=self.below(4) {
            if octets.is_empty() {
                return;
            }
            let place = self.below(octets.len());
            match self.below(5) {
                0 => octets.truncate(place),
                1 => octets[place] = self.next() as u8,
                2 => octets[place] ^= 1 << self.below(8),
                3 => octets.insert(place, self.next() as u8),
                _ => octets[place] = [0, 0xFF, 0x80, 0x7F][self.below(4)],
            }
        }
    }
}

#[test]
fn three_hundred_thousand_mutated_packets() {
    let mut world = World::call(&[ulaw().with_comfort_noise(), alaw()]);
    let mut random = Random(0x7A4D_E001);
    let mut report = vec![0x81, 200, 0, 12, 0, 0, 0, 9];
    report.extend([1; 44]);
    report.extend([0x81, 202, 0, 3, 0, 0, 0, 9, 1, 4, b'a', b'b', b'c', b'd', 0, 0]);
    let mut handed_in = 0;
    for round in 0..150_000 {
        for who in [A, B] {
            let audio = world.phones[who].audio();
            let component = if round % 5 == 0 { Component::Rtcp } else { Component::Rtp };
            let mut octets = match component {
                Component::Rtp => audio.marshal().unwrap().to_vec(),
                Component::Rtcp => report.clone(),
            };
            random.mutate(&mut octets);
            let at = Socket { stream: world.phones[who].stream, component };
            let from = world.phones[who].at;
            // Not through the phones: their parser panics on some of these.
            let forward = world.engine.handle_packet(world.now, at, from, &mut octets);
            if let Some(forward) = forward {
                assert!((12..=octets.len()).contains(&forward.len));
                assert_eq!(octets[0], 0x80);
                assert!(forward.to == world.phones[A].at || forward.to == world.phones[B].at);
            }
            handed_in += 1;
            world.drain();
        }
        if round % 50 == 0 {
            world.pass(PTIME);
            world.events.clear();
            world.transmits.clear();
        }
    }
    assert_eq!(handed_in, 300_000);
    let (a, b) = (world.statistics(A), world.statistics(B));
    let seen =
        |s: &media::Statistics| s.packets_received + s.rtcp_received + s.dropped.malformed + s.dropped.third_party;
    assert!(seen(&a) > 100_000 && seen(&b) > 100_000);
    assert!(a.dropped.malformed > 1_000 && a.dropped.payload_type > 1_000);
    // And the call still works.
    for phone in &mut world.phones {
        phone.heard.clear();
        phone.ssrc = 5;
    }
    world.speak(A, 10);
    assert_eq!(world.phones[B].heard.len(), 10);
    world.assert_gapless(B);
}

#[test]
fn random_octets_from_everywhere() {
    let mut world = World::call(&[ulaw(), ulaw()]);
    let mut random = Random(99);
    for _ in 0..100_000 {
        let mut octets: Vec<u8> = (0..random.below(64)).map(|_| random.next() as u8).collect();
        let component = if random.below(2) == 0 { Component::Rtp } else { Component::Rtcp };
        let at = Socket { stream: StreamId(random.below(4) as u32), component };
        let from = ([198, 51, 100, random.below(4) as u8], random.next() as u16).into();
        world.engine.handle_packet(world.now, at, from, &mut octets);
        world.drain();
    }
    assert!(world.engine.counters().unknown_stream > 10_000);
}

#[test]
fn random_commands_in_any_order() {
    let mut world = World::call(&[ulaw(), ulaw()]);
    let mut random = Random(3);
    for _ in 0..50_000 {
        let (a, b) = (StreamId(random.below(6) as u32), StreamId(random.below(6) as u32));
        let direction = [Direction::SendRecv, Direction::SendOnly, Direction::RecvOnly, Direction::Inactive];
        let latch = [Latch::Symmetric, Latch::Signalled][random.below(2)];
        let mut remote = world.phones[random.below(2)].remote();
        remote.rtp.set_port(random.next() as u16);
        let command = match random.below(6) {
            0 => Command::Open { stream: a, port: 0 },
            1 | 2 => {
                let (format, direction) = ([ulaw(), alaw()][random.below(2)], direction[random.below(4)]);
                Command::Configure { stream: a, remote, format, direction, latch, keys: None }
            }
            3 => Command::Connect { a, b },
            4 => Command::Disconnect { stream: a },
            _ => Command::Close { stream: a },
        };
        world.engine.handle_command(world.now, command);
        let mut octets = world.phones[A].audio().marshal().unwrap().to_vec();
        let from = world.phones[A].at;
        let forward = world.engine.handle_packet(world.now, Socket::rtp(b), from, &mut octets);
        assert!(forward.is_none_or(|forward| forward.at.stream != b));
        world.pass(Duration::from_millis(random.below(3_000) as u64));
        world.events.clear();
        world.transmits.clear();
    }
    let counters = world.engine.counters();
    assert!(counters.streams <= 6 && counters.refused_commands > 1_000);
}

#[test]
fn what_nobody_fetches_is_bounded_and_counted() {
    let mut world = World::call(&[ulaw(), ulaw()]);
    let (stream, from) = (world.phones[A].stream, world.phones[A].at);
    for press in 0..5_000u32 {
        let mut audio = world.phones[A].audio();
        audio.header.payload_type = 101;
        audio.header.timestamp = press * 1_000;
        audio.payload = vec![1, 0x80, 1, 0].into();
        let mut octets = audio.marshal().unwrap().to_vec();
        world.engine.handle_packet(world.now, Socket::rtp(stream), from, &mut octets);
    }
    for second in 0..10_000 {
        world.engine.handle_timeout(world.now + Duration::from_secs(second));
    }
    let counters = world.engine.counters();
    assert!(counters.lost_events > 3_000 && counters.lost_transmits > 1_000);
    let digits = std::iter::from_fn(|| world.engine.poll_event());
    let waiting = digits.filter(|event| matches!(event, Event::Digit { .. })).count();
    assert!((1_000..=1_024).contains(&waiting));
    assert_eq!(std::iter::from_fn(|| world.engine.poll_transmit()).count(), 256);
}

#[test]
fn the_ends_of_time_are_no_panic() {
    for now in [Duration::ZERO, Duration::MAX] {
        let mut world = World::call(&[ulaw(), ulaw()]);
        world.now = now;
        world.engine.handle_clock(now, Duration::MAX);
        world.configure(A, Direction::SendRecv);
        world.phones[A].sdp.set_port(9);
        world.configure(A, Direction::SendRecv);
        let packet = world.phones[A].audio();
        world.send(A, &packet);
        world.engine.handle_timeout(now);
        world.close(A);
    }
}
