//! Within a dialog: order, glare, targets, routes, flows, and hanging up (RFC 3261 §12.2, §14, §15).

use sip::dialog::DialogId;
use sip::endpoint::{Event, Reply};
use sip::header::NameAddr;
use sip::message::HeaderName;
use sip::{Headers, Method, Response, Transport};

use crate::alone::{Alone, Ask, answer, flow, uri};
use crate::calling::{established, within};

/// A call to us that is up: its INVITE, our 2xx, the dialog.
fn answered(alone: &mut Alone, more: &str) -> (Ask, Response, DialogId) {
    let invite = Ask::invite().more(more);
    alone.hear(invite.to_string());
    let server = alone.request();
    let id = alone.endpoint.respond(alone.now, server, Reply::new(200)).expect("200 makes a dialog");
    let ok = alone.answered();
    alone.hear(invite.then("ACK", (1, &ok)).to_string());
    assert!(matches!(alone.event(), Event::Acknowledged { .. }));
    (invite, ok, id)
}

fn routes(request: &sip::Request) -> Vec<String> {
    request.headers.get_all(&HeaderName::Route).map(|hop| String::from_utf8_lossy(hop).into_owned()).collect()
}

#[test]
fn the_callee_routes_in_the_order_of_record_route_and_the_caller_in_reverse() {
    let record_route =
        "Record-Route: <sip:p1.example.com;lr>,<sip:p2.example.com;lr>\nRecord-Route: <sip:p3.example.com;lr>\n";
    let mut alone = Alone::new(Transport::Udp);
    let (_, _, id) = answered(&mut alone, record_route);
    assert!(alone.endpoint.request_in_dialog(alone.now, id, Method::Info, Headers::new(), None).is_ok());
    let info = alone.asked();
    assert_eq!(info.uri, uri("sip:alice@198.51.100.7:5070"));
    assert_eq!(routes(&info), ["<sip:p1.example.com;lr>", "<sip:p2.example.com;lr>", "<sip:p3.example.com;lr>"]);
    alone.hear(answer(&info, 200, ("", "")));
    alone.endpoint.drop_dialog(id);
    alone.settle();

    let invite = alone.invite();
    alone.endpoint.request(alone.now, invite);
    let asked = alone.asked();
    alone.hear(answer(&asked, 200, ("his", &format!("{record_route}Contact: <sip:bob@203.0.113.5>\n"))));
    let Event::Response { dialog: Some(id), .. } = alone.event() else { panic!("the call is up") };
    alone.endpoint.ack(alone.now, id, None);
    let ack = alone.asked();
    assert_eq!(ack.uri, uri("sip:bob@203.0.113.5"));
    assert_eq!(routes(&ack), ["<sip:p3.example.com;lr>", "<sip:p2.example.com;lr>", "<sip:p1.example.com;lr>"]);
    alone.endpoint.drop_dialog(id);
    alone.settle();
}

#[test]
fn a_strict_router_finds_the_target_at_the_end_of_the_route() {
    let mut alone = Alone::new(Transport::Udp);
    let (_, _, id) = answered(&mut alone, "Record-Route: <sip:old.example.com>, <sip:p2.example.com;lr>\n");
    assert!(alone.endpoint.request_in_dialog(alone.now, id, Method::Bye, Headers::new(), None).is_ok());
    let bye = alone.asked();
    assert_eq!(bye.uri, uri("sip:old.example.com"));
    assert_eq!(routes(&bye), ["<sip:p2.example.com;lr>", "<sip:alice@198.51.100.7:5070>"]);
    alone.settle();
}

#[test]
fn a_preloaded_route_is_followed() {
    let mut alone = Alone::new(Transport::Udp);
    let mut invite = alone.invite();
    invite.route = vec![NameAddr::new(uri("sip:edge.example.com;lr")), NameAddr::new(uri("sip:core.example.com;lr"))];
    invite.max_forwards = 12;
    alone.endpoint.request(alone.now, invite);
    let asked = alone.asked();
    assert_eq!(routes(&asked), ["<sip:edge.example.com;lr>", "<sip:core.example.com;lr>"]);
    assert_eq!(asked.headers.get_str(&HeaderName::MaxForwards), Some("12"));
    alone.hear(answer(&asked, 404, ("his", "")));
    let ack = alone.said().remove(0);
    let sip::Message::Request(ack) = ack else { panic!("a refusal is acknowledged") };
    assert_eq!(routes(&ack), routes(&asked), "the ACK goes the same way (RFC 3261 §17.1.1.3)");
    alone.settle();
}

