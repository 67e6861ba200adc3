//! What two user agents remember of each other (RFC 3261 §12), as plain data.

use bytes::Bytes;

use crate::header::{NameAddr, Route};
use crate::{Flow, Uri};

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

/// The state of a dialog. Plain data: it may be copied, written down and taken up again.
#[derive(Debug, Clone, PartialEq)]
pub struct Dialog {
    /// Its number.
    pub id: DialogId,
    /// How far it has come.
    pub stage: Stage,
    /// Which side called.
    pub role: Role,
    /// The Call-ID.
    pub call_id: Bytes,
    /// Our tag.
    pub local_tag: Bytes,
    /// The peer's tag; empty where the peer speaks RFC 2543.
    pub remote_tag: Bytes,
    /// We, as written in From or To, with our tag.
    pub local: NameAddr,
    /// The peer, as written in To or From, with his tag.
    pub remote: NameAddr,
    /// The sequence number of our last request; 0 before the first.
    pub local_cseq: u32,
    /// The sequence number of the peer's last request, if he sent one.
    pub remote_cseq: Option<u32>,
    /// The proxies in between, nearest first.
    pub route_set: Vec<Route>,
    /// Where the peer wants requests to go: his last Contact.
    pub remote_target: Uri,
    /// Where we want requests to go: our Contact.
    pub local_target: Uri,
    /// The way he last used: requests within the dialog go along it (NAT), whatever his Contact says.
    pub flow: Flow,
}
