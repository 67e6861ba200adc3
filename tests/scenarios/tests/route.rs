//! Calls beyond the box: over which provider, as whom, with which password, and what becomes of them where one fails.

use std::net::SocketAddr;

use lab::{Asking, Lab, OnInvite, PhoneId, State};
use pbx::call::{AddressKind, Status};
use pbx::directory::{ProviderData, Register, RouteData};
use pbx::{Command, Reply};
use scenarios::{milliseconds, seconds};
use uuid::Uuid;

fn address(host: u8) -> SocketAddr {
    SocketAddr::from(([192, 0, 2, host], 5060))
}

fn make_provider(lab: &mut Lab, data: ProviderData) -> Uuid {
    match lab.command(Command::CreateProvider(Box::new(data))) {
        Ok(Reply::Provider(made)) => made.provider.id,
        other => panic!("not made: {other:?}"),
    }
}

fn make_route(lab: &mut Lab, provider_id: Uuid, target: &str, priority: i32) {
    let data = RouteData { provider_id, target: target.into(), priority, ..RouteData::default() };
    assert!(matches!(lab.command(Command::CreateRoute(Box::new(data))), Ok(Reply::Route(_))));
}

/// A provider at an address, to which all numbers lead.
fn provider(lab: &mut Lab, host: u8, priority: i32) -> PhoneId {
    let phone = lab.stranger(&format!("provider{host}"), address(host));
    let (name, hostname) = (format!("P{host}"), address(host).ip().to_string());
    let id = make_provider(lab, ProviderData { name, hostname, ..ProviderData::default() });
    make_route(lab, id, "all", priority);
    phone
}

/// A lab with the phone 1001 and so many providers.
fn with_providers(seed: u64, count: u8) -> (Lab, PhoneId, Vec<PhoneId>) {
    let mut lab = Lab::new(seed);
    let alice = lab.registered_phone("1001");
    let providers = (0..count).map(|n| provider(&mut lab, 1 + n, i32::from(n))).collect();
    lab.run_for(seconds(5));
    lab.begin_ladder();
    (lab, alice, providers)
}

fn invites(lab: &Lab, provider: PhoneId) -> usize {
    lab[provider].requests("INVITE").len()
}

#[test]
fn a_number_is_called_over_a_provider_and_both_hear_each_other() {
    let (mut lab, alice, providers) = with_providers(1, 1);
    let world = providers[0];
    lab[alice].call("+49301234");
    lab.run_until(|lab| lab[world].is(State::Ringing));
    lab[world].answer();
    lab.run_until(|lab| lab[alice].is(State::Up));
    lab.run_for(seconds(1));
    assert!(lab.hears(alice, world) && lab.hears(world, alice), "{}", lab.ladder());
    let invite = lab[world].requests("INVITE")[0].clone();
    assert!(invite.write().starts_with(b"INVITE sip:+49301234@192.0.2.1 SIP/2.0"), "{invite:?}");
    assert!(invite.need("To").contains("sip:+49301234@192.0.2.1"), "{invite:?}");
    assert!(invite.need("P-Asserted-Identity").contains("sip:1001@10.0.0.1"), "{invite:?}");
    assert_eq!(invite.header("Privacy"), None);
    lab[alice].hang_up();
    lab.run_for(seconds(2));
    let records = lab.facts.records();
    assert_eq!(records[1].destination.kind, AddressKind::Tel);
    assert_eq!((records[1].destination.target.as_str(), records[1].status), ("+49301234", Status::Hangup));
    assert_eq!(records[0].destination.kind, AddressKind::Tel, "{:?}", records[0]);
    lab.finish();
}

