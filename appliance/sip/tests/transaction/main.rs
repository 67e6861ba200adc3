//! Every transition of the four transaction machines: RFC 3261 figures 5 to 8, RFC 6026 figures 1 to 3.

mod client_invite;
mod client_non_invite;
mod server_invite;
mod server_non_invite;

use bytes::Bytes;
use sip::StatusCode;
use sip::Time;
use sip::transaction::{Action, Actions, Timer, TimerTable, Timings};

const UDP: bool = false;
const TCP: bool = true;

fn table(reliable: bool) -> TimerTable {
    TimerTable::new(Timings::default(), reliable)
}

fn bytes(text: &'static str) -> Bytes {
    Bytes::from_static(text.as_bytes())
}

fn send(text: &'static str) -> Action {
    Action::Send(bytes(text))
}

fn arm(timer: Timer, milliseconds: u64) -> Action {
    Action::Arm(timer, Time::from_millis(milliseconds))
}

/// One code of each class.
const PROVISIONAL: [StatusCode; 3] = [StatusCode(100), StatusCode(180), StatusCode(199)];
const SUCCESS: [StatusCode; 2] = [StatusCode(200), StatusCode(299)];
const REFUSAL: [StatusCode; 4] = [StatusCode(300), StatusCode(401), StatusCode(503), StatusCode(699)];

fn every_status() -> impl Iterator<Item = StatusCode> {
    PROVISIONAL.into_iter().chain(SUCCESS).chain(REFUSAL)
}

const EVERY_TIMER: [Timer; 19] = [
    Timer::A,
    Timer::B,
    Timer::C,
    Timer::D,
    Timer::E,
    Timer::F,
    Timer::G,
    Timer::H,
    Timer::I,
    Timer::J,
    Timer::K,
    Timer::L,
    Timer::M,
    Timer::Trying,
    Timer::Answer,
    Timer::Reliable,
    Timer::Prack,
    Timer::Cancelled,
    Timer::Ending,
];

/// Compares what a machine asked for with what it should ask for.
#[track_caller]
fn expect(actions: Actions, wanted: &[Action]) {
    assert_eq!(actions.as_slice(), wanted);
}

#[test]
fn the_table_of_timers_is_that_of_the_rfc() {
    let milliseconds = |timer, reliable| table(reliable).length(timer).as_millis();
    let udp: Vec<u128> = EVERY_TIMER[..13].iter().map(|timer| milliseconds(*timer, UDP)).collect();
    assert_eq!(udp, [500, 32_000, 32_000, 32_000, 500, 32_000, 500, 32_000, 5_000, 32_000, 5_000, 32_000, 32_000]);
    let tcp: Vec<u128> = EVERY_TIMER[..13].iter().map(|timer| milliseconds(*timer, TCP)).collect();
    assert_eq!(tcp, [500, 32_000, 32_000, 0, 500, 32_000, 500, 32_000, 0, 0, 0, 32_000, 32_000]);
}
