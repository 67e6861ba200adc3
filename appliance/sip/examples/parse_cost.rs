//! Reads one message from a file many times, for `valgrind --tool=callgrind`: `parse_cost FILE COUNT [typed|write]`.

#![allow(clippy::disallowed_methods, reason = "a measuring tool reads its arguments and a file")]

use std::hint::black_box;

use bytes::Bytes;
use sip::{
    Message,
    header::{CSeq, CallId, From, To, Via},
};

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let [_, file, count, what @ ..] = arguments.as_slice() else {
        return eprintln!("parse_cost FILE COUNT [typed|write]");
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
            Some("write") => {
                black_box(message.to_bytes());
            }
            _ => {
                black_box(message);
            }
        }
    }
}
