//! How a dialog begins: on the side that is called with the INVITE, on the side that calls with an answer (RFC 3261 §12.1).

use bytes::Bytes;

use super::{Dialog, DialogId, Role, Stage};
use crate::header::list::elements;
use crate::header::{CSeq, Contact, From, HeaderError, NameAddr, To, TypedHeader};
use crate::message::{HeaderName, Text};
use crate::{Flow, Headers, Request, Response, Uri};

/// Why no dialog can be made from a message: for the reason phrase of a 400.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unfit {
    /// A header is missing or cannot be read.
    #[error(transparent)]
    Header(#[from] HeaderError),
    /// The Contact is `*`.
    #[error("Contact names no address")]
    NoAddress,
    /// Record-Route is longer than the limit.
    #[error("Record-Route too long")]
    TooManyHops,
    /// Record-Route cannot be read.
    #[error("Record-Route malformed")]
    BadHop,
}

/// What a new dialog is given beside the messages.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Beginning {
    pub(crate) id: DialogId,
    pub(crate) flow: Flow,
    /// The most entries of a route set.
    pub(crate) hops: usize,
}

impl Dialog {
    /// The early dialog an INVITE to us will make once it is answered (RFC 3261 §12.1.1). Contact is mandatory (§8.1.1.8).
    pub(crate) fn for_callee(request: &Request, local_tag: Text, begin: Beginning) -> Result<Dialog, Unfit> {
        let headers = &request.headers;
        let from = parted(From::parse(&detached(headers, HeaderName::From)?)?);
        let to = To::parse(&detached(headers, HeaderName::To)?)?;
        let remote_target = contact(headers)?.ok_or(HeaderError::Missing(HeaderName::Contact))?;
        Ok(Dialog {
            id: begin.id,
            stage: Stage::Early,
            role: Role::Callee,
            call_id: detached(headers, HeaderName::CallId)?.into(),
            local_tag,
            remote_tag: from.1,
            local: to.address,
            remote: from.0,
            local_cseq: 0,
            remote_cseq: Some(headers.typed::<CSeq>()?.number),
            route_set: record_route(headers, begin.hops)?,
            local_target: request.uri.detached(),
            remote_target,
            flow: begin.flow,
        })
    }

    /// The dialog an answer to an INVITE of ours makes (RFC 3261 §12.1.2). An answer without usable Contact is taken as one from the
    /// Request-URI, and an unusable Record-Route as none: the call has been answered, and must at least be ended.
    pub(crate) fn for_caller(invite: &Request, response: &Response, begin: Beginning) -> Result<Dialog, Unfit> {
        let ours = &invite.headers;
        let theirs = &response.headers;
        let from = parted(From::parse(&detached(ours, HeaderName::From)?)?);
        let to = To::parse(&detached(theirs, HeaderName::To)?)?;
        let mut route_set = record_route(theirs, begin.hops).unwrap_or_default();
        route_set.reverse();
        Ok(Dialog {
            id: begin.id,
            stage: Stage::Early,
            role: Role::Caller,
            call_id: detached(ours, HeaderName::CallId)?.into(),
            local_tag: from.1,
            remote_tag: to.tag.unwrap_or_default(),
            local: from.0,
            remote: to.address,
            local_cseq: ours.typed::<CSeq>()?.number,
            remote_cseq: None,
            route_set,
            remote_target: contact(theirs).ok().flatten().unwrap_or_else(|| invite.uri.detached()),
            local_target: contact(ours)?.ok_or(HeaderError::Missing(HeaderName::Contact))?,
            flow: begin.flow,
        })
    }

    /// A 2xx confirms an early dialog: its route set and target count from now on (RFC 3261 §13.2.2.4).
    pub(crate) fn confirm(&mut self, response: &Response, hops: usize) {
        if self.stage == Stage::Early {
            self.stage = Stage::Confirmed;
            if let Ok(mut route_set) = record_route(&response.headers, hops) {
                route_set.reverse();
                self.route_set = route_set;
            }
        }
        self.refresh_target(&response.headers);
    }

    /// Takes over the Contact of a target refresh request or its 2xx (RFC 3261 §12.2). One that is missing or unreadable changes nothing.
    pub(crate) fn refresh_target(&mut self, headers: &Headers) {
        if let Ok(Some(target)) = contact(headers) {
            self.remote_target = target;
        }
    }
}

fn parted(from: From) -> (NameAddr, Text) {
    (from.address, from.tag.unwrap_or_default())
}

/// A copy of the value: a dialog outlives the datagram.
fn detached(headers: &Headers, name: HeaderName) -> Result<Bytes, HeaderError> {
    match headers.get(&name) {
        Some(value) => Ok(Bytes::copy_from_slice(value)),
        None => Err(HeaderError::Missing(name)),
    }
}

fn contact(headers: &Headers) -> Result<Option<Uri>, Unfit> {
    match headers.typed_opt::<Contact>()? {
        None => Ok(None),
        Some(contact) => Ok(Some(contact.uri().ok_or(Unfit::NoAddress)?.detached())),
    }
}

fn record_route(headers: &Headers, limit: usize) -> Result<Vec<NameAddr>, Unfit> {
    let mut hops = Vec::new();
    for line in headers.get_all(&HeaderName::RecordRoute) {
        let line = Bytes::copy_from_slice(line);
        for hop in elements(&line) {
            if hops.len() == limit {
                return Err(Unfit::TooManyHops);
            }
            hops.push(NameAddr::parse(&hop).map_err(|_| Unfit::BadHop)?);
        }
    }
    Ok(hops)
}
