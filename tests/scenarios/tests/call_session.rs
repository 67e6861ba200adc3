//! What happens within a call: hold, another codec, another port, refreshes, digits, silence.

use std::time::Duration;

use lab::{Direction, Lab, OnInvite, PhoneId, State, manner};
use pbx::call::{HangupBy, HangupReason};
use pbx::{Command, Rejection};
use scenarios::{connect, milliseconds, seconds, two_phones, two_phones_talking};

fn hold_and_resume(change: impl Fn(&mut lab::Manner)) -> String {
    let (mut lab, alice, bob) = two_phones(1);
    change(&mut lab[alice].manner);
    connect(&mut lab, alice, bob);
    lab.begin_ladder();
    lab[alice].hold();
    lab.run_for(seconds(2));
    assert!(!lab.hears(alice, bob), "who holds does not hear");
    assert!(lab.facts.records()[0].held);
    lab[alice].resume();
    lab.run_for(seconds(1));
    assert!(lab.hears(alice, bob) && lab.hears(bob, alice), "{}", lab.ladder());
    assert!(!lab.facts.records()[0].held);
    assert_eq!(lab[alice].last().answers, [("INVITE".to_string(), 200), ("INVITE".to_string(), 200)]);
    lab[bob].hang_up();
    lab.run_for(seconds(1));
    let ladder = lab.ladder();
    lab.finish();
    ladder
}

#[test]
fn hold_by_sendonly() {
    insta::assert_snapshot!(hold_and_resume(|manner| manner.hold_direction = Direction::SendOnly));
}

#[test]
fn hold_by_inactive() {
    insta::assert_snapshot!(hold_and_resume(|manner| manner.hold_direction = Direction::Inactive));
}

#[test]
fn hold_by_an_address_of_zero() {
    insta::assert_snapshot!(hold_and_resume(|manner| manner.holds_by_address = true));
}

#[test]
fn both_hold_and_one_resumes() {
    let (mut lab, alice, bob) = two_phones_talking(2);
    lab[alice].hold();
    lab[bob].hold();
    lab.run_for(seconds(2));
    assert!(!lab.hears(alice, bob) && !lab.hears(bob, alice));
    lab[alice].resume();
    lab.run_for(seconds(1));
    assert!(!lab.hears(bob, alice), "the other still holds");
    lab[bob].resume();
    lab.run_for(seconds(1));
    assert!(lab.hears(alice, bob) && lab.hears(bob, alice));
    lab[alice].hang_up();
    lab.finish();
}

#[test]
fn a_held_call_is_not_taken_for_a_dead_one() {
    let (mut lab, alice, bob) = two_phones_talking(3);
    lab[alice].manner.hold_direction = Direction::Inactive;
    lab[alice].hold();
    lab[bob].hold();
    lab.run_for(seconds(600));
    assert!(lab[alice].is(State::Up) && lab[bob].is(State::Up), "{}", lab.ladder());
    lab[alice].hang_up();
    lab.finish();
}

#[test]
fn silence_ends_the_call() {
    let (mut lab, alice, bob) = two_phones_talking(4);
    lab[alice].calls[0].audio.next_at = None;
    lab.run_for(seconds(58));
    assert!(lab[alice].is(State::Up) && lab[bob].is(State::Up));
    lab.run_for(seconds(4));
    assert!(lab[alice].is(State::Ended) && lab[bob].is(State::Ended), "{}", lab.ladder());
    assert!(lab[bob].last().was_ended_by_peer);
    insta::assert_snapshot!(lab.ladder());
    lab.finish();
    assert_eq!(lab.counter("rtp_timeouts_total"), 1);
    let records = lab.facts.records();
    assert!(records.iter().all(|record| record.hangup_by == Some(HangupBy::Local)), "{records:#?}");
}

#[test]
fn both_lose_their_power_and_nothing_is_left() {
    let (mut lab, alice, bob) = two_phones_talking(5);
    lab[alice].lose_power();
    lab[bob].lose_power();
    lab.run_for(seconds(62));
    assert_eq!(lab.facts.count("call_hungup"), 2);
    lab.finish();
}

