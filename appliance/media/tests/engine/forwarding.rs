//! Two connected phones hear each other, each in its own numbers.

use bytes::Bytes;
use media::{Codec, Command, Config, Direction, Event, Format, Socket, StreamId};
use rtp::header::Header;
use rtp::packet::Packet;
use webrtc_util::marshal::Marshal;

use crate::world::{A, B, PTIME, SAMPLES, World, alaw, ulaw};

#[test]
fn both_hear_each_other_as_one_stream_from_us() {
    let mut world = World::call(&[ulaw(), ulaw()]);
    let first = world.phones[A].audio();
    world.send(A, &first);
    world.pass(PTIME);
    world.speak(A, 99);
    world.speak(B, 100);
    for who in [A, B] {
        let headers = world.headers(who);
        assert_eq!(headers.len(), 100);
        assert!(headers[0].marker && headers[1..].iter().all(|header| !header.marker));
        assert!(headers.windows(2).all(|pair| pair[1].timestamp.wrapping_sub(pair[0].timestamp) == SAMPLES));
        assert!(headers.iter().all(|header| header.payload_type == 0));
        assert!(world.phones.iter().all(|phone| phone.ssrc != headers[0].ssrc));
        world.assert_gapless(who);
    }
    assert_ne!(world.headers(A)[0].ssrc, world.headers(B)[0].ssrc);
    assert_eq!(world.phones[B].heard[0].packet.payload, first.payload);
    let started: Vec<_> = world.events.iter().map(Event::stream).collect();
    assert_eq!(started, [Some(StreamId(1)), Some(StreamId(2))]);
    let statistics = world.statistics(B);
    assert_eq!((statistics.packets_received, statistics.packets_sent), (100, 100));
    assert_eq!((statistics.octets_received, statistics.octets_sent), (16_000, 16_000));
    assert_eq!((statistics.lost, statistics.jitter, statistics.dropped.total()), (0, 0, 0));
    assert_eq!(statistics.clock_rate, 8_000);
}

#[test]
fn unlike_laws_are_translated_both_ways() {
    let mut world = World::call(&[ulaw(), alaw()]);
    let (from_a, from_b) = (world.phones[A].audio(), world.phones[B].audio());
    world.send(A, &from_a);
    world.send(B, &from_b);
    let (at_a, at_b) = (&world.phones[A].heard[0].packet, &world.phones[B].heard[0].packet);
    assert_eq!((at_a.header.payload_type, at_b.header.payload_type), (0, 8));
    let table = &media::codec::g711::ULAW_TO_ALAW;
    let expected: Vec<u8> = from_a.payload.iter().map(|octet| table[usize::from(*octet)]).collect();
    assert_eq!(at_b.payload, expected);
    let table = &media::codec::g711::ALAW_TO_ULAW;
    let expected: Vec<u8> = from_b.payload.iter().map(|octet| table[usize::from(*octet)]).collect();
    assert_eq!(at_a.payload, expected);
}

#[test]
fn a_phone_may_change_between_the_codecs_of_its_answer() {
    let both = ulaw().receiving(Codec::Pcma, 8);
    let mut world = World::call(&[both, ulaw()]);
    let mut packet = world.phones[A].audio();
    world.send(A, &packet);
    packet.header.payload_type = 8;
    packet.header.sequence_number = packet.header.sequence_number.wrapping_add(1);
    world.send(A, &packet);
    assert!(world.headers(B).iter().all(|header| header.payload_type == 0));
    let [plain, translated] = &world.phones[B].heard[..] else { panic!("two packets") };
    assert_ne!(plain.packet.payload, translated.packet.payload);
}

#[test]
fn payload_types_may_differ_by_direction() {
    let mut format = ulaw();
    format.send.payload_type = 110;
    let mut world = World::call(&[ulaw(), format]);
    world.phones[B].format.send.payload_type = 0;
    world.speak(A, 1);
    world.speak(B, 1);
    assert_eq!(world.headers(B)[0].payload_type, 110);
    assert_eq!(world.headers(A)[0].payload_type, 0);
}