#[test]
fn which_failure_leads_to_the_next_route() {
    // `spec/calls.md`: 16, 17, 19, 21 and 26 end it; anything else goes on.
    for (status, goes_on) in [
        (400, true),
        (403, false),
        (404, true),
        (408, true),
        (480, false),
        (486, false),
        (488, true),
        (500, true),
        (503, true),
        (600, false),
        (603, false),
    ] {
        let (mut lab, alice, providers) = with_providers(u64::from(status), 2);
        lab[providers[0]].manner.on_invite = OnInvite::Refuse(status);
        lab[providers[1]].manner.on_invite = OnInvite::Answer;
        lab[alice].call("+4930");
        lab.run_for(seconds(3));
        assert_eq!(invites(&lab, providers[1]), usize::from(goes_on), "{status}\n{}", lab.ladder());
        assert_eq!(lab[alice].is(State::Up), goes_on, "{status}");
        if goes_on {
            lab[alice].hang_up();
        }
        lab.run_for(seconds(1));
        let records = lab.facts.records();
        assert_eq!(records.len(), 2, "one leg, however many were tried");
        if !goes_on {
            assert!(lab[alice].last().status >= Some(400), "{status}: {:?}", lab[alice].last().status);
        }
        lab.finish();
        let told: Vec<&str> = lab.sequences.iter().flat_map(|s| &s.steps).map(|step| step.label.as_str()).collect();
        assert_eq!(told.contains(&"P1: left for the next one"), goes_on, "{status}: {told:?}");
    }
}

#[test]
fn a_provider_that_is_silent_is_left_after_seconds() {
    let (mut lab, alice, providers) = with_providers(2, 2);
    lab[providers[0]].manner.on_invite = OnInvite::Ignore;
    lab[providers[1]].manner.on_invite = OnInvite::Answer;
    let began = lab.now();
    lab[alice].call("110");
    lab.run_until(|lab| lab[alice].is(State::Up));
    let waited = lab.now() - began;
    assert!(waited >= seconds(4) && waited < seconds(5), "{waited:?}");
    lab[providers[0]].lose_power();
    lab[alice].hang_up();
    lab.finish();
}

#[test]
fn where_all_fail_the_caller_is_told_the_most_telling_failure() {
    let (mut lab, alice, providers) = with_providers(3, 3);
    for (provider, status) in providers.iter().zip([503, 404, 502]) {
        lab[*provider].manner.on_invite = OnInvite::Refuse(status);
    }
    lab[alice].call("+1555");
    lab.run_for(seconds(3));
    assert_eq!(lab[alice].last().status, Some(404), "{}", lab.ladder());
    assert_eq!(providers.iter().map(|provider| invites(&lab, *provider)).collect::<Vec<_>>(), [1, 1, 1]);
    lab.finish();
}

#[test]
fn a_caller_that_gives_up_ends_what_is_under_way() {
    let (mut lab, alice, providers) = with_providers(4, 2);
    lab[alice].call("+1555");
    lab.run_until(|lab| lab[providers[0]].is(State::Ringing));
    lab[alice].hang_up();
    lab.run_for(seconds(2));
    assert!(lab[providers[0]].is(State::Ended));
    assert_eq!(invites(&lab, providers[1]), 0, "nobody is tried for a caller who is gone");
    lab.finish();
}

#[test]
fn the_password_is_proved_in_both_ways_and_for_bye_too() {
    use lab::Algorithm;
    for (seed, as_proxy, algorithm) in [
        (5, false, Algorithm::Md5),
        (6, true, Algorithm::Md5),
        (7, false, Algorithm::Sha256),
        (8, true, Algorithm::Sha256),
    ] {
        let mut lab = Lab::new(seed);
        let alice = lab.registered_phone("1001");
        let world = lab.stranger("world", address(9));
        lab[world].manner.asking = Some(Asking { algorithm, as_proxy, ..Asking::of("box", "open sesame") });
        let (username, password) = ("box".to_string(), "open sesame".to_string());
        let register = Some(Register { realm: "provider".into(), username, password, expires: 0 });
        let hostname = address(9).ip().to_string();
        let id = make_provider(&mut lab, ProviderData { hostname, register, ..ProviderData::default() });
        make_route(&mut lab, id, "all", 0);
        lab[world].manner.on_invite = OnInvite::Answer;
        lab[alice].call("+4930");
        lab.run_until(|lab| lab[alice].is(State::Up));
        assert_eq!(invites(&lab, world), 2, "one without the password, one with it");
        lab.run_for(seconds(1));
        // The nonce is too old by the end.
        lab[world].manner.asking.as_mut().expect("it asks").nonce = "n2".into();
        lab[alice].hang_up();
        lab.run_for(seconds(2));
        assert_eq!(lab[world].requests("BYE").len(), 2, "{}", lab.ladder());
        assert!(lab[world].is(State::Ended));
        assert_eq!(lab[world].requests("REGISTER").len(), 0, "the password is for calls");
        lab.finish();
        let shown: String = lab.sequences.iter().flat_map(|s| &s.steps).map(|step| step.detail.as_str()).collect();
        assert!(!shown.contains("open sesame") && shown.contains("response=\"…\""), "nothing is given away");
    }
}

