//! Calls of ours: forks, ACK, refusals, and answers that come late.

use sip::dialog::{DialogId, Role, Stage};
use sip::endpoint::{Body, ClientId, Event, InDialogError};
use sip::message::HeaderName;
use sip::transaction::Failure;
use sip::{Headers, Method, Request, StatusCode, Transport};

use crate::alone::{Alone, Ask, answer, branch, from_tag, uri};

const CONTACT: &str = "Contact: <sip:bob@198.51.100.7:5070>\n";

fn start(alone: &mut Alone) -> (ClientId, Request) {
    let invite = alone.invite();
    let client = alone.endpoint.request(alone.now, invite);
    (client, alone.asked())
}

/// The dialog and status of a response told.
#[track_caller]
fn told(event: Event) -> (Option<DialogId>, StatusCode) {
    match event {
        Event::Response { dialog, response, .. } => (dialog, response.status),
        other => panic!("a response expected, not {other:#?}"),
    }
}

#[test]
fn an_invite_is_written_as_the_rfc_wants_it() {
    let mut alone = Alone::new(Transport::Udp);
    let (_, asked) = start(&mut alone);
    let has = |name| asked.headers.get_str(&name).unwrap_or_default();
    assert_eq!(asked.uri, uri("sip:bob@example.org"));
    assert!(has(HeaderName::Via).starts_with("SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK"));
    assert!(has(HeaderName::Via).ends_with(";rport"));
    assert_eq!(has(HeaderName::MaxForwards), "70");
    assert_eq!(has(HeaderName::CSeq), "1 INVITE");
    assert_eq!(has(HeaderName::To), "<sip:bob@example.org>");
    assert_eq!(from_tag(&asked).len(), 16);
    assert_eq!(has(HeaderName::CallId).len(), 32);
    assert_eq!(has(HeaderName::Contact), "<sip:192.0.2.1:5060>");
    assert_eq!(has(HeaderName::UserAgent), "Tandem");
    assert!(has(HeaderName::Supported).contains("100rel"));
    alone.settle();
}

#[test]
fn a_call_rings_is_answered_acknowledged_and_ended() {
    let mut alone = Alone::new(Transport::Udp);
    let (client, asked) = start(&mut alone);
    alone.hear(answer(&asked, 100, ("", "")));
    assert_eq!(told(alone.event()), (None, StatusCode(100)));
    alone.hear(answer(&asked, 180, ("his", CONTACT)));
    let (dialog, _) = told(alone.event());
    let id = dialog.expect("180 with a tag makes a dialog");
    assert_eq!(alone.endpoint.dialog(id).map(|dialog| (dialog.stage, dialog.role)), Some((Stage::Early, Role::Caller)));
    alone.wait_ms(60_000);
    assert!(alone.said().is_empty() && alone.events().is_empty(), "ringing takes its time");
    alone.hear(answer(&asked, 200, ("his", CONTACT)));
    assert_eq!(told(alone.event()), (Some(id), StatusCode(200)));
    assert!(alone.endpoint.invite_pending(id));
    alone.endpoint.ack(alone.now, id, Some(Body::sdp("v=0\r\n")));
    let ack = alone.asked();
    assert_eq!((&ack.method, &ack.uri), (&Method::Ack, &uri("sip:bob@198.51.100.7:5070")));
    assert_eq!(ack.headers.get_str(&HeaderName::CSeq), Some("1 ACK"));
    assert_eq!(&ack.body[..], b"v=0\r\n");
    assert_ne!(branch(&sip::Message::Request(ack.clone())), branch(&sip::Message::Request(asked.clone())));
    alone.hear(answer(&asked, 200, ("his", CONTACT)));
    assert_eq!(alone.asked(), ack, "a repeated 2xx is acknowledged again");
    assert!(alone.events().is_empty());
    alone.endpoint.ack(alone.now, id, None);
    assert!(alone.said().is_empty(), "there is nothing more to acknowledge");

    let bye =
        alone.endpoint.request_in_dialog(alone.now, id, Method::Bye, Headers::new(), None).expect("the dialog is up");
    let asked = alone.asked();
    assert_eq!(asked.headers.get_str(&HeaderName::CSeq), Some("2 BYE"));
    assert_eq!(asked.headers.get_str(&HeaderName::To), Some("<sip:bob@example.org>;tag=his"));
    alone.hear(answer(&asked, 200, ("", "")));
    assert!(matches!(alone.event(), Event::Response { client, .. } if client == bye));
    assert!(alone.endpoint.dialog(id).is_none() && bye != client);
    alone.settle();
}

