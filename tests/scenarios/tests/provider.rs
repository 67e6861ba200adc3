//! Our registrations with providers: kept up from the first second, tried again, taken back.

use std::net::SocketAddr;

use lab::{Asking, Lab, OnRegister, PhoneId};
use pbx::directory::{ProviderData, Register};
use pbx::provider::{Health, ProviderRecord, Standing};
use pbx::{Command, EventKind, Input, Reply};
use scenarios::seconds;
use uuid::Uuid;

fn address() -> SocketAddr {
    SocketAddr::from(([192, 0, 2, 1], 5060))
}

fn data(expires: u32) -> ProviderData {
    let (username, password) = ("box".to_string(), "open sesame".to_string());
    let register = Some(Register { realm: String::new(), username, password, expires });
    ProviderData { hostname: address().ip().to_string(), register, ..ProviderData::default() }
}

/// A lab with a provider who asks for the password, and is not told of yet.
fn registrar(seed: u64) -> (Lab, PhoneId) {
    let mut lab = Lab::new(seed);
    let registrar = lab.stranger("registrar", address());
    lab[registrar].manner.asking = Some(Asking::of("box", "open sesame"));
    (lab, registrar)
}

fn make(lab: &mut Lab, data: ProviderData) -> Uuid {
    match lab.command(Command::CreateProvider(Box::new(data))) {
        Ok(Reply::Provider(made)) => made.provider.id,
        other => panic!("not made: {other:?}"),
    }
}

fn read(lab: &mut Lab, id: Uuid) -> ProviderRecord {
    match lab.command(Command::ReadProvider(id)) {
        Ok(Reply::Provider(record)) => *record,
        other => panic!("not there: {other:?}"),
    }
}

fn told(lab: &Lab) -> Vec<Standing> {
    let of = |event: &pbx::Event| match &event.kind {
        EventKind::ProviderUpdated(record) => Some(record.state.standing),
        _ => None,
    };
    lab.facts.events.iter().filter_map(of).collect()
}

#[test]
fn a_registration_is_made_at_once_and_kept_up() {
    let (mut lab, registrar) = registrar(1);
    let id = make(&mut lab, data(600));
    lab.run_for(seconds(1));
    let state = read(&mut lab, id).state;
    assert_eq!((state.standing, state.answer.as_str()), (Standing::Registered, "200 OK"));
    assert_eq!(lab[registrar].requests("REGISTER").len(), 2, "one is asked for the password");
    let register = lab[registrar].requests("REGISTER")[1].clone();
    assert!(register.write().starts_with(b"REGISTER sip:192.0.2.1 SIP/2.0"), "{register:?}");
    assert!(register.need("Contact").contains("sip:box@10.0.0.1"), "{register:?}");
    lab.run_for(seconds(3 * 600));
    let requests = lab[registrar].requests("REGISTER");
    assert!((5..=6).contains(&requests.len()), "refreshed in time, with the password at once: {}", requests.len());
    let numbers: Vec<u32> = requests.iter().map(|request| request.cseq().0).collect();
    assert!(numbers.is_sorted_by(|a, b| a < b), "{numbers:?}");
    assert_eq!(lab.counter("providers_registered"), 1);
    assert_eq!(
        told(&lab).iter().filter(|standing| **standing == Standing::Registered).count(),
        2,
        "once, and its health"
    );
    assert_eq!(read(&mut lab, id).state.health, Health::Healthy);
    lab.command(Command::DeleteProvider(id)).expect("nothing leads to it");
    lab.run_for(seconds(1));
    let last =
        lab[registrar].requests("REGISTER").last().expect("there were some").header("Expires").map(str::to_string);
    assert_eq!(last.as_deref(), Some("0"), "it is taken back");
    lab.finish();
}

#[test]
fn a_nonce_that_is_too_old_and_a_time_that_is_too_short_cost_one_more_round() {
    let (mut lab, registrar) = registrar(2);
    lab[registrar].manner.on_register = OnRegister::AtLeast(1_800);
    let id = make(&mut lab, data(600));
    lab.run_for(seconds(1));
    assert_eq!(read(&mut lab, id).state.standing, Standing::Registered);
    let asked: Vec<String> =
        lab[registrar].requests("REGISTER").iter().map(|request| request.need("Expires").to_string()).collect();
    assert_eq!(asked, ["600", "600", "1800"]);
    lab[registrar].manner.asking.as_mut().expect("it asks").nonce = "n2".into();
    lab.run_for(seconds(1_800));
    assert_eq!(read(&mut lab, id).state.standing, Standing::Registered);
    assert!(lab[registrar].requests("REGISTER").len() >= 5);
    lab.finish();
}

#[test]
fn what_fails_is_tried_again_less_and_less_often() {
    let (mut lab, registrar) = registrar(3);
    lab[registrar].manner.asking = Some(Asking::of("box", "another"));
    let id = make(&mut lab, data(600));
    lab.run_for(seconds(1));
    let state = read(&mut lab, id).state;
    assert_eq!((state.standing, state.until), (Standing::Failing, None));
    assert!(state.answer.starts_with("401"), "{}", state.answer);
    lab.run_for(seconds(60));
    let early = lab[registrar].requests("REGISTER").len() / 2;
    assert!((3..=5).contains(&early), "after 5, 10, 20 s: {early}");
    lab.run_for(seconds(3_600));
    let late = lab[registrar].requests("REGISTER").len() / 2 - early;
    assert!((9..=16).contains(&late), "every five minutes at most: {late}");
    assert_eq!(told(&lab).iter().filter(|standing| **standing == Standing::Failing).count(), 2, "once, and its health");
    lab[registrar].manner.asking = Some(Asking::of("box", "open sesame"));
    lab.run_for(seconds(400));
    assert_eq!(read(&mut lab, id).state.standing, Standing::Registered);
    lab.finish();
}

#[test]
fn a_registrar_that_is_silent_is_unhealthy_and_found_again() {
    let (mut lab, registrar) = registrar(4);
    lab[registrar].is_on = false;
    let id = make(&mut lab, data(600));
    lab.run_for(seconds(70));
    let state = read(&mut lab, id).state;
    assert_eq!(
        (state.standing, state.answer.as_str(), state.health),
        (Standing::Failing, "no answer", Health::Unhealthy)
    );
    lab[registrar].is_on = true;
    lab.run_for(seconds(200));
    let state = read(&mut lab, id).state;
    assert_eq!((state.standing, state.health), (Standing::Registered, Health::Healthy));
    lab.finish();
}

#[test]
fn a_box_that_ends_takes_its_registration_back() {
    let (mut lab, registrar) = registrar(5);
    make(&mut lab, data(600));
    lab.run_for(seconds(1));
    lab.input(Input::Drain);
    lab.run_for(seconds(1));
    let requests = lab[registrar].requests("REGISTER");
    assert_eq!(requests.last().expect("there were some").need("Expires"), "0");
    assert!(lab.is_drained);
    lab.finish();
}
