//! What a user agent server owes to anybody (RFC 3261 §8.2): said to a raw socket, not to a phone.

use std::net::SocketAddr;

use lab::{Lab, Message, PhoneId, State};
use scenarios::{milliseconds, seconds, two_phones};

fn request(method: &str, branch: &str) -> Message {
    Message::request(method, "sip:1002@tandem.lab")
        .with("Via", format!("SIP/2.0/UDP 10.0.1.10:5060;branch=z9hG4bK{branch};rport"))
        .with("From", "<sip:1001@tandem.lab>;tag=1")
        .with("To", "<sip:1002@tandem.lab>")
        .with("Call-ID", "one-call")
        .with("CSeq", format!("1 {method}"))
        .with("Contact", "<sip:1001@10.0.1.10>")
        .with("Max-Forwards", "70")
}

/// What comes back, as labels.
fn answers(lab: &mut Lab, phone: PhoneId, bytes: &[u8]) -> Vec<String> {
    lab.begin_ladder();
    let from: SocketAddr = lab[phone].address;
    lab.throw_sip(from, bytes);
    lab.run_for(milliseconds(100));
    lab.messages(phone)
}

#[test]
fn options_tell_what_there_is() {
    let mut lab = Lab::new(1);
    let phone = lab.phone("1001");
    assert_eq!(answers(&mut lab, phone, &request("OPTIONS", "a").write()), ["< 200 OK"]);
    lab.finish();
}

#[test]
fn what_is_not_understood_is_refused_by_its_name() {
    let mut lab = Lab::new(2);
    let phone = lab.phone("1001");
    let mut refused = |message: Message, status: &str| {
        let answers = answers(&mut lab, phone, &message.write());
        assert!(answers.len() == 1 && answers[0].starts_with(status), "{status}: {answers:?}");
    };
    refused(request("OPTIONS", "b").with("Require", "time-travel"), "< 420");
    refused(request("PUBLISH", "c"), "< 405");
    refused(request("BYE", "d").with("To", "<sip:1002@tandem.lab>;tag=nobody"), "< 481");
    let mut in_no_dialog = request("UPDATE", "e");
    in_no_dialog.set("To", "<sip:1002@tandem.lab>;tag=nobody");
    refused(in_no_dialog, "< 481");
    refused(request("CANCEL", "f"), "< 481");
    let mut spent = request("OPTIONS", "g");
    spent.set("Max-Forwards", "0");
    refused(spent, "< 483");
    lab.finish();
}

#[test]
fn a_request_that_names_enough_is_told_that_it_is_bad() {
    let mut lab = Lab::new(3);
    let phone = lab.phone("1001");
    let good = String::from_utf8(request("OPTIONS", "h").write()).expect("text");
    for bad in [
        good.replace("CSeq: 1 OPTIONS", "CSeq: one OPTIONS"),
        good.replace("sip:1002@tandem.lab SIP/2.0", "sip: SIP/2.0"),
    ] {
        let answers = answers(&mut lab, phone, bad.as_bytes());
        assert!(answers.iter().all(|answer| answer.contains(" 400 ")) && answers.len() <= 1, "{answers:?}");
    }
    // The answer repeats the bad CSeq, as it must, and rsip cannot read it.
    lab[phone].complaints.clear();
    for hopeless in ["", "\r\n\r\n", "OPTIONS", "GET / HTTP/1.1\r\nHost: x\r\n\r\n", "SIP/2.0 200 OK\r\n\r\n"] {
        assert_eq!(answers(&mut lab, phone, hopeless.as_bytes()), Vec::<String>::new(), "{hopeless}");
    }
    lab.finish();
}

/// RFC 3261 §8.2.2.2: the same request over two paths is answered once, and 482 on the other.
#[test]
fn a_request_that_comes_by_two_ways_is_a_loop() {
    let (mut lab, alice, bob) = two_phones(4);
    lab[alice].call("1002");
    lab.run_until(|lab| lab[bob].is(State::Ringing));
    let mut again = lab[alice].last_request("INVITE").expect("it was sent").clone();
    let via = again.need("Via").replace("branch=z9hG4bK", "branch=z9hG4bKotherway");
    again.set("Via", via);
    let answers = answers(&mut lab, alice, &again.write());
    assert!(answers.iter().any(|answer| answer.starts_with("< 482")), "{answers:?}");
    assert_eq!(lab[bob].calls.len(), 1);
    lab[alice].hang_up();
    lab.run_for(seconds(40));
    lab.finish();
}