#[test]
fn a_wrong_password_is_not_tried_for_ever() {
    let (mut lab, alice, providers) = with_providers(9, 1);
    lab[providers[0]].manner.asking = Some(Asking::of("box", "right"));
    let Ok(Reply::Providers(known)) = lab.command(Command::ListProviders) else { panic!("there is one") };
    let (username, password) = ("box".to_string(), "wrong".to_string());
    let register = Some(Register { realm: String::new(), username, password, expires: 0 });
    let data = ProviderData { register, ..known[0].provider.data.clone() };
    lab.command(Command::UpdateProvider(known[0].provider.id, Box::new(data))).expect("it is changed");
    lab[alice].call("+4930");
    lab.run_for(seconds(5));
    assert_eq!(invites(&lab, providers[0]), 2);
    assert_eq!(lab[alice].last().status, Some(480), "{}", lab.ladder());
    lab.finish();
}

#[test]
fn who_calls_is_shown_as_the_provider_knows_it_or_not_at_all() {
    let mut lab = Lab::new(10);
    let alice = lab.registered_phone("1001");
    let world = lab.stranger("world", address(1));
    let data = ProviderData {
        hostname: address(1).ip().to_string(),
        tech_prefix: "00".into(),
        tech_headers: vec![("X-Account".into(), "7".into())],
        caller_id: "+4930999".into(),
        codecs: vec![media::Codec::Pcma],
        ..ProviderData::default()
    };
    let id = make_provider(&mut lab, data);
    make_route(&mut lab, id, "+49", 0);
    lab[world].manner.on_invite = OnInvite::Refuse(486);
    lab[alice].call("+4911");
    lab.run_for(seconds(2));
    lab[alice].manner.extra = vec![("Privacy", "id".into())];
    lab[alice].call("+4911");
    lab.run_for(seconds(2));
    let invites = lab[world].requests("INVITE");
    assert!(invites[0].write().starts_with(b"INVITE sip:00+4911@192.0.2.1 SIP/2.0"), "{:?}", invites[0]);
    assert_eq!(invites[0].header("X-Account"), Some("7"));
    assert!(invites[0].body.contains("PCMA") && !invites[0].body.contains("PCMU"), "{}", invites[0].body);
    assert!(invites[0].need("From").contains("sip:+4930999@10.0.0.1"), "{:?}", invites[0]);
    assert!(invites[1].need("From").contains("sip:anonymous@anonymous.invalid"), "{:?}", invites[1]);
    assert_eq!(invites[1].header("Privacy"), Some("id"));
    assert!(invites[1].need("P-Asserted-Identity").contains("sip:+4930999@10.0.0.1"), "{:?}", invites[1]);
    lab[alice].call("+1555");
    lab.run_for(seconds(2));
    assert_eq!(lab[alice].last().status, Some(404), "no route leads there");
    lab.finish();
}

#[test]
fn a_name_is_looked_up_once_and_a_dead_name_server_delays_nobody_who_was_found_before() {
    let mut lab = Lab::new(11);
    let alice = lab.registered_phone("1001");
    let world = lab.stranger("world", address(7));
    lab[world].manner.on_invite = OnInvite::Answer;
    lab.names.insert("sip.example.com".into(), vec![address(8), address(7)]);
    let data = ProviderData { hostname: "sip.example.com".into(), ..ProviderData::default() };
    let id = make_provider(&mut lab, data);
    make_route(&mut lab, id, "all", 0);
    lab.run_for(seconds(5));
    assert_eq!(lab.questions, 1);
    // The first of its addresses does not answer: the second does.
    let began = lab.now();
    lab[alice].call("+4930");
    lab.run_until(|lab| lab[alice].is(State::Up));
    assert!(lab.now() - began >= seconds(4));
    lab[alice].hang_up();
    lab.run_for(seconds(1));
    lab.names_answer = false;
    lab.names.insert("sip.example.com".into(), vec![address(7)]);
    lab.run_for(seconds(3_600));
    let began = lab.now();
    lab[alice].call("+4930");
    lab.run_until(|lab| lab[alice].is(State::Up));
    assert!(lab.now() - began < seconds(5), "an old answer is used");
    lab[alice].hang_up();
    lab.run_for(seconds(1));
    lab.names_answer = true;
    lab.run_for(seconds(3_600));
    let began = lab.now();
    lab[alice].call("+4930");
    lab.run_until(|lab| lab[alice].is(State::Up));
    assert!(lab.now() - began < milliseconds(500), "the new answer is used");
    lab[alice].hang_up();
    lab.finish();
}

