//! Encrypted audio by keys in the description (RFC 4568): with whom, by whose keys, and never in clear where it was agreed on.

use lab::line::{DISCREET, SECRET};
use lab::manner::{DIGITS, G722, PCMU};
use lab::{Direction, Lab, OnInvite, PhoneId, Secrecy, State};
use pbx::directory::{ExtensionChange, ProviderData, RouteData};
use pbx::{Command, Reply};
use scenarios::{connect, seconds};
use sip::sdp::Encryption;

/// An exchange with this setting, and two phones that encrypt as it is said of each.
fn phones(seed: u64, encryption: Encryption, secrecy: [Option<Secrecy>; 2]) -> (Lab, PhoneId, PhoneId) {
    let mut lab = Lab::with_settings(seed, |settings| settings.encryption = encryption);
    let (alice, bob) = (lab.registered_phone("1001"), lab.registered_phone("1002"));
    lab[alice].manner.secrecy = secrecy[0];
    lab[bob].manner.secrecy = secrecy[1];
    (lab, alice, bob)
}

/// The keys that a phone was told in its last description.
fn told(lab: &Lab, phone: PhoneId) -> Vec<Vec<u8>> {
    let peer = lab[phone].last().audio.peer.as_ref().expect("it was sent a description");
    peer.keys.iter().map(|line| line.key.clone()).collect()
}

fn is_encrypted(lab: &Lab, phone: PhoneId) -> bool {
    lab[phone].last().audio.line.is_some()
}

/// Both are heard from now on.
fn talk_on(lab: &mut Lab, alice: PhoneId, bob: PhoneId) {
    let before = [alice, bob].map(|phone| lab[phone].last().audio.heard.len());
    lab.run_for(seconds(1));
    let after = [alice, bob].map(|phone| lab[phone].last().audio.heard.len());
    assert!(after[0] > before[0] + 40 && after[1] > before[1] + 40, "{before:?} {after:?}\n{}", lab.ladder());
    assert!(lab.hears(alice, bob) && lab.hears(bob, alice));
}

/// The suites in the records of the caller's leg and the other's.
fn suites(lab: &Lab) -> Vec<Option<&'static str>> {
    lab.facts.records().iter().map(|record| record.encryption).collect()
}

#[test]
fn each_leg_is_encrypted_by_its_own_keys_where_its_phone_wants_it() {
    for (seed, secrecy) in [
        (1, [Some(SECRET), Some(SECRET)]),
        (2, [Some(SECRET), Some(DISCREET)]),
        (3, [Some(DISCREET), None]),
        (4, [None, Some(SECRET)]),
        (5, [None, None]),
    ] {
        let (mut lab, alice, bob) = phones(seed, Encryption::Optional, secrecy);
        connect(&mut lab, alice, bob);
        assert_eq!([alice, bob].map(|phone| is_encrypted(&lab, phone)), secrecy.map(|secrecy| secrecy.is_some()));
        if secrecy[0].is_some() {
            let (here, there) = (told(&lab, alice), told(&lab, bob));
            assert!(here.len() == 1 && here.iter().all(|key| !there.contains(key)), "keys of another leg");
        }
        lab[alice].hang_up();
        lab.finish();
        assert_eq!(suites(&lab), secrecy.map(|secrecy| secrecy.map(|secrecy| secrecy.suite)));
        let shown = format!("{:?}", lab.sequences);
        assert!(!shown.contains("inline:") || shown.contains("inline:…"), "{shown}");
        let keys = shown.matches("inline:").count();
        assert_eq!(keys, shown.matches("inline:…").count(), "a key is shown in the ladder");
    }
}

#[test]
fn no_key_is_drawn_twice() {
    let mut keys = Vec::new();
    for seed in 1..=5 {
        let (mut lab, alice, bob) = phones(seed, Encryption::Required, [Some(SECRET), Some(SECRET)]);
        for _ in 0..3 {
            connect(&mut lab, alice, bob);
            keys.extend(told(&lab, alice));
            keys.extend(told(&lab, bob));
            lab[alice].hang_up();
            lab.run_for(seconds(1));
        }
        lab.finish();
    }
    let all = keys.len();
    keys.sort_unstable();
    keys.dedup();
    // One key in each answer, two in each offer.
    assert_eq!((keys.len(), all), (45, 45));
}

