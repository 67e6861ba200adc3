//! `play`: plays sounds.

use crate::flow::action::{Field, Info, Work};
use crate::flow::options::{Fault, Options};
use crate::flow::order::Order;

/// The action.
pub const INFO: Info = Info {
    name: "play",
    about: "Plays sounds, one after the other. It does not answer the call: before an answer they are early media.",
    options: &[Field::new("stream_urls", "", "a list of `http`, `https` and `file` URLs: WAV, MP3, Ogg Opus")],
    example: r#"{"stream_urls": ["https://example.com/welcome.mp3", "file:menu.wav"]}"#,
    rests: true,
    work: Work::Order(read),
    ..Info::CALL
};

fn read(options: &Options) -> Result<Order, Fault> {
    let urls = options.texts("stream_urls")?;
    if urls.is_empty() {
        return Err(Fault::new("stream_urls", "is missing"));
    }
    if urls.len() > 100 {
        return Err(Fault::new("stream_urls", "are more than 100"));
    }
    Ok(Order::Play { urls })
}
