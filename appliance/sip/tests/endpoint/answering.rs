//! Calls to us: the dialog, 2xx until its ACK, and what goes on within.

use sip::dialog::{Role, Stage};
use sip::endpoint::{Body, Config, Event, Reply};
use sip::message::HeaderName;
use sip::{Headers, Method, Transport};

use crate::alone::{Alone, Ask, Named, uri};

#[test]
fn the_contact_is_where_we_are_told_peers_reach_us() {
    for (advertise, transport, contact) in [
        ("203.0.113.9", Transport::Udp, "<sip:203.0.113.9:5060>"),
        ("203.0.113.9", Transport::Tcp, "<sip:203.0.113.9:5060;transport=tcp>"),
        ("2001:db8::9", Transport::Udp, "<sip:192.0.2.1:5060>"),
    ] {
        let advertise = Some(advertise.parse().expect("the test's address is well formed"));
        let mut alone = Alone::with(transport, Config { advertise, ..Config::default() });
        alone.hear(Ask::invite().to_string());
        let server = alone.request();
        alone.endpoint.respond(alone.now, server, Reply::new(180)).expect("180 makes a dialog");
        assert_eq!(alone.answered().headers.get_str(&HeaderName::Contact), Some(contact));
    }
}

#[test]
fn a_ringing_reply_makes_an_early_dialog_and_a_2xx_confirms_it() {
    let mut alone = Alone::new(Transport::Udp);
    let invite = Ask::invite().more("Record-Route: <sip:p1.example.com;lr>, <sip:p2.example.com;lr>\n");
    alone.hear(invite.to_string());
    let server = alone.request();
    let id = alone.endpoint.respond(alone.now, server, Reply::new(180)).expect("180 makes a dialog");
    let ringing = alone.answered();
    assert_eq!(ringing.headers.get_str(&HeaderName::Contact), Some("<sip:192.0.2.1:5060>"));
    let routes = "<sip:p1.example.com;lr>, <sip:p2.example.com;lr>";
    assert_eq!(ringing.headers.get_str(&HeaderName::RecordRoute), Some(routes));
    let dialog = alone.endpoint.dialog(id).expect("it was just made").clone();
    assert_eq!((dialog.stage, dialog.role), (Stage::Early, Role::Callee));
    assert_eq!(dialog.local_tag.to_str_lossy(), ringing.tag_of_to());
    assert_eq!((dialog.remote_tag.to_str_lossy().as_ref(), dialog.remote_cseq), ("hers", Some(1)));
    assert_eq!(dialog.remote_target, uri("sip:alice@198.51.100.7:5070"));
    assert_eq!(dialog.route_set.len(), 2);
    assert_eq!(dialog.remote.display_name().as_deref(), Some("Alice"));

    let reply = Reply::new(200).with_contact(uri("sip:bob@192.0.2.1:5060")).with_body(Body::sdp("v=0\r\n"));
    assert_eq!(alone.endpoint.respond(alone.now, server, reply), Some(id));
    let ok = alone.answered();
    assert_eq!(ok.tag_of_to(), ringing.tag_of_to());
    assert_eq!(ok.headers.get_str(&HeaderName::Contact), Some("<sip:bob@192.0.2.1:5060>"));
    assert_eq!(&ok.body[..], b"v=0\r\n");
    assert!(ok.headers.contains(&HeaderName::Allow) && ok.headers.contains(&HeaderName::Supported));
    assert_eq!(alone.endpoint.dialog(id).map(|dialog| dialog.stage), Some(Stage::Confirmed));
    alone.hear(invite.then("ACK", (1, &ok)).body("v=0\n").to_string());
    assert!(matches!(alone.event(), Event::Acknowledged { dialog, body } if dialog == id && &body[..] == b"v=0\r\n"));

    alone.hear(invite.then("BYE", (2, &ok)).to_string());
    let Event::Request { server, dialog, .. } = alone.event() else { panic!("BYE is told") };
    assert_eq!(dialog, Some(id));
    alone.reply(server, 200);
    assert_eq!(alone.said_lines(), ["200 BYE"]);
    assert!(alone.endpoint.dialog(id).is_none());
    alone.settle();
}

