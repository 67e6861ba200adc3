//! `external_media_start`: connects a program with the audio.

use crate::flow::action::{Field, Info, Work};
use crate::flow::options::{Fault, Options};
use crate::flow::order::Order;
use crate::flow::order::{Encapsulation, ExternalMedia};

/// The action.
pub const INFO: Info = Info {
    name: "external_media_start",
    about: "Sends what is heard to a program, and lets the call hear what the program sends.",
    options: &[
        Field::new("external_host", "", "`host:port` of the program"),
        Field::new("encapsulation", "rtp", "`rtp`; `audiosocket` is not available on this box yet"),
        Field::new("transport", "udp", "of `rtp`: `udp`; of `audiosocket`: `tcp`"),
        Field::new("connection_type", "client", "`client`: the box connects to the program"),
        Field::new("format", "ulaw", "the codec: `ulaw`, `alaw` or `slin` (8 kHz, payload type 96)"),
        Field::new(
            "direction_listen",
            "both",
            "what the program hears: `in`, what the phone says; `out`, what it hears; `both`; or `none`",
        ),
        Field::new(
            "direction_speak",
            "",
            "who hears the program: `in`, whoever hears the phone; `out`, the phone; `both`; `none` or empty: nobody",
        ),
        Field::new("data", "", "of `audiosocket`: what it is told at the beginning"),
    ],
    example: r#"{"external_host": "192.0.2.7:9092", "encapsulation": "rtp", "format": "ulaw", "direction_listen": "in", "direction_speak": "out"}"#,
    work: Work::Order(read),
    ..Info::CALL
};

fn read(options: &Options) -> Result<Order, Fault> {
    const WAYS: [(&str, &str); 4] = [("both", "both"), ("in", "in"), ("out", "out"), ("none", "")];
    let encapsulations = [("rtp", Encapsulation::Rtp), ("audiosocket", Encapsulation::AudioSocket)];
    options.word("connection_type", &[("client", ())])?;
    options.word("transport", &[("udp", ()), ("tcp", ())])?;
    let speaks =
        options.word("direction_speak", &[("", ""), ("both", "both"), ("in", "in"), ("out", "out"), ("none", "")])?;
    Ok(Order::StartExternalMedia(Box::new(ExternalMedia {
        host: options.needed("external_host")?,
        encapsulation: options.word("encapsulation", &encapsulations)?,
        format: options.word("format", &[("ulaw", "ulaw"), ("alaw", "alaw"), ("slin", "slin")])?.into(),
        listens: options.word("direction_listen", &WAYS)?.into(),
        speaks: speaks.into(),
        data: options.text("data")?,
    })))
}
