//! Which codec a call gets: the callers' order, no decoding where it can be avoided, and the same through every change.

use lab::manner::{DIGITS, EXOTIC, G722, G729, OPUS, OPUS_DIGITS, PCMA, PCMU};
use lab::{Codec, Lab, OnInvite, PhoneId, State};
use scenarios::{connect, seconds, two_phones};

/// Two phones that speak this, the exchange being able to transcode or not.
fn phones(seed: u64, transcodes: bool, codecs: [&[Codec]; 2]) -> (Lab, PhoneId, PhoneId) {
    let mut lab = Lab::with_settings(seed, |settings| settings.transcodes = transcodes);
    let (alice, bob) = (lab.registered_phone("1001"), lab.registered_phone("1002"));
    lab[alice].manner.codecs = codecs[0].to_vec();
    lab[bob].manner.codecs = codecs[1].to_vec();
    (lab, alice, bob)
}

/// The names in the last description that a phone was sent.
fn told(lab: &Lab, phone: PhoneId) -> Vec<String> {
    let peer = lab[phone].last().audio.peer.as_ref().expect("it was sent a description");
    peer.names().into_iter().map(str::to_owned).collect()
}

/// The payload types of the speech that a phone heard, each once.
fn heard(lab: &Lab, phone: PhoneId) -> Vec<u8> {
    let speech = lab[phone].last().audio.heard.iter().filter(|heard| heard.voice.is_some());
    let mut numbers: Vec<u8> = speech.map(|heard| heard.payload_type).collect();
    numbers.sort_unstable();
    numbers.dedup();
    numbers
}

#[test]
fn what_the_caller_offers_comes_first_and_what_the_phone_speaks_is_answered() {
    for transcodes in [false, true] {
        let (mut lab, alice, bob) =
            phones(1, transcodes, [&[OPUS, G722, PCMA, DIGITS, OPUS_DIGITS], &[G722, PCMA, DIGITS]]);
        connect(&mut lab, alice, bob);
        let ours = ["PCMU/8000", "CN/8000", "telephone-event/48000", "telephone-event/8000"];
        assert_eq!(told(&lab, bob), [["opus/48000/2", "G722/8000", "PCMA/8000"].as_slice(), &ours].concat());
        assert_eq!(told(&lab, alice), ["G722/8000", "PCMA/8000", "telephone-event/8000"]);
        assert_eq!((heard(&lab, alice), heard(&lab, bob)), (vec![9], vec![9]));
        lab[alice].press('5');
        lab.run_for(seconds(1));
        assert_eq!(lab[bob].last().audio.keys_heard(), "5");
        lab[alice].hang_up();
        lab.finish();
        let records = lab.facts.records();
        assert!(records.iter().all(|record| record.codec.as_deref() == Some("G722/8000")));
    }
}

#[test]
fn opus_goes_through_under_each_phones_number_and_with_its_settings() {
    let desk =
        Codec { fmtp: "maxplaybackrate=16000;maxaveragebitrate=20000;x-secret=1", ..Codec::new(96, OPUS.rtpmap) };
    let (mut lab, alice, bob) = phones(2, false, [&[OPUS, OPUS_DIGITS, DIGITS], &[desk, DIGITS]]);
    connect(&mut lab, alice, bob);
    let settings = |phone: PhoneId| {
        let peer = lab[phone].last().audio.peer.clone().expect("it was sent a description");
        peer.settings_of(OPUS.rtpmap).into_iter().map(|(number, text)| (number, text.to_owned())).collect::<Vec<_>>()
    };
    // What one phone wishes is the other's business now, as far as we understand it.
    assert_eq!(settings(alice), [(111, "maxplaybackrate=16000;maxaveragebitrate=20000".to_owned())]);
    assert_eq!(settings(bob), [(111, "useinbandfec=1".to_owned())]);
    assert_eq!((heard(&lab, alice), heard(&lab, bob)), (vec![111], vec![111]));
    let audio = &lab[bob].last().audio;
    let steps: Vec<u32> =
        audio.heard.windows(2).map(|pair| pair[1].timestamp.wrapping_sub(pair[0].timestamp)).collect();
    assert!(steps.len() > 20 && steps.iter().all(|step| *step == 960), "{steps:?}");
    // The browser tells digits at 48 kHz, the desk phone has them at 8 kHz only.
    lab[alice].press('7');
    lab[bob].press('8');
    lab.run_for(seconds(1));
    let longest = |phone: PhoneId| {
        let events = lab[phone].last().audio.heard.iter().filter(|heard| heard.key.is_some());
        events.map(|heard| (heard.payload_type, heard.duration)).max().expect("it heard a key")
    };
    assert_eq!((lab[bob].last().audio.keys_heard(), longest(bob)), ("7".to_owned(), (101, 800)));
    assert_eq!((lab[alice].last().audio.keys_heard(), longest(alice)), ("8".to_owned(), (110, 4_800)));
    lab[bob].hang_up();
    lab.finish();
    let heard = lab.sequences[0].steps.iter().filter(|step| step.label.starts_with("digit")).count();
    assert_eq!(heard, 2, "we heard both as well");
}