#[test]
fn a_name_that_nobody_knows_ends_the_call_in_time() {
    let mut lab = Lab::new(12);
    let alice = lab.registered_phone("1001");
    lab.names_answer = false;
    let data = ProviderData { hostname: "nowhere.example.com".into(), ..ProviderData::default() };
    let id = make_provider(&mut lab, data);
    make_route(&mut lab, id, "all", 0);
    let began = lab.now();
    lab[alice].call("+4930");
    lab.run_until(|lab| lab[alice].is(State::Ended));
    assert!(lab.now() - began <= seconds(6), "{:?}", lab.now() - began);
    assert_eq!(lab[alice].last().status, Some(500));
    lab.finish();
}

/// A call of 1001 over a provider that knows the box's password; both keep their sessions to two minutes.
fn talking_over_a_provider(seed: u64, asking: Option<Asking>) -> (Lab, PhoneId, PhoneId) {
    let mut lab = Lab::with_settings(seed, |settings| settings.session_expires = seconds(120));
    let alice = lab.registered_phone("1001");
    let world = lab.stranger("world", address(1));
    lab[world].manner.asking = asking;
    lab[world].manner.on_invite = OnInvite::Answer;
    lab[world].manner.session_expires = Some(120);
    lab[world].manner.refresher = "uac";
    let (username, password) = ("box".to_string(), "open sesame".to_string());
    let register = Some(Register { realm: String::new(), username, password, expires: 0 });
    let hostname = address(1).ip().to_string();
    let id = make_provider(&mut lab, ProviderData { hostname, register, ..ProviderData::default() });
    make_route(&mut lab, id, "all", 0);
    lab[alice].call("+4930");
    lab.run_until(|lab| lab[alice].is(State::Up));
    (lab, alice, world)
}

#[test]
fn a_provider_may_ask_for_the_password_within_the_call() {
    for as_proxy in [false, true] {
        let asking = Asking { as_proxy, within: true, ..Asking::of("box", "open sesame") };
        let (mut lab, alice, world) = talking_over_a_provider(70, Some(asking));
        // A digit is passed on, and the session refreshed, with the password; a nonce that is too old costs one more round.
        lab[alice].send_digit('5');
        lab.run_for(seconds(50));
        lab[world].manner.asking.as_mut().expect("it asks").nonce = "n2".into();
        lab[alice].send_digit('6');
        lab.run_for(seconds(50));
        lab[world].manner.asking.as_mut().expect("it asks").nonce = "n3".into();
        lab.run_for(seconds(100));
        assert!(lab[alice].is(State::Up) && lab[world].is(State::Up), "{}", lab.ladder());
        assert!(lab.hears(alice, world) && lab.hears(world, alice), "{}", lab.ladder());
        assert_eq!(lab[world].infos.len(), 2, "{}", lab.ladder());
        let answers: Vec<u16> = lab[alice].last().answers.iter().map(|(_, status)| *status).collect();
        assert!(answers.iter().all(|status| *status == 200), "{answers:?}");
        assert_eq!(
            lab[world].requests("INVITE").len(),
            6,
            "two, and three refreshes of which one came twice\n{}",
            lab.ladder()
        );
        lab[alice].hang_up();
        lab.run_for(seconds(1));
        lab.finish();
    }
}

#[test]
fn a_provider_that_never_takes_the_password_within_the_call_is_not_asked_for_ever() {
    let (mut lab, alice, world) = talking_over_a_provider(71, None);
    lab[world].manner.asking = Some(Asking { within: true, ..Asking::of("box", "another") });
    lab[alice].send_digit('5');
    lab.run_for(seconds(200));
    assert!(lab[world].requests("INVITE").len() <= 4, "{}", lab.ladder());
    assert!(lab[world].requests("INFO").len() == 2, "{}", lab.ladder());
    assert!(lab[alice].is(State::Ended), "the session was not refreshed\n{}", lab.ladder());
    lab.finish();
}
