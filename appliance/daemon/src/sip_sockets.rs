//! The HTTP threads' side of SIP by WebSocket: as many sockets as may be, each with a number of its own.

use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use api::sip_socket::{Opening, SipLine, SipSocket, outgoing};
use bytes::Bytes;
use rustc_hash::FxHashMap;
use sip::transport::ConnectionId;
use sip::{Flow, Transport};
use tokio::sync::OwnedSemaphorePermit;

use crate::queue::Queue;
use crate::signalling::websockets::Report;
use crate::{clock, limits};

/// What sets the numbers of these sockets apart from those of TCP connections, which begin with the time of day.
const MARK: u64 = 1 << 62;

/// What is counted, for `/metrics`.
#[derive(Debug, Default)]
pub struct Counters {
    /// Sockets that are open.
    pub open: AtomicU64,
    /// Sockets refused because of a limit.
    pub refused: AtomicU64,
    /// Sockets closed because the browser broke a rule: too long, too slow, silent, no reader.
    pub cut: AtomicU64,
    /// Messages to sockets that are gone.
    pub gone: AtomicU64,
    /// Messages that arrived.
    pub received: AtomicU64,
}

/// Opens sockets to the exchange.
#[derive(Debug)]
pub struct SipSockets {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    reports: Queue<Report>,
    counters: Arc<Counters>,
    by_source: Mutex<FxHashMap<IpAddr, usize>>,
    next_id: AtomicU64,
}

impl SipSockets {
    /// Reports go in here and come out at the signalling thread.
    pub fn new(reports: Queue<Report>, counters: Arc<Counters>) -> SipSockets {
        let next_id = AtomicU64::new(MARK | clock::unix().as_micros() as u64);
        SipSockets { shared: Arc::new(Shared { reports, counters, by_source: Mutex::default(), next_id }) }
    }
}

impl Shared {
    /// One more from there, if there may be.
    fn admit(&self, source: IpAddr) -> bool {
        let mut by_source = self.by_source.lock().unwrap_or_else(PoisonError::into_inner);
        let total: usize = by_source.values().sum();
        let count = by_source.entry(source).or_default();
        let admitted = total < limits::WEBSOCKETS && *count < limits::WEBSOCKETS_PER_SOURCE;
        *count += usize::from(admitted);
        if *count == 0 {
            by_source.remove(&source);
        }
        self.counters.open.store((total + usize::from(admitted)) as u64, Ordering::Relaxed);
        admitted
    }

    fn leave(&self, source: IpAddr) {
        let mut by_source = self.by_source.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = by_source.get_mut(&source) {
            *count -= 1;
            if *count == 0 {
                by_source.remove(&source);
            }
        }
        self.counters.open.store(by_source.values().sum::<usize>() as u64, Ordering::Relaxed);
    }

    /// What is bounded by the number of sockets, and of the places that each has.
    fn report(&self, report: Report) {
        self.reports.push_always(report);
        self.reports.ring();
    }
}

impl api::sip_socket::SipSockets for SipSockets {
    fn open(&self, opening: Opening) -> Option<SipSocket> {
        let shared = Arc::clone(&self.shared);
        if !shared.admit(opening.remote.ip()) {
            shared.counters.refused.fetch_add(1, Ordering::Relaxed);
            return None;
        }
        let transport = if opening.encrypted { Transport::Wss } else { Transport::Ws };
        let connection = Some(ConnectionId(shared.next_id.fetch_add(1, Ordering::Relaxed)));
        let flow = Flow { transport, local: opening.local, remote: opening.remote, connection };
        let (sender, outgoing) = outgoing(limits::CONNECTION_WAITING);
        shared.report(Report::Opened(flow, sender));
        Some(SipSocket { line: Box::new(Line { flow, shared }), outgoing })
    }
}

/// The way of one socket; dropped with it.
struct Line {
    flow: Flow,
    shared: Arc<Shared>,
}

impl SipLine for Line {
    fn hear(&self, message: Bytes, place: OwnedSemaphorePermit) {
        self.shared.counters.received.fetch_add(1, Ordering::Relaxed);
        self.shared.report(Report::Heard(self.flow, message, place));
    }

    fn vouch(&self, extensions: Vec<String>) {
        self.shared.report(Report::Vouched(self.flow, extensions));
    }

    fn note_cut(&self) {
        self.shared.counters.cut.fetch_add(1, Ordering::Relaxed);
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        self.shared.report(Report::Closed(self.flow));
        self.shared.leave(self.flow.remote.ip());
    }
}
