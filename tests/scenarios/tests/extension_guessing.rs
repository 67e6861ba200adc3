//! Those who guess passwords are not listened to for a while; those who do not are never cut off.

use lab::{Lab, Message, PhoneId};
use scenarios::{milliseconds, seconds};

fn guess(lab: &mut Lab, mallory: PhoneId, times: usize) {
    for _ in 0..times {
        lab[mallory].register();
        lab.run_for(milliseconds(500));
    }
}

#[test]
fn ten_wrong_passwords_within_a_minute_are_enough() {
    let mut lab = Lab::new(1);
    let alice = lab.registered_phone("1001");
    let mallory = lab.phone("1002");
    lab[mallory].password = "guess".into();
    lab[mallory].manner.reuses_nonce = false;
    guess(&mut lab, mallory, 10);
    assert_eq!(lab.facts.count("source_blocked"), 1);
    lab.begin_ladder();
    lab[mallory].password = lab::password_of("1002");
    guess(&mut lab, mallory, 3);
    assert!(lab.messages(mallory).iter().all(|label| label.starts_with('>')), "nobody answers\n{}", lab.ladder());
    assert!(lab.counter("dropped_from_blocked_total") >= 3);
    lab[alice].register();
    lab.run_for(seconds(1));
    assert_eq!(lab[alice].registration.status, Some(200), "others go on");
    lab.run_for(seconds(300));
    assert_eq!(lab.facts.count("source_unblocked"), 1);
    lab[mallory].register();
    lab.run_for(seconds(1));
    assert_eq!(lab[mallory].registration.status, Some(200), "it is listened to again");
    lab.finish();
}

#[test]
fn a_first_challenge_never_counts() {
    let mut lab = Lab::new(2);
    let alice = lab.phone("1001");
    for number in 0..50 {
        let request = Message::request("REGISTER", "sip:tandem.lab")
            .with("Via", format!("SIP/2.0/UDP 10.0.1.10:5060;branch=z9hG4bK{number};rport"))
            .with("From", "<sip:1001@tandem.lab>;tag=1")
            .with("To", "<sip:1001@tandem.lab>")
            .with("Call-ID", "again and again".replace(' ', "-"))
            .with("CSeq", format!("{} REGISTER", number + 1))
            .with("Contact", "<sip:1001@10.0.1.10>")
            .with("Max-Forwards", "70");
        lab.throw_sip("10.0.1.10:5060".parse().expect("an address"), &request.write());
        lab.run_for(milliseconds(100));
    }
    assert_eq!(lab.facts.count("source_blocked"), 0);
    lab.register(alice);
    lab.finish();
}

#[test]
fn an_office_behind_one_address_is_not_silenced_by_one_of_its_phones() {
    let mut lab = Lab::new(3);
    let alice = lab.phone_behind_nat("1001");
    lab.register(alice);
    let mallory = lab.phone_beside(alice, "1002");
    lab[mallory].password = "guess".into();
    lab[mallory].manner.reuses_nonce = false;
    guess(&mut lab, mallory, 30);
    assert_eq!(lab.facts.count("source_blocked"), 0);
    lab[alice].register();
    lab.run_for(seconds(1));
    assert_eq!(lab[alice].registration.status, Some(200));
    lab[alice].unregister();
    lab.run_for(seconds(1));
    lab.finish();
}

#[test]
fn a_wrong_password_in_an_invite_counts_too() {
    let mut lab = Lab::new(4);
    let (mallory, bob) = (lab.phone("1001"), lab.registered_phone("1002"));
    lab[mallory].password = "guess".into();
    lab[mallory].manner.reuses_nonce = false;
    for _ in 0..10 {
        lab[mallory].call("1002");
        lab.run_for(milliseconds(500));
        assert_eq!(lab[mallory].last().status, Some(403));
    }
    assert_eq!((lab.facts.count("source_blocked"), lab.facts.count("call_created")), (1, 0));
    assert!(lab[bob].calls.is_empty());
    lab.finish();
}
