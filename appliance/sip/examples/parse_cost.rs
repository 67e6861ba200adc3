//! Reads one message from a file many times, for `valgrind --tool=callgrind`: `parse_cost FILE COUNT [typed|write|sdp]`.

#![allow(clippy::disallowed_methods, reason = "a measuring tool reads its arguments and a file")]

use std::hint::black_box;

use bytes::Bytes;
use sip::{
    Message,
    header::{CSeq, CallId, From, To, Via},
    sdp::{Capabilities, Direction, Local, SessionDescription, UsedNumbers, offer_answer},
};

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let [_, file, count, what @ ..] = arguments.as_slice() else {
        return eprintln!("parse_cost FILE COUNT [typed|write|sdp]");
    };
    let datagram = Bytes::from(std::fs::read(file).expect("the file is readable"));
    let count: usize = count.parse().expect("the count is a number");
    for _ in 0..count {
        let message = Message::parse(black_box(&datagram)).expect("the file is a message");
        match what.first().map(String::as_str) {
            Some("typed") => {
                let headers = message.headers();
                black_box(headers.typed::<Via>().expect("Via"));
                black_box(headers.typed::<From>().expect("From"));
                black_box(headers.typed::<To>().expect("To"));
                black_box(headers.typed::<CallId>().expect("Call-ID"));
                black_box(headers.typed::<CSeq>().expect("CSeq"));
            }
            Some("sdp") => {
                let offer = SessionDescription::parse(message.body()).expect("the body is a description");
                let local = Local {
                    address: [192, 0, 2, 10].into(),
                    port: 4000,
                    session_id: 7,
                    direction: Direction::SendRecv,
                    used: UsedNumbers::default(),
                };
                let (answer, _) =
                    offer_answer::answer(&offer, &Capabilities::default(), &local).expect("a common codec");
                black_box(answer.to_bytes());
            }
            Some("write") => {
                black_box(message.to_bytes());
            }
            _ => {
                black_box(message);
            }
        }
    }
}