#[test]
fn a_lower_cseq_is_refused_500_and_gaps_are_fine() {
    let mut alone = Alone::new(Transport::Udp);
    let (invite, ok, id) = answered(&mut alone, "");
    alone.hear(invite.then("INFO", (10, &ok)).to_string());
    let server = alone.request();
    alone.reply(server, 200);
    alone.said();
    alone.hear(invite.then("INFO", (9, &ok)).to_string());
    assert_eq!(alone.answered().status.0, 500);
    assert!(alone.events().is_empty());
    alone.hear(invite.then("MESSAGE", (11, &ok)).to_string());
    let server = alone.request();
    alone.reply(server, 200);
    alone.endpoint.drop_dialog(id);
    alone.settle();
}

#[test]
fn a_target_refresh_moves_the_target_and_nothing_else_does() {
    let mut alone = Alone::new(Transport::Udp);
    let (invite, ok, id) = answered(&mut alone, "");
    let target = |alone: &Alone| alone.endpoint.dialog(id).expect("the call is up").remote_target.to_string();
    alone.hear(invite.then("INFO", (2, &ok)).more("Contact: <sip:info@198.51.100.7>\n").to_string());
    let server = alone.request();
    alone.reply(server, 200);
    assert_eq!(target(&alone), "sip:alice@198.51.100.7:5070");
    for (cseq, method) in [(3, "UPDATE"), (4, "INVITE")] {
        let contact = format!("Contact: <sip:{method}@198.51.100.7>\n");
        alone.hear(invite.then(method, (cseq, &ok)).more(&contact).to_string());
        let server = alone.request();
        alone.reply(server, 200);
        assert_eq!(target(&alone), format!("sip:{method}@198.51.100.7"));
    }
    let said = alone.said();
    let sip::Message::Response(updated) = &said[1] else { panic!("we answer") };
    assert_eq!(updated.headers.get_str(&HeaderName::Contact), Some("<sip:192.0.2.1:5060>"));
    alone.hear(invite.then("ACK", (4, &ok)).to_string());
    assert!(matches!(alone.event(), Event::Acknowledged { dialog, .. } if dialog == id));

    assert!(alone.endpoint.request_in_dialog(alone.now, id, Method::Update, Headers::new(), None).is_ok());
    let update = alone.asked();
    assert!(update.headers.contains(&HeaderName::Contact));
    alone.hear(answer(&update, 200, ("", "Contact: <sip:last@198.51.100.7>\n")));
    assert_eq!(target(&alone), "sip:last@198.51.100.7");
    alone.endpoint.drop_dialog(id);
    alone.settle();
}

#[test]
fn requests_go_along_the_way_the_peer_last_used() {
    let mut alone = Alone::new(Transport::Udp);
    let (invite, ok, id) = answered(&mut alone, "");
    let mut elsewhere = flow(Transport::Udp);
    elsewhere.remote.set_port(61_234);
    alone.flow = elsewhere;
    alone.hear(invite.then("INFO", (2, &ok)).to_string());
    let server = alone.request();
    alone.reply(server, 200);
    assert_eq!(alone.said_lines(), ["200 INFO"]);
    assert_eq!(alone.endpoint.dialog(id).map(|dialog| dialog.flow), Some(elsewhere));
    assert!(alone.endpoint.request_in_dialog(alone.now, id, Method::Bye, Headers::new(), None).is_ok());
    assert_eq!(alone.said_lines(), ["BYE 1"], "it went to the new port: the helper checks");
    alone.settle();
}

#[test]
fn two_invites_at_once_are_refused_500_or_491() {
    let mut alone = Alone::new(Transport::Udp);
    let (invite, ok, id) = answered(&mut alone, "");
    alone.hear(invite.then("INVITE", (2, &ok)).more("Contact: <sip:alice@198.51.100.7:5070>\n").to_string());
    let server = alone.request();
    assert!(alone.endpoint.invite_pending(id));
    alone.hear(invite.then("INVITE", (3, &ok)).to_string());
    let refusal = alone.answered();
    assert_eq!(refusal.status.0, 500);
    assert!(refusal.headers.contains(&HeaderName::RetryAfter));
    alone.reply(server, 200);
    alone.said();
    alone.hear(invite.then("INVITE", (4, &ok)).to_string());
    assert_eq!(alone.answered().status.0, 491, "our 2xx is not acknowledged yet");
    alone.hear(invite.then("ACK", (2, &ok)).to_string());
    alone.events();
    assert!(alone.endpoint.request_in_dialog(alone.now, id, Method::Invite, Headers::new(), None).is_ok());
    let ours = alone.asked();
    alone.hear(invite.then("INVITE", (5, &ok)).to_string());
    assert_eq!(alone.answered().status.0, 491, "ours is under way");
    alone.hear(answer(&ours, 491, ("", "")));
    alone.endpoint.drop_dialog(id);
    alone.settle();
}

