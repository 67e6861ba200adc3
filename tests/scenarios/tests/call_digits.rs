//! Keys pressed during a call, and the reports that go with the audio.

use lab::{Codec, OnInvite, manner};
use scenarios::{seconds, two_phones, two_phones_talking};

#[test]
fn keys_pass_through_whatever_number_each_phone_has_for_them() {
    let (mut lab, alice, bob) = two_phones(1);
    let other_number = Codec { payload_type: 96, ..manner::DIGITS };
    lab[alice].manner.codecs = vec![manner::PCMU, other_number];
    lab[bob].manner.on_invite = OnInvite::Answer;
    lab[alice].call("1002");
    lab.run_for(seconds(1));
    for key in "147*#".chars() {
        lab[alice].press(key);
    }
    lab[bob].press('9');
    lab.run_for(seconds(2));
    assert_eq!(lab[bob].last().audio.keys_heard(), "147*#");
    assert_eq!(lab[alice].last().audio.keys_heard(), "9");
    let as_heard =
        |phone: lab::PhoneId| lab[phone].last().audio.heard.iter().find(|heard| heard.key.is_some()).cloned();
    let offered = lab[bob].last().audio.peer.as_ref().expect("it was offered").clone();
    let number = as_heard(bob).expect("it heard keys").payload_type;
    assert_eq!(offered.name_of(number), "telephone-event/8000");
    assert_eq!(as_heard(alice).expect("it heard a key").payload_type, 96);
    assert!(lab.hears(alice, bob) && lab.hears(bob, alice), "the voices go on");
    lab[alice].hang_up();
    lab.finish();
    let labels: Vec<_> = lab.sequences[0].steps.iter().map(|step| step.label.as_str()).collect();
    assert!(labels.contains(&"digit 1") && labels.contains(&"digit #"), "{labels:?}");
}

#[test]
fn each_phone_gets_reports() {
    let (mut lab, alice, bob) = two_phones_talking(2);
    lab.run_for(seconds(30));
    for phone in [alice, bob] {
        let reports = lab[phone].last().audio.reports;
        assert!((3..=15).contains(&reports), "{reports} in half a minute");
    }
    lab[bob].hang_up();
    lab.finish();
}
