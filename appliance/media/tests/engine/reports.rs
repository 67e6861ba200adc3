//! RTCP: what phones read in our reports, and what we read in theirs.

use std::net::SocketAddr;
use std::time::Duration;

use media::{Command, Component, Config, Direction, Event, RemoteReport, Socket, Time, Transmit};
use rtcp_types::{Compound, Packet, ReceiverReport, ReportBlock, RtcpPacketWriterExt, SenderReport};

use crate::world::{A, B, PTIME, World, ulaw};

const UNIX: u64 = 1_800_000_000;
const NTP_EPOCH: u64 = 2_208_988_800;

/// The reports that went to phone `who`, and when.
fn reports(world: &World, who: usize) -> Vec<(Time, Vec<u8>)> {
    let to_phone = |transmit: &Transmit| {
        transmit.at == Socket::rtcp(world.phones[who].stream) && transmit.at.component == Component::Rtcp
    };
    let found = world.transmits.iter().filter(|(_, transmit)| to_phone(transmit));
    found.map(|(at, transmit)| (*at, transmit.packet().to_vec())).collect()
}

fn parts(octets: &[u8]) -> Vec<Packet<'_>> {
    Compound::parse(octets).unwrap().map(Result::unwrap).collect()
}

fn send(world: &mut World, who: usize, octets: &[u8]) {
    let (stream, from) = (world.phones[who].stream, world.phones[who].rtcp_at());
    world.deliver(Socket::rtcp(stream), from, octets);
}

/// Speaks on both sides for a while, A losing one packet of ten.
fn talk(world: &mut World, packets: usize) {
    for packet in 0..packets {
        if packet % 10 == 9 {
            world.phones[A].audio();
            world.pass(PTIME);
        }
        let (from_a, from_b) = (world.phones[A].audio(), world.phones[B].audio());
        world.send(A, &from_a);
        world.send(B, &from_b);
        world.pass(PTIME);
    }
}

#[test]
fn a_sender_report_says_what_we_sent_and_what_we_got() {
    let config = Config { cname: "tandem".to_owned(), ..Config::default() };
    let mut world = World::with(config, &[ulaw(), ulaw()]);
    world.engine.handle_clock(world.now, Duration::from_secs(UNIX));
    let begin = world.now;
    talk(&mut world, 1_000);
    let sent = reports(&world, A);
    let (at, octets) = sent.last().unwrap();
    let [Packet::Sr(report), Packet::Sdes(names)] = &parts(octets)[..] else { panic!("{octets:?}") };
    let heard: Vec<_> = world.phones[A].heard.iter().filter(|heard| heard.at <= *at).collect();
    let last = heard.last().unwrap();
    assert_eq!(report.ssrc(), last.packet.header.ssrc);
    assert_eq!(report.packet_count() as usize, heard.len());
    assert_eq!(report.octet_count() as usize, heard.len() * 160);
    assert_eq!(report.ntp_timestamp() >> 32, NTP_EPOCH + UNIX + (*at - begin).as_secs());
    let since_last = report.rtp_timestamp().wrapping_sub(last.packet.header.timestamp);
    assert_eq!(since_last, ((*at - last.at).as_micros() * 8 / 1_000) as u32);
    let blocks: Vec<ReportBlock> = report.report_blocks().collect();
    let [block] = &blocks[..] else { panic!("{blocks:?}") };
    assert_eq!(block.ssrc(), world.phones[A].ssrc);
    let expected = world.phones[A].heard.len();
    assert!(block.cumulative_lost() > 0 && (block.cumulative_lost() as usize) <= expected / 10);
    // One of eleven since the last report.
    assert!((18..=28).contains(&block.fraction_lost()), "{}", block.fraction_lost());
    assert_eq!(block.interarrival_jitter(), 0);
    assert_eq!((block.last_sender_report_timestamp(), block.delay_since_last_sender_report_timestamp()), (0, 0));
    let chunk = names.chunks().next().unwrap();
    assert_eq!(chunk.ssrc(), report.ssrc());
    assert_eq!(chunk.items().next().unwrap().value(), b"tandem");
}

