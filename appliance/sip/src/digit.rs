//! Digits in the body of an INFO: `application/dtmf-relay` and `application/dtmf`, which no RFC describes and every phone knows.
//!
//! ```text
//! Signal=5           the digit, or the event's number of RFC 4733 §3.2 in two digits
//! Duration=160       milliseconds
//! ```
//!
//! `application/dtmf` is the digit alone, or the same two lines.

use crate::header::ContentType;

/// One key press.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Digit {
    /// `0`–`9`, `*`, `#`, `A`–`D`.
    pub digit: char,
    /// How long the key was held, in milliseconds, as far as it is told.
    pub duration_ms: u32,
}

/// What is taken where no duration, or one of 0, is told: as long as most phones make it.
pub const DURATION_MS: u32 = 160;

/// No key is believed to be held longer, in milliseconds.
pub const LONGEST_MS: u32 = 10_000;

/// The events 10–15 of RFC 4733 §3.2.
const AFTER_NINE: [char; 6] = ['*', '#', 'A', 'B', 'C', 'D'];

impl Digit {
    /// Reads a body; `None` when it is of another type, or holds no digit (a hook flash, say).
    pub fn parse(content_type: &ContentType, body: &[u8]) -> Option<Digit> {
        let is_relay = content_type.is("application/dtmf-relay");
        if !is_relay && !content_type.is("application/dtmf") {
            return None;
        }
        let body = std::str::from_utf8(body.get(..body.len().min(LENGTH))?).ok()?.trim();
        if !is_relay && !body.contains(['=', ':']) {
            return Some(Digit { digit: digit(body)?, duration_ms: DURATION_MS });
        }
        let told = value(body, "Duration").and_then(|value| value.parse().ok()).filter(|duration| *duration > 0);
        let duration_ms = told.unwrap_or(DURATION_MS).min(LONGEST_MS);
        Some(Digit { digit: digit(value(body, "Signal")?)?, duration_ms })
    }
}

/// Octets of a body that are looked at.
const LENGTH: usize = 256;

/// The value of a line `name=value`; some write a colon, or spaces around it.
fn value<'a>(body: &'a str, name: &str) -> Option<&'a str> {
    let mut lines = body.lines().filter_map(|line| line.split_once(['=', ':']));
    lines.find(|(key, _)| key.trim().eq_ignore_ascii_case(name)).map(|(_, value)| value.trim())
}

fn digit(text: &str) -> Option<char> {
    let mut letters = text.chars();
    match (letters.next()?.to_ascii_uppercase(), letters.next()) {
        (letter @ ('0'..='9' | '*' | '#' | 'A'..='D'), None) => Some(letter),
        ('1', Some(_)) => AFTER_NINE.get(text.parse::<usize>().ok()?.checked_sub(10)?).copied(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(content_type: &'static str, body: &[u8]) -> Option<Digit> {
        Digit::parse(&ContentType::new(content_type).unwrap(), body)
    }

    fn relay(body: &str) -> Option<(char, u32)> {
        parse("application/dtmf-relay", body.as_bytes()).map(|digit| (digit.digit, digit.duration_ms))
    }

    #[test]
    fn reads_what_phones_write() {
        assert_eq!(relay("Signal=5\r\nDuration=160"), Some(('5', 160)));
        assert_eq!(relay("Signal= *\r\nDuration= 250\r\n"), Some(('*', 250)));
        assert_eq!(relay("signal: #\nduration: 80\n"), Some(('#', 80)));
        assert_eq!(relay("Duration=90\r\nSignal=d"), Some(('D', 90)));
        assert_eq!(relay("Signal=10\r\nDuration=100"), Some(('*', 100)));
        assert_eq!(relay("Signal=15"), Some(('D', DURATION_MS)));
        assert_eq!(relay("Signal=1\r\nDuration=0"), Some(('1', DURATION_MS)));
        assert_eq!(relay("Signal=1\r\nDuration=4294967295"), Some(('1', LONGEST_MS)));
        assert_eq!(relay("Signal=1\r\nDuration=soon"), Some(('1', DURATION_MS)));
        let alone = parse("application/dtmf", b" 7\r\n").unwrap();
        assert_eq!((alone.digit, alone.duration_ms), ('7', DURATION_MS));
        assert_eq!(parse("Application/DTMF", b"11").unwrap().digit, '#');
        assert_eq!(parse("application/dtmf", b"Signal=3\r\nDuration=120").unwrap().duration_ms, 120);
    }

    #[test]
    fn all_sixteen_are_known() {
        for (number, digit) in "0123456789*#ABCD".chars().enumerate() {
            assert_eq!(relay(&format!("Signal={digit}")).unwrap().0, digit);
            assert_eq!(relay(&format!("Signal={number}")).unwrap().0, digit);
        }
    }

    #[test]
    fn what_is_no_digit_is_none() {
        // 16 is a hook flash.
        for body in [
            "",
            "Signal=",
            "Signal=16",
            "Signal=E",
            "Signal=12345",
            "Signal=1x",
            "Signal=55",
            "Duration=5",
            "5",
            "=",
            "Signal=٣",
        ] {
            assert_eq!(relay(body), None, "{body:?}");
        }
        assert_eq!(parse("application/dtmf-relay", &[0xFF; 9]), None);
        assert_eq!(parse("application/dtmf", &[b'1'; 100_000]), None);
        assert_eq!(parse("application/sdp", b"Signal=5"), None);
        assert_eq!(parse("application/hook-flash", b"5"), None);
    }
}
