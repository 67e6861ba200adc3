//! What the machine prints on its serial line, kept for those who wait for something.
use std::io::Read;
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use anyhow::{Result, bail};

#[derive(Default)]
struct Shared {
    text: String,
    is_closed: bool,
}

/// The console and how much of it has been waited for.
pub struct Console {
    shared: Arc<(Mutex<Shared>, Condvar)>,
    seen: usize,
}

impl Console {
    /// Reads from QEMU until it ends; `show` prints it for a person as well.
    pub fn watch(mut output: impl Read + Send + 'static, show: bool) -> Console {
        let shared = Arc::new((Mutex::new(Shared::default()), Condvar::new()));
        let writer = Arc::clone(&shared);
        std::thread::spawn(move || {
            let (mut chunk, mut undecoded) = ([0; 4096], Vec::new());
            let (state, changed) = &*writer;
            loop {
                let length = output.read(&mut chunk).unwrap_or(0);
                undecoded.extend(&chunk[..length]);
                let text = decode(&mut undecoded).replace('\r', "");
                if show {
                    print!("{text}");
                    let _ = std::io::Write::flush(&mut std::io::stdout());
                }
                let mut shared = state.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
                shared.text += &text;
                shared.is_closed = length == 0;
                changed.notify_all();
                if length == 0 {
                    return;
                }
            }
        });
        Console { shared, seen: 0 }
    }

    /// Waits for a line that holds `text`, after the last one waited for.
    pub fn wait_for(&mut self, text: &str, limit: Duration) -> Result<String> {
        let (state, changed) = &*self.shared;
        let until = Instant::now() + limit;
        let mut shared = state.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        loop {
            let unseen = &shared.text[self.seen..];
            if let Some(at) = unseen.find(text)
                && let Some(end) = unseen[at..].find('\n')
            {
                let start = unseen[..at].rfind('\n').map_or(0, |newline| newline + 1);
                let line = unseen[start..at + end].to_owned();
                self.seen += at + end + 1;
                return Ok(line);
            }
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() || shared.is_closed {
                let why = if shared.is_closed { "QEMU has ended" } else { "the time is over" };
                bail!("{text:?} was not printed and {why}; the console:\n{}", shared.text);
            }
            shared = changed.wait_timeout(shared, left).unwrap_or_else(|poisoned| poisoned.into_inner()).0;
        }
    }

    /// Everything printed so far.
    pub fn text(&self) -> String {
        self.shared.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).text.clone()
    }
}

/// Takes all whole characters; one whose end has not come yet stays.
fn decode(octets: &mut Vec<u8>) -> String {
    let whole = match std::str::from_utf8(octets) {
        Err(error) if error.error_len().is_none() => error.valid_up_to(),
        Ok(_) | Err(_) => octets.len(),
    };
    let rest = octets.split_off(whole);
    let text = String::from_utf8_lossy(octets).into_owned();
    *octets = rest;
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_character_in_two_pieces_is_one_character() {
        let mut octets = "box ─".as_bytes()[..5].to_vec();
        assert_eq!(decode(&mut octets), "box ");
        octets.extend(&"─".as_bytes()[1..]);
        assert_eq!(decode(&mut octets), "─");
        octets.extend(b"\xff!");
        assert_eq!(decode(&mut octets), "\u{fffd}!");
        assert!(octets.is_empty());
    }

    #[test]
    fn lines_are_waited_for_in_order() {
        let mut console = Console::watch(&b"one first\r\ntwo\r\none second\r\nno end"[..], false);
        let limit = Duration::from_secs(5);
        assert_eq!(console.wait_for("first", limit).expect("it is there"), "one first");
        assert_eq!(console.wait_for("one", limit).expect("it is there twice"), "one second");
        let error = console.wait_for("two", limit).expect_err("it is before what was seen");
        assert!(format!("{error}").contains("QEMU has ended"), "{error}");
        assert!(console.wait_for("no end", limit).is_err(), "a line is whole or none");
    }
}
