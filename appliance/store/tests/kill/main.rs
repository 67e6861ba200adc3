//! Processes that write are killed at any moment: what they had acknowledged is there, whole, and charged once.

mod charging;
mod events;
mod killed;

use std::path::Path;

fn main() {
    let named = std::env::var(killed::WRITER).ok().zip(std::env::args_os().nth(1));
    match named.as_ref().map(|(writer, path)| (writer.as_str(), Path::new(path))) {
        Some((events::WRITER, path)) => events::write_until_killed(path),
        Some((charging::WRITER, path)) => charging::charge_until_killed(path),
        Some((other, _)) => panic!("nobody writes “{other}”"),
        None => {
            events::whatever_was_acknowledged_is_there();
            charging::whoever_answered_is_charged_once();
        }
    }
}