#[test]
fn comfort_noise_passes_only_where_both_know_it() {
    let noise = |world: &mut World| {
        let mut packet = world.phones[A].audio();
        packet.header.payload_type = 13;
        packet.payload = Bytes::from_static(&[40]);
        packet
    };
    let mut world = World::call(&[ulaw().with_comfort_noise(), ulaw().with_comfort_noise()]);
    let packet = noise(&mut world);
    world.send(A, &packet);
    assert_eq!(world.phones[B].heard[0].packet.payload, packet.payload);
    assert_eq!(world.headers(B)[0].payload_type, 13);

    let mut world = World::call(&[ulaw().with_comfort_noise(), ulaw()]);
    world.speak(A, 3);
    let packet = noise(&mut world);
    world.send(A, &packet);
    world.speak(A, 3);
    assert_eq!(world.phones[B].heard.len(), 6);
    assert_eq!(world.statistics(A).dropped.not_negotiated, 1);
    world.assert_gapless(B);

    let mut world = World::call(&[ulaw(), ulaw().with_comfort_noise()]);
    world.speak(A, 3);
    let packet = noise(&mut world);
    world.send(A, &packet);
    world.speak(A, 3);
    assert_eq!(world.statistics(A).dropped.payload_type, 1);
    world.assert_gapless(B);
}

#[test]
fn contributing_sources_extension_and_padding_stay_behind() {
    let mut world = World::call(&[ulaw(), ulaw()]);
    let mut packet = world.phones[A].audio();
    packet.header.csrc = vec![1, 2, 3];
    packet.header.set_extension(5, Bytes::from_static(&[9, 9])).unwrap();
    let mut octets = packet.marshal().unwrap().to_vec();
    octets[0] |= 0x20;
    octets.extend([0, 0, 0, 4]);
    let (stream, from) = (world.phones[A].stream, world.phones[A].at);
    world.deliver(Socket::rtp(stream), from, &octets);
    let heard = &world.phones[B].heard[0].packet;
    assert_eq!(heard.payload, packet.payload);
    assert!(heard.header.csrc.is_empty() && !heard.header.extension && !heard.header.padding);
}

#[test]
fn the_packet_that_breaks_the_rtp_crate_goes_through_as_an_empty_one() {
    let mut world = World::call(&[ulaw(), ulaw()]);
    let octets = [0x90, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1, 0xBE, 0xDE, 0, 1, 0x1F, 0, 0, 0];
    let (stream, from) = (world.phones[A].stream, world.phones[A].at);
    world.deliver(Socket::rtp(stream), from, &octets);
    let heard = &world.phones[B].heard[0].packet;
    assert!(heard.payload.is_empty() && !heard.header.extension);
}

#[test]
fn loss_and_order_are_passed_on_and_counted() {
    let mut world = World::call(&[ulaw(), ulaw()]);
    let packets: Vec<Packet> = (0..5).map(|_| world.phones[A].audio()).collect();
    for index in [0, 2, 1, 4] {
        world.send(A, &packets[index]);
    }
    let base = world.headers(B)[0].sequence_number;
    let steps: Vec<u16> = world.headers(B).iter().map(|header| header.sequence_number.wrapping_sub(base)).collect();
    assert_eq!(steps, [0, 2, 1, 4]);
    let statistics = world.statistics(A);
    assert_eq!((statistics.lost, statistics.reordered), (1, 1));
}

#[test]
fn nothing_passes_before_the_streams_are_configured_and_connected() {
    let mut world = World::call(&[ulaw()]);
    let (stream, from) = (StreamId(9), world.phones[A].at);
    let octets = world.phones[A].audio().marshal().unwrap();
    world.deliver(Socket::rtp(stream), from, &octets);
    assert_eq!(world.engine.counters().unknown_stream, 1);
    world.command(Command::Open { stream, port: 20_000 });
    world.deliver(Socket::rtp(stream), from, &octets);
    world.deliver(Socket::rtcp(stream), from, &octets);
    assert_eq!(world.engine.statistics(stream).unwrap().dropped.early, 2);
    world.speak(A, 3);
    assert_eq!(world.statistics(A).packets_received, 3);
    world.command(Command::Connect { a: StreamId(1), b: stream });
    world.speak(A, 3);
    assert_eq!(world.statistics(A).dropped.unreachable, 3);
    assert!(world.astray.is_empty());
}

