//! What calls cost: who is let in, what is charged, and what becomes of a call that outlives the balance.

use std::net::SocketAddr;

use lab::{Lab, OnInvite, PhoneId, State};
use pbx::billing::{Adjustment, BillingAccountData, CostType, Micros, Shortage, Usage, WhenSpent};
use pbx::call::{Address, AddressKind, CallRecord, HangupReason};
use pbx::command::NewActiveflow;
use pbx::directory::{Network, NewNumber, NumberKind, ProviderData, RouteData, TrunkData};
use pbx::errand::Speech;
use pbx::flow::order::NewCall;
use pbx::flow::{Action, NewFlow, Value};
use pbx::recording::{Recorded, RecordingOptions};
use pbx::{Command, EventKind, Rejection, Reply};
use scenarios::{connect, seconds};
use uuid::Uuid;

const RATE: i64 = 12_000;

fn address(host: u8) -> SocketAddr {
    SocketAddr::from(([192, 0, 2, host], 5060))
}

fn account(lab: &mut Lab, change: impl FnOnce(&mut BillingAccountData)) {
    let mut data = BillingAccountData { currency: "EUR".into(), ..BillingAccountData::default() };
    for cost_type in [CostType::CallPstnOutgoing, CostType::CallPstnIncoming, CostType::CallVn] {
        data.prices.set(cost_type, Micros(RATE));
    }
    change(&mut data);
    let set = lab.command(Command::UpdateBillingAccount(Box::new(data)));
    assert!(matches!(set, Ok(Reply::BillingAccount(_))), "{set:?}");
}

/// Pays in, or takes off; returns the balance.
fn pay(lab: &mut Lab, amount: i64) -> i64 {
    let key = Uuid::from_u128(lab.now().as_nanos());
    match lab.command(Command::AdjustBalance(Adjustment { key, amount: Micros(amount) })) {
        Ok(Reply::BillingAccount(account)) => account.balance.0,
        other => panic!("not paid: {other:?}"),
    }
}

fn balance(lab: &mut Lab) -> i64 {
    pay(lab, 1);
    lab.run_for(seconds(1));
    pay(lab, -1)
}

/// A lab with the phone 1001, and a provider to which all numbers lead and that brings calls in. A minute costs [`RATE`].
fn office(seed: u64) -> (Lab, PhoneId, PhoneId) {
    let mut lab = Lab::new(seed);
    let alice = lab.registered_phone("1001");
    let world = lab.stranger("world", address(1));
    lab[world].manner.on_invite = OnInvite::Answer;
    let data = ProviderData { hostname: address(1).ip().to_string(), ..ProviderData::default() };
    let Ok(Reply::Provider(made)) = lab.command(Command::CreateProvider(Box::new(data))) else { panic!("no provider") };
    let data = RouteData { provider_id: made.provider.id, target: "all".into(), ..RouteData::default() };
    assert!(matches!(lab.command(Command::CreateRoute(Box::new(data))), Ok(Reply::Route(_))));
    account(&mut lab, |_| {});
    lab.run_for(seconds(5));
    lab.begin_ladder();
    (lab, alice, world)
}

fn call_out(lab: &mut Lab, alice: PhoneId, number: &str) {
    lab[alice].call(number);
    lab.run_until(|lab| lab[alice].is(State::Up) || lab[alice].is(State::Ended));
}

fn shortages(lab: &Lab, name: &str) -> Vec<Shortage> {
    let facts = lab.facts.events.iter().filter(|event| event.kind.name() == name);
    facts
        .filter_map(|event| match &event.kind {
            EventKind::BillingRefused(shortage) | EventKind::BillingSpent(shortage) => Some(**shortage),
            _ => None,
        })
        .collect()
}

/// When the first call was told that its balance is spent.
fn shortages_at(lab: &Lab) -> std::time::Duration {
    let told = lab.facts.events.iter().find(|event| event.kind.name() == "billing_spent").expect("it was told");
    // The lab begins at a round moment.
    std::time::Duration::from_micros(told.at.0 as u64) - seconds(1_800_000_000)
}

/// What was charged for each leg, in the order in which they began; free ones are not there.
fn charged(lab: &Lab) -> Vec<(CostType, i64)> {
    let charge = |record: &&CallRecord| record.charge.map(|charge| (charge.cost_type, charge.amount().0));
    lab.facts.records().iter().filter_map(charge).collect()
}