#[test]
fn every_fork_that_answers_makes_a_dialog_and_the_silent_ones_go() {
    let mut alone = Alone::new(Transport::Udp);
    let (_, asked) = start(&mut alone);
    for tag in ["one", "two", "three"] {
        alone.hear(answer(&asked, 180, (tag, CONTACT)));
        alone.hear(answer(&asked, 180, (tag, CONTACT)));
    }
    assert_eq!(alone.events().len(), 6);
    assert_eq!(alone.endpoint.counts().dialogs, 3);
    alone.hear(answer(&asked, 200, ("two", CONTACT)));
    let (Some(second), _) = told(alone.event()) else { panic!("the answer has its dialog") };
    alone.hear(answer(&asked, 200, ("four", CONTACT)));
    let (Some(fourth), _) = told(alone.event()) else { panic!("the answer has its dialog") };
    assert_ne!(second, fourth);
    for id in [second, fourth] {
        alone.endpoint.ack(alone.now, id, None);
        let _ = alone.asked();
    }
    alone.hear(answer(&asked, 200, ("four", CONTACT)));
    assert_eq!(alone.said_lines(), ["ACK 1"], "only the fork that repeats is acknowledged again");
    assert!(alone.endpoint.request_in_dialog(alone.now, fourth, Method::Bye, Headers::new(), None).is_ok());
    let bye = alone.asked();
    alone.hear(answer(&bye, 200, ("", "")));
    alone.events();
    assert_eq!(alone.endpoint.counts().dialogs, 3);
    alone.wait_ms(32_000);
    assert_eq!(alone.endpoint.counts().dialogs, 1, "64·T1 after the first 2xx the silent forks are gone");
    alone.hear(answer(&asked, 200, ("five", CONTACT)));
    assert!(alone.events().is_empty() && alone.said().is_empty(), "a 2xx after timer M is nobody's");
    alone.endpoint.drop_dialog(second);
    alone.settle();
}

#[test]
fn a_refusal_is_acknowledged_by_the_transaction_and_ends_all_forks() {
    let mut alone = Alone::new(Transport::Udp);
    let (_, asked) = start(&mut alone);
    for tag in ["one", "two"] {
        alone.hear(answer(&asked, 183, (tag, CONTACT)));
    }
    alone.events();
    alone.hear(answer(&asked, 486, ("two", "")));
    assert_eq!(told(alone.event()), (None, StatusCode(486)));
    let ack = alone.asked();
    assert_eq!(ack.headers.get_str(&HeaderName::To), Some("<sip:bob@example.org>;tag=two"));
    assert_eq!(ack.headers.get(&HeaderName::Via), asked.headers.get(&HeaderName::Via));
    assert_eq!((ack.headers.get_str(&HeaderName::CSeq), &ack.uri), (Some("1 ACK"), &asked.uri));
    assert_eq!(alone.endpoint.counts().dialogs, 0);
    alone.hear(answer(&asked, 486, ("two", "")));
    assert_eq!(alone.asked(), ack);
    assert!(alone.events().is_empty());
    alone.settle();
}

#[test]
fn silence_is_a_timeout_after_64_t1() {
    let mut alone = Alone::new(Transport::Udp);
    let (client, _) = start(&mut alone);
    alone.wait_ms(31_999);
    assert_eq!(alone.said().len(), 6, "repeated after 0.5, 1.5, 3.5, 7.5, 15.5 and 31.5 s");
    assert!(alone.events().is_empty());
    alone.wait_ms(1);
    assert_eq!(alone.event(), Event::Failed { client, failure: Failure::Timeout });
    alone.settle();
}

#[test]
fn ringing_without_end_is_cancelled_by_timer_c() {
    let mut alone = Alone::new(Transport::Udp);
    let (_, asked) = start(&mut alone);
    alone.hear(answer(&asked, 180, ("his", CONTACT)));
    alone.wait_ms(300_000);
    alone.hear(answer(&asked, 180, ("his", CONTACT)));
    alone.events();
    alone.wait_ms(599_000);
    assert!(alone.said().is_empty(), "it rang again after 300 s");
    alone.wait_ms(301_000);
    assert_eq!(alone.said_lines()[0], "CANCEL 1");
    alone.settle();
}

