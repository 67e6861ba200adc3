//! Flows that nobody in his right mind would write: any action after any other, jumping anywhere.

use std::net::SocketAddr;
use std::time::Duration;

use lab::{Lab, PhoneId};
use pbx::call::AddressKind;
use pbx::conference::{ConferenceData, NewConference};
use pbx::directory::agent::{AgentAddress, Author, PasswordHash};
use pbx::directory::{Network, NewAgent, NewNumber, ProviderData, RouteData, TrunkData};
use pbx::errand::{Brought, Errand};
use pbx::flow::action::FINISH;
use pbx::flow::{Action, NewFlow, Value};
use pbx::{Command, Rejection, Reply};
use rand::seq::IndexedRandom;
use rand::{Rng, RngExt};
use uuid::Uuid;

/// The numbers that lead into flows.
pub const NUMBERS: [&str; 4] = ["500", "501", "502", "503"];

/// An agent that is reached at two of the phones and beyond the box.
pub const AGENT: &str = "ada";
/// A number beyond the box.
pub const OUTSIDE: &str = "+4930123456";

/// Makes the world beyond the box: a carrier that is provider and trunk at once. Its phone, and what is to be deleted in the end.
pub fn connect_carrier(lab: &mut Lab, phones: &[&str]) -> (PhoneId, [Command; 2]) {
    let at = SocketAddr::from(([192, 0, 2, 1], 5060));
    let carrier = lab.stranger("carrier", at);
    let data = ProviderData { hostname: at.ip().to_string(), ..ProviderData::default() };
    let made = lab.command(Command::CreateProvider(Box::new(data)));
    let Ok(Reply::Provider(provider)) = made else { panic!("no provider: {made:?}") };
    let provider_id = provider.provider.id;
    let data = RouteData { provider_id, target: "all".into(), ..RouteData::default() };
    let made = lab.command(Command::CreateRoute(Box::new(data)));
    let Ok(Reply::Route(route)) = made else { panic!("no route: {made:?}") };
    let allowed_ips = vec![Network::parse("192.0.2.0/28").expect("a network")];
    let data = TrunkData { domain_name: "carrier".into(), by_address: true, allowed_ips, ..TrunkData::default() };
    assert!(matches!(lab.command(Command::CreateTrunk(Box::new(data))), Ok(Reply::Trunk(_))));
    let addresses =
        [(AddressKind::Extension, phones[0]), (AddressKind::Extension, phones[1]), (AddressKind::Tel, OUTSIDE)];
    let addresses =
        addresses.map(|(kind, target)| AgentAddress { kind, target: target.into(), ..AgentAddress::default() });
    let password_hash = PasswordHash("$argon2id$x".into());
    let (username, addresses) = (AGENT.into(), addresses.into());
    let new = NewAgent { username, password_hash, addresses, ..NewAgent::default() };
    let made = lab.command(Command::CreateAgent(Box::new(new), Author::Exchange));
    assert!(matches!(made, Ok(Reply::Agent(_))), "{made:?}");
    (carrier, [Command::DeleteRoute(route.id), Command::DeleteProvider(provider_id)])
}

/// Makes a conference, and for each of [`NUMBERS`] a flow.
pub fn furnish(lab: &mut Lab, phones: &[&str], rng: &mut impl Rng) {
    let data = ConferenceData { extension: Some("800".into()), ..ConferenceData::default() };
    let made = lab.command(Command::CreateConference(NewConference { data, ..NewConference::default() }));
    let Ok(Reply::Conference(conference)) = made else { panic!("800 is free: {made:?}") };
    let mut others: Vec<Uuid> = Vec::new();
    for number in NUMBERS {
        let made = loop {
            let actions = draw(phones, conference.id, &others, rng);
            match lab.command(Command::CreateFlow(NewFlow { actions, ..NewFlow::default() })) {
                Ok(Reply::Flow(flow)) => break flow,
                Err(Rejection::Flow(findings)) => assert!(!findings.is_empty()),
                other => panic!("{other:?}"),
            }
        };
        others.push(made.id);
        let new = NewNumber { number: number.into(), call_flow_id: Some(made.id), ..NewNumber::default() };
        assert!(matches!(lab.command(Command::CreateNumber(new)), Ok(Reply::Number(_))));
    }
}

/// Actions for a call that somebody asks for.
pub fn draw_again(phones: &[&str], rng: &mut impl Rng) -> Vec<Action> {
    draw(phones, Uuid::nil(), &[], rng)
}

