//! A box behind a translation of addresses: where it says that it is reached, and what follows when that changes.

use std::net::SocketAddr;

use lab::{Asking, Lab, OnInvite, PhoneId, State};
use pbx::directory::{ProviderData, Register, RouteData};
use pbx::settings::Advertise;
use pbx::{Command, Reply};
use scenarios::{connect, seconds};
use uuid::Uuid;

fn address(host: u8) -> SocketAddr {
    SocketAddr::from(([192, 0, 2, host], 5060))
}

fn outside(host: u8, port: u16) -> SocketAddr {
    SocketAddr::from(([203, 0, 113, host], port))
}

/// A provider that asks for a password, with which we register, and to which all numbers lead.
fn provider(lab: &mut Lab, host: u8) -> (PhoneId, Uuid) {
    let phone = lab.stranger(&format!("provider{host}"), address(host));
    lab[phone].manner.asking = Some(Asking::of("box", "open sesame"));
    let (username, password) = ("box".to_string(), "open sesame".to_string());
    let register = Some(Register { realm: String::new(), username, password, expires: 600 });
    let data = ProviderData { hostname: address(host).ip().to_string(), register, ..ProviderData::default() };
    let Ok(Reply::Provider(made)) = lab.command(Command::CreateProvider(Box::new(data))) else { panic!("not made") };
    let provider_id = made.provider.id;
    let route = RouteData { provider_id, target: "all".into(), priority: i32::from(host), ..RouteData::default() };
    lab.command(Command::CreateRoute(Box::new(route))).expect("the provider is there");
    (phone, provider_id)
}

fn contacts(lab: &Lab, phone: PhoneId, method: &str) -> Vec<String> {
    let contacts = |request: &lab::Message| request.all("Contact").collect::<Vec<_>>().join(" and ");
    lab[phone].requests(method).into_iter().map(contacts).collect()
}

/// Lets a phone call the world over a provider; what the provider was told of audio.
fn call(lab: &mut Lab, alice: PhoneId, world: PhoneId) -> String {
    lab[world].manner.on_invite = OnInvite::Answer;
    lab[alice].call("+4930");
    lab.run_until(|lab| lab[alice].is(State::Up) && lab[world].is(State::Up));
    lab.run_for(seconds(1));
    assert!(lab.hears(alice, world) && lab.hears(world, alice), "{}", lab.ladder());
    lab[world].requests("INVITE").last().expect("it was rung").body.clone()
}

#[test]
fn what_the_provider_sees_is_what_it_is_told() {
    let mut lab = Lab::new(1);
    let (alice, bob) = (lab.registered_phone("1001"), lab.registered_phone("1002"));
    let (world, _) = provider(&mut lab, 1);
    lab[world].manner.sees_exchange_at = Some(outside(1, 61_000));
    lab.run_for(seconds(1));
    assert_eq!(
        contacts(&lab, world, "REGISTER"),
        ["<sip:box@10.0.0.1>", "<sip:box@203.0.113.1:61000>"],
        "known before the password is asked for a second time"
    );
    let sdp = call(&mut lab, alice, world);
    assert!(sdp.contains("c=IN IP4 203.0.113.1\r\n") && sdp.contains("IN IP4 203.0.113.1"), "{sdp}");
    assert_eq!(contacts(&lab, world, "INVITE").last().map(String::as_str), Some("<sip:203.0.113.1:61000>"));
    lab[alice].hang_up();
    lab.run_for(seconds(1));
    // Who is in the same network is told the address there.
    connect(&mut lab, alice, bob);
    assert!(lab[bob].last().invite.as_ref().expect("it rang").body.contains("c=IN IP4 10.0.0.1"));
    lab[alice].hang_up();
    lab.run_for(seconds(1));
    lab.finish();
}

#[test]
fn a_change_is_followed_by_registrations_and_offers() {
    let mut lab = Lab::new(2);
    let alice = lab.registered_phone("1001");
    let (world, _) = provider(&mut lab, 1);
    lab[world].manner.sees_exchange_at = Some(outside(1, 5_060));
    lab.run_for(seconds(1));
    call(&mut lab, alice, world);
    // The line was cut and came back with another address: the next health check shows it.
    lab[world].manner.sees_exchange_at = Some(outside(2, 5_060));
    lab.run_for(seconds(70));
    let told = contacts(&lab, world, "REGISTER");
    assert_eq!(
        told.last().map(String::as_str),
        Some("<sip:box@203.0.113.2> and <sip:box@203.0.113.1>;expires=0"),
        "{told:?}"
    );
    let last = lab[world].requests("INVITE").pop().expect("there were some").clone();
    assert!(last.tag("To").is_some() && last.body.contains("c=IN IP4 203.0.113.2"), "{last:?}");
    assert_eq!(last.header("Contact"), Some("<sip:203.0.113.2:5060>"));
    assert!(lab.hears(alice, world) && lab.hears(world, alice), "{}", lab.ladder());
    let registers = told.len();
    lab.run_for(seconds(200));
    assert_eq!(contacts(&lab, world, "REGISTER").len(), registers, "once is enough");
    lab[alice].hang_up();
    lab.run_for(seconds(1));
    lab.finish();
}