fn steps(lab: &Lab) -> Vec<String> {
    let steps = lab.sequences.iter().flat_map(|sequence| &sequence.steps);
    steps.map(|step| format!("{}: {}", step.label, step.detail)).collect()
}

#[test]
fn a_minute_begun_is_paid_and_calls_between_extensions_are_free() {
    let (mut lab, alice, _world) = office(1);
    let bob = lab.registered_phone("1002");
    pay(&mut lab, 100 * RATE);
    call_out(&mut lab, alice, "+4930");
    lab.run_for(seconds(65));
    assert_eq!(lab.counter("billing_reserved"), 2 * RATE as u64, "two minutes are set aside while it is up");
    lab[alice].hang_up();
    lab.run_for(seconds(1));
    assert_eq!(charged(&lab), [(CostType::CallPstnOutgoing, 2 * RATE)], "the leg to the provider alone");
    connect(&mut lab, alice, bob);
    lab[alice].hang_up();
    lab.run_for(seconds(2));
    assert_eq!(charged(&lab).len(), 1);
    assert_eq!(balance(&mut lab), 98 * RATE);
    lab.finish();
}

#[test]
fn without_prices_nothing_is_charged_or_refused() {
    let (mut lab, alice, _world) = office(2);
    account(&mut lab, |data| *data = BillingAccountData { currency: "EUR".into(), ..BillingAccountData::default() });
    call_out(&mut lab, alice, "+4930");
    assert!(lab[alice].is(State::Up));
    lab.run_for(seconds(90));
    lab[alice].hang_up();
    lab.run_for(seconds(1));
    assert_eq!((charged(&lab), balance(&mut lab)), (vec![], 0));
    lab.finish();
}

#[test]
fn whoever_is_not_answered_pays_nothing() {
    let (mut lab, alice, world) = office(3);
    pay(&mut lab, RATE);
    lab[world].manner.on_invite = OnInvite::Refuse(486);
    call_out(&mut lab, alice, "+4930");
    lab.run_for(seconds(2));
    assert_eq!((charged(&lab), lab.counter("billing_reserved"), balance(&mut lab)), (vec![], 0, RATE));
    lab.finish();
}

#[test]
fn when_the_balance_is_spent_calls_out_are_refused_with_403_and_help_is_still_called() {
    let (mut lab, alice, world) = office(4);
    pay(&mut lab, RATE - 1);
    call_out(&mut lab, alice, "+4930");
    assert_eq!(lab[alice].last().status, Some(403), "{}", lab.ladder());
    assert!(lab[world].requests("INVITE").is_empty());
    let refused = shortages(&lab, "billing_refused");
    let expected = (CostType::CallPstnOutgoing, Micros(RATE), Micros(RATE - 1), true);
    let [Shortage { call_id, cost_type, rate, balance: left, ends, .. }] = refused[..] else { panic!("{refused:?}") };
    assert_eq!((cost_type, rate, left, ends), expected);
    assert_eq!((call_id, lab.facts.records()[0].hangup_cause), (lab.facts.records()[0].id, Some(21)));
    for number in ["112", "911"] {
        lab.run_for(seconds(2));
        call_out(&mut lab, alice, number);
        assert!(lab[alice].is(State::Up), "{number}");
        lab.run_for(seconds(130));
        assert!(lab[alice].is(State::Up), "{number}: it goes on");
        lab[alice].hang_up();
    }
    lab.run_for(seconds(2));
    assert_eq!((charged(&lab), balance(&mut lab)), (vec![], RATE - 1));
    lab.finish();
    let told = steps(&lab);
    assert!(told.contains(&"the balance is spent: call_pstn_outgoing costs more than is left".into()), "{told:#?}");
}

#[test]
fn credit_lets_the_balance_fall_below_zero_and_no_further() {
    let (mut lab, alice, _world) = office(5);
    account(&mut lab, |data| data.credit_limit = Micros(2 * RATE));
    for _ in 0..2 {
        call_out(&mut lab, alice, "+4930");
        assert!(lab[alice].is(State::Up));
        lab.run_for(seconds(5));
        lab[alice].hang_up();
        lab.run_for(seconds(2));
    }
    call_out(&mut lab, alice, "+4930");
    assert_eq!(lab[alice].last().status, Some(403));
    lab.run_for(seconds(1));
    assert_eq!(balance(&mut lab), -2 * RATE);
    lab.finish();
}

