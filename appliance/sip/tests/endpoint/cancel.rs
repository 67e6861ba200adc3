//! Giving up, on both sides, and the races that come of it (RFC 3261 §9).

use sip::StatusCode;
use sip::Transport;
use sip::endpoint::{ClientId, Event};
use sip::header::Reason;
use sip::message::HeaderName;
use sip::transaction::Failure;

use crate::alone::{Alone, Ask, Named, answer};

const CONTACT: &str = "Contact: <sip:bob@198.51.100.7:5070>\n";

fn status(event: Event) -> StatusCode {
    match event {
        Event::Response { response, .. } => response.status,
        other => panic!("a response expected, not {other:#?}"),
    }
}

#[test]
fn our_cancel_waits_for_the_first_provisional_answer() {
    let mut alone = Alone::new(Transport::Udp);
    let invite = alone.invite();
    let client = alone.endpoint.request(alone.now, invite);
    let asked = alone.asked();
    alone.endpoint.cancel(alone.now, client, Some(Reason::sip(200, "Call completed elsewhere")));
    assert!(alone.said().is_empty());
    alone.hear(answer(&asked, 100, ("", "")));
    let cancel = alone.asked();
    assert_eq!(cancel.method, sip::Method::Cancel);
    for name in [HeaderName::Via, HeaderName::From, HeaderName::To, HeaderName::CallId] {
        assert_eq!(cancel.headers.get(&name), asked.headers.get(&name));
    }
    assert_eq!(cancel.uri, asked.uri);
    assert_eq!(cancel.headers.get_str(&HeaderName::CSeq), Some("1 CANCEL"));
    let reason: Reason = cancel.headers.typed().expect("the reason is passed on");
    assert_eq!(reason.cause, Some(200));
    alone.hear(answer(&asked, 180, ("his", CONTACT)));
    assert!(alone.said().is_empty(), "one CANCEL is enough");
    alone.hear(answer(&cancel, 200, ("his", "")));
    alone.events();
    alone.hear(answer(&asked, 487, ("his", "")));
    assert_eq!(status(alone.event()), StatusCode(487));
    assert_eq!(alone.said_lines(), ["ACK 1"]);
    assert_eq!(alone.endpoint.counts().dialogs, 0);
    alone.settle();
}

#[test]
fn our_cancel_is_sent_once_and_repeated_until_answered() {
    let mut alone = Alone::new(Transport::Udp);
    let invite = alone.invite();
    let client = alone.endpoint.request(alone.now, invite);
    let asked = alone.asked();
    alone.hear(answer(&asked, 180, ("his", CONTACT)));
    alone.events();
    alone.endpoint.cancel(alone.now, client, None);
    alone.endpoint.cancel(alone.now, client, None);
    let cancel = alone.asked();
    alone.wait_ms(1_600);
    assert_eq!(alone.said_lines(), ["CANCEL 1", "CANCEL 1"]);
    alone.hear(answer(&cancel, 481, ("his", "")));
    assert!(alone.events().is_empty(), "what becomes of the CANCEL is not told");
    alone.wait_ms(40_000);
    assert_eq!(alone.event(), Event::Failed { client, failure: Failure::Timeout });
    alone.settle();
}

#[test]
fn an_answer_that_crosses_our_cancel_makes_the_call_all_the_same() {
    let mut alone = Alone::new(Transport::Udp);
    let invite = alone.invite();
    let client = alone.endpoint.request(alone.now, invite);
    let asked = alone.asked();
    alone.hear(answer(&asked, 180, ("his", CONTACT)));
    alone.events();
    alone.endpoint.cancel(alone.now, client, None);
    let cancel = alone.asked();
    alone.hear(answer(&asked, 200, ("his", CONTACT)));
    let Event::Response { dialog: Some(id), response, .. } = alone.event() else { panic!("it was answered") };
    assert_eq!(response.status, StatusCode(200));
    alone.hear(answer(&cancel, 200, ("his", "")));
    alone.endpoint.ack(alone.now, id, None);
    let bye = alone.endpoint.request_in_dialog(alone.now, id, sip::Method::Bye, sip::Headers::new(), None);
    assert!(bye.is_ok());
    assert_eq!(alone.said_lines(), ["ACK 1", "BYE 2"]);
    alone.settle();
}

#[test]
fn cancelling_what_is_over_or_unknown_does_nothing() {
    let mut alone = Alone::new(Transport::Udp);
    alone.endpoint.cancel(alone.now, ClientId(7), None);
    let invite = alone.invite();
    let client = alone.endpoint.request(alone.now, invite);
    let asked = alone.asked();
    alone.hear(answer(&asked, 486, ("his", "")));
    alone.said();
    alone.events();
    alone.endpoint.cancel(alone.now, client, None);
    assert!(alone.said().is_empty());
    alone.settle();
}

#[test]
fn a_cancel_to_us_is_answered_and_refuses_the_invite() {
    let mut alone = Alone::new(Transport::Udp);
    alone.hear(Ask::invite().to_string());
    let server = alone.request();
    alone.reply(server, 180);
    let ringing = alone.answered();
    let cancel = Ask::new("CANCEL").more("Reason: SIP;cause=200;text=\"Call completed elsewhere\"\n").to_string();
    alone.hear(&cancel);
    let said = alone.said();
    assert_eq!(said.iter().map(crate::alone::line).collect::<Vec<_>>(), ["200 CANCEL", "487 INVITE"]);
    for message in &said {
        let sip::Message::Response(response) = message else { panic!("we answer") };
        assert_eq!(response.tag_of_to(), ringing.tag_of_to());
    }
    let Event::Cancelled { server: cancelled, reason: Some(reason) } = alone.event() else { panic!("it is told") };
    assert_eq!((cancelled, reason.cause), (server, Some(200)));
    alone.hear(&cancel);
    assert_eq!(alone.said_lines(), ["200 CANCEL"], "repeated, it is answered again");
    alone.reply(server, 200);
    assert!(alone.said().is_empty() && alone.events().is_empty(), "too late to answer");
    alone.hear(Ask { to_tag: ringing.tag_of_to(), ..Ask::new("ACK") }.to_string());
    alone.settle();
}

#[test]
fn a_cancel_after_the_answer_changes_nothing() {
    let mut alone = Alone::new(Transport::Udp);
    let invite = Ask::invite();
    alone.hear(invite.to_string());
    let server = alone.request();
    alone.reply(server, 200);
    let ok = alone.answered();
    alone.hear(Ask::new("CANCEL").to_string());
    assert_eq!(alone.said_lines(), ["200 CANCEL"]);
    assert!(alone.events().is_empty());
    alone.hear(invite.then("ACK", (1, &ok)).to_string());
    let Event::Acknowledged { dialog, .. } = alone.event() else { panic!("the call is up") };
    alone.endpoint.drop_dialog(dialog);
    alone.settle();
}

#[test]
fn a_cancel_of_nothing_or_of_no_invite_is_refused_481() {
    let mut alone = Alone::new(Transport::Udp);
    alone.hear(Ask::new("CANCEL").to_string());
    assert_eq!(alone.answered().status.0, 481);
    alone.hear(Ask::new("MESSAGE").to_string());
    let server = alone.request();
    alone.hear(Ask::new("CANCEL").to_string());
    assert_eq!(alone.answered().status.0, 481);
    alone.reply(server, 200);
    alone.settle();
}
