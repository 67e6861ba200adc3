//! `talk`: somebody is spoken to.

use pbx::errand::Errand;
use scenarios::seconds;

use crate::{example, hung_up, office, rest};

#[test]
fn a_text_is_spoken_to_who_is_answered_for_it() {
    let (mut lab, alice, _) = office(5, vec![example("talk"), rest(1)]);
    lab[alice].call("500");
    lab.run_for(seconds(5));
    let [Errand::Speak(speech)] = &lab.outside.asked[..] else { panic!("one errand: {:?}", lab.outside.asked) };
    assert_eq!(speech.text, format!("Good morning, {}.", hung_up(&lab).source.target_name));
    assert!(hung_up(&lab).progressing.is_some());
    lab.finish();
}