#[test]
fn money_that_a_call_has_begun_to_use_is_not_there_for_another() {
    let (mut lab, alice, _world) = office(6);
    let bob = lab.registered_phone("1002");
    pay(&mut lab, RATE);
    call_out(&mut lab, alice, "+4930");
    call_out(&mut lab, bob, "+4940");
    assert_eq!((lab[alice].is(State::Up), lab[bob].last().status), (true, Some(403)));
    lab[alice].hang_up();
    lab.run_for(seconds(1));
    assert_eq!(charged(&lab).len(), 1);
    lab.finish();
}

#[test]
fn calls_that_come_in_are_paid_for_by_what_they_call() {
    let (mut lab, alice, world) = office(7);
    lab[alice].manner.on_invite = OnInvite::Answer;
    let to = Value::from([("type", "extension".into()), ("target", "1001".into())]);
    let option = Value::from([("destinations", Value::List(vec![to]))]);
    let connect = Action { id: Uuid::from_u128(1), next_id: None, name: "connect".into(), option };
    let new = NewFlow { name: "Office".into(), actions: vec![connect], ..NewFlow::default() };
    let Ok(Reply::Flow(flow)) = lab.command(Command::CreateFlow(new)) else { panic!("no flow") };
    for (number, kind) in [("+4930500", NumberKind::Normal), ("+4930501", NumberKind::Virtual)] {
        let new = NewNumber { number: number.into(), kind, call_flow_id: Some(flow.id), ..NewNumber::default() };
        assert!(matches!(lab.command(Command::CreateNumber(new)), Ok(Reply::Number(_))));
    }
    let allowed_ips = vec![Network::parse("192.0.2.0/28").expect("a network")];
    let trunk = TrunkData { domain_name: "carrier".into(), by_address: true, allowed_ips, ..TrunkData::default() };
    assert!(matches!(lab.command(Command::CreateTrunk(Box::new(trunk))), Ok(Reply::Trunk(_))));
    lab[world].call("+4930500");
    lab.run_for(seconds(2));
    assert_eq!(lab[world].last().status, Some(403), "{}", lab.ladder());
    assert_eq!(shortages(&lab, "billing_refused")[0].cost_type, CostType::CallPstnIncoming);
    pay(&mut lab, 2 * RATE);
    for number in ["+4930500", "+4930501"] {
        lab[world].call(number);
        lab.run_until(|lab| lab[world].is(State::Up));
        lab.run_for(seconds(3));
        lab[world].hang_up();
        lab.run_for(seconds(2));
    }
    assert_eq!(charged(&lab), [(CostType::CallPstnIncoming, RATE), (CostType::CallVn, RATE)]);
    lab.finish();
}

#[test]
fn a_call_that_outlives_the_balance_is_announced_and_ended() {
    let (mut lab, alice, world) = office(8);
    pay(&mut lab, 2 * RATE);
    call_out(&mut lab, alice, "+4930");
    lab.run_for(seconds(99));
    assert_eq!(shortages(&lab, "billing_spent"), [], "the second minute was there");
    lab.run_for(seconds(2));
    let told = shortages(&lab, "billing_spent");
    assert!(matches!(told[..], [Shortage { ends: true, balance: Micros(0), .. }]), "{told:?}");
    assert!(lab[alice].is(State::Up) && lab[world].is(State::Up), "it is only announced");
    lab.run_for(seconds(17));
    assert!(lab[alice].is(State::Up));
    lab.run_for(seconds(4));
    assert!(lab[alice].is(State::Ended) && lab[world].is(State::Ended), "{}", lab.ladder());
    assert_eq!(charged(&lab), [(CostType::CallPstnOutgoing, 2 * RATE)], "not a minute more than there was money for");
    let paid = lab.facts.records().into_iter().find(|record| record.charge.is_some()).expect("one").clone();
    assert_eq!((paid.hangup_reason, paid.hangup_cause), (Some(HangupReason::Timeout), Some(102)));
    assert_eq!(balance(&mut lab), 0);
    lab.finish();
    let told = steps(&lab);
    for wanted in ["the balance is spent: the call ends in 20 s", "the balance is spent: the call is ended"] {
        assert!(told.iter().any(|step| step == wanted), "{wanted}: {told:#?}");
    }
}