#[test]
fn where_it_is_off_nobody_is_rung_for_a_phone_that_insists() {
    let (mut lab, alice, bob) = phones(6, Encryption::Off, [Some(SECRET), None]);
    lab[alice].call("1002");
    lab.run_for(seconds(2));
    assert_eq!((lab[alice].last().status, lab[bob].calls.len()), (Some(488), 0), "{}", lab.ladder());
    // One that would also talk without does.
    lab[alice].manner.secrecy = Some(DISCREET);
    connect(&mut lab, alice, bob);
    assert!(told(&lab, bob).is_empty() && !is_encrypted(&lab, alice));
    lab[alice].hang_up();
    lab.finish();
}

#[test]
fn where_it_is_required_who_cannot_is_refused() {
    let (mut lab, alice, bob) = phones(7, Encryption::Required, [None, Some(SECRET)]);
    lab[alice].call("1002");
    lab.run_for(seconds(2));
    assert_eq!((lab[alice].last().status, lab[bob].calls.len()), (Some(488), 0), "{}", lab.ladder());
    lab[alice].manner.secrecy = Some(SECRET);
    lab[bob].manner.secrecy = None;
    lab[bob].manner.on_invite = OnInvite::Answer;
    lab[alice].call("1002");
    lab.run_for(seconds(2));
    assert_eq!((lab[alice].last().status, lab[bob].last().status), (Some(488), Some(488)), "{}", lab.ladder());
    lab.finish();
    assert!(lab.facts.records().iter().all(|record| record.progressing.is_none()));
}

#[test]
fn whose_suite_we_do_not_share_is_refused() {
    let exotic = Secrecy { suite: "F8_128_HMAC_SHA1_80", insists: true };
    for encryption in [Encryption::Optional, Encryption::Required] {
        let (mut lab, alice, bob) = phones(8, encryption, [Some(exotic), Some(SECRET)]);
        lab[alice].call("1002");
        lab.run_for(seconds(2));
        assert_eq!((lab[alice].last().status, lab[bob].calls.len()), (Some(488), 0), "{}", lab.ladder());
        lab.finish();
    }
}

#[test]
fn keys_stay_through_hold_and_change_with_the_phones() {
    let (mut lab, alice, bob) = phones(9, Encryption::Required, [Some(SECRET), Some(SECRET)]);
    connect(&mut lab, alice, bob);
    let before = told(&lab, alice);
    lab[alice].hold();
    lab.run_for(seconds(2));
    assert_eq!(told(&lab, alice), before);
    lab[alice].resume();
    lab.run_for(seconds(1));
    assert_eq!(told(&lab, alice), before);
    talk_on(&mut lab, alice, bob);
    lab[bob].update(true);
    lab.run_for(seconds(1));
    talk_on(&mut lab, alice, bob);
    // A phone that begins anew gets a new key of ours as well (RFC 4568 §7.1.4).
    let call = lab[alice].calls.last_mut().expect("it talks");
    call.audio.key_changes += 1;
    lab[alice].hold();
    lab.run_for(seconds(1));
    lab[alice].resume();
    lab.run_for(seconds(1));
    let after = told(&lab, alice);
    assert!(after.len() == 1 && after != before);
    talk_on(&mut lab, alice, bob);
    lab[bob].hang_up();
    lab.finish();
}

#[test]
fn what_was_encrypted_never_goes_on_in_clear() {
    for encryption in [Encryption::Optional, Encryption::Required] {
        let (mut lab, alice, bob) = phones(10, encryption, [Some(SECRET), Some(SECRET)]);
        connect(&mut lab, alice, bob);
        let line = lab[alice].last().audio.line.clone();
        lab[alice].manner.secrecy = None;
        lab[alice].hold();
        lab.run_for(seconds(1));
        let answers = &lab[alice].last().answers;
        assert!(answers.contains(&("INVITE".to_string(), 488)), "{answers:?}\n{}", lab.ladder());
        assert!(line.is_some() && is_encrypted(&lab, alice), "the phone stays with what was agreed on");
        lab[alice].manner.secrecy = Some(SECRET);
        talk_on(&mut lab, alice, bob);
        lab[alice].hang_up();
        lab.finish();
    }
}

#[test]
fn our_own_offers_go_on_under_the_keys() {
    let (mut lab, alice, bob) = phones(11, Encryption::Optional, [Some(SECRET), Some(DISCREET)]);
    connect(&mut lab, alice, bob);
    let before = told(&lab, alice);
    let id = lab.facts.records()[0].id;
    for holds in [true, false] {
        let hold = pbx::Command::ControlCall(id, pbx::call::Control::Hold(holds));
        lab.command(hold).expect("the call can be held");
        lab.run_for(seconds(2));
        assert_eq!(told(&lab, alice), before);
    }
    talk_on(&mut lab, alice, bob);
    lab[alice].hang_up();
    lab.finish();
}

