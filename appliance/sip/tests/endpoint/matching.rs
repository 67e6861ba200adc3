//! Which message belongs to which transaction, and what is refused before the user hears of it.

use sip::Transport;
use sip::endpoint::Event;
use sip::header::{To, Via};
use sip::message::HeaderName;

use crate::alone::{Alone, Ask, Named};

#[test]
fn a_repeated_request_is_told_once_and_answered_again() {
    let mut alone = Alone::new(Transport::Udp);
    let ask = Ask::new("OPTIONS").to_string();
    alone.hear(&ask);
    let server = alone.request();
    alone.hear(&ask);
    assert!(alone.events().is_empty() && alone.said().is_empty());
    alone.reply(server, 200);
    let first = alone.answered();
    alone.hear(&ask);
    assert_eq!(alone.answered(), first);
    assert!(alone.events().is_empty());
    alone.wait_ms(32_000);
    alone.hear(&ask);
    assert!(matches!(alone.event(), Event::Request { .. }), "after timer J it is a new one");
    alone.reply(sip::endpoint::ServerId(2), 200);
    alone.settle();
}

#[test]
fn the_answer_goes_back_to_where_the_request_came_from() {
    let mut alone = Alone::new(Transport::Udp);
    let ask = Ask::new("OPTIONS").to_string().replace("198.51.100.7:5070;branch", "10.0.0.9:5062;branch");
    alone.hear(&ask);
    let server = alone.request();
    alone.reply(server, 200);
    let via: Via = alone.answered().headers.typed().expect("the answer has Via");
    assert_eq!(via.received, Some(alone.flow.remote.ip()));
    assert_eq!(via.rport, Some(sip::header::Rport::Port(5070)));
    assert_eq!(via.port, Some(5062));
    alone.settle();
}

#[test]
fn a_forged_received_is_replaced() {
    let mut alone = Alone::new(Transport::Udp);
    alone
        .hear(Ask::new("OPTIONS").branch("z9hG4bKone;received=203.0.113.66").to_string().replace(";rport", ";rport=9"));
    let server = alone.request();
    alone.reply(server, 200);
    let via: Via = alone.answered().headers.typed().expect("the answer has Via");
    assert_eq!((via.received, via.rport), (Some(alone.flow.remote.ip()), Some(sip::header::Rport::Port(5070))));
    alone.settle();
}

#[test]
fn the_same_branch_with_another_method_or_sent_by_is_another_transaction() {
    let mut alone = Alone::new(Transport::Udp);
    let ask = |method, call: &str| {
        let call_id = call.to_owned();
        Ask { call_id, ..Ask::new(method) }.to_string()
    };
    alone.hear(ask("OPTIONS", "a"));
    alone.hear(ask("MESSAGE", "b"));
    alone.hear(ask("OPTIONS", "c").replace("198.51.100.7:5070;branch", "198.51.100.7:5071;branch"));
    alone.hear(ask("OPTIONS", "d").replace("198.51.100.7:5070;branch", "phone.example.com;branch"));
    alone.hear(ask("OPTIONS", "d").replace("198.51.100.7:5070;branch", "PHONE.example.com;branch"));
    let servers: Vec<_> = alone.events();
    assert_eq!(servers.len(), 4, "the last differs in case only");
    for number in 1..=4 {
        alone.reply(sip::endpoint::ServerId(number), 200);
    }
    alone.settle();
}

#[test]
fn a_peer_of_rfc_2543_is_matched_without_his_branch() {
    let mut alone = Alone::new(Transport::Udp);
    let invite = Ask::invite().branch("1").to_string();
    alone.hear(&invite);
    let server = alone.request();
    alone.hear(&invite);
    assert!(alone.events().is_empty());
    alone.reply(server, 486);
    let refusal = alone.answered();
    let ack = Ask { to_tag: refusal.tag_of_to(), ..Ask::new("ACK").branch("1") };
    alone.hear(ack.to_string());
    alone.wait_ms(2_000);
    assert!(alone.said().is_empty(), "the ACK with its To tag stopped the repetitions");
    alone.settle();
}

#[test]
fn an_unknown_requirement_is_refused_420() {
    let mut alone = Alone::new(Transport::Udp);
    alone.hear(Ask::invite().more("Require: 100rel, precondition, timer\nRequire: x-odd\n").to_string());
    let refusal = alone.answered();
    assert_eq!(refusal.status.0, 420);
    let unsupported: Vec<_> = refusal.headers.get_all(&HeaderName::Unsupported).collect();
    assert_eq!(unsupported, ["precondition", "x-odd"]);
    assert!(alone.events().is_empty());
    alone.settle();
}

#[test]
fn no_hops_left_is_refused_483_but_not_for_register() {
    let mut alone = Alone::new(Transport::Udp);
    let spent = |method| Ask::new(method).to_string().replace("Max-Forwards: 70", "Max-Forwards: 0");
    alone.hear(spent("OPTIONS"));
    assert_eq!(alone.answered().status.0, 483);
    alone.hear(spent("INVITE"));
    assert_eq!(alone.answered().status.0, 483);
    assert!(alone.events().is_empty());
    alone.hear(spent("REGISTER"));
    let server = alone.request();
    alone.reply(server, 200);
    alone.settle();
}

#[test]
fn the_same_request_by_two_paths_is_refused_482_once_merged() {
    let mut alone = Alone::new(Transport::Udp);
    alone.hear(Ask::invite().to_string());
    let server = alone.request();
    alone.hear(Ask::invite().branch("z9hG4bKtwo").to_string());
    assert_eq!(alone.answered().status.0, 482);
    assert!(alone.events().is_empty());
    alone.reply(server, 486);
    alone.said();
    alone.hear(Ask::invite().branch("z9hG4bKthree").to_string());
    assert_eq!(alone.answered().status.0, 482, "the first is not forgotten yet");
    alone.settle();
}

