//! What the sockets of the signalling thread counted, for `/metrics`.

use std::sync::atomic::{AtomicU64, Ordering};

/// Totals since the start; only the signalling thread writes them.
#[derive(Debug, Default)]
pub struct Counters {
    /// SIP datagrams that arrived.
    pub datagrams_received: AtomicU64,
    /// SIP datagrams that left.
    pub datagrams_sent: AtomicU64,
    /// SIP datagrams that the kernel refused.
    pub datagrams_unsendable: AtomicU64,
    /// SIP datagrams dropped because too many waited for the kernel.
    pub datagrams_overflowed: AtomicU64,
    /// TCP connections that are open.
    pub connections: AtomicU64,
    /// TCP connections refused because of a limit.
    pub connections_refused: AtomicU64,
    /// TCP connections closed because the peer broke the rules: no SIP, too slow, too long.
    pub connections_cut: AtomicU64,
    /// Messages to connections that are gone.
    pub connections_gone: AtomicU64,
    /// Facts lost because the database did not work for too long.
    pub facts_lost: AtomicU64,
    /// Facts that wait for the database.
    pub facts_waiting: AtomicU64,
    /// Inputs the exchange was given.
    pub inputs: AtomicU64,
}

/// Adds to a counter that only this thread writes, so that a load and a store do.
pub fn add(counter: &AtomicU64, count: usize) {
    counter.store(counter.load(Ordering::Relaxed) + count as u64, Ordering::Relaxed);
}
