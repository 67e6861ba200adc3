//! What two user agents remember of each other (RFC 3261 §12), as plain data.
//!
//! Deviation from RFC 3261 §12.2.1.1, on purpose: a request within a dialog goes along [`Dialog::flow`], the way the peer last used, and
//! not to the address in his Contact. Behind a NAT that address leads nowhere; without one both are the same. Request-URI and Route are
//! written by the book.

mod establish;
mod route;

use crate::header::NameAddr;
use crate::message::Text;
use crate::transaction::key::KeyKind;
use crate::transaction::{Fingerprint, KeySecret};
use crate::{Flow, Uri};

pub(crate) use establish::Beginning;
pub use establish::Unfit;
pub use route::Target;
pub(crate) use route::target;

/// A dialog of one endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct DialogId(pub u64);

/// How far a dialog has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// Made by a provisional answer.
    Early,
    /// Made or confirmed by a 2xx.
    Confirmed,
    /// Our BYE is under way.
    Ending,
}

/// Who sent the INVITE that made the dialog.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// We did.
    Caller,
    /// The peer did.
    Callee,
}

/// The state of a dialog. Plain data: it may be copied, written down and taken up again. It shares no memory with the messages that made it.
#[derive(Debug, Clone, PartialEq)]
pub struct Dialog {
    /// Its number.
    pub id: DialogId,
    /// How far it has come.
    pub stage: Stage,
    /// Which side called.
    pub role: Role,
    /// The Call-ID.
    pub call_id: Text,
    /// Our tag.
    pub local_tag: Text,
    /// The peer's tag; empty where the peer speaks RFC 2543.
    pub remote_tag: Text,
    /// We, as written in From or To, without the tag.
    pub local: NameAddr,
    /// The peer, as written in To or From, without the tag.
    pub remote: NameAddr,
    /// The sequence number of our last request; 0 before the first.
    pub local_cseq: u32,
    /// The sequence number of the peer's last request, if he sent one.
    pub remote_cseq: Option<u32>,
    /// The proxies in between, nearest first.
    pub route_set: Vec<NameAddr>,
    /// Where the peer wants requests to go: his last Contact.
    pub remote_target: Uri,
    /// Where we want requests to go: our Contact.
    pub local_target: Uri,
    /// The way he last used: requests within the dialog go along it (NAT), whatever his Contact says.
    pub flow: Flow,
}

impl Dialog {
    /// What messages within the dialog are recognised by: Call-ID and both tags (RFC 3261 §12).
    pub fn key(&self, secret: &KeySecret) -> Fingerprint {
        key(secret, &self.call_id, (&self.local_tag, &self.remote_tag))
    }
}

/// The key of a dialog by Call-ID and (local, remote) tag.
pub(crate) fn key(secret: &KeySecret, call_id: &[u8], (local, remote): (&[u8], &[u8])) -> Fingerprint {
    secret.fingerprint(KeyKind::Dialog, &[call_id, local, remote])
}
