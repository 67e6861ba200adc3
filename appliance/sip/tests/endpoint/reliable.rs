//! Reliable provisional replies (RFC 3262).

use sip::dialog::DialogId;
use sip::endpoint::{Body, Event, Reply, ServerId};
use sip::header::RAck;
use sip::message::HeaderName;
use sip::{Headers, Method, Response, Transport};

use crate::alone::{Alone, Ask, Named, answer};

fn invited(alone: &mut Alone, more: &str) -> (Ask, ServerId) {
    let invite = Ask::invite().more(more);
    alone.hear(invite.to_string());
    (invite, alone.request())
}

fn respond(alone: &mut Alone, server: ServerId, reply: Reply) -> Option<DialogId> {
    alone.endpoint.respond(alone.now, server, reply)
}

fn prack(invite: &Ask, (cseq, answered, rseq): (u32, &Response, u32)) -> Ask {
    invite.then("PRACK", (cseq, answered)).more(&format!("RAck: {rseq} 1 INVITE\n"))
}

#[test]
fn a_reliable_reply_is_repeated_with_doubled_intervals_until_its_prack() {
    let mut alone = Alone::new(Transport::Udp);
    let (invite, server) = invited(&mut alone, "Supported: timer, 100rel\n");
    let id = respond(&mut alone, server, Reply::new(183).with_body(Body::sdp("v=0\r\n")).reliably()).expect("a dialog");
    let early = alone.answered();
    assert_eq!(early.headers.get_str(&HeaderName::Require), Some("100rel"));
    let rseq = early.rseq().expect("it is numbered");
    assert!(rseq >= 1);
    alone.wait_ms(16_000);
    assert_eq!(alone.said_lines(), ["183 INVITE"; 5], "after 0.5, 1.5, 3.5, 7.5 and 15.5 s");
    alone.hear(prack(&invite, (2, &early, rseq)).to_string());
    assert_eq!(alone.event(), Event::ProvisionalAcknowledged { server, dialog: id });
    assert_eq!(alone.said_lines(), ["200 PRACK"]);
    alone.hear(prack(&invite, (2, &early, rseq)).to_string());
    assert_eq!(alone.said_lines(), ["200 PRACK"], "repeated, it is answered from memory");
    alone.hear(prack(&invite, (3, &early, rseq)).to_string());
    assert_eq!(alone.said_lines(), ["481 PRACK"], "nothing waits for another one");
    alone.wait_ms(60_000);
    assert!(alone.said().is_empty() && alone.events().is_empty());
    alone.reply(server, 486);
    alone.settle();
}

#[test]
fn the_wish_is_ignored_where_the_caller_cannot_and_imposed_where_he_must() {
    let mut alone = Alone::new(Transport::Udp);
    let (_, server) = invited(&mut alone, "");
    respond(&mut alone, server, Reply::new(180).reliably());
    assert_eq!(alone.answered().rseq(), None);
    alone.reply(server, 486);
    alone.settle();
    let (_, server) = invited(&mut alone, "Require: 100rel\n");
    respond(&mut alone, server, Reply::new(180));
    assert!(alone.answered().rseq().is_some());
    alone.reply(server, 486);
    alone.settle();
}

#[test]
fn what_follows_waits_for_the_prack_in_its_order() {
    let mut alone = Alone::new(Transport::Udp);
    let (invite, server) = invited(&mut alone, "Supported: 100rel\n");
    let id = respond(&mut alone, server, Reply::new(183).with_body(Body::sdp("v=0\r\n")).reliably()).expect("a dialog");
    let first = alone.answered();
    let rseq = first.rseq().expect("it is numbered");
    respond(&mut alone, server, Reply::new(180).reliably());
    assert_eq!(respond(&mut alone, server, Reply::new(200)), Some(id));
    assert!(alone.said().is_empty(), "both wait");
    alone.hear(prack(&invite, (2, &first, rseq.wrapping_add(1))).to_string());
    assert_eq!(alone.said_lines(), ["481 PRACK"], "not sent yet");
    alone.hear(prack(&invite, (3, &first, rseq)).to_string());
    let said = alone.said();
    assert_eq!(said.iter().map(crate::alone::line).collect::<Vec<_>>(), ["200 PRACK", "180 INVITE", "200 INVITE"]);
    let sip::Message::Response(second) = &said[1] else { panic!("we answer") };
    assert_eq!(second.rseq(), Some(rseq + 1));
    alone.events();
    alone.hear(prack(&invite, (4, &first, rseq + 1)).to_string());
    assert_eq!(alone.said_lines(), ["200 PRACK"], "late, but for something we sent");
    assert!(alone.events().is_empty());
    alone.hear(invite.then("ACK", (1, &first)).to_string());
    alone.endpoint.drop_dialog(id);
    alone.settle();
}