#[test]
fn a_provider_that_always_sees_another_port_is_not_told_of_each() {
    let mut lab = Lab::new(3);
    let (world, _) = provider(&mut lab, 1);
    for port in 0..200 {
        lab[world].manner.sees_exchange_at = Some(outside(1, 50_000 + port));
        lab.run_for(std::time::Duration::from_millis(20));
    }
    let count = contacts(&lab, world, "REGISTER").len();
    assert!(count <= 6, "{count}");
    lab.finish();
}

#[test]
fn nothing_is_believed_where_it_is_off() {
    let mut lab = Lab::with_settings(4, |settings| settings.advertise = Advertise::Nothing);
    let (world, _) = provider(&mut lab, 1);
    lab[world].manner.sees_exchange_at = Some(outside(1, 61_000));
    lab.run_for(seconds(70));
    assert!(contacts(&lab, world, "REGISTER").iter().all(|contact| contact == "<sip:box@10.0.0.1>"));
    lab.finish();
}

fn with_stun(seed: u64) -> (Lab, PhoneId) {
    let stun = || Advertise::Stun { host: "stun.example.com".into(), port: 3_478 };
    let mut lab = Lab::with_settings(seed, |settings| settings.advertise = stun());
    let at = SocketAddr::from(([198, 51, 100, 1], 3_478));
    let server = lab.stranger("stun", at);
    lab.names.insert("stun.example.com".into(), vec![at]);
    (lab, server)
}

#[test]
fn a_stun_server_says_where_we_are_and_a_change_is_followed() {
    let (mut lab, server) = with_stun(5);
    lab[server].manner.sees_exchange_at = Some(outside(1, 40_000));
    let alice = lab.registered_phone("1001");
    let (world, _) = provider(&mut lab, 1);
    lab.run_for(seconds(1));
    assert_eq!(contacts(&lab, world, "REGISTER").last().map(String::as_str), Some("<sip:box@203.0.113.1:40000>"));
    assert!(call(&mut lab, alice, world).contains("c=IN IP4 203.0.113.1\r\n"));
    lab[server].manner.sees_exchange_at = Some(outside(2, 40_000));
    lab.run_for(seconds(30));
    let last = contacts(&lab, world, "REGISTER");
    assert_eq!(
        last.last().map(String::as_str),
        Some("<sip:box@203.0.113.2:40000> and <sip:box@203.0.113.1:40000>;expires=0")
    );
    let invite = lab[world].requests("INVITE").last().expect("it is told").body.clone();
    assert!(invite.contains("c=IN IP4 203.0.113.2\r\n"), "{invite}");
    let questions = lab[server].questions;
    lab.run_for(seconds(250));
    assert_eq!(lab[server].questions - questions, 10, "every 25 s, which keeps the way open");
    lab[alice].hang_up();
    lab.run_for(seconds(1));
    lab.finish();
}

#[test]
fn a_stun_server_that_is_silent_is_asked_again_and_nobody_else_is_believed() {
    let (mut lab, server) = with_stun(6);
    let (world, _) = provider(&mut lab, 1);
    lab.run_for(seconds(45));
    assert_eq!((lab[server].questions, lab.counter("stun_failures_total")), (9, 1), "six times within 32 s, and again");
    // Whoever does not know the number of the question, or is not who was asked, says nothing.
    let forged =
        [&[1, 1, 0, 12, 0x21, 0x12, 0xa4, 0x42][..], &[7; 12], &[0, 0x20, 0, 8, 0, 1, 1, 1, 1, 1, 1, 1]].concat();
    lab.throw_sip(SocketAddr::from(([198, 51, 100, 1], 3_478)), &forged);
    lab.throw_sip(SocketAddr::from(([198, 51, 100, 2], 3_478)), &forged);
    lab.run_for(seconds(1));
    assert!(contacts(&lab, world, "REGISTER").iter().all(|contact| contact == "<sip:box@10.0.0.1>"));
    lab[server].manner.sees_exchange_at = Some(outside(1, 5_060));
    lab.run_for(seconds(60));
    assert_eq!(contacts(&lab, world, "REGISTER").last().map(|last| last.contains("203.0.113.1")), Some(true));
    lab.finish();
}
