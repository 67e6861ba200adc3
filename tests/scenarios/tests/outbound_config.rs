//! What counts for every call beyond the box: which numbers may be called, with which codecs, as whom.

use std::net::SocketAddr;

use lab::manner::{G722, PCMU};
use lab::{Lab, OnInvite, PhoneId, State};
use media::Codec;
use pbx::call::transfer::{NewTransfer, TransferKind};
use pbx::call::{Address, AddressKind};
use pbx::directory::{NewNumber, OutboundConfigChange, ProviderData, RouteData};
use pbx::flow::order::NewCall;
use pbx::flow::{Action, NewFlow, Value};
use pbx::{Command, Rejection, Reply};
use scenarios::{connect, seconds};
use uuid::Uuid;

fn change(lab: &mut Lab, change: OutboundConfigChange) {
    let changed = lab.command(Command::UpdateOutboundConfig(Box::new(change)));
    assert!(matches!(changed, Ok(Reply::OutboundConfig(_))), "{changed:?}");
}

fn allow(lab: &mut Lab, list: &[&str]) {
    let list = list.iter().map(ToString::to_string).collect();
    change(lab, OutboundConfigChange { destination_whitelist: Some(list), ..OutboundConfigChange::default() });
}

/// A provider to which all numbers lead.
fn provider(lab: &mut Lab, data: ProviderData) -> PhoneId {
    let at = SocketAddr::from(([192, 0, 2, 1], 5060));
    let phone = lab.stranger("world", at);
    lab[phone].manner.on_invite = OnInvite::Answer;
    let data = ProviderData { hostname: at.ip().to_string(), ..data };
    let Ok(Reply::Provider(made)) = lab.command(Command::CreateProvider(Box::new(data))) else { panic!("no provider") };
    let data = RouteData { provider_id: made.provider.id, target: "all".into(), ..RouteData::default() };
    assert!(matches!(lab.command(Command::CreateRoute(Box::new(data))), Ok(Reply::Route(_))));
    phone
}

/// A lab with the phones 1001 and 1002, a provider, and Germany as the only country that may be called.
fn germany(seed: u64) -> (Lab, [PhoneId; 2], PhoneId) {
    let mut lab = Lab::new(seed);
    let phones = ["1001", "1002"].map(|number| lab.registered_phone(number));
    let world = provider(&mut lab, ProviderData::default());
    allow(&mut lab, &["+49"]);
    lab.begin_ladder();
    (lab, phones, world)
}

fn address(kind: AddressKind, target: &str) -> Address {
    Address { kind, target: target.into(), target_name: String::new() }
}

fn invites(lab: &Lab, phone: PhoneId) -> usize {
    lab[phone].requests("INVITE").len()
}

/// A number that leads into a flow with this action, and then waits a little.
fn number(lab: &mut Lab, number: &str, name: &str, target: &str) -> Uuid {
    let to = Value::List(vec![Value::from([("type", "tel".into()), ("target", target.into())])]);
    let answer = Value::List(vec![Value::from([("type", "answer".into())])]);
    let option = match name {
        "call" => Value::from([("destinations", to), ("actions", answer)]),
        _ => Value::from([("destinations", to)]),
    };
    let first = Action { id: Uuid::from_u128(1), next_id: None, name: name.into(), option };
    let option = Value::from([("duration", 500.into())]);
    let rest = Action { id: Uuid::from_u128(2), next_id: None, name: "sleep".into(), option };
    let new = NewFlow { name: "Out".into(), actions: vec![first, rest], ..NewFlow::default() };
    let Ok(Reply::Flow(flow)) = lab.command(Command::CreateFlow(new)) else { panic!("no flow") };
    let new = NewNumber { number: number.into(), call_flow_id: Some(flow.id), ..NewNumber::default() };
    let Ok(Reply::Number(made)) = lab.command(Command::CreateNumber(new)) else { panic!("no number") };
    made.id
}

#[test]
fn a_phone_calls_the_countries_that_are_listed_and_no_others() {
    let (mut lab, [alice, _], world) = germany(1);
    for number in ["+48123", "+1900", "0049301", "0190", "*+49"] {
        lab[alice].call(number);
        lab.run_for(seconds(1));
        let status = if number.starts_with('*') { 404 } else { 403 };
        assert_eq!(lab[alice].last().status, Some(status), "{number}\n{}", lab.ladder());
    }
    assert_eq!(invites(&lab, world), 0, "nobody is tried");
    for number in ["+49-30-12", "110", "112"] {
        lab[alice].call(number);
        lab.run_until(|lab| lab[alice].is(State::Up));
        lab[alice].hang_up();
        lab.run_for(seconds(1));
    }
    allow(&mut lab, &[]);
    lab[alice].call("+48123");
    lab.run_until(|lab| lab[alice].is(State::Up));
    lab[alice].hang_up();
    lab.finish();
    let told: Vec<&str> = lab.sequences.iter().flat_map(|s| &s.steps).map(|step| step.label.as_str()).collect();
    assert_eq!(told.iter().filter(|label| **label == "not on the destination whitelist").count(), 4, "{told:?}");
}

