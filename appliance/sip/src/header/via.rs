//! Via: the way a request came and its response goes back (RFC 3261 §20.42, RFC 3581).

use std::net::IpAddr;

use bytes::Bytes;

use super::{Fault, HeaderError, Params, Shape, TypedHeader};
use crate::{
    Transport,
    message::{
        HeaderName, Text,
        token::{is_space, is_token, number, trim, write_number},
    },
    uri::Host,
};

/// The `rport` parameter of RFC 3581.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rport {
    /// Without value: the sender asks for the port his request came from.
    Asked,
    /// The port the request came from.
    Port(u16),
}

/// One hop of the way back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Via {
    /// The transport as it was spelled: `UDP`, `TCP`, …
    pub transport: Text,
    /// Host of the sent-by.
    pub host: Host,
    /// Port of the sent-by; the default of the transport when `None`.
    pub port: Option<u16>,
    /// The name of the transaction.
    pub branch: Option<Text>,
    /// The address the request came from.
    pub received: Option<IpAddr>,
    /// The port the request came from, or the wish to know it.
    pub rport: Option<Rport>,
    /// Time to live of multicast.
    pub ttl: Option<u8>,
    /// The address to send the response to instead.
    pub maddr: Option<Host>,
    /// All other parameters.
    pub params: Params,
}

impl Via {
    /// What every branch of RFC 3261 begins with (§8.1.1.7).
    pub const MAGIC: &'static [u8] = b"z9hG4bK";

    /// A hop of ours that asks for `rport`.
    pub fn new(transport: Transport, host: impl Into<Host>, port: Option<u16>, branch: impl Into<Text>) -> Via {
        Via {
            transport: Text::from_static(transport.name()),
            host: host.into(),
            port,
            branch: Some(branch.into()),
            received: None,
            rport: Some(Rport::Asked),
            ttl: None,
            maddr: None,
            params: Params::new(),
        }
    }

    /// Whether the branch is one of RFC 3261, unique in space and time.
    pub fn has_magic_branch(&self) -> bool {
        self.branch.as_ref().is_some_and(|branch| {
            branch.len() > Via::MAGIC.len() && branch[..Via::MAGIC.len()].eq_ignore_ascii_case(Via::MAGIC)
        })
    }

    fn read(value: &Bytes) -> Result<Via, Fault> {
        let slash = |from: usize| value[from..].iter().position(|&b| b == b'/').map(|at| from + at);
        let Some(second) = slash(0).and_then(|first| slash(first + 1)) else {
            return Err(Fault { offset: 0, reason: "no SIP/2.0/transport" });
        };
        let protocol = &value[..second];
        let regular = protocol.eq_ignore_ascii_case(b"SIP/2.0");
        if !regular && !protocol.iter().filter(|b| !is_space(**b)).map(u8::to_ascii_uppercase).eq(*b"SIP/2.0") {
            return Err(Fault { offset: 0, reason: "protocol is not SIP/2.0" });
        }
        let transport_start = second + 1 + value[second + 1..].iter().take_while(|b| is_space(**b)).count();
        let transport_end = find(value, transport_start, is_space);
        let transport = &value[transport_start..transport_end];
        if !is_token(transport) {
            return Err(Fault { offset: transport_start, reason: "bad transport" });
        }
        let sent_by_end = find(value, transport_end, |b| b == b';');
        let sent_by = trim(&value[transport_end..sent_by_end]);
        let (host, port) =
            read_sent_by(value, sent_by).ok_or(Fault { offset: transport_end, reason: "bad sent-by" })?;
        let params = Params::parse(value.slice(sent_by_end..)).map_err(|fault| fault.behind(sent_by_end))?;
        let mut via = Via {
            transport: value.slice_ref(transport).into(),
            host,
            port,
            branch: None,
            received: None,
            rport: None,
            ttl: None,
            maddr: None,
            params,
        };
        via.take_params(value);
        Ok(via)
    }

    /// Moves the parameters that have a field into it. One whose value is not what it should be, or that is said again, stays among the others.
    fn take_params(&mut self, value: &Bytes) {
        let mut params = std::mem::take(&mut self.params);
        params.retain(|param| !self.take_param(value, param.name, param.value));
        self.params = params;
    }

