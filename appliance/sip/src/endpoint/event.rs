//! What the endpoint tells its user.

use bytes::Bytes;

use crate::dialog::DialogId;
use crate::header::Reason;
use crate::transaction::Failure;
use crate::{Flow, Request, Response};

/// A request of ours, from [`Endpoint::request`](crate::Endpoint::request) to its final answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ClientId(pub u64);

/// A request to us, from [`Event::Request`] to the final [`Endpoint::respond`](crate::Endpoint::respond).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ServerId(pub u64);

/// What happened. Each thing is told once; repetitions on the wire are dealt with below.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// Somebody asks something new. Every one of them must be given a final answer with [`Endpoint::respond`](crate::Endpoint::respond).
    /// ACK and CANCEL never arrive here, PRACK only with a body.
    Request {
        /// To be answered under this number.
        server: ServerId,
        /// The dialog it belongs to, if it came within one.
        dialog: Option<DialogId>,
        /// The way it came; the answer goes back along it.
        flow: Flow,
        /// The request, its topmost Via completed with `received` and `rport`. The endpoint has read Via, CSeq, Call-ID and the tags; the
        /// URIs of From and To may be malformed, and so may any other header.
        request: Box<Request>,
    },
    /// The caller gave up: the CANCEL has been answered 200 and the INVITE 487 (RFC 3261 §9.2). Also told, without a reason, when a BYE ended the dialog of an unanswered INVITE.
    Cancelled {
        /// The INVITE that is over.
        server: ServerId,
        /// Why, if it was said (RFC 3326).
        reason: Option<Reason>,
    },
    /// The ACK to our 2xx came, or the caller's next INVITE showed that he has the 2xx.
    Acknowledged {
        /// The dialog of the INVITE.
        dialog: DialogId,
        /// The body of the ACK: the answer, where our 2xx made the offer. Empty otherwise.
        body: Bytes,
    },
    /// No ACK to our 2xx came within 64·T1 (RFC 3261 §13.3.1.4): send BYE.
    Unacknowledged {
        /// The dialog of the INVITE.
        dialog: DialogId,
    },
    /// The PRACK to a reliable provisional answer of ours came, and was answered 200 unless it had a body: then it follows as [`Event::Request`].
    ProvisionalAcknowledged {
        /// The INVITE that was answered provisionally.
        server: ServerId,
        /// Its early dialog.
        dialog: DialogId,
    },
    /// No PRACK came within 64·T1 (RFC 3262 §3): answer the INVITE with a 5xx.
    ProvisionalUnacknowledged {
        /// The INVITE that was answered provisionally.
        server: ServerId,
        /// Its early dialog.
        dialog: DialogId,
    },
    /// An answer to a request of ours: every provisional one in order, and the final one. An INVITE may get 2xx answers from several
    /// dialogs by forking: [`Endpoint::ack`](crate::Endpoint::ack) each, and send BYE in those that are one too many, or too late after a cancel.
    Response {
        /// The request answered.
        client: ClientId,
        /// The dialog: the one made or confirmed by this answer to an INVITE, or the one the request was sent in.
        dialog: Option<DialogId>,
        /// The way it came.
        flow: Flow,
        /// The answer.
        response: Box<Response>,
    },
    /// A request of ours ended without a final answer.
    Failed {
        /// The request.
        client: ClientId,
        /// Why: to be read as 408 or 503 (RFC 3261 §8.1.3.1).
        failure: Failure,
    },
}
