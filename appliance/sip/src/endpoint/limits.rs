//! How much the endpoint holds at most; beyond it, requests are refused statelessly and counted.

/// The limits of one [`Endpoint`](crate::Endpoint).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Server transactions still waiting for our final answer. Beyond it a request gets a stateless 503 with Retry-After.
    pub server_transactions: usize,
    /// Client transactions still waiting for their final answer. Beyond it a request of ours fails with [`Failure::Overload`](crate::transaction::Failure::Overload).
    pub client_transactions: usize,
    /// Transactions that are through and only wait for repetitions (timers D, I, J, K, L, M). Beyond it the oldest is forgotten early.
    pub spent_transactions: usize,
    /// Dialogs, early ones included. Beyond it a first INVITE gets a stateless 503 with Retry-After.
    pub dialogs: usize,
    /// Dialogs that one INVITE of ours may make by forking (RFC 3261 §13.2.2.4). Answers with further To tags are dropped.
    pub forks: usize,
    /// Reliable provisional answers that wait for the PRACK of the one before (RFC 3262 §3). Beyond it the newest is dropped.
    pub held_replies: usize,
    /// Entries kept of a route set (RFC 3261 §12.1). A longer Record-Route is refused with 400.
    pub route_set: usize,
    /// Events not yet taken by [`Endpoint::poll_event`](crate::Endpoint::poll_event). Beyond it a request gets a stateless 503 with Retry-After.
    pub events: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            server_transactions: 20_000,
            client_transactions: 20_000,
            spent_transactions: 16_384,
            dialogs: 20_000,
            forks: 12,
            held_replies: 8,
            route_set: 16,
            events: 65_536,
        }
    }
}