    fn take_param(&mut self, value: &Bytes, name: &[u8], raw: Option<&[u8]>) -> bool {
        let text = raw.filter(|raw| !raw.is_empty());
        match name.len() {
            6 if name.eq_ignore_ascii_case(b"branch") => {
                fill(&mut self.branch, || text.map(|text| value.slice_ref(text).into()))
            }
            5 if name.eq_ignore_ascii_case(b"rport") => {
                fill(&mut self.rport, || text.map_or(Some(Rport::Asked), |text| number(text).map(Rport::Port)))
            }
            8 if name.eq_ignore_ascii_case(b"received") => fill(&mut self.received, || text.and_then(address)),
            3 if name.eq_ignore_ascii_case(b"ttl") => fill(&mut self.ttl, || text.and_then(number)),
            5 if name.eq_ignore_ascii_case(b"maddr") => {
                fill(&mut self.maddr, || text.and_then(|text| Host::parse(&value.slice_ref(text))))
            }
            _ => false,
        }
    }
}

/// Fills a field that is still empty; false when it is not, or when there is nothing to fill it with.
fn fill<T>(field: &mut Option<T>, read: impl FnOnce() -> Option<T>) -> bool {
    if field.is_some() {
        return false;
    }
    *field = read();
    field.is_some()
}

fn find(value: &[u8], from: usize, stop: impl Fn(u8) -> bool) -> usize {
    value[from..].iter().position(|&b| stop(b)).map_or(value.len(), |at| from + at)
}

/// `host`, `host:port`, `[v6]:port`, with white space allowed around the colon; a bare IPv6 address is understood too.
fn read_sent_by(value: &Bytes, sent_by: &[u8]) -> Option<(Host, Option<u16>)> {
    let host_end = match sent_by.first()? {
        b'[' => sent_by.iter().position(|&b| b == b']')? + 1,
        _ if sent_by.iter().filter(|&&b| b == b':').count() > 1 => sent_by.len(),
        _ => find(sent_by, 0, |b| b == b':' || is_space(b)),
    };
    let tail = trim(&sent_by[host_end..]);
    let port = match tail.split_first() {
        None => None,
        Some((b':', digits)) if trim(digits).is_empty() => None,
        Some((b':', digits)) => Some(number(trim(digits))?),
        Some(_) => return None,
    };
    let host = &sent_by[..host_end];
    let host = Host::parse(&value.slice_ref(host)).or_else(|| address(host).map(Host::from))?;
    Some((host, port))
}

/// An IP address, IPv6 with or without brackets.
fn address(text: &[u8]) -> Option<IpAddr> {
    let text = text.strip_prefix(b"[").and_then(|text| text.strip_suffix(b"]")).unwrap_or(text);
    std::str::from_utf8(text).ok()?.parse().ok()
}

impl TypedHeader for Via {
    const NAME: HeaderName = HeaderName::Via;
    const SHAPE: Shape = Shape::List;

    fn parse(value: &Bytes) -> Result<Via, HeaderError> {
        Via::read(value).map_err(|fault| fault.of(Self::NAME))
    }

    fn write(&self, out: &mut Vec<u8>) {
        use std::io::Write;
        out.extend_from_slice(b"SIP/2.0/");
        out.extend_from_slice(&self.transport);
        out.push(b' ');
        self.host.write(out);
        if let Some(port) = self.port {
            out.push(b':');
            write_number(out, u64::from(port));
        }
        if let Some(branch) = &self.branch {
            out.extend_from_slice(b";branch=");
            out.extend_from_slice(branch);
        }
        match self.rport {
            None => {}
            Some(Rport::Asked) => out.extend_from_slice(b";rport"),
            Some(Rport::Port(port)) => {
                out.extend_from_slice(b";rport=");
                write_number(out, u64::from(port));
            }
        }
        if let Some(received) = self.received {
            write!(out, ";received={received}").expect("writing to a vector does not fail");
        }
        if let Some(ttl) = self.ttl {
            write!(out, ";ttl={ttl}").expect("writing to a vector does not fail");
        }
        if let Some(maddr) = &self.maddr {
            out.extend_from_slice(b";maddr=");
            maddr.write(out);
        }
        self.params.write(out);
    }
}