#[test]
fn money_that_comes_in_the_last_seconds_lets_the_call_go_on() {
    let (mut lab, alice, _world) = office(9);
    pay(&mut lab, RATE);
    call_out(&mut lab, alice, "+4930");
    lab.run_for(seconds(50));
    assert_eq!(shortages(&lab, "billing_spent").len(), 1);
    pay(&mut lab, RATE);
    lab.run_for(seconds(45));
    assert!(lab[alice].is(State::Up));
    lab.run_for(seconds(20));
    assert_eq!(shortages(&lab, "billing_spent").len(), 2, "the next minute is not there either");
    lab.run_for(seconds(10));
    assert!(lab[alice].is(State::Ended));
    assert_eq!(charged(&lab), [(CostType::CallPstnOutgoing, 2 * RATE)]);
    lab.finish();
}

#[test]
fn by_setting_calls_go_on_when_the_balance_is_spent() {
    let (mut lab, alice, _world) = office(10);
    account(&mut lab, |data| data.when_spent = WhenSpent::Continue);
    pay(&mut lab, RATE);
    call_out(&mut lab, alice, "+4930");
    lab.run_for(seconds(150));
    assert!(lab[alice].is(State::Up));
    let told = shortages(&lab, "billing_spent");
    assert!(matches!(told[..], [Shortage { ends: false, .. }]), "once: {told:?}");
    lab[alice].hang_up();
    lab.run_for(seconds(1));
    assert_eq!(charged(&lab), [(CostType::CallPstnOutgoing, 3 * RATE)]);
    assert_eq!(balance(&mut lab), -2 * RATE);
    call_out(&mut lab, alice, "+4930");
    assert_eq!(lab[alice].last().status, Some(403), "new calls are refused");
    lab.run_for(seconds(1));
    lab.finish();
}

#[test]
fn the_price_is_the_one_that_counted_when_the_call_began() {
    let (mut lab, alice, _world) = office(11);
    pay(&mut lab, 10 * RATE);
    call_out(&mut lab, alice, "+4930");
    account(&mut lab, |data| data.prices.set(CostType::CallPstnOutgoing, Micros(9 * RATE)));
    lab.run_for(seconds(70));
    lab[alice].hang_up();
    lab.run_for(seconds(1));
    assert_eq!(charged(&lab), [(CostType::CallPstnOutgoing, 2 * RATE)]);
    lab.finish();
}

#[test]
fn calls_that_a_program_wants_are_refused_before_they_begin() {
    let (mut lab, _alice, world) = office(12);
    let to = |target: &str| Address { kind: AddressKind::Tel, target: target.into(), target_name: String::new() };
    let new = NewCall {
        actions: vec![Action { id: Uuid::from_u128(1), next_id: None, name: "answer".into(), option: Value::Null }],
        destinations: vec![to("+4930"), to("+4940")],
        ..NewCall::default()
    };
    pay(&mut lab, 2 * RATE - 1);
    assert_eq!(lab.command(Command::CreateCalls(Box::new(new.clone()))), Err(Rejection::Spent));
    assert!(lab.facts.records().is_empty() && shortages(&lab, "billing_refused").len() == 1);
    lab.run_for(seconds(1));
    pay(&mut lab, 1);
    assert!(matches!(lab.command(Command::CreateCalls(Box::new(new))), Ok(Reply::Calls(..))));
    lab.run_for(seconds(5));
    assert_eq!(lab[world].requests("INVITE").len(), 2);
    lab.finish();
    assert_eq!(charged(&lab).len(), 2);
}

#[test]
fn a_clock_that_is_set_during_a_call_changes_nothing() {
    let (mut lab, alice, _world) = office(13);
    pay(&mut lab, 10 * RATE);
    call_out(&mut lab, alice, "+4930");
    lab.run_for(seconds(5));
    lab.pbx.handle(lab.now(), pbx::Input::Clock(seconds(2_000_000_000)));
    lab.run_for(seconds(5));
    lab[alice].hang_up();
    lab.run_for(seconds(1));
    assert_eq!(charged(&lab), [(CostType::CallPstnOutgoing, RATE)]);
    lab.finish();
}