#[test]
fn payload_types_nobody_agreed_on_are_dropped_without_a_gap() {
    let mut world = World::call(&[ulaw(), ulaw()]);
    world.speak(A, 2);
    for payload_type in [3, 127] {
        let mut packet = world.phones[A].audio();
        packet.header.payload_type = payload_type;
        world.send(A, &packet);
    }
    world.speak(A, 2);
    assert_eq!(world.statistics(A).dropped.payload_type, 2);
    assert_eq!(world.statistics(A).lost, 0);
    world.assert_gapless(B);
    assert_eq!(world.phones[B].heard.len(), 4);
}

#[test]
fn what_is_no_rtp_is_counted() {
    let mut world = World::call(&[ulaw(), ulaw()]);
    let (stream, from) = (world.phones[A].stream, world.phones[A].at);
    let stun = [0, 1, 0, 0, 0x21, 0x12, 0xA4, 0x42, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    for octets in [&[][..], &[0x80], &stun, &[0xFF; 40]] {
        world.deliver(Socket::rtp(stream), from, octets);
    }
    assert_eq!(world.statistics(A).dropped.malformed, 4);
    assert!(world.events.is_empty());
}

#[test]
fn commands_that_make_no_sense_change_nothing() {
    let mut world = World::call(&[ulaw(), ulaw()]);
    let (a, nobody) = (StreamId(1), StreamId(99));
    for command in [
        Command::Open { stream: a, port: 4_000 },
        Command::Connect { a, b: a },
        Command::Connect { a, b: nobody },
        Command::Disconnect { stream: nobody },
        Command::Close { stream: nobody },
    ] {
        world.command(command);
    }
    assert_eq!(world.engine.counters().refused_commands, 5);
    world.speak(A, 1);
    assert_eq!(world.phones[B].heard.len(), 1);
    assert_eq!(world.engine.statistics(nobody), None);
}

#[test]
fn more_streams_than_allowed_are_refused() {
    let mut world = World::with(Config { streams: 2, ..Config::default() }, &[ulaw(), ulaw()]);
    world.command(Command::Open { stream: StreamId(3), port: 4_000 });
    let [Event::OpenFailed { stream: StreamId(3), reason }] = &world.events[..] else { panic!("{:?}", world.events) };
    assert_eq!(reason, "all 2 media streams are in use");
    world.close(A);
    world.command(Command::Open { stream: StreamId(3), port: 4_000 });
    assert_eq!(world.engine.counters().streams, 2);
}

#[test]
fn a_rule_is_plain_data() {
    let mut world = World::call(&[ulaw(), alaw()]);
    assert_eq!(world.engine.forwarding_rule(StreamId(1)), None);
    world.speak(A, 1);
    let rule = *world.engine.forwarding_rule(StreamId(1)).unwrap();
    assert_eq!((rule.from, rule.to), (Socket::rtp(StreamId(1)), Socket::rtp(StreamId(2))));
    assert_eq!((rule.source, rule.destination), (world.phones[A].at, world.phones[B].at));
    assert_eq!(rule.source_ssrc, world.phones[A].ssrc);
    world.configure(B, Direction::Inactive);
    assert_eq!(world.engine.forwarding_rule(StreamId(1)), None);
}

#[test]
fn our_own_ssrc_coming_back_is_no_harm() {
    // A device that echoes packets unchanged uses our SSRC, which RFC 3550 §8.2 would call a collision.
    let mut world = World::call(&[ulaw(), ulaw()]);
    world.speak(B, 1);
    let ssrc = world.headers(A)[0].ssrc;
    world.phones[A].ssrc = ssrc;
    world.speak(A, 3);
    assert_eq!(world.phones[B].heard.len(), 3);
    assert_eq!(world.headers(B)[0], Header { ssrc: world.headers(B)[1].ssrc, ..world.headers(B)[0].clone() });
}

#[test]
fn a_format_holds_only_so_many_codecs() {
    let format = (0..10).fold(Format::new(Codec::Pcmu, 0), |format, _| format.receiving(Codec::Pcma, 8));
    assert!(format.receive.iter().all(Option::is_some));
}
