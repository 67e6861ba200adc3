//! Calls from trunks: who may call, what they reach, and what they learn.

use std::net::SocketAddr;

use lab::{Asking, Lab, OnInvite, PhoneId, State};
use pbx::call::AddressKind;
use pbx::directory::{Network, NewNumber, ProviderData, Register, TrunkData};
use pbx::flow::{Action, NewFlow, Value};
use pbx::{Command, Rejection, Reply};
use scenarios::seconds;
use uuid::Uuid;

fn address(host: u8) -> SocketAddr {
    SocketAddr::from(([192, 0, 2, host], 5060))
}

/// A lab in which the number +4930500 rings 1001.
fn office(seed: u64) -> (Lab, PhoneId) {
    let mut lab = Lab::new(seed);
    let alice = lab.registered_phone("1001");
    lab[alice].manner.on_invite = OnInvite::Answer;
    let to = Value::from([("type", "extension".into()), ("target", "1001".into())]);
    let option = Value::from([("destinations", Value::List(vec![to]))]);
    let connect = Action { id: Uuid::from_u128(1), next_id: None, name: "connect".into(), option };
    let new = NewFlow { name: "Office".into(), actions: vec![connect], ..NewFlow::default() };
    let Ok(Reply::Flow(flow)) = lab.command(Command::CreateFlow(new)) else { panic!("no flow") };
    let new = NewNumber { number: "+4930500".into(), call_flow_id: Some(flow.id), ..NewNumber::default() };
    assert!(matches!(lab.command(Command::CreateNumber(new)), Ok(Reply::Number(_))));
    (lab, alice)
}

fn make_trunk(lab: &mut Lab, data: TrunkData) {
    let made = lab.command(Command::CreateTrunk(Box::new(data)));
    assert!(matches!(made, Ok(Reply::Trunk(_))), "{made:?}");
}

fn by_address() -> TrunkData {
    let allowed_ips = vec![Network::parse("192.0.2.0/28").expect("a network")];
    TrunkData { domain_name: "carrier".into(), by_address: true, allowed_ips, ..TrunkData::default() }
}

fn by_password() -> TrunkData {
    TrunkData {
        domain_name: "pbx".into(),
        by_password: true,
        username: "branch".into(),
        password: "open sesame".into(),
        ..TrunkData::default()
    }
}

#[test]
fn a_trunk_known_by_its_address_calls_a_number_and_its_flow_answers() {
    let (mut lab, alice) = office(1);
    make_trunk(&mut lab, by_address());
    let carrier = lab.stranger("+4917012", address(5));
    for number in ["+4930500", "4930500"] {
        lab[carrier].call(number);
        lab.run_until(|lab| lab[carrier].is(State::Up) && lab[alice].is(State::Up));
        lab.run_for(seconds(1));
        assert!(lab.hears(alice, carrier) && lab.hears(carrier, alice), "{}", lab.ladder());
        lab[carrier].hang_up();
        lab.run_for(seconds(2));
    }
    let records = lab.facts.records();
    assert_eq!((records[0].source.kind, records[0].source.target.as_str()), (AddressKind::Tel, "+4917012"));
    assert_eq!((records[0].destination.kind, records[0].destination.target.as_str()), (AddressKind::Tel, "+4930500"));
    assert!(records[0].flow_id.is_some());
    lab.finish();
}

#[test]
fn a_trunk_reaches_numbers_and_nothing_else() {
    let (mut lab, _alice) = office(2);
    make_trunk(&mut lab, by_address());
    let world = lab.stranger("world", address(9));
    let hostname = address(9).ip().to_string();
    let Ok(Reply::Provider(made)) =
        lab.command(Command::CreateProvider(Box::new(ProviderData { hostname, ..ProviderData::default() })))
    else {
        panic!("no provider")
    };
    let route = pbx::directory::RouteData { provider_id: made.provider.id, target: "all".into(), ..Default::default() };
    lab.command(Command::CreateRoute(Box::new(route))).expect("a route");
    let carrier = lab.stranger("carrier", address(5));
    for number in ["1001", "+4930501", "110", "conference:1", "+4930500x", ""] {
        lab[carrier].call(number);
        lab.run_for(seconds(2));
        assert_eq!(lab[carrier].last().status, Some(404), "{number:?}\n{}", lab.ladder());
    }
    assert_eq!(lab[world].requests("INVITE").len(), 0, "nobody calls the world over us");
    lab.finish();
}