#[test]
fn a_phone_that_forgets_to_count_up_after_a_challenge_is_no_merged_request() {
    let mut alone = Alone::new(Transport::Udp);
    for method in ["REGISTER", "INVITE"] {
        for branch in ["z9hG4bKone", "z9hG4bKtwo"] {
            alone.hear(Ask { branch: branch.into(), ..Ask::invite() }.to_string().replace("INVITE", method));
            let server = alone.request();
            alone.reply(server, 401);
            assert_eq!(alone.answered().status.0, 401);
        }
    }
    alone.settle();
}

#[test]
fn requests_within_no_dialog_of_ours_are_refused_481() {
    let mut alone = Alone::new(Transport::Udp);
    for method in ["BYE", "INVITE", "UPDATE", "INFO", "PRACK", "NOTIFY", "OPTIONS"] {
        let ask = Ask { to_tag: "unknown".into(), branch: format!("z9hG4bK{method}"), ..Ask::invite() };
        alone.hear(ask.to_string().replace("INVITE", method));
        let refusal = alone.answered();
        assert_eq!((refusal.status.0, refusal.tag_of_to()), (481, "unknown".into()), "{method}");
    }
    for method in ["BYE", "PRACK", "UPDATE", "INFO"] {
        alone.hear(Ask::new(method).to_string());
        assert_eq!(alone.answered().status.0, 481, "{method} without To tag");
    }
    alone.hear(Ask { to_tag: "old".into(), ..Ask::new("REGISTER") }.to_string());
    let server = alone.request();
    alone.reply(server, 200);
    alone.settle();
}

#[test]
fn a_refused_request_gets_the_same_tag_when_it_is_repeated() {
    let mut alone = Alone::new(Transport::Udp);
    let bye = Ask::new("BYE").to_string();
    alone.hear(&bye);
    let first = alone.answered();
    alone.hear(&bye);
    assert_eq!(alone.answered(), first);
    assert_eq!(first.tag_of_to().len(), 16);
    assert!(alone.endpoint.is_idle());
}

#[test]
fn a_stray_ack_and_a_stray_answer_are_dropped_and_counted() {
    let mut alone = Alone::new(Transport::Udp);
    alone.hear(Ask::new("ACK").to_string());
    alone.hear("SIP/2.0 200 OK\nVia: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK0123456789abcdef\nFrom: <sip:a@b>;tag=1\nTo: <sip:a@b>;tag=2\nCall-ID: x\nCSeq: 1 INVITE\n\n");
    alone.hear("SIP/2.0 200 OK\nVia: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bKnothex\nFrom: <sip:a@b>;tag=1\nTo: <sip:a@b>;tag=2\nCall-ID: x\nCSeq: 1 INVITE\n\n");
    assert!(alone.said().is_empty() && alone.events().is_empty());
    let statistics = alone.endpoint.statistics();
    assert_eq!((statistics.stray_acks, statistics.stray_responses), (1, 2));
    assert!(alone.endpoint.is_idle());
}

#[test]
fn an_answer_with_two_vias_or_another_cseq_is_not_for_us() {
    let mut alone = Alone::new(Transport::Udp);
    let invite = alone.invite();
    alone.endpoint.request(alone.now, invite);
    let asked = alone.asked();
    let ringing = crate::alone::answer(&asked, 180, ("his", ""));
    alone.hear(ringing.replace("From:", "Via: SIP/2.0/UDP 203.0.113.1;branch=z9hG4bKx\nFrom:"));
    alone.hear(ringing.replace("CSeq: 1 INVITE", "CSeq: 2 INVITE"));
    alone.hear(ringing.replace("CSeq: 1 INVITE", "CSeq: 1 BYE"));
    assert!(alone.events().is_empty());
    alone.hear(ringing);
    assert!(matches!(alone.event(), Event::Response { .. }));
    alone.hear(crate::alone::answer(&asked, 500, ("his", "")));
    alone.settle();
}

#[test]
fn an_unanswered_invite_gets_a_100_after_200_ms_and_only_then() {
    let mut alone = Alone::new(Transport::Udp);
    alone.hear(Ask::invite().to_string());
    let server = alone.request();
    alone.wait_ms(199);
    assert!(alone.said().is_empty());
    alone.wait_ms(1);
    let trying = alone.answered();
    assert_eq!((trying.status.0, trying.tag_of_to()), (100, String::new()));
    alone.hear(Ask::invite().to_string());
    assert_eq!(alone.answered(), trying);
    alone.reply(server, 404);
    let refusal = alone.answered();
    assert_eq!(refusal.status.0, 404);
    assert!(refusal.headers.typed::<To>().is_ok_and(|to| to.tag.is_some()));
    alone.settle();
}

#[test]
fn a_refusal_is_repeated_until_its_ack() {
    let mut alone = Alone::new(Transport::Udp);
    alone.hear(Ask::invite().to_string());
    let server = alone.request();
    alone.reply(server, 486);
    let refusal = alone.answered();
    alone.wait_ms(8_000);
    assert_eq!(alone.said(), vec![sip::Message::Response(refusal.clone()); 4], "after 0.5, 1.5, 3.5 and 7.5 s");
    alone.hear(Ask { to_tag: refusal.tag_of_to(), ..Ask::new("ACK") }.to_string());
    alone.wait_ms(8_000);
    assert!(alone.said().is_empty());
    alone.settle();
    assert_eq!(alone.endpoint.statistics().timeouts, 0);
}