#[test]
fn g729_is_passed_on_where_both_have_it() {
    for transcodes in [false, true] {
        let (mut lab, alice, bob) = phones(3, transcodes, [&[G729, DIGITS], &[PCMU, G729, DIGITS]]);
        connect(&mut lab, alice, bob);
        assert_eq!(told(&lab, bob)[0], "G729/8000");
        let peer = lab[bob].last().audio.peer.as_ref().expect("it was offered");
        assert_eq!(peer.settings_of("G729/8000"), [(18, "annexb=no")]);
        assert_eq!((heard(&lab, alice), heard(&lab, bob)), (vec![18], vec![18]));
        lab[alice].hang_up();
        lab.finish();
    }
    for transcodes in [false, true] {
        let (mut lab, alice, bob) = phones(4, transcodes, [&[G729], &[PCMU, PCMA]]);
        lab[bob].manner.on_invite = OnInvite::Answer;
        lab[alice].call("1002");
        lab.run_for(seconds(2));
        assert_eq!(lab[alice].last().status, Some(488), "{}", lab.ladder());
        lab.finish();
    }
}

#[test]
fn until_we_transcode_phones_without_a_common_codec_cannot_talk() {
    let (mut lab, alice, bob) = phones(5, false, [&[OPUS, G722], &[PCMU, PCMA]]);
    lab[bob].manner.on_invite = OnInvite::Answer;
    lab[alice].call("1002");
    lab.run_for(seconds(2));
    assert_eq!(lab[alice].last().status, Some(488), "{}", lab.ladder());
    lab.finish();
}

#[test]
fn once_we_transcode_each_phone_gets_what_it_speaks() {
    let (mut lab, alice, bob) = phones(6, true, [&[OPUS, G722, OPUS_DIGITS], &[PCMA, DIGITS]]);
    lab[bob].manner.on_invite = OnInvite::Answer;
    lab[alice].call("1002");
    lab.run_for(seconds(2));
    assert!(lab[alice].is(State::Up) && lab[bob].is(State::Up), "{}", lab.ladder());
    assert_eq!(told(&lab, alice), ["opus/48000/2", "telephone-event/48000"], "the caller's first");
    assert_eq!(told(&lab, bob)[..4], ["opus/48000/2", "G722/8000", "PCMA/8000", "PCMU/8000"]);
    lab[alice].hang_up();
    lab.finish();
    let codecs: Vec<_> = lab.facts.records().iter().map(|record| record.codec.clone()).collect();
    assert_eq!(codecs, [Some("opus/48000".to_owned()), Some("PCMA/8000".to_owned())]);
}

#[test]
fn a_reinvite_may_change_numbers_and_order_but_not_the_codec_of_the_call() {
    let (mut lab, alice, bob) = phones(7, false, [&[OPUS, G722, PCMA, DIGITS], &[OPUS, G722, PCMA, DIGITS]]);
    connect(&mut lab, alice, bob);
    assert_eq!(heard(&lab, bob), [111]);
    // RFC 3264 §8.3.2: another number for the same codec is fine.
    lab[bob].change_codecs(&[PCMA, Codec { payload_type: 97, ..OPUS }, Codec { payload_type: 98, ..DIGITS }]);
    lab.run_for(seconds(1));
    assert_eq!(told(&lab, bob), ["PCMA/8000", "opus/48000/2", "telephone-event/8000"]);
    let numbers = lab[bob].last().audio.peer.as_ref().expect("an answer").formats.clone();
    assert_eq!(numbers, [8, 97, 98]);
    let version = |lab: &Lab| lab[bob].last().audio.peer.as_ref().expect("a description").version;
    let before = version(&lab);
    lab.run_for(seconds(1));
    assert!(lab.hears(alice, bob) && lab.hears(bob, alice), "{}", lab.ladder());
    // Bob sends A-law now, which alice takes as it is; alice goes on with Opus, under bob's new number.
    assert_eq!(heard(&lab, alice), [8, 111]);
    assert_eq!(heard(&lab, bob), [97, 111]);
    lab[bob].change_codecs(&[OPUS, G722, PCMA, DIGITS]);
    lab.run_for(seconds(1));
    assert_eq!(version(&lab), before + 1);
    assert!(lab.hears(alice, bob) && lab.hears(bob, alice), "{}", lab.ladder());
    lab[alice].hang_up();
    lab.finish();
}

