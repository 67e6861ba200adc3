//! Answers that several parts of the exchange give; boxed where they stand for an error.

use sip::Headers;
use sip::endpoint::Reply;
use sip::header::Reason;
use sip::message::HeaderName;
use sip::sdp::Refusal;

use crate::call::cause::Cause;

/// An answer that asks the peer to come again in so many seconds.
pub fn retry_after(status: u16, seconds: u32) -> Box<Reply> {
    let mut headers = Headers::new();
    headers.push(HeaderName::RetryAfter, seconds.to_string());
    Box::new(Reply::new(status).with_headers(headers))
}

/// 400, naming the part that could not be read (RFC 3261 §21.4.1).
pub fn bad_request(part: &'static str) -> Box<Reply> {
    let mut headers = Headers::new();
    headers.push(HeaderName::Warning, format!("399 tandem \"{part} could not be read\""));
    Box::new(Reply::new(400).with_headers(headers))
}

/// A Reason header with a Q.850 cause (RFC 3326).
pub fn reason(cause: Cause) -> Headers {
    let mut headers = Headers::new();
    headers.add(&Reason::q850(u16::from(cause.0), cause.text()));
    headers
}

/// 488, saying what of a session description cannot be (RFC 3261 §21.4.26).
pub fn not_acceptable(refusal: Refusal) -> Box<Reply> {
    let (code, words) = refusal.warning();
    let mut headers = reason(Cause::INCOMPATIBLE);
    headers.push(HeaderName::Warning, format!("{code} tandem \"{words}\""));
    Box::new(Reply::new(488).with_headers(headers))
}

/// Whether the body is a session description.
pub fn carries_sdp(headers: &Headers) -> bool {
    let kind = headers.get_str(&HeaderName::ContentType).unwrap_or("application/sdp");
    let kind = kind.split(';').next().unwrap_or_default().trim();
    kind.eq_ignore_ascii_case("application/sdp")
}
