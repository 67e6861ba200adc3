//! The message parser with all typed headers, the writer, and the framing of streams.

use bytes::Bytes;
use sip::{
    Headers, Message, Response, StatusCode,
    header::{self, TypedHeader},
    message::ParseError,
    stream::{Frame, Framer},
};

/// Reads a datagram as a message and as a stream. What can be read must be written as it came.
pub fn sip_message(data: &[u8]) {
    let datagram = Bytes::copy_from_slice(data);
    match Message::parse(&datagram) {
        Ok(message) => {
            let start = data.iter().position(|b| !b"\r\n".contains(b)).expect("an empty datagram is no message");
            let written = message.to_bytes();
            assert!(data[start..].starts_with(&written), "written otherwise than it came");
            assert_eq!(Message::parse(&written).as_ref(), Ok(&message));
            read_headers(message.headers());
            if let Message::Request(request) = &message {
                assert!(request.uri.equivalent(&request.uri));
                assert_readable(&Response::reply_to(request, StatusCode(200)));
            }
        }
        Err(error) => answer(&error, data.len()),
    }
    frame(data);
}

/// A malformed request of which enough is known is answered; the answer must be readable.
fn answer(error: &ParseError, length: usize) {
    assert!(error.offset <= length);
    if let Some(request) = &error.partial {
        read_headers(&request.headers);
        assert_readable(&Response::reply_to(request, StatusCode(400)));
    }
}

fn assert_readable(response: &Response) {
    let written = response.to_bytes();
    let read = Message::parse(&written).unwrap_or_else(|error| panic!("{error}: {response:?}"));
    assert_eq!(read, Message::Response(response_with_length(response)));
}

fn response_with_length(response: &Response) -> Response {
    let mut response = response.clone();
    response.headers.push(header::ContentLength::NAME, response.body.len().to_string());
    response
}

/// Reads every typed header there is; what is understood must be understood again after it was written.
fn read_headers(headers: &Headers) {
    macro_rules! all {
        ($($kind:ident),*) => { $(again::<header::$kind>(headers);)* };
    }
    all!(
        Allow,
        AuthenticationInfo,
        Authorization,
        CSeq,
        CallId,
        Contact,
        ContentLength,
        ContentType,
        Event,
        Expires,
        From,
        MaxForwards,
        MinExpires,
        MinSe,
        PAssertedIdentity,
        Path,
        ProxyAuthenticate,
        ProxyAuthorization,
        ProxyRequire,
        RAck,
        RSeq,
        Reason,
        RecordRoute,
        ReferTo,
        ReferredBy,
        Replaces,
        Require,
        RetryAfter,
        Route,
        Server,
        ServiceRoute,
        SessionExpires,
        Supported,
        To,
        Unsupported,
        UserAgent,
        Via,
        Warning,
        WwwAuthenticate
    );
}

fn again<H: TypedHeader>(headers: &Headers) {
    let _ = headers.typed::<H>();
    for header in headers.list::<H>().unwrap_or_default() {
        let written = header.to_bytes();
        let read = H::parse(&written).unwrap_or_else(|error| panic!("{error} in {written:?}"));
        assert_eq!(read.to_bytes(), written);
    }
}

/// As a stream, the pieces must be the same however it is cut.
fn frame(data: &[u8]) {
    let whole = frames(data, data.len().max(1));
    let cut = frames(data, 7);
    assert_eq!(whole, cut);
}

fn frames(data: &[u8], piece: usize) -> (Vec<Bytes>, bool) {
    let mut framer = Framer::new();
    let mut messages = Vec::new();
    for bytes in data.chunks(piece) {
        framer.push(bytes);
        while let Some(next) = framer.next() {
            match next {
                Ok(Frame::Message(message)) => messages.push(message),
                Ok(Frame::KeepAlivePing | Frame::Pong) => {}
                Err(_) => return (messages, true),
            }
        }
    }
    assert!(framer.pending() <= data.len());
    (messages, false)
}
