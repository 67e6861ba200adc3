//! Connections that break, or cannot be opened.

use sip::endpoint::Event;
use sip::transaction::Failure;
use sip::transport::ConnectionId;
use sip::{Headers, Method, Transport};

use crate::alone::{Alone, Ask, answer, flow};

#[test]
fn nothing_is_repeated_on_a_stream() {
    let mut alone = Alone::new(Transport::Tcp);
    let invite = alone.invite();
    alone.endpoint.request(alone.now, invite);
    alone.hear(Ask::invite().to_string());
    let server = alone.request();
    alone.reply(server, 486);
    alone.said();
    alone.wait_ms(31_000);
    assert!(alone.said().is_empty());
    alone.settle();
}

#[test]
fn a_broken_connection_fails_what_waits_on_it() {
    let mut alone = Alone::new(Transport::Tcp);
    let calling = alone.invite();
    let calling = alone.endpoint.request(alone.now, calling);
    alone.said();
    let ringing = alone.invite();
    let ringing = alone.endpoint.request(alone.now, ringing);
    let asked = alone.asked();
    alone.hear(answer(&asked, 180, ("his", "Contact: <sip:bob@198.51.100.7>\n")));
    alone.events();
    let other = flow(Transport::Tls);
    alone.endpoint.handle_closed(alone.now, &other);
    let another = sip::Flow { connection: Some(ConnectionId(2)), ..alone.flow };
    alone.endpoint.handle_closed(alone.now, &another);
    assert!(alone.events().is_empty(), "other connections");
    let broken = alone.flow;
    alone.endpoint.handle_closed(alone.now, &broken);
    let failure = Failure::Transport;
    let failed = [Event::Failed { client: calling, failure }, Event::Failed { client: ringing, failure }];
    assert_eq!(alone.events(), failed);
    assert_eq!(alone.endpoint.statistics().transport_failures, 2);
    alone.settle();
}

#[test]
fn a_connection_that_could_not_be_opened_fails_what_waits_for_it() {
    let mut alone = Alone::new(Transport::Tcp);
    let up = alone.flow;
    alone.flow.connection = None;
    let waiting = alone.invite();
    let waiting = alone.endpoint.request(alone.now, waiting);
    alone.flow = up;
    let other = alone.invite();
    alone.endpoint.request(alone.now, other);
    alone.said();
    let unopened = sip::Flow { connection: None, ..up };
    alone.endpoint.handle_closed(alone.now, &unopened);
    assert_eq!(alone.event(), Event::Failed { client: waiting, failure: Failure::Transport });
    alone.settle();
}

#[test]
fn the_connection_opened_for_a_request_is_used_from_then_on() {
    let mut alone = Alone::new(Transport::Tcp);
    let opened = alone.flow;
    alone.flow.connection = None;
    let invite = alone.invite();
    alone.endpoint.request(alone.now, invite);
    let asked = alone.asked();
    alone.flow = opened;
    alone.hear(answer(&asked, 200, ("his", "Contact: <sip:bob@198.51.100.7>\n")));
    let Event::Response { dialog: Some(id), .. } = alone.event() else { panic!("the call is up") };
    alone.endpoint.ack(alone.now, id, None);
    let transmit = alone.endpoint.poll_transmit().expect("the ACK is sent");
    assert_eq!(transmit.flow, opened);

    alone.endpoint.handle_closed(alone.now, &opened);
    assert_eq!(alone.endpoint.dialog(id).map(|dialog| dialog.flow.connection), Some(None), "to be opened anew");
    assert!(alone.endpoint.request_in_dialog(alone.now, id, Method::Info, Headers::new(), None).is_ok());
    let info = alone.asked();
    let reopened = sip::Flow { connection: Some(ConnectionId(9)), ..opened };
    alone.flow = reopened;
    alone.hear(answer(&info, 200, ("", "")));
    alone.events();
    assert_eq!(alone.endpoint.dialog(id).map(|dialog| dialog.flow), Some(reopened), "by any answer");

    alone.endpoint.handle_closed(alone.now, &reopened);
    assert!(alone.endpoint.request_in_dialog(alone.now, id, Method::Bye, Headers::new(), None).is_ok());
    let unopened = sip::Flow { connection: None, ..opened };
    alone.said();
    alone.endpoint.handle_closed(alone.now, &unopened);
    assert!(matches!(alone.event(), Event::Failed { failure: Failure::Transport, .. }));
    assert!(alone.endpoint.dialog(id).is_none(), "the BYE failed: the dialog is over");
    alone.settle();
}

#[test]
fn a_dialog_that_moves_to_another_connection_leaves_the_old_one() {
    let mut alone = Alone::new(Transport::Tcp);
    let invite = Ask::invite();
    alone.hear(invite.to_string());
    let server = alone.request();
    let id = alone.endpoint.respond(alone.now, server, sip::endpoint::Reply::new(200)).expect("a dialog");
    let ok = alone.answered();
    let old = alone.flow;
    let mut new = old;
    new.connection = Some(ConnectionId(2));
    new.remote.set_port(40_000);
    alone.flow = new;
    alone.hear(invite.then("ACK", (1, &ok)).to_string());
    alone.events();
    alone.endpoint.set_dialog_flow(id, new);
    alone.endpoint.handle_closed(alone.now, &old);
    assert_eq!(alone.endpoint.dialog(id).map(|dialog| dialog.flow), Some(new));
    alone.endpoint.drop_dialog(id);
    alone.settle();
}