#[test]
fn both_hear_three_beeps_before_the_end_and_what_is_to_be_said() {
    let (mut lab, alice, world) = office(14);
    account(&mut lab, |data| data.announcement = "Your balance is spent.".into());
    pay(&mut lab, RATE);
    call_out(&mut lab, alice, "+4930");
    lab.run_for(seconds(38));
    let before = lab.outside.asked.len();
    lab.run_for(seconds(4));
    let spoken = lab.outside.asked[before..].iter().filter(|asked| format!("{asked:?}").contains("balance is spent"));
    assert_eq!(spoken.count(), 2, "to the caller and to the called");
    let warned = shortages_at(&lab);
    for (listener, speaker) in [(alice, world), (world, alice)] {
        let voice = lab[speaker].voice;
        let heard = lab[listener].calls.iter().flat_map(|call| &call.audio.heard);
        let beeps =
            heard.filter(|heard| heard.at > warned && heard.at < warned + seconds(1) && heard.voice != Some(voice));
        assert!(beeps.count() > 20, "{}", lab.ladder());
    }
    lab.run_for(seconds(30));
    lab.finish();
}

fn used(lab: &Lab) -> Vec<Usage> {
    let used = lab.facts.events.iter().filter_map(|event| match &event.kind {
        EventKind::BillingUsed(usage) => Some(**usage),
        _ => None,
    });
    used.collect()
}

fn action(name: &str, option: Value) -> Action {
    Action { id: Uuid::from_u128(9), next_id: None, name: name.into(), option }
}

fn run(lab: &mut Lab, name: &str, option: Value) {
    let new = NewActiveflow { actions: vec![action(name, option)], ..NewActiveflow::default() };
    assert!(matches!(lab.command(Command::CreateActiveflow(Box::new(new))), Ok(Reply::Activeflow(_))));
    lab.run_for(seconds(3));
}

fn to(kind: &str, target: &str) -> (&'static str, Value) {
    ("destinations", Value::List(vec![Value::from([("type", kind.into()), ("target", target.into())])]))
}

#[test]
fn texts_and_emails_are_paid_for_when_they_are_taken_and_not_sent_when_they_cannot_be() {
    let (mut lab, alice, world) = office(15);
    account(&mut lab, |data| {
        data.prices.set(CostType::Sms, Micros(5));
        data.prices.set(CostType::Email, Micros(2));
    });
    let text = ("text", "hello".into());
    let email = Value::from([to("email", "ada@example.com"), ("subject", "x".into()), ("content", "y".into())]);
    run(&mut lab, "message_send", Value::from([to("tel", "+4930"), text.clone()]));
    run(&mut lab, "email_send", email.clone());
    assert!(lab[world].requests("MESSAGE").is_empty() && lab.outside.asked.is_empty(), "there is no money");
    pay(&mut lab, 7);
    run(&mut lab, "message_send", Value::from([to("extension", "1001"), text.clone()]));
    assert_eq!((lab[alice].requests("MESSAGE").len(), used(&lab)), (1, vec![]), "phones of the box are free");
    run(&mut lab, "message_send", Value::from([to("tel", "+4930"), text]));
    run(&mut lab, "email_send", email);
    let costs: Vec<_> = used(&lab).iter().map(|usage| (usage.cost_type, usage.units, usage.amount().0)).collect();
    assert_eq!(costs, [(CostType::Sms, 1, 5), (CostType::Email, 1, 2)]);
    assert_eq!((lab[world].requests("MESSAGE").len(), balance(&mut lab)), (1, 0));
    lab.finish();
}

#[test]
fn what_is_spoken_and_recorded_is_paid_for_but_what_the_exchange_announces() {
    let (mut lab, alice, _world) = office(16);
    account(&mut lab, |data| {
        data.prices.set(CostType::Tts, Micros(3));
        data.prices.set(CostType::Recording, Micros(4));
        data.announcement = "Your balance is spent.".into();
    });
    pay(&mut lab, RATE);
    call_out(&mut lab, alice, "+4930");
    let call = lab.facts.records()[0].id;
    let options = RecordingOptions::default();
    assert!(lab.command(Command::StartRecording(Recorded::Call(call), options)).is_ok());
    let speech = Speech { text: "Hello.".into(), ..Speech::default() };
    assert!(lab.command(Command::Talk(call, speech)).is_ok());
    lab.run_for(seconds(70));
    assert!(lab[alice].is(State::Ended), "it is announced and ended");
    lab.run_for(seconds(3));
    let costs: Vec<_> = used(&lab).iter().map(|usage| (usage.cost_type, usage.units, usage.amount().0)).collect();
    assert_eq!(costs, [(CostType::Tts, 1, 3), (CostType::Recording, 1, 4)]);
    assert_eq!(used(&lab)[1].key, used(&lab)[1].reference_id, "a recording is charged once");
    assert_eq!(balance(&mut lab), -7);
    lab.finish();
}