#[test]
fn a_phone_changes_its_codec() {
    let (mut lab, alice, bob) = two_phones_talking(6);
    assert_eq!(lab[bob].last().audio.payload_type, Some(0));
    lab.begin_ladder();
    lab[alice].change_codecs(&[manner::PCMA]);
    lab.run_for(seconds(1));
    assert_eq!(lab[alice].last().answers, [("INVITE".to_string(), 200)]);
    assert_eq!(lab[alice].last().audio.payload_type, Some(8));
    assert_eq!(lab.facts.records()[0].codec.as_deref(), Some("PCMA/8000"));
    let heard = lab[alice].last().audio.heard.last().expect("it heard something").clone();
    assert_eq!((heard.payload_type, lab.now() - heard.at < milliseconds(100)), (8, true), "in the codec it asked for");
    let heard = lab[bob].last().audio.heard.last().expect("it heard something").clone();
    assert_eq!((heard.payload_type, lab.now() - heard.at < milliseconds(100)), (8, true), "as it is: it takes both");
    insta::assert_snapshot!(lab.ladder());
    lab[alice].hang_up();
    lab.finish();
}

#[test]
fn a_law_meets_mu_law() {
    let (mut lab, alice, bob) = two_phones(7);
    lab[alice].manner.codecs = vec![manner::PCMA, manner::DIGITS];
    lab[bob].manner.codecs = vec![manner::PCMU, manner::DIGITS];
    lab[bob].manner.on_invite = OnInvite::Answer;
    lab[alice].call("1002");
    lab.run_for(seconds(2));
    assert!(lab[alice].is(State::Up) && lab[bob].is(State::Up), "{}", lab.ladder());
    let codecs = |phone: PhoneId, lab: &Lab| lab[phone].last().audio.heard.iter().map(|heard| heard.payload_type).max();
    assert_eq!((codecs(alice, &lab), codecs(bob, &lab)), (Some(8), Some(0)), "each hears its own law");
    // 0x90 in µ-law and 0x91 in A-law are loud; what comes out must be as loud and of the same sign (G.711 tables).
    let heard = |phone: PhoneId, lab: &Lab| lab[phone].last().audio.heard.last().and_then(|heard| heard.voice);
    assert_eq!(heard(bob, &lab), Some(a_law_to_mu_law(lab[alice].voice)));
    assert_eq!(heard(alice, &lab), Some(mu_law_to_a_law(lab[bob].voice)));
    lab[alice].hang_up();
    lab.finish();
}

fn a_law_to_linear(byte: u8) -> i32 {
    let byte = byte ^ 0x55;
    let (segment, step) = (i32::from(byte >> 4 & 7), i32::from(byte & 15));
    let magnitude = match segment {
        0 => (step << 4) + 8,
        _ => ((step << 4) + 0x108) << (segment - 1),
    };
    if byte & 0x80 != 0 { magnitude } else { -magnitude }
}

fn mu_law_to_linear(byte: u8) -> i32 {
    let byte = !byte;
    let magnitude = (((i32::from(byte & 15) << 3) + 0x84) << (byte >> 4 & 7)) - 0x84;
    if byte & 0x80 != 0 { -magnitude } else { magnitude }
}

/// The byte whose value is nearest.
fn nearest(value: i32, decode: fn(u8) -> i32) -> u8 {
    (0..=255).min_by_key(|byte| (decode(*byte) - value).abs()).expect("there are bytes")
}

fn a_law_to_mu_law(byte: u8) -> u8 {
    nearest(a_law_to_linear(byte), mu_law_to_linear)
}

fn mu_law_to_a_law(byte: u8) -> u8 {
    nearest(mu_law_to_linear(byte), a_law_to_linear)
}

