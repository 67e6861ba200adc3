//! Messages that cross: the caller gives up while the answer is on its way to it.

use std::time::Duration;

use lab::{Lab, State};
use scenarios::seconds;

#[test]
fn a_caller_that_hangs_up_while_its_answer_is_on_the_way_leaves_nothing_behind() {
    for offset in 0..24 {
        let mut lab = Lab::new(offset);
        let [alice, bob] = ["1001", "1002"].map(|number| lab.registered_phone(number));
        lab[alice].call("1002");
        lab.run_until(|lab| lab[bob].is(State::Ringing));
        lab.run_for(seconds(1));
        lab[bob].answer();
        lab.run_for(Duration::from_millis(offset));
        lab[alice].hang_up();
        lab.run_for(seconds(10));
        assert!(lab[alice].is(State::Ended) && lab[bob].is(State::Ended), "{offset} ms\n{}", lab.ladder());
        lab.finish();
        assert_eq!(lab.counter("index_entries"), 0);
    }
}