#[test]
fn who_sends_nothing_reports_as_receiver() {
    let mut world = World::call(&[ulaw(), ulaw()]);
    world.speak(A, 500);
    let to_a = reports(&world, A);
    let [Packet::Rr(report), Packet::Sdes(_)] = &parts(&to_a[0].1)[..] else { panic!("{to_a:?}") };
    assert_eq!(report.n_reports(), 1);
    let to_b = reports(&world, B);
    let [Packet::Sr(report), Packet::Sdes(_)] = &parts(&to_b[0].1)[..] else { panic!("{to_b:?}") };
    assert_eq!(report.n_reports(), 0);
    // On hold the sender report gives way, and reports go on (RFC 3264 §5.1).
    world.configure(A, Direction::Inactive);
    world.configure(B, Direction::Inactive);
    world.transmits.clear();
    world.pass(Duration::from_secs(60));
    let to_b = reports(&world, B);
    let kinds: Vec<bool> = to_b.iter().map(|(_, octets)| matches!(parts(octets)[0], Packet::Sr(_))).collect();
    assert!(kinds.len() >= 8 && !kinds[kinds.len() - 1]);
}

#[test]
fn reports_come_every_five_seconds_or_so() {
    let mut world = World::call(&[ulaw(), ulaw()]);
    let begin = world.now;
    world.pass(Duration::from_secs(5_000));
    for who in [A, B] {
        let mut at: Vec<Time> = reports(&world, who).iter().map(|(at, _)| *at).collect();
        assert!((900..1_110).contains(&at.len()), "{}", at.len());
        at.insert(0, begin + Duration::from_millis(1_250));
        let gaps: Vec<u128> = at.windows(2).map(|pair| (pair[1].saturating_sub(pair[0])).as_millis()).collect();
        assert!(gaps[1..].iter().all(|gap| (2_499..=7_501).contains(gap)));
        assert!(gaps[1..].iter().any(|gap| *gap < 3_500) && gaps[1..].iter().any(|gap| *gap > 6_500));
    }
    let of = |who| reports(&world, who).into_iter().map(|(at, _)| at).collect::<Vec<_>>();
    assert_ne!(of(A), of(B));
}

#[test]
fn loss_jitter_and_round_trip_are_taken_from_the_phone() {
    let mut world = World::call(&[ulaw(), ulaw()]);
    talk(&mut world, 400);
    let (at, octets) = reports(&world, A).last().unwrap().clone();
    let [Packet::Sr(ours), ..] = &parts(&octets)[..] else { panic!("{octets:?}") };
    let middle = (ours.ntp_timestamp() >> 16) as u32;
    let block = ReportBlock::builder(ours.ssrc())
        .fraction_lost(25)
        .cumulative_lost(0xFF_FFFF)
        .interarrival_jitter(44)
        .last_sender_report_timestamp(middle)
        .delay_since_last_sender_report_timestamp(65_536 / 2);
    let builder = SenderReport::builder(world.phones[A].ssrc).ntp_timestamp(0x1111_2222_3333_4444);
    let report = builder.add_report_block(block).write_vec_checked();
    let now = at + Duration::from_millis(580);
    world.pass(now.saturating_sub(world.now));
    let waited = world.now - at - Duration::from_millis(500);
    send(&mut world, A, &report);
    let statistics = world.statistics(A);
    assert_eq!(statistics.round_trip, Some(waited));
    assert_eq!(statistics.remote, Some(RemoteReport { fraction_lost: 25, lost: -1, jitter: 44 }));
    assert_eq!(statistics.rtcp_received, 1);
    // Our next report answers it.
    world.transmits.clear();
    let heard_at = world.now;
    world.pass(Duration::from_secs(8));
    let (at, octets) = reports(&world, A)[0].clone();
    let [Packet::Sr(ours), ..] = &parts(&octets)[..] else { panic!("{octets:?}") };
    let block = ours.report_blocks().next().unwrap();
    assert_eq!(block.last_sender_report_timestamp(), 0x2222_3333);
    let delay = f64::from(block.delay_since_last_sender_report_timestamp()) / 65_536.0;
    assert!((delay - (at - heard_at).as_secs_f64()).abs() < 0.001);
}

/// Writes a packet of `rtcp-types` into octets.
trait WriteVec {
    fn write_vec_checked(self) -> Vec<u8>;
}

impl<W: RtcpPacketWriterExt> WriteVec for W {
    fn write_vec_checked(self) -> Vec<u8> {
        let mut octets = vec![0; 512];
        let len = self.write_into(&mut octets).unwrap();
        octets.truncate(len);
        octets
    }
}

#[test]
fn a_stranger_reports_in_vain() {
    let mut world = World::call(&[ulaw(), ulaw()]);
    world.speak(A, 5);
    let stranger: SocketAddr = "203.0.113.66:6667".parse().unwrap();
    let stream = world.phones[A].stream;
    let report = ReceiverReport::builder(1).write_vec_checked();
    world.deliver(Socket::rtcp(stream), stranger, &report);
    assert_eq!(world.statistics(A).dropped.third_party, 1);
    world.deliver(Socket::rtcp(stream), stranger, &[1, 2, 3]);
    assert_eq!(world.statistics(A).dropped.malformed, 1);
    world.pass(Duration::from_secs(10));
    assert!(world.transmits.iter().all(|(_, transmit)| transmit.to != stranger));
    assert_eq!(world.statistics(A).rtcp_received, 0);
}

