//! Comma lists: taken apart at commas that stand neither in quotes nor in angle brackets.

use bytes::Bytes;
use memchr::memchr;

use crate::message::token::trim;

/// The non-empty elements of a header value, trimmed.
pub(crate) fn elements(value: &Bytes) -> impl Iterator<Item = Bytes> {
    let mut rest = Some(0);
    std::iter::from_fn(move || {
        loop {
            let start = rest?;
            let end = element_end(value, start);
            rest = (end < value.len()).then_some(end + 1);
            let element = trim(&value[start..end]);
            if !element.is_empty() {
                return Some(value.slice_ref(element));
            }
        }
    })
}

/// The place of the comma that ends the element starting at `start`, or the end of the value.
fn element_end(value: &[u8], start: usize) -> usize {
    if memchr(b',', &value[start..]).is_none() {
        return value.len();
    }
    let mut in_quotes = false;
    let mut in_brackets = false;
    let mut at = start;
    while at < value.len() {
        match value[at] {
            b'\\' if in_quotes => at += 1,
            b'"' => in_quotes = !in_quotes,
            b'<' if !in_quotes => in_brackets = true,
            b'>' if !in_quotes => in_brackets = false,
            b',' if !in_quotes && !in_brackets => return at,
            _ => {}
        }
        at += 1;
    }
    value.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(value: &'static str) -> Vec<Bytes> {
        elements(&Bytes::from_static(value.as_bytes())).collect()
    }

    #[test]
    fn commas_in_quotes_and_brackets_do_not_separate() {
        assert_eq!(
            split(r#""Bell, Alexander" <sip:a,b@c>;x="1,2" , <sip:d>"#),
            [r#""Bell, Alexander" <sip:a,b@c>;x="1,2""#, "<sip:d>"]
        );
        assert_eq!(split(r#""a\",b" <sip:x>,y"#), [r#""a\",b" <sip:x>"#, "y"]);
    }

    #[test]
    fn empty_elements_are_skipped() {
        assert_eq!(split(", a,, b ,"), ["a", "b"]);
        assert!(split("").is_empty());
        assert!(split(" , ").is_empty());
    }
}