#[test]
fn early_media_late_offers_and_other_codecs_are_encrypted_too() {
    let (mut lab, alice, bob) = phones(12, Encryption::Required, [Some(SECRET), Some(DISCREET)]);
    lab[bob].manner.on_invite = OnInvite::EarlyMedia;
    lab[alice].call("1002");
    lab.run_for(seconds(1));
    assert!(lab.hears(alice, bob), "{}", lab.ladder());
    lab[bob].answer();
    lab.run_for(seconds(1));
    talk_on(&mut lab, alice, bob);
    lab[alice].hang_up();
    lab.run_for(seconds(1));
    lab[alice].manner.offers_late = true;
    lab[bob].manner.on_invite = OnInvite::Ring;
    connect(&mut lab, alice, bob);
    assert!(is_encrypted(&lab, alice) && is_encrypted(&lab, bob));
    lab[alice].hang_up();
    lab.run_for(seconds(1));
    // Between codecs every packet is one of ours.
    lab[alice].manner.codecs = vec![PCMU, DIGITS];
    lab[bob].manner.codecs = vec![G722, DIGITS];
    lab[bob].manner.on_invite = OnInvite::Answer;
    lab[alice].call("1002");
    lab.run_until(|lab| lab[alice].is(State::Up));
    lab.run_for(seconds(2));
    for phone in [alice, bob] {
        let heard = lab[phone].last().audio.heard.len();
        assert!(is_encrypted(&lab, phone) && heard > 80, "{heard}");
    }
    lab[alice].hang_up();
    lab.finish();
}

#[test]
fn whom_the_other_holds_hears_our_music_encrypted() {
    let (mut lab, alice, bob) = phones(13, Encryption::Required, [Some(SECRET), Some(SECRET)]);
    connect(&mut lab, alice, bob);
    lab[alice].manner.hold_direction = Direction::SendOnly;
    lab[alice].hold();
    lab.run_for(seconds(1));
    let before = lab[bob].last().audio.heard.len();
    lab.run_for(seconds(2));
    assert!(lab[bob].last().audio.heard.len() > before + 80, "{}", lab.ladder());
    lab[alice].hang_up();
    lab.finish();
}

/// Says of an extension how its audio is encrypted.
fn set(lab: &mut Lab, number: &str, encryption: Option<Encryption>) {
    let known = lab.facts.extensions();
    let id = known.iter().find(|known| known.extension == number).expect("it is there").id;
    let change = ExtensionChange { encryption: Some(encryption), ..ExtensionChange::default() };
    lab.command(Command::UpdateExtension(id, change)).expect("it can be set");
}

/// A provider to which all numbers lead, before those of a higher priority.
fn provider(lab: &mut Lab, priority: u8, encryption: Option<Encryption>) -> PhoneId {
    let at = std::net::SocketAddr::from(([192, 0, 2, priority], 5060));
    let phone = lab.stranger(&format!("provider{priority}"), at);
    lab[phone].manner.on_invite = OnInvite::Answer;
    let data = ProviderData { hostname: at.ip().to_string(), encryption, ..ProviderData::default() };
    let made = lab.command(Command::CreateProvider(Box::new(data)));
    let Ok(Reply::Provider(made)) = made else { panic!("not made: {made:?}") };
    let (target, priority) = ("all".into(), priority.into());
    let route = RouteData { provider_id: made.provider.id, target, priority, ..RouteData::default() };
    lab.command(Command::CreateRoute(Box::new(route))).expect("a route");
    phone
}

#[test]
fn what_is_set_of_an_extension_goes_before_what_is_set_of_the_box() {
    let (mut lab, alice, bob) = phones(20, Encryption::Off, [Some(SECRET), None]);
    set(&mut lab, "1001", Some(Encryption::Required));
    connect(&mut lab, alice, bob);
    assert!(is_encrypted(&lab, alice) && !is_encrypted(&lab, bob) && told(&lab, bob).is_empty());
    lab[alice].hang_up();
    lab.run_for(seconds(1));
    // Called, it is offered nothing else.
    lab[alice].manner.on_invite = OnInvite::Ring;
    connect(&mut lab, bob, alice);
    assert!(is_encrypted(&lab, alice));
    lab[bob].hang_up();
    lab.run_for(seconds(1));
    // It cannot call in clear, and says so itself.
    lab[alice].manner.secrecy = None;
    lab[alice].call("1002");
    lab.run_for(seconds(1));
    assert_eq!(lab[alice].last().status, Some(488));
    assert!(lab.ladder().contains("488"), "{}", lab.ladder());
    // As the box does it again: off.
    set(&mut lab, "1001", None);
    connect(&mut lab, alice, bob);
    assert!(!is_encrypted(&lab, alice));
    lab[alice].hang_up();
    lab.finish();
}