#[test]
fn what_is_of_the_box_is_never_asked_for() {
    let (mut lab, [alice, bob], world) = germany(2);
    allow(&mut lab, &["+1"]);
    connect(&mut lab, alice, bob);
    lab[alice].hang_up();
    lab.run_for(seconds(1));
    lab[alice].call("1099");
    lab.run_for(seconds(1));
    assert_eq!(lab[alice].last().status, Some(403), "it would go out");
    assert_eq!(invites(&lab, world), 0);
    lab.finish();
}

#[test]
fn flows_and_programs_are_held_to_it() {
    let (mut lab, [alice, _], world) = germany(3);
    number(&mut lab, "500", "connect", "+48123");
    number(&mut lab, "501", "call", "+48123");
    number(&mut lab, "502", "connect", "+49123");
    for dialled in ["500", "501"] {
        lab[alice].call(dialled);
        lab.run_until(|lab| lab[alice].is(State::Ended));
    }
    lab.run_for(seconds(2));
    assert_eq!(invites(&lab, world), 0, "{}", lab.ladder());
    lab[alice].call("502");
    lab.run_until(|lab| lab[alice].is(State::Up));
    assert_eq!(invites(&lab, world), 1);
    lab[alice].hang_up();
    lab.run_for(seconds(1));
    let actions =
        vec![Action { id: Uuid::from_u128(1), next_id: None, name: "answer".into(), option: Value::from([]) }];
    let destinations = vec![address(AddressKind::Tel, "+49123"), address(AddressKind::Tel, "+48123")];
    let new = NewCall { destinations, actions, ..NewCall::default() };
    let refused = lab.command(Command::CreateCalls(Box::new(new)));
    let Err(Rejection::Fault(fault)) = refused else { panic!("made: {refused:?}") };
    assert_eq!(fault.at, "destinations[1].target");
    assert!(fault.reason.contains("not on the destination whitelist"), "{}", fault.reason);
    lab.run_for(seconds(1));
    assert_eq!(invites(&lab, world), 1, "all of them, or none");
    lab.finish();
}

#[test]
fn nobody_is_transferred_beyond_it() {
    let (mut lab, [alice, bob], world) = germany(4);
    connect(&mut lab, alice, bob);
    lab[alice].refer("+48123");
    lab.run_for(seconds(2));
    assert_eq!(lab[alice].notified.last(), Some(&403));
    assert!(lab.hears(alice, bob), "they talk as before");
    let call = lab.facts.records()[0].id;
    let addresses = vec![address(AddressKind::Tel, "+48123")];
    let asked = NewTransfer { kind: TransferKind::Attended, call, addresses };
    assert!(matches!(lab.command(Command::CreateTransfer(asked)), Ok(Reply::Transfer(_))));
    lab.run_for(seconds(2));
    assert_eq!(invites(&lab, world), 0);
    assert!(lab.hears(alice, bob), "they talk as before\n{}", lab.ladder());
    lab[alice].refer("+49123");
    lab.run_for(seconds(2));
    assert_eq!(invites(&lab, world), 1, "{}", lab.ladder());
    lab[bob].hang_up();
    lab.finish();
}

#[test]
fn codecs_and_a_number_are_for_providers_that_do_not_say_otherwise() {
    for (codecs, caller_id, offered, shown) in
        [(vec![], "", "PCMU", "+4930500"), (vec![Codec::G722], "+4930999", "G722", "+4930999")]
    {
        let mut lab = Lab::new(5);
        let alice = lab.registered_phone("1001");
        let world = provider(&mut lab, ProviderData { codecs, caller_id: caller_id.into(), ..ProviderData::default() });
        lab[world].manner.codecs = vec![PCMU, G722];
        let own = number(&mut lab, "+4930500", "connect", "+49");
        let config = OutboundConfigChange {
            codecs: Some(vec![Codec::Pcmu]),
            default_outgoing_source_number_id: Some(Some(own)),
            ..OutboundConfigChange::default()
        };
        change(&mut lab, config);
        lab[alice].call("+49123");
        lab.run_until(|lab| lab[alice].is(State::Up));
        let invite = lab[world].requests("INVITE")[0].clone();
        assert!(invite.need("From").contains(&format!("sip:{shown}@")), "{invite:?}");
        let text = String::from_utf8_lossy(&invite.write()).into_owned();
        let others = ["PCMA", "PCMU", "G722", "opus"].into_iter().filter(|other| *other != offered);
        assert!(text.contains(offered) && !others.into_iter().any(|other| text.contains(other)), "{text}");
        let refused = lab.command(Command::DeleteNumber(own));
        assert!(matches!(refused, Err(Rejection::InUse(_))), "{refused:?}");
        let nobody = OutboundConfigChange {
            default_outgoing_source_number_id: Some(Some(Uuid::from_u128(9))),
            ..OutboundConfigChange::default()
        };
        let refused = lab.command(Command::UpdateOutboundConfig(Box::new(nobody)));
        let field = "default_outgoing_source_number_id";
        assert!(matches!(refused, Err(Rejection::Invalid { field: f, .. }) if f == field), "{refused:?}");
        lab[alice].hang_up();
        lab.finish();
    }
}