#[test]
fn a_2xx_is_repeated_until_its_ack_on_every_transport() {
    for transport in [Transport::Udp, Transport::Tcp] {
        let mut alone = Alone::new(transport);
        let invite = Ask::invite();
        alone.hear(invite.to_string());
        let server = alone.request();
        let id = alone.endpoint.respond(alone.now, server, Reply::new(200)).expect("200 makes a dialog");
        let ok = alone.answered();
        assert!(alone.endpoint.invite_pending(id));
        alone.wait_ms(7_600);
        assert_eq!(alone.said_lines(), ["200 INVITE"; 4], "after 0.5, 1.5, 3.5 and 7.5 s");
        alone.hear(invite.to_string());
        assert!(alone.said().is_empty(), "a repeated INVITE is absorbed (RFC 6026)");
        alone.hear(invite.then("ACK", (1, &ok)).to_string());
        assert!(matches!(alone.event(), Event::Acknowledged { .. }));
        assert!(!alone.endpoint.invite_pending(id));
        alone.hear(invite.then("ACK", (1, &ok)).to_string());
        alone.wait_ms(60_000);
        assert!(alone.events().is_empty() && alone.said().is_empty());
        alone.endpoint.drop_dialog(id);
        alone.settle();
    }
}

#[test]
fn a_2xx_that_is_never_acknowledged_is_told_and_no_more_repeated() {
    let mut alone = Alone::new(Transport::Udp);
    alone.hear(Ask::invite().to_string());
    let server = alone.request();
    let id = alone.endpoint.respond(alone.now, server, Reply::new(200)).expect("200 makes a dialog");
    alone.wait_ms(31_999);
    assert_eq!(alone.said().len(), 11, "at 0, 0.5, 1.5, 3.5, 7.5, 11.5 … 31.5 s");
    assert!(alone.events().is_empty());
    alone.wait_ms(1);
    assert_eq!(alone.event(), Event::Unacknowledged { dialog: id });
    let bye = alone.endpoint.request_in_dialog(alone.now, id, Method::Bye, Headers::new(), None);
    assert!(bye.is_ok());
    assert_eq!(alone.asked().method, Method::Bye);
    alone.settle();
}

#[test]
fn a_refused_invite_leaves_no_early_dialog() {
    let mut alone = Alone::new(Transport::Udp);
    alone.hear(Ask::invite().to_string());
    let server = alone.request();
    let id = alone.endpoint.respond(alone.now, server, Reply::new(183)).expect("183 makes a dialog");
    let early = alone.answered();
    assert_eq!(alone.endpoint.respond(alone.now, server, Reply::new(486)), None);
    let refusal = alone.answered();
    assert_eq!((refusal.status.0, refusal.tag_of_to()), (486, early.tag_of_to()));
    assert!(!refusal.headers.contains(&HeaderName::Contact));
    assert!(alone.endpoint.dialog(id).is_none());
    assert_eq!(alone.endpoint.respond(alone.now, server, Reply::new(200)), None, "it has its final answer");
    assert!(alone.said().is_empty());
    alone.settle();
}

#[test]
fn a_bye_before_the_answer_refuses_the_invite_487() {
    let mut alone = Alone::new(Transport::Udp);
    let invite = Ask::invite();
    alone.hear(invite.to_string());
    let asked = alone.request();
    alone.reply(asked, 180);
    let ringing = alone.answered();
    alone.hear(invite.then("BYE", (2, &ringing)).to_string());
    let bye = alone.request();
    alone.reply(bye, 200);
    assert_eq!(alone.said_lines(), ["200 BYE", "487 INVITE"]);
    assert_eq!(alone.event(), Event::Cancelled { server: asked, reason: None });
    alone.settle();
}

#[test]
fn an_invite_without_usable_contact_is_refused_400() {
    let mut alone = Alone::new(Transport::Udp);
    for (branch, contact) in [("z9hG4bKa", ""), ("z9hG4bKb", "Contact: *\n"), ("z9hG4bKc", "Contact: <sip:\n")] {
        alone.hear(Ask::new("INVITE").branch(branch).more(contact).to_string());
        assert_eq!(alone.answered().status.0, 400, "{contact:?}");
    }
    let long = "Record-Route: <sip:p.example.com;lr>\n".repeat(17);
    alone.hear(Ask::invite().branch("z9hG4bKd").more(&long).to_string());
    assert_eq!(alone.answered().status.0, 400);
    assert!(alone.events().is_empty() && alone.endpoint.is_idle());
}

#[test]
fn a_late_repetition_of_an_invite_whose_transaction_is_forgotten_is_dropped() {
    let mut alone = Alone::new(Transport::Udp);
    let invite = Ask::invite();
    alone.hear(invite.to_string());
    let server = alone.request();
    let id = alone.endpoint.respond(alone.now, server, Reply::new(200)).expect("200 makes a dialog");
    let ok = alone.answered();
    alone.hear(invite.then("ACK", (1, &ok)).to_string());
    alone.events();
    alone.wait_ms(40_000);
    assert_eq!(alone.endpoint.counts().servers, 0);
    alone.hear(invite.to_string());
    assert!(alone.events().is_empty() && alone.said().is_empty());
    alone.endpoint.drop_dialog(id);
    alone.settle();
}