#[test]
fn a_phone_listens_elsewhere() {
    let (mut lab, alice, bob) = two_phones_talking(8);
    let before = lab[alice].last().audio.local.port();
    lab[alice].change_port();
    lab.run_for(seconds(2));
    assert_ne!(lab[alice].last().audio.local.port(), before);
    assert!(lab.hears(alice, bob) && lab.hears(bob, alice), "{}", lab.ladder());
    lab[bob].hang_up();
    lab.finish();
}

/// RFC 3261 §14: an INVITE in each direction at the same time ends in 491 for both, and both try again.
#[test]
fn two_changes_cross() {
    let mut lab = Lab::with_settings(9, |settings| settings.session_expires = seconds(120));
    let (alice, bob) = (lab.registered_phone("1001"), lab.registered_phone("1002"));
    lab[bob].manner.session_expires = Some(120);
    lab[bob].manner.refresher = "uac";
    connect(&mut lab, alice, bob);
    lab.begin_ladder();
    let is_refreshing = |lab: &Lab, phone: PhoneId| {
        lab.messages(phone).iter().any(|label| label.starts_with("< INVITE") || label.starts_with("< UPDATE"))
    };
    lab.run_until(|lab| is_refreshing(lab, alice) || is_refreshing(lab, bob));
    let phone = if is_refreshing(&lab, alice) { alice } else { bob };
    lab[phone].hold();
    lab.run_for(seconds(10));
    let answers = lab[phone].last().answers.clone();
    assert_eq!(answers.first(), Some(&("INVITE".into(), 491)), "{}", lab.ladder());
    assert_eq!(answers.last(), Some(&("INVITE".into(), 200)), "{}", lab.ladder());
    assert!(lab[alice].is(State::Up) && lab[bob].is(State::Up));
    insta::assert_snapshot!(lab.ladder());
    lab[alice].hang_up();
    lab.finish();
}

#[test]
fn an_update_with_and_without_an_offer() {
    let (mut lab, alice, bob) = two_phones_talking(10);
    lab.begin_ladder();
    lab[alice].update(true);
    lab.run_for(seconds(1));
    lab[bob].update(false);
    lab.run_for(seconds(1));
    assert_eq!(lab[alice].last().answers, [("UPDATE".to_string(), 200)]);
    assert_eq!(lab[bob].last().answers, [("UPDATE".to_string(), 200)]);
    assert!(lab.hears(alice, bob) && lab.hears(bob, alice));
    insta::assert_snapshot!(lab.ladder());
    lab[alice].hang_up();
    lab.finish();
}

#[test]
fn provisional_answers_are_acknowledged_on_both_legs() {
    let (mut lab, alice, bob) = two_phones(11);
    for phone in [alice, bob] {
        lab[phone].manner.reliable_provisionals = true;
    }
    lab[bob].manner.on_invite = OnInvite::EarlyMedia;
    lab[alice].call("1002");
    lab.run_for(seconds(2));
    assert!(lab.hears(alice, bob));
    assert!(lab[alice].last().answers.contains(&("PRACK".into(), 200)), "{}", lab.ladder());
    lab[bob].answer();
    lab.run_for(seconds(1));
    assert!(lab.hears(alice, bob) && lab.hears(bob, alice));
    insta::assert_snapshot!(lab.ladder());
    lab[bob].hang_up();
    lab.finish();
}

/// RFC 3262 §3: an INVITE whose reliable provisional answer is never acknowledged is refused, answered or not.
#[test]
fn a_provisional_answer_that_is_never_acknowledged_ends_the_call() {
    for answers in [false, true] {
        let (mut lab, alice, bob) = two_phones(27);
        lab[alice].manner.reliable_provisionals = true;
        lab[bob].manner.on_invite = OnInvite::EarlyMedia;
        lab[alice].call("1002");
        lab.run_until(|lab| lab.messages(alice).iter().any(|label| label.starts_with("< 183")));
        lab[alice].lose_power();
        if answers {
            lab[bob].answer();
        }
        lab.run_for(seconds(40));
        assert!(lab[bob].is(State::Ended), "{}", lab.ladder());
        lab.run_for(seconds(40));
        lab.finish();
    }
}

