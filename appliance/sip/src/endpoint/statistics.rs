//! What the endpoint counts.

/// Counters since the start. They only grow.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Statistics {
    /// Requests that came in, repetitions included.
    pub requests_in: u64,
    /// Responses that came in, repetitions included.
    pub responses_in: u64,
    /// Messages handed out by [`poll_transmit`](crate::Endpoint::poll_transmit).
    pub sent: u64,
    /// Messages we sent again because a timer ran out.
    pub repeated: u64,
    /// Requests that came again and were answered from memory or absorbed.
    pub repetitions_in: u64,
    /// Datagrams that could not be read.
    pub malformed: u64,
    /// Malformed requests that named enough to be answered 400.
    pub answered_400: u64,
    /// Responses that belong to no transaction of ours.
    pub stray_responses: u64,
    /// ACKs that belong to nothing we remember, those to challenges among them.
    pub stray_acks: u64,
    /// Requests refused with 503 because a limit was reached.
    pub overload: u64,
    /// Requests the endpoint itself refused (420, 481, 482, 483, 491, 500).
    pub refused: u64,
    /// Transactions forgotten before their time because too many lingered.
    pub forgotten: u64,
    /// Answers dropped because one INVITE forked too often, and held replies beyond the limit.
    pub dropped: u64,
    /// Requests of ours that timed out.
    pub timeouts: u64,
    /// Requests of ours whose connection failed.
    pub transport_failures: u64,
}

/// How much is held now.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Client transactions, those that only wait for repetitions included.
    pub clients: usize,
    /// Server transactions, those that only wait for repetitions included.
    pub servers: usize,
    /// Of both, those that only wait for repetitions.
    pub spent: usize,
    /// Dialogs, early ones included.
    pub dialogs: usize,
    /// Timers, cancelled ones not yet dropped included.
    pub timers: usize,
}
