//! Whether two URIs mean the same (RFC 3261 §19.1.4).

use std::borrow::Cow;

use super::{Scheme, Uri, unescape};

/// URIs with more parameters than this are the same only when their texts are: comparing costs the square of the number.
const COMPARED: usize = 32;

pub(super) fn equivalent(a: &Uri, b: &Uri) -> bool {
    if a == b {
        return true;
    }
    if a.params().nth(COMPARED).is_some() || b.params().nth(COMPARED).is_some() {
        return false;
    }
    match (&a.scheme, &b.scheme) {
        (Scheme::Sip, Scheme::Sip) | (Scheme::Sips, Scheme::Sips) => sip(a, b),
        (Scheme::Tel, Scheme::Tel) => {
            digits(a.user().unwrap_or("")).eq(digits(b.user().unwrap_or("")))
                && common_params(a, b)
                && same_params(a, b, "phone-context")
        }
        (Scheme::Other(one), Scheme::Other(other)) => {
            one.eq_ignore_ascii_case(other) && a.text.get(one.len()..) == b.text.get(other.len()..)
        }
        _ => false,
    }
}

fn sip(a: &Uri, b: &Uri) -> bool {
    let text = |part: Option<&'_ str>| part.map(|part| unescape(part).into_owned());
    let plain = |uri: &Uri| uri.user().is_none_or(|user| !user.contains('%'));
    let users = if plain(a) && plain(b) { a.user() == b.user() } else { text(a.user()) == text(b.user()) };
    users
        && text(a.password()) == text(b.password())
        && a.host == b.host
        && a.port == b.port
        && common_params(a, b)
        && ["transport", "user", "ttl", "method", "maddr"].iter().all(|name| same_params(a, b, name))
        && same_headers(a, b)
}

/// Parameters in both must be the same; others are ignored. Of one that is said twice the first counts.
fn common_params(a: &Uri, b: &Uri) -> bool {
    a.params().all(|(name, _)| {
        let name = unescape(name);
        match (first_value(a, &name), first_value(b, &name)) {
            (Some(one), Some(other)) => one.eq_ignore_ascii_case(&other),
            _ => true,
        }
    })
}

fn first_value<'a>(uri: &'a Uri, name: &str) -> Option<Cow<'a, str>> {
    let (_, value) = uri.params().find(|(other, _)| unescape(other).eq_ignore_ascii_case(name))?;
    Some(unescape(value.unwrap_or("")))
}

/// These must be in both or in none.
fn same_params(a: &Uri, b: &Uri, name: &str) -> bool {
    a.param(name).is_some() == b.param(name).is_some()
}

/// Headers are never ignored; their order is.
fn same_headers(a: &Uri, b: &Uri) -> bool {
    if a.headers.is_none() && b.headers.is_none() {
        return true;
    }
    let sorted = |uri: &Uri| {
        let mut headers: Vec<_> = uri
            .headers()
            .map(|(name, value)| (unescape(name).to_ascii_lowercase(), unescape(value).into_owned()))
            .collect();
        headers.sort();
        headers
    };
    sorted(a) == sorted(b)
}

/// A number without its visual separators (RFC 3966 §5.1.1).
fn digits(number: &str) -> impl Iterator<Item = char> {
    number.chars().filter(|c| !matches!(c, '-' | '.' | '(' | ')')).map(|c| c.to_ascii_lowercase())
}
