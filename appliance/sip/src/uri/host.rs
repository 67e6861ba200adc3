//! The host of a URI or of a Via: a name or an address.

use std::{
    fmt,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
};

use bytes::Bytes;

use crate::message::{
    Text,
    token::{number, write_v4},
};

/// A host name or an IP address.
#[derive(Debug, Clone)]
pub enum Host {
    /// A name, with its case kept. Compared without.
    Name(Text),
    /// An IPv4 address.
    V4(Ipv4Addr),
    /// An IPv6 address.
    V6(Ipv6Addr),
    /// An IPv6 address with a zone (RFC 4007 §11), which means something to its sender only. Compared without the zone.
    ScopedV6(Ipv6Addr, Text),
}

impl Host {
    /// Reads a host, IPv6 in brackets; `None` when it is neither an address nor made of the characters of host names.
    pub fn parse(host: &Bytes) -> Option<Host> {
        if host.first() == Some(&b'[') {
            return bracketed(host);
        }
        if host.first()?.is_ascii_digit()
            && let Some(address) = dotted(host)
        {
            return Some(Host::V4(address));
        }
        let usable = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_');
        host.iter().all(usable).then(|| Host::Name(host.clone().into()))
    }

    /// The address, unless the host is a name.
    pub fn ip(&self) -> Option<IpAddr> {
        match self {
            Host::Name(_) => None,
            Host::V4(address) => Some(IpAddr::V4(*address)),
            Host::V6(address) | Host::ScopedV6(address, _) => Some(IpAddr::V6(*address)),
        }
    }

    /// Appends the host, IPv6 in brackets.
    pub fn write(&self, out: &mut Vec<u8>) {
        use std::io::Write;
        match self {
            Host::Name(name) => out.extend_from_slice(name),
            Host::V4(address) => write_v4(out, *address),
            Host::V6(address) => write!(out, "[{address}]").expect("writing to a vector does not fail"),
            Host::ScopedV6(address, zone) => {
                write!(out, "[{address}%{zone}]").expect("writing to a vector does not fail");
            }
        }
    }
}

/// Four decimal numbers; quicker than the standard library's parser, and as strict: no leading zeros.
fn dotted(host: &[u8]) -> Option<Ipv4Addr> {
    let mut octets = [0u8; 4];
    let mut parts = host.split(|&b| b == b'.');
    for octet in &mut octets {
        let part = parts.next()?;
        if part.len() > 1 && part[0] == b'0' {
            return None;
        }
        *octet = number(part)?;
    }
    parts.next().is_none().then(|| Ipv4Addr::from(octets))
}

/// `[2001:db8::1]`, `[fe80::1%eth0]` and `[fe80::1%25eth0]` (RFC 6874).
fn bracketed(host: &Bytes) -> Option<Host> {
    let inner = host.strip_prefix(b"[")?.strip_suffix(b"]")?;
    let zone_at = inner.iter().position(|&b| b == b'%');
    let address = std::str::from_utf8(&inner[..zone_at.unwrap_or(inner.len())]).ok()?.parse().ok()?;
    let Some(zone_at) = zone_at else { return Some(Host::V6(address)) };
    let zone = &inner[zone_at + 1..];
    let usable = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_' | b'~' | b'%');
    (!zone.is_empty() && zone.iter().all(usable)).then(|| Host::ScopedV6(address, host.slice_ref(zone).into()))
}

impl PartialEq for Host {
    fn eq(&self, other: &Host) -> bool {
        match (self, other) {
            (Host::Name(a), Host::Name(b)) => a.eq_ignore_ascii_case(b),
            (a, b) => a.ip().is_some() && a.ip() == b.ip(),
        }
    }
}

impl Eq for Host {}

impl From<IpAddr> for Host {
    fn from(address: IpAddr) -> Host {
        match address {
            IpAddr::V4(address) => Host::V4(address),
            IpAddr::V6(address) => Host::V6(address),
        }
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Host::Name(name) => fmt::Display::fmt(name, f),
            Host::V4(address) => fmt::Display::fmt(address, f),
            Host::V6(address) => write!(f, "[{address}]"),
            Host::ScopedV6(address, zone) => write!(f, "[{address}%{zone}]"),
        }
    }
}
