//! Everything has a limit, and memory comes back.

use sip::dialog::DialogId;
use sip::endpoint::{Event, Limits, ServerId};
use sip::message::HeaderName;
use sip::transaction::Failure;
use sip::{Headers, Method};

use crate::alone::{Alone, Ask, answer};

fn numbered(method: &'static str, number: usize) -> Ask {
    Ask { call_id: format!("call-{number}"), branch: format!("z9hG4bK{number}"), ..Ask::new(method) }
}

fn invite(number: usize) -> Ask {
    numbered("INVITE", number).more("Contact: <sip:alice@198.51.100.7>\n")
}

#[test]
fn too_many_open_requests_are_refused_503_and_the_next_is_let_in_when_one_is_answered() {
    let mut alone = Alone::with_limits(Limits { server_transactions: 3, ..Limits::default() });
    for number in 0..3 {
        alone.hear(numbered("OPTIONS", number).to_string());
    }
    assert_eq!(alone.events().len(), 3);
    alone.hear(numbered("OPTIONS", 3).to_string());
    let refusal = alone.answered();
    assert_eq!(refusal.status.0, 503);
    assert!(refusal.headers.contains(&HeaderName::RetryAfter));
    assert_eq!(alone.endpoint.statistics().overload, 1);
    alone.reply(ServerId(1), 200);
    alone.said();
    alone.hear(numbered("OPTIONS", 3).to_string());
    assert_eq!(alone.request(), ServerId(4));
    for number in 2..=4 {
        alone.reply(ServerId(number), 200);
    }
    alone.settle();
}

#[test]
fn what_lingers_is_forgotten_oldest_first() {
    let mut alone = Alone::with_limits(Limits { spent_transactions: 10, ..Limits::default() });
    for number in 0..100 {
        alone.hear(numbered("REGISTER", number).to_string());
        let server = alone.request();
        alone.reply(server, 403);
    }
    alone.said();
    let counts = alone.endpoint.counts();
    assert_eq!((counts.servers, counts.spent), (10, 10));
    assert_eq!(alone.endpoint.statistics().forgotten, 90);
    alone.hear(numbered("REGISTER", 99).to_string());
    assert_eq!(alone.said_lines(), ["403 REGISTER"]);
    alone.hear(numbered("REGISTER", 0).to_string());
    let server = alone.request();
    alone.reply(server, 403);
    alone.settle();
}

#[test]
fn challenges_are_sent_without_remembering_anything() {
    let mut alone = Alone::new(sip::Transport::Udp);
    for number in 0..100 {
        for ask in [numbered("REGISTER", number), invite(number)] {
            alone.hear(ask.to_string());
            let server = alone.request();
            alone.reply(server, 401);
            let first = alone.answered();
            alone.hear(ask.to_string());
            let server = alone.request();
            alone.reply(server, 401);
            assert_eq!(alone.answered(), first, "the same To tag");
            assert_eq!(alone.endpoint.counts().servers, 0);
        }
    }
    alone.wait_ms(60_000);
    assert!(alone.said().is_empty(), "nothing is repeated");
    alone.settle();
}

#[test]
fn a_refused_flood_of_invites_does_not_fill_the_room_for_requests() {
    let limits = Limits { server_transactions: 3, spent_transactions: 10, ..Limits::default() };
    let mut alone = Alone::with_limits(limits);
    for number in 0..100 {
        alone.hear(invite(number).to_string());
        let server = alone.request();
        alone.reply(server, 403);
        assert_eq!(alone.answered().status.0, 403);
    }
    assert_eq!(alone.endpoint.counts().servers, 10);
    alone.settle();
}

#[test]
fn an_ignored_request_leaves_nothing() {
    let mut alone = Alone::new(sip::Transport::Udp);
    for ask in [invite(0), numbered("REGISTER", 1)] {
        alone.hear(ask.to_string());
        let server = alone.request();
        alone.endpoint.ignore(server);
        assert_eq!(alone.endpoint.counts().servers, 0);
        alone.reply(server, 200);
    }
    alone.wait_ms(1_000);
    assert!(alone.said().is_empty());
    alone.settle();
}

#[test]
fn an_unacknowledged_answer_is_never_forgotten_early() {
    let mut alone = Alone::with_limits(Limits { spent_transactions: 0, ..Limits::default() });
    alone.hear(invite(0).to_string());
    let server = alone.request();
    alone.reply(server, 200);
    assert_eq!(alone.endpoint.counts().servers, 1);
    alone.wait_ms(40_000);
    assert!(matches!(alone.event(), Event::Unacknowledged { .. }));
    alone.endpoint.drop_dialog(DialogId(1));
    alone.settle();
}

