//! Sockets that are told to, that do not read, and that are gone.

use std::net::SocketAddr;
use std::sync::atomic::Ordering;

use sip::Transport;

use super::*;
use crate::limits;

fn flow(id: u64) -> Flow {
    let address = |port| SocketAddr::from(([127, 0, 0, 1], port));
    Flow { transport: Transport::Wss, local: address(443), remote: address(50_000), connection: Some(ConnectionId(id)) }
}

fn transmit(flow: Flow, octets: usize) -> Transmit {
    Transmit { flow, bytes: vec![b'x'; octets].into() }
}

#[tokio::test]
async fn a_message_reaches_its_socket_and_who_does_not_read_is_let_go() {
    let (mut websockets, counters, mut inbox) = (Websockets::default(), Counters::default(), Inbox::new());
    let (sender, mut outgoing) = api::sip_socket::outgoing(limits::CONNECTION_WAITING);
    websockets.open(flow(1), sender);
    assert!(websockets.is_open(&flow(1)) && !websockets.is_open(&flow(2)));
    for _ in 0..3 {
        // As much as may wait, each time it was written.
        for _ in 0..8 {
            websockets.send(transmit(flow(1), limits::CONNECTION_WAITING / 8), &mut inbox, &counters);
        }
        assert!(inbox.is_empty());
        for _ in 0..8 {
            let message = outgoing.next().await.expect("it is open");
            outgoing.note_written(message.len());
        }
    }
    websockets.send(transmit(flow(1), limits::CONNECTION_WAITING), &mut inbox, &counters);
    assert!(inbox.is_empty());
    websockets.send(transmit(flow(1), 1), &mut inbox, &counters);
    assert_eq!(inbox, [Arrival::Closed(flow(1))]);
    assert_eq!(counters.cut.load(Ordering::Relaxed), 1);
    assert!(!websockets.close(&flow(1)), "it is gone already");
    assert!(outgoing.next().await.is_some() && outgoing.next().await.is_none(), "what waited, and the end");
}

#[test]
fn what_goes_to_nobody_is_told_as_a_closed_connection() {
    let (mut websockets, counters, mut inbox) = (Websockets::default(), Counters::default(), Inbox::new());
    let unconnected = Flow { connection: None, ..flow(1) };
    websockets.send(transmit(flow(1), 10), &mut inbox, &counters);
    websockets.send(transmit(unconnected, 10), &mut inbox, &counters);
    assert_eq!(inbox, [Arrival::Closed(flow(1)), Arrival::Closed(unconnected)]);
    assert_eq!(counters.gone.load(Ordering::Relaxed), 2);
    // Whoever ran it is gone before it was told.
    let (sender, outgoing) = api::sip_socket::outgoing(limits::CONNECTION_WAITING);
    drop(outgoing);
    websockets.open(flow(3), sender);
    websockets.send(transmit(flow(3), 10), &mut inbox, &counters);
    assert_eq!(inbox.last(), Some(&Arrival::Closed(flow(3))));
    assert_eq!(counters.cut.load(Ordering::Relaxed), 0);
}
