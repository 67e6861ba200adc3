//! Guests: whoever calls by a direct hash reaches what it leads to, and nothing else of the box.

use std::net::SocketAddr;

use lab::{Lab, OnInvite, PhoneId, State};
use pbx::call::AddressKind;
use pbx::conference::NewConference;
use pbx::directory::Direct;
use pbx::directory::agent::{AgentAddress, Author, NewAgent, PasswordHash};
use pbx::flow::{Action, NewFlow, Value};
use pbx::{Command, EventKind, Rejection, Reply};
use scenarios::{milliseconds, seconds};
use uuid::Uuid;

fn address(host: u8) -> SocketAddr {
    SocketAddr::from(([192, 0, 2, host], 5060))
}

/// A lab with the phones 1001, which answers, and 1002, and somebody whom the box does not know.
fn office(seed: u64) -> (Lab, [PhoneId; 2], PhoneId) {
    let mut lab = Lab::new(seed);
    let phones = ["1001", "1002"].map(|number| lab.registered_phone(number));
    lab[phones[0]].manner.on_invite = OnInvite::Answer;
    let guest = lab.stranger("visitor", address(7));
    lab.begin_ladder();
    (lab, phones, guest)
}

fn extension(lab: &Lab, number: &str) -> Direct {
    let all = lab.facts.extensions();
    Direct::Extension(all.iter().find(|extension| extension.extension == number).expect("it is there").id)
}

fn flow(lab: &mut Lab, milliseconds: i64) -> Direct {
    let action = |n, name: &str, option| Action { id: Uuid::from_u128(n), next_id: None, name: name.into(), option };
    let rest = Value::from([("duration", milliseconds.into())]);
    let actions = vec![action(1, "answer", Value::from([])), action(2, "sleep", rest)];
    let made = lab.command(Command::CreateFlow(NewFlow { name: "Door".into(), actions, ..NewFlow::default() }));
    let Ok(Reply::Flow(flow)) = made else { panic!("no flow: {made:?}") };
    Direct::Flow(flow.id)
}

/// Makes a direct hash.
fn hash(lab: &mut Lab, to: Direct) -> String {
    assert_eq!(lab.command(Command::RegenerateDirectHash(to)), Ok(Reply::DirectHash));
    let made = lab.facts.events.iter().rev().find_map(|event| match &event.kind {
        EventKind::DirectHashUpdated(made) if made.to == to => made.hash.clone(),
        _ => None,
    });
    let hash = made.expect("it was stated");
    assert!(hash.len() == 32 && hash.chars().all(|c| c.is_ascii_hexdigit()), "{hash}");
    hash
}

/// Calls by a hash, and says what it is answered.
fn call(lab: &mut Lab, guest: PhoneId, hash: &str) -> Option<u16> {
    lab[guest].call(&format!("direct.{hash}"));
    lab.run_for(seconds(2));
    lab[guest].last().status
}

#[test]
fn a_guest_reaches_what_the_hash_leads_to() {
    let (mut lab, [alice, bob], guest) = office(1);
    let Ok(Reply::Conference(room)) = lab.command(Command::CreateConference(NewConference::default())) else {
        panic!("no conference")
    };
    let at = AgentAddress { kind: AddressKind::Extension, target: "1001".into(), ..AgentAddress::default() };
    let new = NewAgent {
        username: "ada".into(),
        password_hash: PasswordHash("x".into()),
        addresses: vec![at],
        ..NewAgent::default()
    };
    let Ok(Reply::Agent(agent)) = lab.command(Command::CreateAgent(Box::new(new), Author::Exchange)) else {
        panic!("no agent")
    };
    let door = flow(&mut lab, 60_000);
    let all = [extension(&lab, "1001"), Direct::Agent(agent.id), Direct::Conference(room.id), door];
    let hashes = all.map(|to| hash(&mut lab, to));
    lab[bob].call(&format!("conference-{}", room.id));
    lab.run_for(seconds(1));
    for (to, hash) in all.iter().zip(&hashes) {
        assert_eq!(call(&mut lab, guest, hash), Some(200), "{to:?}\n{}", lab.ladder());
        match to {
            Direct::Extension(_) | Direct::Agent(_) => assert!(lab.hears(alice, guest) && lab.hears(guest, alice)),
            Direct::Conference(_) => assert!(lab.hears(bob, guest) && lab.hears(guest, bob)),
            Direct::Flow(_) => {}
        }
        lab[guest].hang_up();
        lab.run_for(seconds(1));
    }
    assert_eq!(lab[guest].requests("INVITE").len(), 0);
    lab[bob].hang_up();
    lab.finish();
    let calls = lab.facts.records().into_iter().filter(|record| record.source.target == "guest");
    let calls: Vec<_> = calls.filter(|record| record.master_call_id.is_none()).collect();
    let reached: Vec<_> = calls.iter().map(|call| (call.destination.kind, call.destination.target.clone())).collect();
    assert_eq!(reached[0], (AddressKind::Extension, "1001".into()));
    assert_eq!(reached[1], (AddressKind::Agent, agent.id.to_string()));
    assert_eq!(reached[2], (AddressKind::Conference, room.id.to_string()));
    assert_eq!(calls[3].destination.target_name, "Door");
    let told = format!("{:?}{:?}", lab.facts.events, lab.sequences);
    assert!(hashes.iter().all(|hash| !told.contains(hash.as_str())), "a hash is told to nobody");
}

