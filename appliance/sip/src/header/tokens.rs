//! Comma-separated words: option tags and methods.

use bytes::Bytes;

use super::{Fault, list::elements};
use crate::{
    limits,
    message::{Text, token::is_token},
};

/// The words of all lines of a header together.
pub(super) fn parse(value: &Bytes) -> Result<Vec<Text>, Fault> {
    let mut words = Vec::new();
    for element in elements(value) {
        if !is_token(&element) {
            return Err(Fault { offset: element.as_ptr() as usize - value.as_ptr() as usize, reason: "not a token" });
        }
        if words.len() == limits::LIST_ELEMENTS {
            return Err(Fault { offset: value.len(), reason: "too many elements" });
        }
        words.push(element.into());
    }
    Ok(words)
}

pub(super) fn write(words: &[impl AsRef<[u8]>], out: &mut Vec<u8>) {
    for (index, word) in words.iter().enumerate() {
        if index > 0 {
            out.extend_from_slice(b", ");
        }
        out.extend_from_slice(word.as_ref());
    }
}