#[test]
fn provisional_answers_are_acknowledged_although_a_third_is_lost() {
    for seed in 0..20 {
        let (mut lab, alice, bob) = two_phones(1000 + seed);
        for phone in [alice, bob] {
            lab[phone].manner.reliable_provisionals = true;
            lab.paths[phone.0] = lab::Path::bad(0.3);
        }
        lab[bob].manner.on_invite = OnInvite::EarlyMedia;
        lab[alice].call("1002");
        lab.run_for(seconds(20));
        lab[bob].answer();
        lab.run_for(seconds(20));
        assert!(lab[alice].is(State::Up) && lab[bob].is(State::Up), "seed {seed}\n{}", lab.ladder());
        let pracks = lab[bob].last().requests.iter().filter(|method| *method == "PRACK").count();
        assert_eq!(pracks, 1, "seed {seed}: one for each reliable answer\n{}", lab.ladder());
        lab[alice].hang_up();
        lab.run_for(seconds(40));
        lab.finish();
    }
}

fn long_call(seed: u64, change: impl Fn(&mut Lab, PhoneId, PhoneId)) -> (Lab, PhoneId, PhoneId) {
    let mut lab = Lab::with_settings(seed, |settings| {
        settings.session_expires = seconds(120);
        settings.call_limit = seconds(10_000);
    });
    let (alice, bob) = (lab.registered_phone("1001"), lab.registered_phone("1002"));
    change(&mut lab, alice, bob);
    connect(&mut lab, alice, bob);
    (lab, alice, bob)
}

#[test]
fn the_phone_refreshes_the_session() {
    for by_update in [false, true] {
        let (mut lab, alice, bob) = long_call(12, |lab, alice, _| {
            lab[alice].manner.session_expires = Some(100);
            lab[alice].manner.refreshes_by_update = by_update;
        });
        lab.run_for(seconds(400));
        assert!(lab.hears(alice, bob) && lab.hears(bob, alice), "{}", lab.ladder());
        let method = if by_update { "UPDATE" } else { "INVITE" };
        let refreshes = lab[alice].last().answers.iter().filter(|answer| **answer == (method.to_string(), 200)).count();
        let by_exchange = lab[alice].last().requests.len();
        assert!(refreshes + by_exchange >= 6, "{refreshes} {by_exchange}\n{}", lab.ladder());
        lab[alice].hang_up();
        lab.finish();
    }
}

#[test]
fn the_exchange_refreshes_the_session_when_the_phone_leaves_it_to_it() {
    let (mut lab, alice, bob) = long_call(13, |lab, _, bob| {
        lab[bob].manner.session_expires = Some(120);
        lab[bob].manner.refresher = "uac";
    });
    lab.begin_ladder();
    lab.run_for(seconds(400));
    assert!(lab.hears(alice, bob) && lab.hears(bob, alice), "{}", lab.ladder());
    assert!(lab[bob].last().requests.len() >= 5, "{}", lab.ladder());
    insta::assert_snapshot!(lab.ladder());
    lab[bob].hang_up();
    lab.finish();
}

/// A phone that promised to refresh and does not is hung up, although its audio still comes.
#[test]
fn a_session_that_is_not_refreshed_expires() {
    let (mut lab, alice, bob) = long_call(14, |lab, alice, bob| {
        for phone in [alice, bob] {
            lab[phone].manner.session_expires = Some(90);
            lab[phone].manner.refreshes_session = false;
            lab[phone].manner.answers_requests = false;
        }
    });
    lab.run_for(seconds(130));
    assert_eq!(lab.facts.count("call_hungup"), 2, "{}", lab.ladder());
    assert!(lab[alice].calls.len() == 1 && lab[bob].calls.len() == 1);
    for phone in [alice, bob] {
        lab[phone].calls[0].end_of_story();
    }
    lab.finish();
}

