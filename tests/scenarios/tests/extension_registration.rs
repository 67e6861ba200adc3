//! Phones register, refresh, take it back, and lose it.

use lab::{Algorithm, Lab, OnInvite, State};
use scenarios::{milliseconds, seconds};

#[test]
fn a_phone_registers_refreshes_and_takes_it_back() {
    let mut lab = Lab::new(1);
    let alice = lab.phone("1001");
    lab[alice].register();
    lab.run_for(seconds(1));
    assert!(lab[alice].is_registered());
    let binding = lab.bindings().remove(0);
    assert_eq!((binding.extension.as_str(), binding.contact.as_str()), ("1001", "sip:1001@10.0.1.10:5060"));
    assert_eq!((binding.behind_nat, binding.q, binding.path.len()), (false, 1000, 0));
    lab[alice].register();
    lab.run_for(seconds(1));
    lab[alice].unregister();
    lab.run_for(seconds(1));
    assert_eq!((lab[alice].registration.status, lab[alice].registration.contacts.len()), (Some(200), 0));
    assert_eq!(lab.bindings().len(), 0);
    insta::assert_snapshot!(lab.ladder());
    let count = |name| lab.facts.count(name);
    assert_eq!((count("extension_registered"), count("extension_unregistered")), (1, 1), "a refresh is no event");
    lab.finish();
}

#[test]
fn sha_256_is_as_good_as_md5() {
    let mut lab = Lab::new(2);
    let alice = lab.phone("1001");
    lab[alice].manner.algorithm = Algorithm::Sha256;
    lab.register(alice);
    assert_eq!(lab.bindings().len(), 1);
    lab.finish();
}

#[test]
fn a_nonce_lasts_for_many_requests_and_an_old_one_is_only_stale() {
    let mut lab = Lab::new(3);
    let alice = lab.registered_phone("1001");
    for _ in 0..5 {
        lab[alice].register();
        lab.run_for(milliseconds(100));
    }
    let unauthorized = |lab: &Lab| lab.messages(alice).iter().filter(|label| label.starts_with("< 401")).count();
    assert_eq!(unauthorized(&lab), 0, "the nonce is used again with a higher count\n{}", lab.ladder());
    lab.run_for(seconds(1800));
    lab[alice].register();
    lab.run_for(seconds(1));
    assert_eq!((unauthorized(&lab), lab[alice].registration.status), (1, Some(200)));
    assert_eq!(lab.counter("digest_wrong_total"), 0, "a stale nonce is no wrong password");
    lab.finish();
}

/// Whoever guesses must not learn which numbers exist: not from statuses, not from headers, not from the time it takes.
#[test]
fn an_unknown_extension_is_answered_like_a_wrong_password() {
    let mut lab = Lab::new(4);
    let (wrong, unknown) = (lab.phone("1001"), lab.phone("1002"));
    lab[wrong].password = "guess".into();
    lab[unknown].number = "7777".into();
    for phone in [wrong, unknown] {
        lab[phone].register();
        lab.run_for(seconds(1));
    }
    assert_eq!(lab.messages(wrong), lab.messages(unknown));
    let names = |phone: lab::PhoneId| {
        let answer = lab[phone].registration.answer.clone().expect("it was answered");
        answer.headers.into_iter().map(|(name, _)| name).collect::<Vec<_>>()
    };
    assert_eq!(names(wrong), names(unknown));
    assert_eq!(lab[wrong].registration.status, Some(403));
    insta::assert_snapshot!(lab.ladder());
    assert_eq!(lab.bindings().len(), 0);
    lab.finish();
}

#[test]
fn nobody_registers_somebody_else() {
    let mut lab = Lab::new(5);
    let (alice, mallory) = (lab.registered_phone("1001"), lab.phone("1001"));
    lab.extension("1002");
    lab[mallory].manner.proves_as = Some(("1002".into(), lab::password_of("1002")));
    lab[mallory].register();
    lab.run_for(seconds(1));
    assert_eq!(lab[mallory].registration.status, Some(403));
    lab[mallory].unregister_all();
    lab.run_for(seconds(1));
    assert_eq!(lab[mallory].registration.status, Some(403));
    assert_eq!((lab.bindings().len(), lab.bindings()[0].contact.as_str()), (1, "sip:1001@10.0.1.10:5060"));
    assert!(lab[alice].is_registered());
    lab.finish();
}