#[test]
fn both_hang_up_at_once() {
    let mut alone = Alone::new(Transport::Udp);
    let (id, asked) = established(&mut alone);
    assert!(alone.endpoint.request_in_dialog(alone.now, id, Method::Bye, Headers::new(), None).is_ok());
    let bye = alone.asked();
    alone.hear(within(&asked, "BYE", 1).to_string());
    assert_eq!(alone.said_lines(), ["200 BYE"], "his is answered here");
    assert!(alone.events().is_empty());
    alone.hear(within(&asked, "INFO", 2).to_string());
    assert_eq!(alone.answered().status.0, 481);
    alone.hear(answer(&bye, 481, ("", "")));
    assert!(matches!(alone.event(), Event::Response { .. }));
    alone.hear(within(&asked, "BYE", 3).to_string());
    assert_eq!(alone.answered().status.0, 481, "now the dialog is gone");
    alone.settle();
}

#[test]
fn a_bye_while_our_reinvite_is_under_way_leaves_nothing() {
    let mut alone = Alone::new(Transport::Udp);
    let (id, asked) = established(&mut alone);
    assert!(alone.endpoint.request_in_dialog(alone.now, id, Method::Invite, Headers::new(), None).is_ok());
    let reinvite = alone.asked();
    alone.hear(answer(&reinvite, 100, ("", "")));
    alone.events();
    alone.hear(within(&asked, "BYE", 1).to_string());
    let server = alone.request();
    alone.reply(server, 200);
    assert!(alone.endpoint.dialog(id).is_none());
    alone.hear(answer(&reinvite, 487, ("", "")));
    assert!(matches!(alone.event(), Event::Response { dialog: None, .. }));
    alone.settle();
}

#[test]
fn our_bye_ends_his_unanswered_reinvite() {
    let mut alone = Alone::new(Transport::Udp);
    let (invite, ok, id) = answered(&mut alone, "");
    alone.hear(invite.then("INVITE", (2, &ok)).to_string());
    let server = alone.request();
    assert!(alone.endpoint.request_in_dialog(alone.now, id, Method::Bye, Headers::new(), None).is_ok());
    let bye = alone.asked();
    alone.hear(answer(&bye, 200, ("", "")));
    assert_eq!(alone.said_lines(), ["487 INVITE"]);
    let events = alone.events();
    assert!(events.contains(&Event::Cancelled { server, reason: None }), "{events:?}");
    alone.hear(invite.then("ACK", (2, &ok)).branch("z9hG4bKINVITE2").to_string());
    alone.settle();
}

#[test]
fn a_challenged_bye_may_be_asked_again() {
    let mut alone = Alone::new(Transport::Udp);
    let (id, _) = established(&mut alone);
    for _ in 0..2 {
        assert!(alone.endpoint.request_in_dialog(alone.now, id, Method::Bye, Headers::new(), None).is_ok());
        let bye = alone.asked();
        alone.hear(answer(&bye, 407, ("", "Proxy-Authenticate: Digest realm=\"x\", nonce=\"y\"\n")));
        assert!(matches!(alone.event(), Event::Response { dialog: Some(_), .. }));
    }
    alone.wait_ms(31_000);
    assert!(alone.endpoint.dialog(id).is_some());
    alone.wait_ms(1_000);
    assert!(alone.endpoint.dialog(id).is_none(), "nobody asked again");
    alone.settle();
}

#[test]
fn a_bye_nobody_answers_ends_the_dialog_all_the_same() {
    let mut alone = Alone::new(Transport::Udp);
    let (id, _) = established(&mut alone);
    assert!(alone.endpoint.request_in_dialog(alone.now, id, Method::Bye, Headers::new(), None).is_ok());
    assert!(alone.endpoint.request_in_dialog(alone.now, id, Method::Info, Headers::new(), None).is_err());
    alone.wait_ms(32_000);
    assert!(matches!(alone.event(), Event::Failed { .. }));
    assert_eq!(alone.said().len(), 11);
    assert!(alone.endpoint.dialog(id).is_none());
    alone.settle();
}

#[test]
fn a_dialog_written_down_is_taken_up_again() {
    let mut alone = Alone::new(Transport::Udp);
    let (invite, ok, id) = answered(&mut alone, "Record-Route: <sip:p1.example.com;lr>\n");
    let written = alone.endpoint.dialog(id).expect("the call is up").clone();
    assert_eq!(alone.endpoint.adopt_dialog(written.clone()), None, "it is there already");
    let mut restarted = Alone::new(Transport::Udp);
    let adopted = restarted.endpoint.adopt_dialog(written).expect("the new endpoint knows nothing yet");
    restarted.hear(invite.then("INFO", (2, &ok)).to_string());
    let server = restarted.request();
    restarted.reply(server, 200);
    restarted.said();
    assert!(restarted.endpoint.request_in_dialog(restarted.now, adopted, Method::Bye, Headers::new(), None).is_ok());
    let bye = restarted.asked();
    assert_eq!((bye.headers.get_str(&HeaderName::CSeq), routes(&bye).len()), (Some("1 BYE"), 1));
    restarted.hear(answer(&bye, 200, ("", "")));
    restarted.settle();
}
