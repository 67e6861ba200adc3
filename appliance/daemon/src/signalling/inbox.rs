//! What the sockets brought and the exchange has not seen yet.

use bytes::Bytes;
use sip::Flow;

/// One thing that arrived.
#[derive(Debug, PartialEq, Eq)]
pub enum Arrival {
    /// A whole message.
    Message(Flow, Bytes),
    /// A connection to somebody who has to prove who it is was not opened, in words; [`Arrival::Closed`] follows.
    Trouble(Flow, String),
    /// A connection is gone, or could not be opened.
    Closed(Flow),
}

/// Arrivals, in order.
pub type Inbox = Vec<Arrival>;
