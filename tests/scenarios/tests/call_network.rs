//! Calls over networks as they are: lossy, translated, of two families, over streams that break.

use std::net::SocketAddr;

use lab::{Lab, OnInvite, Path, State};
use scenarios::{call_each_other, connect, phone_over, seconds, two_phones_talking};
use sip::Transport;

#[test]
fn calls_come_about_although_a_fifth_is_lost() {
    for seed in 0..40 {
        let mut lab = Lab::new(seed);
        let (alice, bob) = (lab.registered_phone("1001"), lab.registered_phone("1002"));
        for phone in [alice, bob] {
            lab.paths[phone.0] = Path::bad(0.2);
        }
        lab[bob].manner.on_invite = OnInvite::AnswerAfter(seconds(2));
        lab[alice].call("1002");
        lab.run_for(seconds(25));
        assert!(lab[alice].is(State::Up) && lab[bob].is(State::Up), "seed {seed}\n{}", lab.ladder());
        assert!(lab.hears(alice, bob) && lab.hears(bob, alice), "seed {seed}");
        lab[if seed % 2 == 0 { alice } else { bob }].hang_up();
        lab.run_for(seconds(40));
        lab.finish();
        assert_eq!(lab.facts.count("call_hungup"), 2);
    }
}

#[test]
fn a_tcp_phone_talks_to_a_udp_phone() {
    let mut lab = Lab::new(1);
    let (alice, bob) = (phone_over(Transport::Tcp, &mut lab, "1001"), lab.registered_phone("1002"));
    call_each_other(&mut lab, alice, bob);
    insta::assert_snapshot!(lab.ladder());
    lab.finish();
}

#[test]
fn a_phone_whose_connection_broke_is_not_there_until_it_registers_again() {
    let mut lab = Lab::new(2);
    let (alice, bob) = (lab.registered_phone("1001"), lab.phone_behind_nat("1002"));
    lab[bob].transport = Transport::Tcp;
    lab.register(bob);
    lab.break_connection(bob);
    lab[alice].call("1002");
    lab.run_for(seconds(5));
    assert_eq!(lab[alice].last().status, Some(480), "{}", lab.ladder());
    lab.register(bob);
    connect(&mut lab, alice, bob);
    lab[alice].hang_up();
    lab.run_for(seconds(1));
    lab[bob].unregister();
    lab.finish();
}

#[test]
fn a_call_survives_a_broken_connection() {
    let mut lab = Lab::new(3);
    let (alice, bob) = (phone_over(Transport::Tcp, &mut lab, "1001"), lab.registered_phone("1002"));
    connect(&mut lab, alice, bob);
    lab.break_connection(alice);
    lab.run_for(seconds(5));
    assert!(lab.hears(alice, bob) && lab.hears(bob, alice), "audio does not need the connection");
    lab[alice].register();
    lab.run_for(seconds(1));
    lab[bob].hang_up();
    lab.run_for(seconds(1));
    assert!(lab[alice].is(State::Ended), "the BYE finds its way over the new connection\n{}", lab.ladder());
    lab.finish();
}

#[test]
fn an_ipv6_phone_talks_to_an_ipv4_phone() {
    let mut lab = Lab::new(4);
    let bob = lab.registered_phone("1002");
    let alice = lab.phone_at("1001", "[2001:db8::7]:5060".parse::<SocketAddr>().expect("an address"));
    lab.register(alice);
    connect(&mut lab, alice, bob);
    lab[alice].hang_up();
    lab.run_for(seconds(1));
    connect(&mut lab, bob, alice);
    lab[alice].hang_up();
    lab.run_for(seconds(1));
    insta::assert_snapshot!(lab.ladder());
    lab.finish();
}

#[test]
fn two_phones_behind_routers_talk() {
    let mut lab = Lab::new(5);
    let (alice, bob) = (lab.phone_behind_nat("1001"), lab.phone_behind_nat("1002"));
    lab.register(alice);
    lab.register(bob);
    connect(&mut lab, alice, bob);
    lab.run_for(seconds(120));
    assert!(lab.hears(alice, bob) && lab.hears(bob, alice), "audio keeps the mappings");
    lab[bob].hang_up();
    lab.run_for(seconds(1));
    assert!(lab[alice].is(State::Ended));
    for phone in [alice, bob] {
        lab[phone].unregister();
    }
    lab.finish();
}

#[test]
fn two_phones_behind_the_same_router_talk() {
    let mut lab = Lab::new(6);
    let alice = lab.phone_behind_nat("1001");
    let bob = lab.phone_beside(alice, "1002");
    lab.register(alice);
    lab.register(bob);
    connect(&mut lab, alice, bob);
    lab[alice].hang_up();
    lab.run_for(seconds(1));
    for phone in [alice, bob] {
        lab[phone].unregister();
    }
    lab.finish();
}

#[test]
fn everything_arrives_twice_and_nothing_happens_twice() {
    let mut lab = Lab::new(7);
    let (alice, bob) = (lab.phone("1001"), lab.phone("1002"));
    for phone in [alice, bob] {
        lab.paths[phone.0].duplicates = 1.0;
        lab.register(phone);
    }
    connect(&mut lab, alice, bob);
    assert_eq!(lab[bob].calls.len(), 1);
    lab[bob].hang_up();
    lab.run_for(seconds(1));
    lab.finish();
    assert_eq!((lab.facts.count("call_created"), lab.facts.count("extension_registered")), (2, 2));
}

/// Once a phone is known by its packets, packets from elsewhere are not believed.
#[test]
fn a_third_party_cannot_take_over_the_audio() {
    let (mut lab, alice, bob) = two_phones_talking(8);
    let port = lab[alice].last().audio.peer.as_ref().expect("it was answered").rtp.port();
    let heard = lab[bob].last().audio.heard.len();
    let mallory: SocketAddr = "198.51.100.7:4000".parse().expect("an address");
    for number in 0..100u16 {
        let mut packet = vec![0x80, 0, (number >> 8) as u8, number as u8, 0, 0, 0, 0, 6, 6, 6, 6];
        packet.resize(172, 0x55);
        lab.throw_packet(mallory, port, packet);
    }
    lab.run_for(seconds(1));
    assert!(lab[bob].last().audio.heard[heard..].iter().all(|heard| heard.voice != Some(0x55)));
    assert!(lab.hears(alice, bob) && lab.hears(bob, alice));
    lab[alice].hang_up();
    lab.finish();
}

#[test]
fn garbage_is_dropped_and_the_call_goes_on() {
    let (mut lab, alice, bob) = two_phones_talking(9);
    let mallory: SocketAddr = "198.51.100.7:5060".parse().expect("an address");
    let invite = lab[bob].last().invite.clone().expect("it came in").write();
    for cut in 0..invite.len() {
        lab.throw_sip(mallory, &invite[..cut]);
        let mut flipped = invite.clone();
        flipped[cut] ^= 0x80;
        lab.throw_sip(mallory, &flipped);
    }
    for length in [0, 1, 2, 4, 100, 65_000] {
        lab.throw_sip(mallory, &vec![0xff; length]);
        lab.throw_packet(mallory, 30_000, vec![0x80; length.min(1500)]);
    }
    lab.run_for(seconds(1));
    assert!(lab.hears(alice, bob) && lab.hears(bob, alice));
    assert!(lab.counter("sip_malformed_total") > 100);
    lab[alice].hang_up();
    lab.run_for(seconds(40));
    lab.finish();
    assert_eq!(lab.facts.count("call_created"), 2);
}
