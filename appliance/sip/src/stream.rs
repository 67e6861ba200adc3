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
    /// The last thing was a single line end.
    half_ping: bool,
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
        self.half_ping = false;
        Ok(Some(Frame::Message(self.buffer.split_to(head + body).freeze())))
    }

    /// Line ends before a message. A single CR LF is a pong, unless another one came just before: then the two were a ping
    /// that the network cut in half.
    fn keep_alive(&mut self) -> Option<Frame> {
        if self.buffer.starts_with(Frame::PING) {
            self.buffer.advance(4);
            self.half_ping = false;
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
        self.half_ping = !self.half_ping;
        Some(if self.half_ping { Frame::Pong } else { Frame::KeepAlivePing })
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
        if matches!(line[0], b' ' | b'\t') || HeaderName::known(trim(&line[..colon])) != Some(HeaderName::ContentLength)
        {
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

#[cfg(test)]
mod tests {
    use super::*;

    const MESSAGE: &[u8] = b"OPTIONS sip:a@b SIP/2.0\r\nVia: SIP/2.0/TCP c\r\nl : 5\r\n\r\nhello";

    fn frames(stream: &[u8], piece: usize) -> (Vec<Frame>, Option<FrameError>) {
        let mut framer = Framer::new();
        let mut frames = Vec::new();
        for bytes in stream.chunks(piece) {
            framer.push(bytes);
            while let Some(next) = framer.next() {
                match next {
                    Ok(frame) => frames.push(frame),
                    Err(error) => return (frames, Some(error)),
                }
            }
        }
        (frames, None)
    }

    #[test]
    fn messages_and_keep_alives_are_found_however_the_stream_is_cut() {
        let stream = [MESSAGE, b"\r\n\r\n", MESSAGE, MESSAGE, b"\r\n\r\n\r\n\r\n", MESSAGE].concat();
        for piece in 1..stream.len() {
            let (frames, error) = frames(&stream, piece);
            assert_eq!(error, None);
            let messages =
                frames.iter().filter(|frame| matches!(frame, Frame::Message(bytes) if bytes == MESSAGE)).count();
            assert_eq!(messages, 4, "pieces of {piece}");
            assert!(frames.len() > messages, "pieces of {piece}");
        }
        let (frames, _) = frames(&stream, stream.len());
        let pings = frames.iter().filter(|frame| **frame == Frame::KeepAlivePing).count();
        assert_eq!((pings, frames.len()), (3, 7));
    }

    #[test]
    fn a_pong_is_told_from_half_a_ping() {
        let mut framer = Framer::new();
        framer.push(b"\r\n");
        assert_eq!(framer.next(), Some(Ok(Frame::Pong)));
        framer.push(b"\r\n");
        assert_eq!(framer.next(), Some(Ok(Frame::KeepAlivePing)), "both halves have come");
        framer.push(b"\r\n\r");
        assert_eq!(framer.next(), None);
        framer.push(b"\n");
        assert_eq!(framer.next(), Some(Ok(Frame::KeepAlivePing)));
        assert_eq!((framer.next(), framer.pending()), (None, 0));
    }

    #[test]
    fn bare_line_feeds_and_folded_headers_do_not_confuse() {
        let message = b"OPTIONS sip:a@b SIP/2.0\nSubject: x\n content-length: 99\nContent-Length: 2\n\nok";
        let (frames, error) = frames(message, 7);
        assert_eq!((frames.len(), error), (1, None));
    }

    #[test]
    fn what_cannot_be_framed_ends_the_stream() {
        let case = |stream: &[u8]| frames(stream, 1000).1;
        assert_eq!(case(b"OPTIONS sip:a@b SIP/2.0\r\n\r\n"), Some(FrameError::NoContentLength));
        assert_eq!(case(b"OPTIONS sip:a@b SIP/2.0\r\nl: -1\r\n\r\n"), Some(FrameError::ContentLength));
        assert_eq!(case(b"OPTIONS sip:a@b SIP/2.0\r\nl: 1\r\nl: 2\r\n\r\n"), Some(FrameError::ContentLength));
        assert_eq!(case(b"OPTIONS sip:a@b SIP/2.0\r\nl: 65535\r\n\r\n"), Some(FrameError::TooLong));
        assert_eq!(
            case(&[b"OPTIONS sip:a@b SIP/2.0\r\nx: ".as_slice(), &[b'y'; 40_000]].concat()),
            Some(FrameError::TooLong)
        );
        assert_eq!(case(&[b'A'; 100]), Some(FrameError::NotSip));
        assert_eq!(case(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"), Some(FrameError::NotSip));
    }

    #[test]
    fn after_an_error_nothing_is_held() {
        let mut framer = Framer::new();
        framer.push(&[0; 5000]);
        assert_eq!(framer.next(), Some(Err(FrameError::NotSip)));
        framer.push(MESSAGE);
        assert_eq!((framer.next(), framer.pending()), (None, 0));
    }
}