#[test]
fn a_phone_beside_a_trunk_is_still_a_phone() {
    let mut lab = Lab::new(7);
    let (alice, bob) = (lab.phone_at("1001", address(5)), lab.phone_at("1002", address(6)));
    lab.register(alice);
    lab.register(bob);
    make_trunk(&mut lab, by_address());
    lab[alice].manner.reuses_nonce = false;
    lab[bob].manner.on_invite = OnInvite::Answer;
    lab[alice].call("1002");
    lab.run_until(|lab| lab[alice].is(State::Up) && lab[bob].is(State::Up));
    lab[alice].hang_up();
    lab.finish();
}

#[test]
fn a_trunk_known_by_its_password_proves_it() {
    let (mut lab, alice) = office(3);
    make_trunk(&mut lab, by_password());
    let branch = lab.stranger("77", address(70));
    lab[branch].manner.proves_as = Some(("branch".into(), "open sesame".into()));
    lab[branch].call("+4930500");
    lab.run_until(|lab| lab[branch].is(State::Up) && lab[alice].is(State::Up));
    lab[branch].hang_up();
    lab.run_for(seconds(2));
    // Its password is for calls: nobody registers with it.
    lab[branch].register();
    lab.run_for(seconds(2));
    assert!(!lab[branch].is_registered());
    lab.finish();
}

#[test]
fn who_is_no_trunk_learns_nothing() {
    let (mut lab, _alice) = office(4);
    make_trunk(&mut lab, by_address());
    make_trunk(&mut lab, by_password());
    let stranger = lab.stranger("mallory", address(200));
    for (user, password) in [("branch", "wrong"), ("nobody", "open sesame"), ("1001", "wrong")] {
        lab[stranger].manner.proves_as = Some((user.into(), password.into()));
        for number in ["+4930500", "+4930501"] {
            lab[stranger].call(number);
            lab.run_for(seconds(2));
            assert_eq!(lab[stranger].last().status, Some(403), "{user} {number}\n{}", lab.ladder());
        }
    }
    for _ in 0..6 {
        lab[stranger].call("+4930500");
        lab.run_for(seconds(2));
    }
    lab.run_for(seconds(60));
    assert_eq!(lab.counter("guarded_sources"), 2, "alice, who is trusted, and the stranger");
    assert_eq!(lab.facts.count("source_blocked"), 1, "guessing is counted as for extensions");
    lab.finish();
}

#[test]
fn a_name_that_proves_itself_belongs_to_one() {
    let (mut lab, _alice) = office(5);
    let taken = TrunkData { username: "1001".into(), ..by_password() };
    let refused = lab.command(Command::CreateTrunk(Box::new(taken)));
    assert_eq!(refused, Err(Rejection::AlreadyExists("extension")));
    make_trunk(&mut lab, by_password());
    let twice = TrunkData { domain_name: "other".into(), ..by_password() };
    assert_eq!(lab.command(Command::CreateTrunk(Box::new(twice))), Err(Rejection::AlreadyExists("trunk")));
    let new = pbx::directory::NewExtension {
        extension: "branch".into(),
        password: "correct horse".into(),
        name: String::new(),
        detail: String::new(),
        encryption: None,
    };
    assert_eq!(lab.command(Command::CreateExtension(new)), Err(Rejection::AlreadyExists("trunk")));
}

#[test]
fn a_provider_calls_us_where_we_registered() {
    let (mut lab, alice) = office(6);
    let provider = lab.stranger("+4917099", address(1));
    lab[provider].manner.reuses_nonce = false;
    lab[provider].manner.asking = Some(Asking::of("box", "open sesame"));
    lab[provider].call("+4930500");
    lab.run_for(seconds(2));
    assert_eq!(lab[provider].last().status, Some(403), "not before: {}", lab.ladder());
    let (username, password) = ("box".to_string(), "open sesame".to_string());
    let register = Some(Register { realm: String::new(), username, password, expires: 600 });
    let data = ProviderData { hostname: address(1).ip().to_string(), register, ..ProviderData::default() };
    assert!(matches!(lab.command(Command::CreateProvider(Box::new(data))), Ok(Reply::Provider(_))));
    lab.run_for(seconds(1));
    lab[provider].call("+4930500");
    lab.run_until(|lab| lab[provider].is(State::Up) && lab[alice].is(State::Up));
    lab[provider].hang_up();
    lab.finish();
}