#[test]
fn reports_follow_the_phone_behind_nat() {
    let mut world = World::call(&[ulaw(), ulaw()]);
    world.phones[A].sdp = "192.168.1.5:4000".parse().unwrap();
    world.phones[A].at = "198.51.100.50:61000".parse().unwrap();
    world.configure(A, Direction::SendRecv);
    world.speak(A, 5);
    let rtcp: SocketAddr = "198.51.100.50:61777".parse().unwrap();
    let report = ReceiverReport::builder(1).write_vec_checked();
    world.deliver(Socket::rtcp(world.phones[A].stream), rtcp, &report);
    world.pass(Duration::from_secs(10));
    let to: Vec<SocketAddr> = world
        .transmits
        .iter()
        .filter(|(_, transmit)| transmit.at == Socket::rtcp(world.phones[A].stream))
        .map(|(_, transmit)| transmit.to)
        .collect();
    assert!(!to.is_empty() && to.iter().all(|to| *to == rtcp));
}

#[test]
fn reports_on_the_rtp_port_are_heard_and_not_forwarded() {
    let mut world = World::call(&[ulaw(), ulaw()]);
    world.speak(A, 5);
    let report = ReceiverReport::builder(world.phones[A].ssrc).write_vec_checked();
    let (stream, from) = (world.phones[A].stream, world.phones[A].at);
    world.deliver(Socket::rtp(stream), from, &report);
    assert_eq!(world.statistics(A).rtcp_received, 1);
    assert_eq!(world.phones[B].heard.len(), 5);
    world.deliver(Socket::rtp(stream), "203.0.113.66:1".parse().unwrap(), &report);
    assert_eq!(world.statistics(A).dropped.third_party, 1);
}

#[test]
fn a_closed_stream_says_goodbye_and_leaves_its_numbers() {
    let mut world = World::call(&[ulaw(), ulaw()]);
    talk(&mut world, 100);
    let ssrc = world.headers(A)[0].ssrc;
    let before = reports(&world, A).len() as u64;
    world.transmits.clear();
    world.close(A);
    let sent = reports(&world, A);
    let [Packet::Sr(_), Packet::Sdes(_), Packet::Bye(bye)] = &parts(&sent[0].1)[..] else { panic!("{sent:?}") };
    assert_eq!(bye.ssrcs().collect::<Vec<_>>(), [ssrc]);
    let Some(Event::Closed { stream, statistics }) = world.events.last() else { panic!("{:?}", world.events) };
    assert_eq!(*stream, world.phones[A].stream);
    assert_eq!((statistics.packets_received, statistics.packets_sent, statistics.lost), (100, 100, 10));
    assert_eq!(statistics.rtcp_sent, before + 1);
    assert!((statistics.loss() - 10.0 / 110.0).abs() < 1e-9);
    assert_eq!(world.engine.statistics(*stream), None);
}

#[test]
fn a_stream_that_was_never_configured_closes_without_a_word() {
    let mut world = World::call(&[ulaw(), ulaw()]);
    let stream = media::StreamId(50);
    world.command(Command::Open { stream, port: 5_000 });
    world.transmits.clear();
    world.command(Command::Close { stream });
    assert!(world.transmits.is_empty());
    assert!(matches!(world.events.last(), Some(Event::Closed { .. })));
}

#[test]
fn jitter_is_measured_in_milliseconds_too() {
    let mut world = World::call(&[ulaw(), ulaw()]);
    for packet in 0..400 {
        let audio = world.phones[A].audio();
        let late = Duration::from_millis(if packet % 2 == 0 { 0 } else { 10 });
        world.pass(late);
        world.send(A, &audio);
        world.pass(PTIME - late);
    }
    let statistics = world.statistics(A);
    assert!((9.0..=10.1).contains(&statistics.jitter_ms()), "{}", statistics.jitter_ms());
    assert!(statistics.jitter_max_ms() >= statistics.jitter_ms());
}

#[test]
fn the_same_seed_says_the_same() {
    let run = || {
        let mut world = World::call(&[ulaw(), ulaw()]);
        talk(&mut world, 500);
        let octets: Vec<_> = world.transmits.iter().map(|(at, transmit)| (*at, transmit.packet().to_vec())).collect();
        (octets, world.headers(A))
    };
    assert_eq!(run(), run());
}