#[test]
fn too_many_dialogs_refuse_the_next_call() {
    let mut alone = Alone::with_limits(Limits { dialogs: 2, ..Limits::default() });
    for number in 0..2 {
        alone.hear(invite(number).to_string());
        let server = alone.request();
        alone.reply(server, 180);
    }
    alone.said();
    alone.hear(invite(2).to_string());
    assert_eq!(alone.answered().status.0, 503);
    alone.reply(ServerId(1), 486);
    alone.said();
    alone.hear(invite(2).to_string());
    let server = alone.request();
    alone.reply(server, 486);
    alone.reply(ServerId(2), 486);
    alone.settle();
}

#[test]
fn a_call_can_be_ended_in_a_crowd() {
    let mut alone = Alone::with_limits(Limits { server_transactions: 4, ..Limits::default() });
    alone.hear(invite(0).to_string());
    let server = alone.request();
    alone.reply(server, 200);
    let ok = alone.answered();
    alone.hear(invite(0).then("ACK", (1, &ok)).to_string());
    alone.events();
    for number in 1..10 {
        alone.hear(numbered("OPTIONS", number).to_string());
    }
    assert_eq!((alone.events().len(), alone.said().len()), (4, 5));
    alone.hear(invite(0).then("BYE", (2, &ok)).to_string());
    let bye = alone.request();
    for number in 1..=bye.0 {
        alone.reply(ServerId(number), 200);
    }
    alone.settle();
}

#[test]
fn too_many_requests_of_ours_fail_at_once() {
    let mut alone = Alone::with_limits(Limits { client_transactions: 1, ..Limits::default() });
    let first = alone.invite();
    alone.endpoint.request(alone.now, first);
    let asked = alone.asked();
    let second = alone.invite();
    let second = alone.endpoint.request(alone.now, second);
    assert_eq!(alone.event(), Event::Failed { client: second, failure: Failure::Overload });
    assert!(alone.said().is_empty());
    alone.hear(answer(&asked, 200, ("his", "Contact: <sip:b@198.51.100.7>\n")));
    let Event::Response { dialog: Some(id), .. } = alone.event() else { panic!("the call is up") };
    assert!(alone.endpoint.request_in_dialog(alone.now, id, Method::Bye, Headers::new(), None).is_ok());
    assert!(matches!(alone.event(), Event::Failed { failure: Failure::Overload, .. }));
    assert!(alone.endpoint.dialog(id).is_none(), "a BYE that cannot be sent ends the dialog too");
    alone.settle();
}

#[test]
fn an_invite_that_forks_without_end_is_cut() {
    let mut alone = Alone::with_limits(Limits { forks: 3, ..Limits::default() });
    let invite = alone.invite();
    let client = alone.endpoint.request(alone.now, invite);
    let asked = alone.asked();
    for number in 0..10 {
        alone.hear(answer(&asked, 180, (&format!("tag-{number}"), "Contact: <sip:b@198.51.100.7>\n")));
    }
    assert_eq!((alone.events().len(), alone.endpoint.counts().dialogs), (3, 3));
    alone.hear(answer(&asked, 200, ("one-too-many", "")));
    assert_eq!(alone.event(), Event::Failed { client, failure: Failure::Overload });
    assert_eq!(alone.endpoint.counts().dialogs, 0);
    alone.settle();
}

#[test]
fn held_replies_are_bounded() {
    let mut alone = Alone::with_limits(Limits { held_replies: 2, ..Limits::default() });
    alone.hear(invite(0).more("Supported: 100rel\n").to_string());
    let server = alone.request();
    for _ in 0..10 {
        alone.endpoint.respond(alone.now, server, sip::endpoint::Reply::new(182).reliably());
    }
    assert_eq!(alone.said_lines(), ["182 INVITE"]);
    assert_eq!(alone.endpoint.statistics().dropped, 7);
    alone.reply(server, 486);
    alone.settle();
}

#[test]
fn timers_nobody_awaits_are_swept() {
    let mut alone = Alone::with_limits(Limits { spent_transactions: 100, ..Limits::default() });
    for number in 0..20_000 {
        alone.hear(numbered("REGISTER", number).to_string());
        let server = alone.request();
        alone.reply(server, 200);
        alone.said();
    }
    let counts = alone.endpoint.counts();
    assert!(counts.timers < 2_000, "{counts:?}");
    alone.settle();
}
