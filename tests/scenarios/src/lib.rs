//! Stories with phones, ending in a snapshot of the ladder. The stories stand in `tests/`; here is what they share.

use std::time::Duration;

use lab::{Lab, PhoneId, State};
use media::codec::decoder::Decoder;
use media::{AudioFormat, Codec};
use pbx::EventKind;
use pbx::recording::RecordingRecord;
use sip::Transport;

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

/// A lab with three registered phones, 1001 to 1003.
pub fn three_phones(seed: u64) -> (Lab, [PhoneId; 3]) {
    let mut lab = Lab::new(seed);
    let phones = ["1001", "1002", "1003"].map(|number| lab.registered_phone(number));
    (lab, phones)
}

/// A lab with three phones, of which 1001 and 1002 have talked for a second.
pub fn three_phones_two_talking(seed: u64) -> (Lab, [PhoneId; 3]) {
    let (mut lab, phones) = three_phones(seed);
    connect(&mut lab, phones[0], phones[1]);
    (lab, phones)
}

/// Holds that two phones hear each other now.
pub fn assert_talk(lab: &Lab, one: PhoneId, other: PhoneId) {
    assert!(lab.hears(one, other) && lab.hears(other, one), "they hear each other\n{}", lab.ladder());
}

/// A phone that has registered along a connection of its own.
pub fn phone_over(transport: Transport, lab: &mut Lab, number: &str) -> PhoneId {
    let phone = lab.phone(number);
    lab[phone].transport = transport;
    lab.register(phone);
    let binding = lab.bindings().into_iter().find(|binding| binding.extension == number).expect("it has registered");
    assert_eq!((binding.flow.transport, binding.flow.connection.is_some()), (transport, true));
    phone
}

/// One phone calls the other and is hung up on, then the other way round.
pub fn call_each_other(lab: &mut Lab, one: PhoneId, other: PhoneId) {
    for (caller, called) in [(one, other), (other, one)] {
        connect(lab, caller, called);
        lab[called].hang_up();
        lab.run_for(seconds(1));
    }
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
    assert_talk(lab, caller, called);
}

/// The sample that an octet of a payload of G.711 stands for.
pub fn sample(payload_type: u8, octet: u8) -> i16 {
    let codec = if payload_type == 8 { Codec::Pcma } else { Codec::Pcmu };
    let mut decoder = Decoder::new(&AudioFormat::new(codec, payload_type)).expect("it is decoded");
    let mut pcm = [0; 160];
    decoder.decode(&[octet; 160], &mut pcm).expect("20 ms");
    pcm[0]
}

/// Everything that was stated about recordings.
pub fn recordings_stated(lab: &Lab) -> Vec<RecordingRecord> {
    let recordings = lab.facts.events.iter().filter_map(|event| match &event.kind {
        EventKind::Recording(record) => Some((**record).clone()),
        _ => None,
    });
    recordings.collect()
}

/// Holds that nearly all of a second of a channel of what was recorded last is this sample.
pub fn assert_recorded(lab: &Lab, channel: usize, from: Duration, sample: i16) {
    let last = recordings_stated(lab).pop().expect("something was recorded");
    let heard = lab.disk.file(last.id).channel(channel, from, from + seconds(1));
    let right = heard.iter().filter(|heard| **heard == sample).count();
    let begin = &heard[..20.min(heard.len())];
    assert!(right * 10 > heard.len() * 9, "{right} of {} are {sample}: {begin:?}", heard.len());
}