#[test]
fn too_short_a_session_is_refused_with_what_is_possible() {
    let (mut lab, alice, bob) = two_phones(15);
    lab[alice].manner.session_expires = Some(30);
    lab[alice].call("1002");
    lab.run_for(seconds(1));
    assert_eq!((lab[alice].last().status, lab[bob].calls.len()), (Some(422), 0));
    lab.finish();
}

#[test]
fn the_offer_comes_late() {
    let (mut lab, alice, bob) = two_phones(16);
    lab[alice].manner.offers_late = true;
    connect(&mut lab, alice, bob);
    lab[bob].hang_up();
    lab.run_for(seconds(1));
    insta::assert_snapshot!(lab.ladder());
    lab.finish();
}

#[test]
fn a_phone_asks_for_an_offer_during_the_call() {
    let (mut lab, alice, bob) = two_phones_talking(26);
    lab.begin_ladder();
    lab[alice].ask_for_offer();
    lab.run_for(seconds(2));
    assert_eq!(lab[alice].last().answers, [("INVITE".to_string(), 200)]);
    assert!(lab.hears(alice, bob) && lab.hears(bob, alice), "{}", lab.ladder());
    insta::assert_snapshot!(lab.ladder());
    lab[alice].hang_up();
    lab.finish();
}

#[test]
fn digits_in_info_pass_through() {
    let (mut lab, alice, bob) = two_phones_talking(17);
    lab.begin_ladder();
    for digit in "42#".chars() {
        lab[alice].send_digit(digit);
        lab.run_for(milliseconds(200));
    }
    assert_eq!(lab[bob].infos.len(), 3);
    assert!(lab[bob].infos[0].starts_with("Signal=4\r\n"));
    assert!(lab[alice].last().answers.iter().all(|answer| *answer == ("INFO".into(), 200)));
    insta::assert_snapshot!(lab.ladder());
    lab[bob].hang_up();
    lab.finish();
    let digits = lab.sequences[0].steps.iter().filter(|step| step.label.starts_with("digit "));
    assert_eq!(digits.map(|step| step.label.as_str()).collect::<Vec<_>>(), ["digit 4", "digit 2", "digit #"]);
}

#[test]
fn a_method_that_nobody_knows_is_refused_and_the_call_goes_on() {
    let (mut lab, alice, bob) = two_phones_talking(18);
    for method in ["PUBLISH", "REFER", "SUBSCRIBE", "MESSAGE"] {
        lab[alice].send_within(method);
        lab.run_for(milliseconds(200));
        let (_, status) = lab[alice].last().answers.last().expect("it was answered").clone();
        assert!((400..600).contains(&status), "{method}: {status}");
    }
    assert!(lab.hears(alice, bob) && lab.hears(bob, alice));
    lab[bob].hang_up();
    lab.finish();
}

#[test]
fn an_answer_that_is_never_acknowledged_ends() {
    let (mut lab, alice, bob) = two_phones(19);
    lab[alice].manner.acknowledges = false;
    lab[bob].manner.on_invite = OnInvite::Answer;
    lab[alice].call("1002");
    lab.run_for(seconds(40));
    assert!(lab[alice].is(State::Ended) && lab[bob].is(State::Ended), "{}", lab.ladder());
    insta::assert_snapshot!(lab.ladder());
    lab.finish();
}

#[test]
fn a_call_has_an_end() {
    let mut lab = Lab::with_settings(20, |settings| settings.call_limit = seconds(600));
    let (alice, bob) = (lab.registered_phone("1001"), lab.registered_phone("1002"));
    connect(&mut lab, alice, bob);
    lab.run_for(seconds(590));
    assert!(lab[alice].is(State::Up));
    lab.run_for(seconds(15));
    assert!(lab[alice].is(State::Ended) && lab[bob].is(State::Ended));
    lab.finish();
    let records = lab.facts.records();
    assert!(records.iter().all(|record| record.hangup_reason == Some(HangupReason::Timeout)), "{records:#?}");
}