#[test]
fn a_wrong_hash_is_a_guess_and_is_told_nothing() {
    let (mut lab, _, guest) = office(2);
    lab[guest].manner.reuses_nonce = false;
    let to = extension(&lab, "1001");
    let right = hash(&mut lab, to);
    lab[guest].call("1001");
    lab.run_for(seconds(1));
    let stranger = lab[guest].last().statuses.clone();
    let before = lab.facts.events.len();
    for wrong in
        ["", "0", "1001", &right[1..], &format!("{right}0"), &right.to_uppercase().replace(char::is_numeric, "A")]
    {
        lab[guest].call(&format!("direct.{wrong}"));
        lab.run_for(milliseconds(500));
        if lab.facts.count("source_blocked") == 0 {
            assert_eq!(lab[guest].last().statuses, stranger, "{wrong:?}: like whoever calls without a password");
        }
    }
    assert_eq!(lab.facts.count("source_blocked"), 1, "it is not listened to any more");
    assert_eq!(lab.facts.events.len(), before + 1, "and nothing else came of it");
    lab.run_for(seconds(301));
    assert_eq!(call(&mut lab, guest, &right), Some(200), "after its time it is");
    lab[guest].hang_up();
    lab.finish();
}

#[test]
fn a_guest_may_nothing_else() {
    let (mut lab, [alice, bob], guest) = office(3);
    let to = extension(&lab, "1001");
    let hash = hash(&mut lab, to);
    lab[guest].manner.extra = vec![("P-Asserted-Identity", "\"Boss\" <sip:1002@tandem.lab>".into())];
    assert_eq!(call(&mut lab, guest, &hash), Some(200));
    let invite = lab[alice].last().invite.clone().expect("it was rung");
    let shown = invite.need("From").to_string();
    assert!(shown.contains("Guest (Phone visitor)") && shown.contains("sip:guest@"), "{shown}");
    lab[guest].refer("1002");
    lab.run_for(seconds(2));
    assert!(lab[bob].calls.is_empty(), "nobody is rung for a guest");
    assert!(lab.hears(alice, guest), "they still talk");
    // The phone that it reached may send it on, as it may anybody.
    lab[bob].manner.on_invite = OnInvite::Answer;
    lab[alice].refer("1002");
    lab.run_for(seconds(2));
    assert!(lab.hears(bob, guest) && lab.hears(guest, bob), "{}", lab.ladder());
    lab[guest].hang_up();
    lab.run_for(seconds(1));
    lab[guest].register();
    lab.run_for(seconds(1));
    assert!(!lab[guest].is_registered());
    lab.finish();
}

#[test]
fn a_hash_ends_when_it_is_made_anew_taken_away_or_its_resource_deleted() {
    let (mut lab, _, guest) = office(4);
    let door = flow(&mut lab, 60_000);
    let first = hash(&mut lab, door);
    let second = hash(&mut lab, door);
    assert_ne!(first, second);
    assert_ne!(call(&mut lab, guest, &first), Some(200));
    assert_eq!(call(&mut lab, guest, &second), Some(200));
    assert_eq!(lab.command(Command::DeleteDirectHash(door)), Ok(Reply::DirectHash));
    assert!(lab[guest].is(State::Up), "calls that are up go on");
    lab[guest].hang_up();
    lab.run_for(seconds(1));
    assert_ne!(call(&mut lab, guest, &second), Some(200));
    let stated = lab.facts.count("flow_updated");
    assert_eq!(lab.command(Command::DeleteDirectHash(door)), Ok(Reply::DirectHash), "there is none, which is fine");
    assert_eq!(lab.facts.count("flow_updated"), stated);
    let third = hash(&mut lab, door);
    assert!(lab.command(Command::DeleteFlow(door.id())).is_ok());
    assert_ne!(call(&mut lab, guest, &third), Some(200));
    assert_eq!(lab.command(Command::RegenerateDirectHash(door)), Err(Rejection::NotFound("flow")));
    lab.finish();
}

#[test]
fn there_is_room_for_so_many_guests() {
    let (mut lab, [alice, bob], guest) = office(5);
    let door = flow(&mut lab, 60_000);
    let hash = hash(&mut lab, door);
    for _ in 0..pbx::limits::GUESTS {
        lab[guest].call(&format!("direct.{hash}"));
    }
    lab.run_for(seconds(2));
    assert_eq!(call(&mut lab, guest, &hash), Some(503));
    lab[bob].call("1001");
    lab.run_until(|lab| lab[alice].is(State::Up) && lab[bob].is(State::Up));
    lab[bob].hang_up();
    lab.run_for(seconds(60));
    assert_eq!(call(&mut lab, guest, &hash), Some(200), "the others are gone");
    lab[guest].hang_up();
    lab.finish();
}