#[test]
fn a_reinvite_without_the_codec_of_the_call_is_refused_and_changes_nothing() {
    let (mut lab, alice, bob) = phones(8, false, [&[OPUS, DIGITS], &[OPUS, DIGITS]]);
    connect(&mut lab, alice, bob);
    lab[bob].change_codecs(&[PCMU, DIGITS]);
    lab.run_for(seconds(1));
    assert!(lab.ladder().contains("488"), "{}", lab.ladder());
    assert!(lab.hears(alice, bob) && lab.hears(bob, alice), "{}", lab.ladder());
    lab[alice].hang_up();
    lab.finish();
}

#[test]
fn a_caller_without_an_offer_is_offered_what_the_phone_answered() {
    for (transcodes, expected) in [(false, "PCMA/8000"), (true, "opus/48000/2")] {
        let (mut lab, alice, bob) = phones(9, transcodes, [&[OPUS, PCMA, DIGITS], &[OPUS, G722, PCMA, PCMU, DIGITS]]);
        lab[alice].manner.offers_late = true;
        connect(&mut lab, alice, bob);
        assert_eq!(told(&lab, alice)[0], expected);
        assert_eq!(lab[alice].last().audio.payload_type, lab[bob].last().audio.payload_type);
        lab[alice].hang_up();
        lab.finish();
    }
}

#[test]
fn a_phone_that_answers_in_another_codec_than_the_early_media_is_let_go() {
    let (mut lab, alice, bob) = phones(10, false, [&[OPUS, PCMU, DIGITS], &[OPUS, DIGITS]]);
    let second = lab.registered_phone("1002");
    lab[bob].manner.on_invite = OnInvite::EarlyMedia;
    lab[second].manner.codecs = vec![PCMU, DIGITS];
    lab[alice].call("1002");
    lab.run_for(seconds(1));
    assert_eq!(told(&lab, alice)[0], "opus/48000/2");
    lab[second].answer();
    lab.run_for(seconds(1));
    assert!(lab[second].is(State::Ended) && lab[bob].is(State::Ringing), "{}", lab.ladder());
    lab[bob].answer();
    lab.run_for(seconds(1));
    assert!(lab.hears(alice, bob) && lab.hears(bob, alice), "{}", lab.ladder());
    lab[alice].hang_up();
    lab.finish();
}

#[test]
fn a_box_offers_only_the_codecs_it_is_set_to() {
    let mut lab = Lab::with_settings(11, |settings| settings.codecs = vec![media::Codec::Pcma]);
    let (alice, bob) = (lab.registered_phone("1001"), lab.registered_phone("1002"));
    lab[alice].manner.codecs = vec![OPUS, PCMU, PCMA, G729];
    lab[bob].manner.codecs = vec![PCMU, PCMA, G729];
    connect(&mut lab, alice, bob);
    assert_eq!(told(&lab, bob)[..2], ["PCMA/8000", "G729/8000"]);
    lab[alice].hang_up();
    lab.run_for(seconds(1));
    lab[alice].manner.codecs = vec![OPUS, PCMU, EXOTIC];
    lab[alice].call("1002");
    lab.run_for(seconds(1));
    assert_eq!(lab[alice].last().status, Some(488));
    lab.finish();
}

#[test]
fn where_nothing_is_transcoded_two_phones_of_old_see_nothing_new() {
    let mut lab = Lab::with_settings(12, |settings| settings.transcodes = false);
    let (alice, bob) = (lab.registered_phone("1001"), lab.registered_phone("1002"));
    connect(&mut lab, alice, bob);
    assert_eq!(told(&lab, bob), ["PCMU/8000", "PCMA/8000", "CN/8000", "telephone-event/8000"]);
    assert_eq!(told(&lab, alice), ["PCMU/8000", "PCMA/8000", "telephone-event/8000"]);
    lab[alice].hang_up();
    lab.finish();
}

#[test]
fn what_we_would_have_to_decode_stands_behind_what_the_caller_speaks() {
    let (mut lab, alice, bob) = two_phones(13);
    connect(&mut lab, alice, bob);
    assert_eq!(told(&lab, bob)[..4], ["PCMU/8000", "PCMA/8000", "opus/48000/2", "G722/8000"]);
    lab[alice].hang_up();
    lab.finish();
}
