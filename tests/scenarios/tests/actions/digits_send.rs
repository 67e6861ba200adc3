//! `digits_send`.

use scenarios::seconds;

use crate::{action, example, office, ran, rest};

#[test]
fn the_phone_hears_every_digit() {
    let (mut lab, alice, _) = office(1, vec![action("answer", []), example("digits_send"), rest(500)]);
    lab[alice].call("500");
    lab.run_for(seconds(5));
    assert_eq!(lab[alice].last().audio.keys_heard(), "1234#", "{}", lab.ladder());
    assert_eq!(ran(&lab), ["answer", "digits_send", "sleep"]);
    lab.finish();
}

#[test]
fn before_an_answer_there_is_nobody_to_send_them_to() {
    let (mut lab, alice, _) = office(2, vec![example("digits_send"), rest(500)]);
    lab[alice].call("500");
    lab.run_for(seconds(3));
    assert_eq!(ran(&lab), ["digits_send", "sleep"]);
    lab.finish();
}