#[test]
fn an_extension_may_be_left_out_where_the_box_encrypts() {
    let (mut lab, alice, bob) = phones(21, Encryption::Required, [Some(SECRET), None]);
    set(&mut lab, "1002", Some(Encryption::Off));
    connect(&mut lab, alice, bob);
    assert!(is_encrypted(&lab, alice) && !is_encrypted(&lab, bob));
    lab[alice].hang_up();
    lab.finish();
    assert_eq!(suites(&lab), [Some(SECRET.suite), None]);
}

#[test]
fn who_knows_savp_alone_is_asked_once_more_by_that() {
    let (mut lab, alice, bob) = phones(22, Encryption::Optional, [None, Some(SECRET)]);
    lab[bob].manner.takes_savp_alone = true;
    lab[bob].manner.on_invite = OnInvite::Answer;
    lab[alice].call("1002");
    lab.run_until(|lab| lab[alice].is(State::Up));
    lab.run_for(seconds(1));
    assert_eq!(lab[bob].requests("INVITE").len(), 2, "{}", lab.ladder());
    assert!(is_encrypted(&lab, bob) && !is_encrypted(&lab, alice));
    talk_on(&mut lab, alice, bob);
    lab[alice].hang_up();
    lab.run_for(seconds(1));
    // Who refuses for another reason is asked twice and no more.
    lab[bob].manner.on_invite = OnInvite::Refuse(488);
    let before = lab[bob].requests("INVITE").len();
    lab[alice].call("1002");
    lab.run_for(seconds(2));
    assert_eq!((lab[alice].last().status, lab[bob].requests("INVITE").len()), (Some(488), before + 2));
    lab.finish();
}

#[test]
fn a_provider_that_cannot_encrypt_is_left_for_one_that_can() {
    let (mut lab, alice, _) = phones(23, Encryption::Off, [None, None]);
    let first = provider(&mut lab, 1, Some(Encryption::Required));
    let second = provider(&mut lab, 2, Some(Encryption::Required));
    lab[second].manner.secrecy = Some(SECRET);
    lab[alice].call("+49301234");
    lab.run_until(|lab| lab[alice].is(State::Up));
    lab.run_for(seconds(1));
    assert_eq!((lab[first].last().status, is_encrypted(&lab, second)), (Some(488), true), "{}", lab.ladder());
    talk_on(&mut lab, alice, second);
    lab[alice].hang_up();
    lab.finish();
    let shown = format!("{:?}", lab.sequences);
    assert!(shown.contains("left for the next one") && shown.contains("nothing but encrypted audio"), "{shown}");
}

#[test]
fn one_that_may_be_called_in_clear_is_called_in_clear_after_one_that_may_not() {
    for (seed, encryption) in [(24, Some(Encryption::Off)), (25, Some(Encryption::Optional)), (26, None)] {
        let (mut lab, alice, _) = phones(seed, Encryption::Off, [None, None]);
        let first = provider(&mut lab, 1, Some(Encryption::Required));
        let second = provider(&mut lab, 2, encryption);
        lab[alice].call("+49301234");
        lab.run_until(|lab| lab[alice].is(State::Up));
        assert_eq!((lab[first].last().status, is_encrypted(&lab, second)), (Some(488), false));
        assert_eq!(told(&lab, second).is_empty(), encryption != Some(Encryption::Optional));
        talk_on(&mut lab, alice, second);
        lab[alice].hang_up();
        lab.finish();
    }
}

#[test]
fn nobody_gets_away_with_an_answer_in_clear_where_encryption_is_required() {
    let (mut lab, alice, bob) = phones(27, Encryption::Required, [Some(DISCREET), Some(SECRET)]);
    connect(&mut lab, alice, bob);
    assert!(is_encrypted(&lab, alice));
    // Our own offers within the call repeat AVP with keys to a phone that chose that; it answers without.
    lab[alice].manner.secrecy = None;
    let id = lab.facts.records()[0].id;
    lab.command(pbx::Command::ControlCall(id, pbx::call::Control::Hold(true))).expect("it can be held");
    lab.run_for(seconds(2));
    let record = &lab.facts.records()[0];
    assert_eq!(record.encryption, Some(DISCREET.suite), "{}", lab.ladder());
    lab[bob].hang_up();
    lab.finish();
}
