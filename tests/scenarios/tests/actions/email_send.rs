//! `email_send`.

use pbx::errand::{Brought, Errand};
use pbx::flow::order::Email;
use scenarios::{milliseconds, seconds};
use uuid::Uuid;

use crate::{action, example, ladder, office, ran, rest, waits_at};

#[test]
fn an_email_goes_out_with_its_recording_and_the_flow_goes_on() {
    let (mut lab, alice, _) = office(1, vec![action("answer", []), example("email_send"), rest(1_000)]);
    lab[alice].call("500");
    lab.run_for(milliseconds(500));
    assert_eq!(waits_at(&lab).as_deref(), Some("sleep"), "nobody waits for it");
    lab.run_for(seconds(3));
    let expected = Email {
        destinations: vec!["ada@example.com".into()],
        subject: "A message for you".into(),
        content: "From 1001".into(),
        recordings: vec![Uuid::parse_str("6a3a7c4e-0c43-4ac6-9d5e-0a2f5b1f7c11").expect("an id")],
    };
    assert_eq!(lab.outside.asked, [Errand::Mail(Box::new(expected))]);
    assert_eq!(ran(&lab), ["answer", "email_send", "sleep"]);
    lab.finish();
}

#[test]
fn a_mail_server_that_is_away_is_asked_again() {
    let (mut lab, alice, _) = office(2, vec![action("answer", []), example("email_send"), rest(1)]);
    lab.outside.answers = Box::new(|_| (milliseconds(30), Err("connection refused".into())));
    lab[alice].call("500");
    lab.run_for(seconds(1_000));
    assert_eq!((lab.outside.asked.len(), lab.counter("errands")), (5, 0));
    lab.finish();
}

#[test]
fn what_is_refused_is_not_sent_again() {
    let (mut lab, alice, _) = office(3, vec![action("answer", []), example("email_send"), rest(3_000)]);
    let refusal = || Ok(Brought::Refused("550 no such mailbox".into()));
    lab.outside.answers = Box::new(move |_| (milliseconds(30), refusal()));
    lab[alice].call("500");
    lab.run_for(seconds(60));
    assert_eq!(lab.outside.asked.len(), 1);
    assert!(ladder(&lab).contains("550 no such mailbox"), "{}", ladder(&lab));
    lab.finish();
}