#[test]
fn a_star_takes_every_contact_back() {
    let mut lab = Lab::new(6);
    let (desk, mobile) = (lab.registered_phone("1001"), lab.registered_phone("1001"));
    assert_eq!(lab.bindings().len(), 2);
    lab[mobile].query_contacts();
    lab.run_for(seconds(1));
    assert_eq!(lab[mobile].registration.contacts.len(), 2, "a REGISTER without Contact asks");
    lab[desk].unregister_all();
    lab.run_for(seconds(1));
    assert_eq!(lab.bindings().len(), 0);
    assert_eq!(lab.facts.count("extension_unregistered"), 2);
    lab.finish();
}

#[test]
fn three_contacts_are_kept_and_the_fourth_does_not_make_four() {
    let mut lab = Lab::new(7);
    let phones: Vec<_> = (0..4).map(|_| lab.phone("1001")).collect();
    for phone in &phones {
        lab[*phone].register();
        lab.run_for(seconds(1));
    }
    let bindings = lab.bindings();
    assert_eq!(bindings.len(), 3);
    assert_eq!(lab[phones[3]].registration.status, Some(200), "the newest phone is the one in somebody's hand");
    assert!(!bindings.iter().any(|binding| binding.contact.contains("10.0.1.10:")), "the oldest had to go");
    assert_eq!(lab.facts.count("extension_unregistered"), 1);
    lab.finish();
}

#[test]
fn expiry_is_granted_with_jitter() {
    let mut lab = Lab::new(8);
    let mut granted = Vec::new();
    for number in 2000..2040 {
        let phone = lab.registered_phone(&number.to_string());
        granted.push(lab[phone].registration.granted.expect("it is registered"));
    }
    assert!(granted.iter().all(|seconds| (3200..=3600).contains(seconds)), "{granted:?}");
    let mut different = granted.clone();
    different.sort_unstable();
    different.dedup();
    assert!(different.len() > 20, "forty phones do not come back together: {granted:?}");
    lab.finish();
}

#[test]
fn too_short_an_expiry_is_refused_and_too_long_a_one_is_cut() {
    let mut lab = Lab::new(9);
    let (brief, lasting) = (lab.phone("1001"), lab.phone("1002"));
    lab[brief].manner.expires = 10;
    lab[lasting].manner.expires = 1_000_000;
    lab[brief].register();
    lab[lasting].register();
    lab.run_for(seconds(1));
    assert_eq!(lab[brief].registration.status, Some(423));
    let answer = lab[brief].registration.answer.clone().expect("it was answered");
    assert_eq!(answer.header("Min-Expires"), Some("60"));
    assert!(lab[lasting].registration.granted.expect("it is registered") <= 7200);
    lab.finish();
}

#[test]
fn a_phone_that_went_away_expires() {
    let mut lab = Lab::new(10);
    let (alice, bob) = (lab.registered_phone("1001"), lab.registered_phone("1002"));
    lab[bob].lose_power();
    lab.run_for(seconds(3601));
    assert_eq!(lab.bindings().len(), 1, "only the phone that refreshed is there");
    assert_eq!(lab.facts.count("extension_unregistered"), 1);
    assert!(lab[alice].is_registered());
    lab[alice].call("1002");
    lab.run_for(seconds(1));
    assert_eq!(lab[alice].last().status, Some(480));
    lab.finish();
}

