//! `webhook_send`: a web server is told.

use pbx::errand::{Brought, Errand};
use pbx::flow::order::Method;
use scenarios::{milliseconds, seconds};

use crate::{action, example, ladder, office, rest};

#[test]
fn a_web_server_is_told_and_its_answer_is_known() {
    let seen = action("variable_set", [("key", "seen".into()), ("value", "${voipbin.webhook.body}".into())]);
    let (mut lab, alice, _) = office(1, vec![example("webhook_send"), seen, rest(1)]);
    lab.outside.answers = Box::new(|_| (milliseconds(10), Ok(Brought::Answer { status: 200, body: "noted".into() })));
    lab[alice].call("500");
    lab.run_for(seconds(3));
    let [Errand::Webhook(webhook)] = &lab.outside.asked[..] else { panic!("one errand: {:?}", lab.outside.asked) };
    assert_eq!((webhook.method, webhook.data.as_str(), webhook.waits), (Method::Post, r#"{"caller": "1001"}"#, true));
    assert!(ladder(&lab).contains("value: noted"), "{}", ladder(&lab));
    lab.finish();
}
