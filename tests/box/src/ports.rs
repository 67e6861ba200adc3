//! Free ports: asked of the system, and kept apart from those of other tests by counting.

use std::net::{TcpListener, UdpSocket};
use std::sync::atomic::{AtomicU16, Ordering};

/// Below the range that the system gives to outgoing connections, above what services listen on.
const FIRST: u16 = 11_000;
const LAST: u16 = 32_000;

static NEXT: AtomicU16 = AtomicU16::new(0);

/// The first of `count` consecutive ports, even, on which nothing listens on 127.0.0.1, neither UDP nor TCP.
pub fn free(count: u16) -> u16 {
    // Test processes that run side by side start at different places.
    let start = (std::process::id() as u16 % 500) * 40;
    loop {
        let offset = start.wrapping_add(NEXT.fetch_add(count + count % 2, Ordering::Relaxed)) % (LAST - FIRST - count);
        let first = FIRST + offset - offset % 2;
        if (first..first + count).all(is_free) {
            return first;
        }
    }
}

fn is_free(port: u16) -> bool {
    TcpListener::bind(("127.0.0.1", port)).is_ok() && UdpSocket::bind(("127.0.0.1", port)).is_ok()
}
