//! Digits pressed on a phone (RFC 4733): told once, and passed on in the other phone's numbers.

use bytes::Bytes;
use media::{Codec, Direction, Event, Format};
use rtp::packet::Packet;

use crate::world::{A, B, PTIME, World, alaw, ulaw};

/// The packets of a key press of so many packets: its end is sent three times. The phone's audio stands still meanwhile.
pub fn press(world: &mut World, event: u8, packets: u16) -> Vec<Packet> {
    let begin = world.phones[A].timestamp;
    let ends = 2;
    (1..=packets + ends)
        .map(|step| {
            let mut packet = world.phones[A].audio();
            packet.header.timestamp = begin;
            packet.header.payload_type = world.phones[A].format.telephone_event.send.unwrap();
            packet.header.marker = step == 1;
            let flags = if step >= packets { 0x8A } else { 0x0A };
            let [high, low] = (step.min(packets) * 160).to_be_bytes();
            packet.payload = Bytes::copy_from_slice(&[event, flags, high, low]);
            packet
        })
        .collect()
}

pub fn send(world: &mut World, packets: &[Packet]) {
    for packet in packets {
        world.send(A, packet);
        world.pass(PTIME);
    }
}

pub fn told(world: &World) -> Vec<(char, u32)> {
    let digit = |event: &Event| match event {
        Event::Digit { digit, duration_ms, .. } => Some((*digit, *duration_ms)),
        _ => None,
    };
    world.events.iter().filter_map(digit).collect()
}

#[test]
fn a_digit_is_told_once_and_passed_on() {
    let mut world = World::call(&[ulaw(), alaw()]);
    world.speak(A, 3);
    for event in [1, 10, 11, 15] {
        let packets = press(&mut world, event, 5);
        send(&mut world, &packets);
        world.speak(A, 3);
    }
    assert_eq!(told(&world), [('1', 100), ('*', 100), ('#', 100), ('D', 100)]);
    let heard = &world.phones[B].heard;
    assert_eq!(heard.len(), 3 + 4 * 10);
    let events: Vec<&Packet> =
        heard.iter().map(|heard| &heard.packet).filter(|packet| packet.header.payload_type == 96).collect();
    assert_eq!(events.len(), 4 * 7);
    assert!(events[..7].iter().all(|packet| packet.header.timestamp == events[0].header.timestamp));
    assert!(events[0].header.marker && !events[1].header.marker);
    assert_eq!(events[6].payload[..], [1, 0x8A, 800u16.to_be_bytes()[0], 800u16.to_be_bytes()[1]]);
    let audio = heard[2].packet.header.timestamp;
    assert_eq!(events[0].header.timestamp.wrapping_sub(audio), 160);
}

#[test]
fn a_digit_whose_ends_are_all_lost_is_told_when_audio_goes_on() {
    let mut world = World::call(&[ulaw(), ulaw()]);
    world.speak(A, 3);
    let packets = press(&mut world, 7, 5);
    send(&mut world, &packets[..4]);
    world.pass(PTIME * 3);
    assert_eq!(told(&world), []);
    world.speak(A, 20);
    assert_eq!(told(&world), [('7', 80)]);
}

#[test]
fn a_digit_before_a_long_silence_is_told_with_the_next_report() {
    let mut world = World::call(&[ulaw(), ulaw()]);
    let packets = press(&mut world, 7, 5);
    send(&mut world, &packets[..4]);
    world.pass(std::time::Duration::from_secs(8));
    assert_eq!(told(&world), [('7', 80)]);
}

#[test]
fn a_digit_is_told_when_the_source_changes_under_it() {
    let mut world = World::call(&[ulaw(), ulaw()]);
    let packets = press(&mut world, 3, 5);
    send(&mut world, &packets[..4]);
    world.phones[A].ssrc = 4;
    world.speak(A, 1);
    assert_eq!(told(&world), [('3', 80)]);
}

#[test]
fn a_digit_is_told_without_a_partner_and_without_its_agreement() {
    let mut world = World::call(&[ulaw(), Format::new(Codec::Pcmu, 0)]);
    world.speak(A, 2);
    let packets = press(&mut world, 9, 3);
    send(&mut world, &packets);
    world.speak(A, 2);
    assert_eq!(told(&world), [('9', 60)]);
    assert_eq!(world.statistics(A).dropped.not_negotiated, 5);
    world.assert_gapless(B);
    world.close(B);
    let packets = press(&mut world, 8, 3);
    send(&mut world, &packets);
    assert_eq!(told(&world), [('9', 60), ('8', 60)]);
}

#[test]
fn what_is_no_digit_or_not_allowed_is_not_told() {
    let mut world = World::call(&[ulaw(), ulaw()]);
    let mut packets = press(&mut world, 16, 3);
    packets.extend(press(&mut world, 255, 3));
    for packet in &mut press(&mut world, 5, 3) {
        packet.payload = Bytes::from_static(&[5, 0x80]);
        packets.push(packet.clone());
    }
    send(&mut world, &packets);
    world.configure(A, Direction::SendOnly);
    let packets = press(&mut world, 5, 3);
    send(&mut world, &packets);
    assert_eq!(told(&world), []);
}