fn draw(phones: &[&str], conference: Uuid, others: &[Uuid], rng: &mut impl Rng) -> Vec<Action> {
    let count = rng.random_range(1..12_u32);
    let id = |number: u32| Uuid::from_u128(0x1000 + u128::from(number));
    let any = |rng: &mut _| -> Value {
        let number = RngExt::random_range(rng, 0..=count);
        if number == count { FINISH } else { id(number) }.to_string().into()
    };
    (0..count)
        .map(|number| {
            let (name, option): (&str, Value) = match rng.random_range(0..32) {
                0 | 1 => ("answer", Value::default()),
                2 => ("beep", Value::default()),
                3 => ("sleep", [("duration", rng.random_range(0..3_000_i64).into())].into()),
                4 | 5 => {
                    let (length, duration) = (rng.random_range(0..3_i64), rng.random_range(0..4_000_i64));
                    ("digits_receive", [("length", length.into()), ("duration", duration.into())].into())
                }
                6 | 7 => {
                    let ways = Value::from([("1", any(rng)), ("5", any(rng))]);
                    ("branch", [("target_ids", ways), ("default_target_id", any(rng))].into())
                }
                8 => {
                    let option = [("target_id", any(rng)), ("loop_count", rng.random_range(0..4_i64).into())];
                    ("goto", option.into())
                }
                9..13 => (
                    "connect",
                    [
                        ("destinations", destinations(phones, rng)),
                        ("early_media", rng.random_bool(0.3).into()),
                        ("relay_reason", rng.random_bool(0.2).into()),
                    ]
                    .into(),
                ),
                13 => ("conference_join", [("conference_id", conference.to_string().into())].into()),
                14 => {
                    let option = [("duration", rng.random_range(0..3_i64).into()), ("end_of_key", "any".into())];
                    ("record_start", option.into())
                }
                15 => ("record_stop", Value::default()),
                20 => ("fetch", [("event_url", "http://example.com/actions".into())].into()),
                21 | 22 => {
                    let option = [("uri", "http://example.com/told".into()), ("sync", rng.random_bool(0.5).into())];
                    ("webhook_send", option.into())
                }
                16 if rng.random_bool(0.6) => ("call", call(phones, rng)),
                16 => ("mute", Value::default()),
                17 => {
                    let option = [
                        ("variable", "voipbin.call.digits".into()),
                        ("value_string", "1".into()),
                        ("false_target_id", any(rng)),
                    ];
                    ("condition_variable", option.into())
                }
                18 => match others.choose(rng) {
                    Some(other) => ("fetch_flow", [("flow_id", other.to_string().into())].into()),
                    None => ("hangup", [("reason", "busy".into())].into()),
                },
                24.. => beyond_calling((phones, conference), rng),
                _ => ("talk", [("text", "hello".into()), ("digits_handle", "next".into())].into()),
            };
            let next_id = rng.random_bool(0.1).then(|| id(rng.random_range(0..count)));
            let option = if option == Value::Null { Value::Map(Vec::new()) } else { option };
            Action { id: id(number), next_id, name: name.into(), option }
        })
        .collect()
}

/// What a flow does beyond calling.
fn beyond_calling((phones, conference): (&[&str], Uuid), rng: &mut impl Rng) -> (&'static str, Value) {
    match rng.random_range(0..8) {
        0 => ("echo", [("duration", rng.random_range(0..4_000_i64).into())].into()),
        1 => {
            let handle = if rng.random_bool(0.5) { "hangup" } else { "continue" };
            ("amd", [("machine_handle", handle.into()), ("async", rng.random_bool(0.5).into())].into())
        }
        2 => ("message_send", [("destinations", destinations(phones, rng)), ("text", "hello".into())].into()),
        3 => {
            let ada = Value::from([("type", "email".into()), ("target", "ada@example.com".into())]);
            ("email_send", [("destinations", Value::List(vec![ada])), ("subject", "hello".into())].into())
        }
        4 => {
            let speaks = *["", "in", "out", "both"].choose(rng).expect("there are some");
            let host = if rng.random_bool(0.8) { "192.0.2.77:9000" } else { "nowhere.example.com:9000" };
            ("external_media_start", [("external_host", host.into()), ("direction_speak", speaks.into())].into())
        }
        5 => ("external_media_stop", Value::default()),
        6 => ("queue_join", [("queue_id", conference.to_string().into())].into()),
        _ => {
            let room = Value::from([("type", "conference".into()), ("target", "800".into())]);
            ("connect", [("destinations", Value::List(vec![room]))].into())
        }
    }
}

fn call(phones: &[&str], rng: &mut impl Rng) -> Value {
    let answer = Value::from([("type", "answer".into())]);
    let option = [
        ("destinations", destinations(phones, rng)),
        ("actions", Value::List(vec![answer])),
        ("chained", rng.random_bool(0.5).into()),
        ("early_execution", rng.random_bool(0.3).into()),
    ];
    option.into()
}

fn destinations(phones: &[&str], rng: &mut impl Rng) -> Value {
    let count = rng.random_range(1..4);
    let mut destination = || {
        let (kind, target) = match rng.random_range(0..10) {
            0 => ("agent", AGENT),
            1 => ("tel", OUTSIDE),
            _ => ("extension", phones.choose(rng).copied().expect("there are some")),
        };
        Value::from([("type", kind.into()), ("target", target.into())])
    };
    Value::List((0..count).map(|_| destination()).collect())
}

/// What the world answers: something of use, nonsense, nothing for a long time.
pub fn answer(errand: &Errand, rng: &mut impl Rng) -> (Duration, Result<Brought, String>) {
    let after = match rng.random_range(0..4) {
        0 => Duration::ZERO,
        1 | 2 => Duration::from_millis(rng.random_range(0..3_000)),
        _ => Duration::from_secs(rng.random_range(0..120)),
    };
    if rng.random_bool(0.3) {
        return (after, Err("nobody is there".into()));
    }
    let brought = match errand {
        Errand::Fetch { .. } => {
            let names = ["beep", "answer", "stop", "nonsense", "fetch"];
            let actions = (0..rng.random_range(0..3)).map(|_| {
                let name = (*names.choose(rng).expect("there are some")).into();
                let option = Value::from([("event_url", "http://example.com/actions".into())]);
                Action { id: Uuid::nil(), next_id: None, name, option }
            });
            Brought::Actions(actions.collect())
        }
        Errand::Speak(_) => Brought::Spoken("hello".into()),
        Errand::Mail(_) if rng.random_bool(0.5) => Brought::Refused("550 nobody".into()),
        Errand::Mail(_) => Brought::Nothing,
        Errand::Webhook(_) => {
            let status = *[200, 404, 429, 500].choose(rng).expect("there are some");
            Brought::Answer { status, body: "1".into() }
        }
    };
    (after, Ok(brought))
}
