//! Finds the messages in a byte stream (RFC 3261 §18.3) and the keep-alives between them (RFC 5626 §4.4.1).
//!
//! The daemon pushes what it read and takes frames out until there is none. An error is final: after it nobody knows
//! where the next message begins, so the connection is to be closed.

use bytes::{Buf, Bytes, BytesMut};

use crate::{
    limits,
    message::{
        HeaderName,
        token::{number, trim},
    },
};

/// A whole piece of the stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Frame {
    /// One message, for [`Message::parse`](crate::Message::parse).
    Message(Bytes),
    /// CRLFCRLF: to be answered with [`Frame::PONG`].
    KeepAlivePing,
    /// CRLF: the answer to a ping of ours.
    Pong,
}

impl Frame {
    /// What is sent to keep a connection alive.
    pub const PING: &'static [u8] = b"\r\n\r\n";
    /// What answers it.
    pub const PONG: &'static [u8] = b"\r\n";
}

/// Why the stream cannot be followed any further.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum FrameError {
    /// Start line and headers are longer than [`limits::STREAM_HEAD_BYTES`], or with the body longer than [`limits::MESSAGE_BYTES`].
    #[error("message too long for a stream")]
    TooLong,
    /// Without Content-Length the end of the message cannot be found.
    #[error("no Content-Length")]
    NoContentLength,
    /// Content-Length is not a number, or said twice differently.
    #[error("bad Content-Length")]
    ContentLength,
    /// What comes is not SIP.
    #[error("not SIP")]
    NotSip,
}

/// The bytes of a connection that are not yet a whole message.
#[derive(Debug, Default)]
pub struct Framer {
    buffer: BytesMut,
    /// Up to here the head was searched for its end.
    searched: usize,
    /// Length of head and of body once the head is complete.
    found: Option<(usize, usize)>,
    failed: Option<FrameError>,
}

impl Framer {
    /// A framer for a new connection.
    pub fn new() -> Framer {
        Framer::default()
    }

    /// Takes what was read from the connection. Never holds more than one message of the greatest length and one read.
    pub fn push(&mut self, bytes: &[u8]) {
        if self.failed.is_none() {
            self.buffer.extend_from_slice(bytes);
        }
    }

    /// How many bytes wait for the rest of their message.
    pub fn pending(&self) -> usize {
        self.buffer.len()
    }

    /// The next whole piece; `None` when more bytes are needed, and after an error.
    #[allow(clippy::should_implement_trait)]
    pub fn next(&mut self) -> Option<Result<Frame, FrameError>> {
        if self.failed.is_some() {
            return None;
        }
        let frame = self.advance().transpose();
        if let Some(Err(error)) = &frame {
            self.failed = Some(*error);
            self.buffer = BytesMut::new();
        }
        if self.buffer.is_empty() && self.buffer.capacity() > limits::STREAM_IDLE_BYTES {
            self.buffer = BytesMut::new();
        }
        frame
    }

    fn advance(&mut self) -> Result<Option<Frame>, FrameError> {
        if self.found.is_none() {
            if let Some(frame) = self.keep_alive() {
                return Ok(Some(frame));
            }
            if matches!(self.buffer.first(), None | Some(b'\r' | b'\n')) {
                return Ok(None);
            }
            let Some(head) = self.head_length()? else { return Ok(None) };
            self.found = Some((head, body_length(&self.buffer[..head])?));
        }
        let Some((head, body)) = self.found else { return Ok(None) };
        if head + body > limits::MESSAGE_BYTES {
            return Err(FrameError::TooLong);
        }
        if self.buffer.len() < head + body {
            return Ok(None);
        }
        self.found = None;
        self.searched = 0;
        Ok(Some(Frame::Message(self.buffer.split_to(head + body).freeze())))
    }

    /// Line ends before a message. A single CR LF is a pong, or the first half of a ping whose second half has not come yet:
    /// which of them is decided by what follows, so that a ping cut in two by the network is not taken for two pongs.
    fn keep_alive(&mut self) -> Option<Frame> {
        if self.buffer.starts_with(Frame::PING) {
            self.buffer.advance(4);
            return Some(Frame::KeepAlivePing);
        }
        let line_end = match &self.buffer[..] {
            [b'\r', b'\n', b'\r'] => return None,
            [b'\r', b'\n', ..] => 2,
            [b'\n', ..] => 1,
            [b'\r', other, ..] if *other != b'\n' => 1,
            _ => return None,
        };
        self.buffer.advance(line_end);
        Some(Frame::Pong)
    }

    /// The length of start line and headers with the empty line, once it is there.
    fn head_length(&mut self) -> Result<Option<usize>, FrameError> {
        if !could_be_sip(&self.buffer) {
            return Err(FrameError::NotSip);
        }
        let limit = self.buffer.len().min(limits::STREAM_HEAD_BYTES);
        let mut at = self.searched;
        while let Some(newline) = self.buffer[at..limit].iter().position(|&b| b == b'\n').map(|found| at + found) {
            let after = &self.buffer[newline + 1..];
            if after.starts_with(b"\n") {
                return Ok(Some(newline + 2));
            }
            if after.starts_with(b"\r\n") {
                return Ok(Some(newline + 3));
            }
            if after.is_empty() || after == b"\r" {
                break;
            }
            at = newline + 1;
        }
        if self.buffer.len() >= limits::STREAM_HEAD_BYTES {
            return Err(FrameError::TooLong);
        }
        // The last three bytes are looked at again: the empty line may have come by half.
        self.searched = at.max(self.buffer.len().saturating_sub(3));
        Ok(None)
    }
}

/// Whether the first bytes are those of a method or a version: garbage is turned away before it fills the buffer.
fn could_be_sip(bytes: &[u8]) -> bool {
    let word_end = bytes.iter().take(limits::STREAM_WORD_BYTES).position(|&b| b == b' ');
    let word = &bytes[..word_end.unwrap_or(bytes.len().min(limits::STREAM_WORD_BYTES))];
    (word_end.is_some() || bytes.len() < limits::STREAM_WORD_BYTES)
        && word.iter().all(|&b| crate::message::token::is_token_byte(b) || b == b'/')
        && word_end != Some(0)
}

fn body_length(head: &[u8]) -> Result<usize, FrameError> {
    let mut length = None;
    for line in head.split(|&b| b == b'\n').skip(1) {
        let Some(colon) = line.iter().position(|&b| b == b':') else { continue };
        if matches!(line[0], b' ' | b'\t') || HeaderName::known(trim(&line[..colon])) != Some(HeaderName::ContentLength) {
            continue;
        }
        let said = number::<usize>(trim(&line[colon + 1..])).ok_or(FrameError::ContentLength)?;
        if length.is_some_and(|length| length != said) {
            return Err(FrameError::ContentLength);
        }
        length = Some(said);
    }
    length.ok_or(FrameError::NoContentLength)
}
