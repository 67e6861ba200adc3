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
            // Set when the dialog is made: the reply says it.
            local_target: remote_target.clone(),
            remote_target,
            flow: begin.flow,
        })
    }

    /// The dialog an answer to an INVITE of ours makes (RFC 3261 §12.1.2). `prospect` is what is known without the answer. An answer
    /// without usable Contact is taken as one from the Request-URI, and an unusable Record-Route as none: the call has been answered, and
    /// must at least be ended.
    pub(crate) fn for_caller(prospect: &Dialog, response: &Response, begin: Beginning) -> Result<Dialog, Unfit> {
        let headers = &response.headers;
        let to = To::parse(&detached(headers, HeaderName::To)?)?;
        let mut route_set = record_route(headers, begin.hops).unwrap_or_default();
        route_set.reverse();
        let mut local = Vec::with_capacity(64);
        prospect.local.write(&mut local);
        let local = NameAddr::parse(&local.into()).unwrap_or_else(|_| prospect.local.clone());
        Ok(Dialog {
            id: begin.id,
            stage: Stage::Early,
            role: Role::Caller,
            call_id: prospect.call_id.detached(),
            local_tag: prospect.local_tag.detached(),
            remote_tag: to.tag.unwrap_or_default(),
            local,
            remote: to.address,
            local_cseq: prospect.local_cseq,
            remote_cseq: None,
            route_set,
            remote_target: contact(headers).ok().flatten().unwrap_or_else(|| prospect.remote_target.detached()),
            local_target: prospect.local_target.detached(),
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
        if !is_contact(headers, &self.remote_target)
            && let Ok(Some(target)) = contact(headers)
        {
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
    let Some(value) = headers.get(&HeaderName::Contact) else { return Ok(None) };
    // Copied before it is read, so that it is read once.
    let Some(first) = elements(value).next() else { return Ok(None) };
    match Contact::parse(&Bytes::copy_from_slice(&first))? {
        Contact::Star => Err(Unfit::NoAddress),
        Contact::Address(contact) => Ok(Some(contact.address.uri)),
    }
}

/// Whether the Contact is this URI and nothing more.
fn is_contact(headers: &Headers, uri: &Uri) -> bool {
    let value = headers.get(&HeaderName::Contact).map_or(&b""[..], |value| value);
    value.strip_prefix(b"<").and_then(|value| value.strip_suffix(b">")) == Some(uri.as_bytes())
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
