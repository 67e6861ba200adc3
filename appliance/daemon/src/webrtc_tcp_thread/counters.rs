//! What is counted of browsers that come over TCP, for `/metrics`.

use std::sync::atomic::{AtomicU64, Ordering};

/// The numbers, to be read by other threads.
#[derive(Debug, Default)]
pub struct Counters {
    /// Connections that are there.
    pub connections: AtomicU64,
    /// Connections that were one too many.
    pub refused: AtomicU64,
    /// Connections that broke a rule, or said nothing in time.
    pub cut: AtomicU64,
    /// Packets that a connection did not take at once, or that came before anybody wanted them.
    pub lost: AtomicU64,
    /// Frames with nothing known in them.
    pub malformed: AtomicU64,
}

impl Counters {
    /// Adds to one of them.
    pub fn add(&self, counter: &AtomicU64, count: u64) {
        counter.fetch_add(count, Ordering::Relaxed);
    }

    /// So many connections are there now.
    pub fn open(&self, count: usize) {
        self.connections.store(count as u64, Ordering::Relaxed);
    }

    /// Each with its metric name and its meaning.
    pub fn list(&self) -> [(&'static str, &'static str, u64); 5] {
        let value = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        [
            ("webrtc_tcp_connections", "TCP connections of browsers", value(&self.connections)),
            ("webrtc_tcp_refused_total", "TCP connections of browsers refused at a limit", value(&self.refused)),
            ("webrtc_tcp_cut_total", "TCP connections of browsers cut off for breaking a rule", value(&self.cut)),
            ("webrtc_tcp_lost_total", "Packets that TCP connections of browsers did not take", value(&self.lost)),
            ("webrtc_tcp_malformed_total", "Frames from browsers with nothing known in them", value(&self.malformed)),
        ]
    }
}
