//! Stories with phones, ending in a snapshot of the ladder. The stories stand in `tests/`; here is what they share.

use std::time::Duration;

use lab::{Lab, PhoneId, State};

/// A number of seconds.
pub fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// A number of milliseconds.
pub fn milliseconds(milliseconds: u64) -> Duration {
    Duration::from_millis(milliseconds)
}

/// A lab with two registered phones, 1001 and 1002.
pub fn two_phones(seed: u64) -> (Lab, PhoneId, PhoneId) {
    let mut lab = Lab::new(seed);
    let (alice, bob) = (lab.registered_phone("1001"), lab.registered_phone("1002"));
    (lab, alice, bob)
}

/// A lab in which 1001 and 1002 have talked for a second.
pub fn two_phones_talking(seed: u64) -> (Lab, PhoneId, PhoneId) {
    let (mut lab, alice, bob) = two_phones(seed);
    connect(&mut lab, alice, bob);
    (lab, alice, bob)
}

/// Lets one phone call the other, which answers after a second, and lets them talk for a second.
pub fn connect(lab: &mut Lab, caller: PhoneId, called: PhoneId) {
    let number = lab[called].number.clone();
    lab[caller].call(&number);
    lab.run_until(|lab| lab[called].is(State::Ringing));
    lab.run_for(seconds(1));
    lab[called].answer();
    lab.run_until(|lab| lab[caller].is(State::Up) && lab[called].is(State::Up));
    lab.run_for(seconds(1));
    assert!(lab.hears(caller, called) && lab.hears(called, caller), "they hear each other\n{}", lab.ladder());
}
