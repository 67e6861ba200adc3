//! `fetch`: a web server says what comes next.

use pbx::errand::Brought;
use scenarios::{milliseconds, seconds};

use crate::{action, example, office, ran, rest};

#[test]
fn a_web_server_says_what_comes_next() {
    let (mut lab, alice, _) = office(2, vec![example("fetch"), rest(1)]);
    lab.outside.answers = Box::new(|_| (milliseconds(10), Ok(Brought::Actions(vec![action("beep", [])]))));
    lab[alice].call("500");
    lab.run_for(seconds(2));
    assert_eq!(ran(&lab), ["fetch", "beep", "sleep"]);
    lab.finish();
}

#[test]
fn a_server_that_says_nothing_ends_the_flow() {
    let (mut lab, alice, _) = office(3, vec![example("fetch"), rest(1)]);
    lab.outside.answers = Box::new(|_| (milliseconds(10), Err("the server answers 500".into())));
    lab[alice].call("500");
    lab.run_for(seconds(2));
    assert_eq!(ran(&lab), ["fetch"]);
    lab.finish();
}
