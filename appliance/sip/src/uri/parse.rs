//! Takes the text of a URI apart.

use bytes::Bytes;
use memchr::memrchr;

use super::{Host, Range, Scheme, Uri, UriError};
use crate::message::token::number;

fn wrong<T>(offset: usize, reason: &'static str) -> Result<T, UriError> {
    Err(UriError { offset, reason })
}

/// Control characters, spaces, and what encloses a URI.
const FORBIDDEN: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = 0;
    while byte < 256 {
        table[byte] = byte <= b' ' as usize || matches!(byte as u8, b'<' | b'>' | b'"' | 0x7f);
        byte += 1;
    }
    table
};

pub(super) fn parse(text: Bytes) -> Result<Uri, UriError> {
    if text.len() > usize::from(u16::MAX) {
        return wrong(usize::from(u16::MAX), "too long");
    }
    if let Some(at) = text.iter().position(|&b| FORBIDDEN[usize::from(b)]) {
        return wrong(at, "character not allowed");
    }
    if !text.is_ascii()
        && let Err(error) = std::str::from_utf8(&text)
    {
        return wrong(error.valid_up_to(), "not UTF-8");
    }
    let Some(colon) = text.iter().position(|&b| b == b':') else {
        return wrong(0, "no scheme");
    };
    let scheme = scheme(&text, colon)?;
    let mut uri = Uri::unreadable(text);
    uri.scheme = scheme;
    let end = uri.text.len();
    match uri.scheme {
        Scheme::Sip | Scheme::Sips => sip(&mut uri, colon + 1)?,
        Scheme::Tel => {
            let number_end = find(&uri.text, colon + 1, b";").unwrap_or(end);
            if number_end == colon + 1 {
                return wrong(number_end, "no number");
            }
            uri.user = Some(range(colon + 1, number_end));
            uri.params = params(number_end, end);
        }
        Scheme::Other(_) if end == colon + 1 => return wrong(end, "nothing after the scheme"),
        Scheme::Other(_) => {}
    }
    Ok(uri)
}

fn scheme(text: &Bytes, colon: usize) -> Result<Scheme, UriError> {
    let name = &text[..colon];
    if name.eq_ignore_ascii_case(b"sip") {
        return Ok(Scheme::Sip);
    }
    if name.eq_ignore_ascii_case(b"sips") {
        return Ok(Scheme::Sips);
    }
    if name.eq_ignore_ascii_case(b"tel") {
        return Ok(Scheme::Tel);
    }
    let usable = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-' | b'.');
    if !name.first().is_some_and(u8::is_ascii_alphabetic) || !name.iter().all(usable) {
        return wrong(0, "bad scheme");
    }
    Ok(Scheme::Other(text.slice(..colon).into()))
}

/// `user:password@host:port;params?headers`. The last `@` ends the user part: some phones put a whole mail address there.
fn sip(uri: &mut Uri, start: usize) -> Result<(), UriError> {
    let text = uri.text.clone().into_bytes();
    let mut at = start;
    if let Some(sign) = memrchr(b'@', &text[start..]).map(|at| start + at) {
        let user_end = find(&text, start, b":").filter(|&colon| colon < sign).unwrap_or(sign);
        uri.user = Some(range(start, user_end));
        if user_end < sign {
            uri.password = Some(range(user_end + 1, sign));
        }
        at = sign + 1;
    }
    let host_end = match text.get(at) {
        Some(b'[') => match find(&text, at, b"]") {
            Some(bracket) => bracket + 1,
            None => return wrong(at, "bracket not closed"),
        },
        _ => find(&text, at, b":;?").unwrap_or(text.len()),
    };
    let Some(host) = Host::parse(&text.slice(at..host_end)) else {
        return wrong(at, "bad host");
    };
    uri.host = Some(host);
    at = host_end;
    if text.get(at) == Some(&b':') {
        let end = find(&text, at, b";?").unwrap_or(text.len());
        let digits = &text[at + 1..end];
        uri.port = match number::<u16>(digits) {
            None if !digits.is_empty() => return wrong(at + 1, "bad port"),
            port => port,
        };
        at = end;
    }
    let params_end = find(&text, at, b"?").unwrap_or(text.len());
    if params_end > at && text[at] != b';' {
        return wrong(at, "unexpected character after the host");
    }
    uri.params = params(at, params_end);
    if params_end < text.len() {
        uri.headers = Some(range(params_end + 1, text.len()));
    }
    Ok(())
}

fn params(start: usize, end: usize) -> Range {
    if start == end { Range::default() } else { range(start, end) }
}

fn range(start: usize, end: usize) -> Range {
    Range { start: start as u16, end: end as u16 }
}

fn find(text: &[u8], start: usize, any_of: &[u8]) -> Option<usize> {
    text[start..].iter().position(|b| any_of.contains(b)).map(|at| start + at)
}
