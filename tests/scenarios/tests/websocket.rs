//! Phones in browsers: SIP by WebSocket (RFC 7118), by password and by login, over connections that break.

use lab::{Lab, State};
use pbx::Input;
use scenarios::{call_each_other, connect, phone_over, seconds};
use sip::Transport;

fn registered(lab: &mut Lab, number: &str) -> usize {
    lab.bindings().iter().filter(|binding| binding.extension == number).count()
}

#[test]
fn a_browser_and_a_phone_call_each_other() {
    let mut lab = Lab::new(1);
    let (alice, bob) = (phone_over(Transport::Wss, &mut lab, "1001"), lab.registered_phone("1002"));
    call_each_other(&mut lab, alice, bob);
    insta::assert_snapshot!(lab.ladder());
    lab.finish();
}

#[test]
fn two_browsers_call_each_other() {
    let mut lab = Lab::new(2);
    let (alice, bob) = (phone_over(Transport::Wss, &mut lab, "1001"), phone_over(Transport::Wss, &mut lab, "1002"));
    connect(&mut lab, alice, bob);
    lab[alice].hang_up();
    lab.run_for(seconds(1));
    lab.finish();
}

#[test]
fn who_has_logged_in_needs_no_password_for_its_own_extension() {
    let mut lab = Lab::new(3);
    let (alice, bob) = (lab.phone("1001"), lab.registered_phone("1002"));
    lab[alice].transport = Transport::Wss;
    lab[alice].password = "nobody told it".into();
    lab.vouch(alice, &["1001"]);
    let asked = lab.counter("digest_challenges_total");
    lab.register(alice);
    connect(&mut lab, alice, bob);
    lab[bob].hang_up();
    lab.run_for(seconds(1));
    assert_eq!(lab.counter("digest_challenges_total"), asked, "nobody was asked for a password");
    // The login is over, or the connection.
    lab.vouch(alice, &[]);
    lab[alice].call("1002");
    lab.run_for(seconds(2));
    assert_eq!(lab[alice].last().status, Some(403), "{}", lab.ladder());
    lab.finish();
}

#[test]
fn a_login_counts_for_no_other_extension_and_no_other_connection() {
    let mut lab = Lab::new(4);
    let (alice, bob, carol) = (lab.phone("1001"), lab.phone("1002"), lab.registered_phone("1003"));
    for phone in [alice, bob] {
        lab[phone].transport = Transport::Wss;
        lab[phone].password = "nobody told it".into();
    }
    lab.vouch(alice, &["1009", "1002"]);
    for phone in [alice, bob] {
        lab[phone].register();
        lab.run_for(seconds(1));
        assert_eq!(lab[phone].registration.status, Some(403));
        lab[phone].call("1003");
        lab.run_for(seconds(1));
        assert_eq!(lab[phone].last().status, Some(403), "{}", lab.ladder());
    }
    lab.break_connection(alice);
    lab.vouch(alice, &["1001"]);
    assert_eq!(lab.counter("vouched_connections"), 1);
    lab.break_connection(alice);
    assert_eq!(lab.counter("vouched_connections"), 0);
    lab[alice].register();
    lab.run_for(seconds(1));
    assert_eq!(lab[alice].registration.status, Some(403), "what was said of one connection ends with it");
    assert!(!lab[carol].is(State::Up));
    lab.finish();
}

#[test]
fn a_browser_that_is_closed_is_no_longer_registered() {
    let mut lab = Lab::new(5);
    let (alice, bob) = (phone_over(Transport::Wss, &mut lab, "1001"), lab.registered_phone("1002"));
    lab.break_connection(alice);
    assert_eq!(registered(&mut lab, "1001"), 0);
    assert_eq!(lab.facts.count("extension_unregistered"), 1);
    lab[bob].call("1001");
    lab.run_for(seconds(2));
    assert_eq!(lab[bob].last().status, Some(480), "{}", lab.ladder());
    lab[alice].register();
    lab.run_for(seconds(1));
    connect(&mut lab, bob, alice);
    lab[bob].hang_up();
    lab.run_for(seconds(1));
    lab.finish();
}

#[test]
fn a_call_survives_a_broken_connection_and_another_address() {
    let mut lab = Lab::new(6);
    let (alice, bob) = (phone_over(Transport::Wss, &mut lab, "1001"), lab.registered_phone("1002"));
    connect(&mut lab, bob, alice);
    lab.break_connection(alice);
    lab.run_for(seconds(5));
    assert!(lab[alice].is(State::Up) && lab[bob].is(State::Up));
    // From Wi-Fi to the mobile network; another page of the same extension, which is not in this call, comes first.
    let other = phone_over(Transport::Wss, &mut lab, "1001");
    let mut address = lab[alice].address;
    address.set_ip([198, 51, 100, 77].into());
    let before = std::mem::replace(&mut lab[alice].address, address);
    lab[alice].register();
    lab.run_for(seconds(1));
    lab[alice].address = before;
    assert_eq!(registered(&mut lab, "1001"), 2);
    lab[bob].hang_up();
    lab.run_for(seconds(1));
    assert!(lab[alice].is(State::Ended), "the BYE finds its way over the new connection\n{}", lab.ladder());
    assert!(lab[other].calls.is_empty());
    lab.finish();
}

#[test]
fn a_browser_that_does_not_come_back_is_hung_up_on() {
    let mut lab = Lab::new(7);
    let (alice, bob) = (phone_over(Transport::Wss, &mut lab, "1001"), lab.registered_phone("1002"));
    connect(&mut lab, alice, bob);
    lab.break_connection(alice);
    lab[alice].lose_power();
    lab.run_for(seconds(600));
    assert!(lab[bob].is(State::Ended), "{}", lab.ladder());
    lab.finish();
}

#[test]
fn no_browser_is_restored_as_if_it_were_there() {
    let mut lab = Lab::new(8);
    phone_over(Transport::Wss, &mut lab, "1001");
    let bindings = lab.bindings();
    assert_eq!(bindings.len(), 1);
    let mut next = Lab::new(9);
    let phone = next.phone("1002");
    next.input(Input::Restore(Vec::new(), bindings));
    assert!(next.bindings().is_empty());
    assert!(!next[phone].is_registered());
    lab.finish();
    next.finish();
}