#[test]
fn an_administrator_ends_a_call_at_either_leg_and_at_any_time() {
    for (leg, answered) in [(0, true), (1, true), (0, false), (1, false)] {
        let (mut lab, alice, bob) = two_phones(21);
        lab[alice].call("1002");
        lab.run_until(|lab| lab[bob].is(State::Ringing));
        if answered {
            lab[bob].answer();
            lab.run_for(seconds(1));
        }
        let id = lab.facts.records()[leg].id;
        lab.command(Command::HangupCall(id)).expect("it is up");
        lab.run_for(seconds(3));
        assert!(lab[alice].is(State::Ended) && lab[bob].is(State::Ended), "leg {leg}\n{}", lab.ladder());
        let again = lab.command(Command::HangupCall(id));
        assert!(matches!(again, Err(Rejection::AlreadyHungUp | Rejection::NotFound(_))), "{again:?}");
        lab.finish();
        assert_eq!(lab.facts.records()[leg].hangup_by, Some(HangupBy::Local));
    }
}

#[test]
fn the_record_says_how_good_it_was() {
    let (mut lab, alice, bob) = two_phones_talking(22);
    lab.run_for(seconds(9));
    lab[alice].hang_up();
    lab.finish();
    let sent = lab[alice].last().audio.sent as u64;
    let quality = lab.facts.records()[0].quality.expect("it was measured");
    assert!(quality.packets_received.abs_diff(sent) <= 2, "{quality:?} of {sent}");
    assert_eq!((quality.packets_lost, quality.packets_sent > 450), (0, true), "{quality:?}");
    let heard = lab[bob].last().audio.heard.len() as u64;
    assert!(lab.facts.records()[1].quality.expect("it was measured").packets_sent.abs_diff(heard) <= 2);
}

#[test]
fn a_call_keeps_its_ladder() {
    let (mut lab, alice, _) = two_phones_talking(23);
    let id = lab.facts.records()[0].id;
    let Ok(pbx::Reply::Sequence(live)) = lab.command(Command::ReadSequence(id)) else { panic!("no live ladder") };
    assert!(live.steps.len() > 10);
    lab[alice].hang_up();
    lab.finish();
    assert_eq!(lab.sequences.len(), 1);
    let sequence = &lab.sequences[0];
    assert_eq!((sequence.call_id, sequence.omitted), (id, 0));
    assert!(sequence.steps.len() > live.steps.len() && sequence.participants.len() >= 5);
    assert!(sequence.steps.windows(2).all(|pair| pair[0].at <= pair[1].at), "in the order of time");
    let columns = sequence.participants.len() as u8;
    assert!(sequence.steps.iter().all(|step| step.from < columns && step.to < columns));
    let text = sequence.steps.iter().map(|step| step.detail.as_str()).collect::<String>();
    assert!(text.contains("INVITE sip:1002@tandem.lab") && text.contains("m=audio"));
    for proof in text.split("response=\"").skip(1) {
        assert!(proof.starts_with('…'), "credentials are masked");
    }
    let steps: Vec<String> = sequence
        .steps
        .iter()
        .map(|step| {
            let name = |place: u8| sequence.participants[place as usize].name.as_str();
            format!("{:>8} {} -> {}: {}", step.kind.name(), name(step.from), name(step.to), step.label)
        })
        .collect();
    insta::assert_snapshot!(steps.join("\n"));
}

#[test]
fn a_very_long_call_keeps_a_ladder_of_bounded_length() {
    let mut lab = Lab::with_settings(24, |settings| settings.call_limit = Duration::from_secs(100_000));
    let (alice, bob) = (lab.registered_phone("1001"), lab.registered_phone("1002"));
    connect(&mut lab, alice, bob);
    for _ in 0..200 {
        lab[alice].update(false);
        lab.run_for(milliseconds(100));
    }
    lab[bob].hang_up();
    lab.finish();
    assert!(lab.sequences[0].steps.len() <= pbx::limits::SEQUENCE_STEPS && lab.sequences[0].omitted > 0);
}