#[test]
fn q_and_path_are_kept_and_the_path_is_used() {
    let mut lab = Lab::new(11);
    let (alice, bob) = (lab.registered_phone("1001"), lab.phone("1002"));
    lab[bob].manner.q = Some("0.5");
    lab[bob].manner.path = Some("<sip:edge.example.net;lr>".into());
    lab.register(bob);
    let binding = lab.bindings().into_iter().find(|binding| binding.extension == "1002").expect("it is there");
    assert_eq!((binding.q, binding.path.as_slice()), (500, ["<sip:edge.example.net;lr>".to_string()].as_slice()));
    let answer = lab[bob].registration.answer.clone().expect("it was answered");
    assert_eq!(answer.header("Path"), Some("<sip:edge.example.net;lr>"), "RFC 3327 §5.3");
    lab[alice].call("1002");
    lab.run_until(|lab| lab[bob].is(State::Ringing));
    let invite = lab[bob].last().invite.clone().expect("it came in");
    assert_eq!(invite.header("Route"), Some("<sip:edge.example.net;lr>"));
    lab[alice].hang_up();
    lab.finish();
}

#[test]
fn a_phone_behind_a_router_stays_reachable() {
    let mut lab = Lab::new(12);
    let (alice, bob) = (lab.registered_phone("1001"), lab.phone_behind_nat("1002"));
    lab.register(bob);
    assert!(lab.bindings().iter().any(|binding| binding.behind_nat && binding.extension == "1002"));
    lab.run_for(seconds(600));
    assert!(lab[bob].options >= 20, "OPTIONS keeps the router's mapping: {}", lab[bob].options);
    assert_eq!(lab[alice].options, 0, "nobody needs it on the plain network");
    lab.begin_ladder();
    lab[bob].manner.on_invite = OnInvite::Answer;
    lab[alice].call("1002");
    lab.run_for(seconds(2));
    assert!(lab.hears(alice, bob) && lab.hears(bob, alice), "{}", lab.ladder());
    lab[bob].hang_up();
    lab.run_for(seconds(1));
    lab[bob].unregister();
    lab.finish();
}

#[test]
fn registrations_come_about_although_a_fifth_is_lost() {
    for seed in 100..120 {
        let mut lab = Lab::new(seed);
        let phones: Vec<_> = (0..5).map(|number| lab.phone(&(1001 + number).to_string())).collect();
        for phone in &phones {
            lab.paths[phone.0] = lab::Path::bad(0.2);
            lab[*phone].register();
        }
        lab.run_for(seconds(60));
        assert!(phones.iter().all(|phone| lab[*phone].is_registered()), "seed {seed}\n{}", lab.ladder());
        assert_eq!(lab.bindings().len(), 5, "seed {seed}");
        lab.finish();
    }
}

#[test]
fn a_restart_keeps_the_registrations() {
    let mut lab = Lab::new(13);
    let (alice, bob) = (lab.registered_phone("1001"), lab.registered_phone("1002"));
    lab.restart_exchange();
    assert_eq!(lab.bindings().len(), 2);
    lab[bob].manner.on_invite = OnInvite::Answer;
    lab[alice].call("1002");
    lab.run_for(seconds(2));
    assert!(lab.hears(alice, bob) && lab.hears(bob, alice), "{}", lab.ladder());
    lab[alice].hang_up();
    lab.finish();
}

#[test]
fn a_deleted_extension_is_gone_with_its_contacts() {
    let mut lab = Lab::new(14);
    let alice = lab.registered_phone("1001");
    let id = lab.bindings()[0].extension_id;
    lab.command(pbx::Command::DeleteExtension(id)).expect("it is there");
    assert_eq!((lab.bindings().len(), lab.facts.count("extension_unregistered")), (0, 1));
    lab[alice].register();
    lab.run_for(seconds(1));
    assert_eq!(lab[alice].registration.status, Some(403));
    assert_eq!(lab.command(pbx::Command::DeleteExtension(id)), Err(pbx::Rejection::NotFound("extension")));
    lab.finish();
}

#[test]
fn a_phone_stays_registered_for_days() {
    let mut lab = Lab::new(15);
    let alice = lab.registered_phone("1001");
    for _ in 0..48 {
        lab.run_for(seconds(3600));
        assert!(lab[alice].is_registered());
        assert_eq!(lab.bindings().len(), 1);
    }
    assert_eq!(lab.facts.count("extension_registered"), 1);
    assert_eq!(lab.facts.count("extension_unregistered"), 0);
    lab.finish();
}