#[test]
fn without_a_prack_the_user_is_told_after_64_t1() {
    let mut alone = Alone::new(Transport::Tcp);
    let (_, server) = invited(&mut alone, "Supported: 100rel\n");
    let id = respond(&mut alone, server, Reply::new(180).reliably()).expect("a dialog");
    alone.wait_ms(31_999);
    assert!(alone.events().is_empty());
    alone.wait_ms(1);
    assert_eq!(alone.event(), Event::ProvisionalUnacknowledged { server, dialog: id });
    assert_eq!(alone.said().len(), 7, "at 0, 0.5, 1.5, 3.5, 7.5, 15.5 and 31.5 s, on TCP too");
    alone.reply(server, 504);
    alone.settle();
}

#[test]
fn a_prack_with_an_offer_is_told_and_answered_by_the_user() {
    let mut alone = Alone::new(Transport::Udp);
    let (invite, server) = invited(&mut alone, "Supported: 100rel\n");
    let id = respond(&mut alone, server, Reply::new(183).reliably()).expect("a dialog");
    let early = alone.answered();
    let offer = prack(&invite, (2, &early, early.rseq().expect("it is numbered"))).body("v=0\n");
    alone.hear(offer.to_string());
    let events = alone.events();
    assert_eq!(events[0], Event::ProvisionalAcknowledged { server, dialog: id });
    let Event::Request { server: prack, request, .. } = &events[1] else { panic!("the PRACK is told") };
    assert_eq!((&request.method, &request.body[..]), (&Method::Prack, &b"v=0\r\n"[..]));
    assert!(alone.said().is_empty());
    respond(&mut alone, *prack, Reply::new(200).with_body(Body::sdp("v=0\r\n")));
    assert_eq!(&alone.answered().body[..], b"v=0\r\n");
    alone.reply(server, 486);
    alone.settle();
}

#[test]
fn a_cancel_ends_the_repetitions_and_what_was_held() {
    let mut alone = Alone::new(Transport::Udp);
    let (_, server) = invited(&mut alone, "Supported: 100rel\n");
    respond(&mut alone, server, Reply::new(183).with_body(Body::sdp("v=0\r\n")).reliably());
    respond(&mut alone, server, Reply::new(200));
    alone.said();
    alone.hear(Ask::new("CANCEL").to_string());
    assert_eq!(alone.said_lines(), ["200 CANCEL", "487 INVITE"]);
    assert!(matches!(alone.event(), Event::Cancelled { .. }));
    alone.wait_ms(20_000);
    assert!(alone.said_lines().iter().all(|line| line == "487 INVITE"));
    alone.settle();
}

const EARLY: &str = "Contact: <sip:bob@198.51.100.7:5070>\nRequire: 100rel\nRSeq: ";

#[test]
fn reliable_answers_to_us_are_acknowledged_in_their_order_and_once() {
    let mut alone = Alone::new(Transport::Udp);
    let mut invite = alone.invite();
    invite.body = Some(Body::sdp("v=0\r\n"));
    alone.endpoint.request(alone.now, invite);
    let asked = alone.asked();
    let early = |rseq: u32| answer(&asked, 183, ("his", &format!("{EARLY}{rseq}\n")));
    alone.hear(early(9));
    assert!(matches!(alone.event(), Event::Response { dialog: Some(_), .. }));
    let prack = alone.asked();
    let rack: RAck = prack.headers.typed().expect("a PRACK has RAck");
    assert_eq!(rack, RAck { rseq: 9, cseq: 1, method: Method::Invite });
    assert_eq!(prack.headers.get_str(&HeaderName::CSeq), Some("2 PRACK"));
    alone.hear(early(9));
    alone.hear(early(11));
    assert!(alone.said().is_empty() && alone.events().is_empty(), "one again, one out of order");
    alone.hear(answer(&prack, 200, ("", "")));
    assert!(alone.events().is_empty(), "what becomes of the PRACK is not told");
    alone.hear(early(10));
    assert_eq!(alone.said_lines(), ["PRACK 3"]);
    assert_eq!(alone.events().len(), 1);
    alone.hear(answer(&asked, 486, ("his", "")));
    alone.settle();
}

#[test]
fn an_offer_in_a_reliable_answer_is_acknowledged_by_the_user_with_his_answer() {
    let mut alone = Alone::new(Transport::Udp);
    let invite = alone.invite();
    alone.endpoint.request(alone.now, invite);
    let asked = alone.asked();
    let early = answer(&asked, 183, ("his", &format!("{EARLY}5\n")))
        .replace("Content-Length: 0\n\n", "Content-Length: 3\n\nv=0");
    alone.hear(early);
    let Event::Response { dialog: Some(id), .. } = alone.event() else { panic!("it is told") };
    assert!(alone.said().is_empty());
    let body = Some(Body::sdp("v=0\r\n"));
    assert!(alone.endpoint.request_in_dialog(alone.now, id, Method::Prack, Headers::new(), body).is_ok());
    let prack = alone.asked();
    assert_eq!(prack.headers.get_str(&HeaderName::RAck), Some("5 1 INVITE"));
    assert_eq!(&prack.body[..], b"v=0\r\n");
    alone.hear(answer(&prack, 200, ("", "")));
    assert!(matches!(alone.event(), Event::Response { .. }));
    alone.hear(answer(&asked, 603, ("his", "")));
    alone.settle();
}