#[test]
fn an_answer_that_names_no_contact_is_acknowledged_to_the_request_uri() {
    let mut alone = Alone::new(Transport::Udp);
    for nonsense in ["", "Contact: *\n", "Contact: <<<\n", "Record-Route: <<<\n"] {
        let (_, asked) = start(&mut alone);
        alone.hear(answer(&asked, 200, ("his", nonsense)));
        let (Some(id), _) = told(alone.event()) else { panic!("the call is up: {nonsense}") };
        alone.endpoint.ack(alone.now, id, None);
        assert_eq!(alone.asked().uri, uri("sip:bob@example.org"));
        alone.endpoint.drop_dialog(id);
    }
    alone.settle();
}

#[test]
fn an_ack_repeats_the_credentials_of_its_invite() {
    let mut alone = Alone::new(Transport::Udp);
    let mut invite = alone.invite();
    invite.headers.push(HeaderName::ProxyAuthorization, "Digest username=\"a\"");
    alone.endpoint.request(alone.now, invite);
    let asked = alone.asked();
    alone.hear(answer(&asked, 200, ("his", CONTACT)));
    let (Some(id), _) = told(alone.event()) else { panic!("the call is up") };
    alone.endpoint.ack(alone.now, id, None);
    assert_eq!(alone.asked().headers.get_str(&HeaderName::ProxyAuthorization), Some("Digest username=\"a\""));
    alone.endpoint.drop_dialog(id);
    alone.settle();
}

/// A call of ours that is up.
pub fn established(alone: &mut Alone) -> (DialogId, Request) {
    let (_, asked) = start(alone);
    alone.hear(answer(&asked, 200, ("his", CONTACT)));
    let (Some(id), _) = told(alone.event()) else { panic!("the call is up") };
    alone.endpoint.ack(alone.now, id, None);
    let _ = alone.asked();
    (id, asked)
}

/// A request of the peer within a call of ours.
pub fn within(asked: &Request, method: &'static str, cseq: u32) -> Ask {
    Ask {
        from_tag: "his".into(),
        to_tag: from_tag(asked),
        call_id: asked.headers.get_str(&HeaderName::CallId).expect("our requests have it").into(),
        cseq,
        branch: format!("z9hG4bK{method}{cseq}"),
        ..Ask::new(method)
    }
}

#[test]
fn a_second_invite_of_ours_waits_for_the_first() {
    let mut alone = Alone::new(Transport::Udp);
    let (id, _) = established(&mut alone);
    let again =
        |alone: &mut Alone| alone.endpoint.request_in_dialog(alone.now, id, Method::Invite, Headers::new(), None);
    assert!(again(&mut alone).is_ok());
    let reinvite = alone.asked();
    assert_eq!(again(&mut alone), Err(InDialogError::InvitePending));
    alone.hear(answer(&reinvite, 200, ("", "Contact: <sip:bob@198.51.100.7:6000>\n")));
    assert_eq!(told(alone.event()), (Some(id), StatusCode(200)));
    assert_eq!(again(&mut alone), Err(InDialogError::InvitePending), "not acknowledged yet");
    alone.endpoint.ack(alone.now, id, None);
    let ack = alone.asked();
    assert_eq!((ack.headers.get_str(&HeaderName::CSeq), ack.uri), (Some("2 ACK"), uri("sip:bob@198.51.100.7:6000")));
    assert!(again(&mut alone).is_ok());
    let third = alone.asked();
    alone.hear(answer(&third, 488, ("", "")));
    assert_eq!(told(alone.event()), (Some(id), StatusCode(488)));
    assert_eq!(alone.said_lines(), ["ACK 3"]);
    assert!(again(&mut alone).is_ok(), "refused, it is no more pending");
    let fourth = alone.asked();
    alone.hear(answer(&fourth, 100, ("", "")));
    alone.events();
    alone.endpoint.drop_dialog(id);
    alone.settle();
}

#[test]
fn a_reinvite_without_answer_fails_and_the_dialog_stays() {
    let mut alone = Alone::new(Transport::Udp);
    let (id, _) = established(&mut alone);
    let client =
        alone.endpoint.request_in_dialog(alone.now, id, Method::Invite, Headers::new(), None).expect("it is up");
    alone.wait_ms(33_000);
    assert_eq!(alone.event(), Event::Failed { client, failure: Failure::Timeout });
    assert!(!alone.endpoint.invite_pending(id));
    assert!(alone.endpoint.dialog(id).is_some());
    alone.endpoint.drop_dialog(id);
    alone.settle();
}
