//! A program on the line: it hears a real phone by RTP, and the phone hears it.

use std::net::UdpSocket;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use box_tests::Exchange;
use box_tests::baresip::Setup;
use serde_json::json;

/// A program that sends back what it gets, as it is, and keeps it.
struct Parrot {
    socket: UdpSocket,
    packets: Vec<Vec<u8>>,
}

impl Parrot {
    fn bind() -> Result<Parrot> {
        // RTP has even ports.
        let bind = || loop {
            let socket = UdpSocket::bind("127.0.0.1:0")?;
            if socket.local_addr()?.port().is_multiple_of(2) {
                return anyhow::Ok(socket);
            }
        };
        let socket = bind()?;
        socket.set_read_timeout(Some(Duration::from_secs(5)))?;
        Ok(Parrot { socket, packets: Vec::new() })
    }

    /// Takes so many packets.
    fn take(&mut self, count: usize) -> Result<()> {
        let begun = Instant::now();
        while self.packets.len() < count {
            ensure!(begun.elapsed() < Duration::from_secs(20), "{} packets came", self.packets.len());
            let mut buffer = [0; 1_500];
            let (length, from) = self.socket.recv_from(&mut buffer).context("the exchange sends")?;
            let packet = &buffer[..length];
            if length > 12 {
                self.socket.send_to(packet, from)?;
                self.packets.push(packet.to_vec());
            }
        }
        Ok(())
    }
}

#[test]
fn a_program_hears_the_phone_and_is_heard_by_it() -> Result<()> {
    let mut parrot = Parrot::bind()?;
    let exchange = Exchange::start()?;
    let mut caller = Setup::new(&exchange, "1001").playing(440).at_loudness(0.3).registered(&exchange)?;
    let option = json!({ "external_host": parrot.socket.local_addr()?.to_string(), "format": "ulaw",
        "direction_listen": "in", "direction_speak": "out" });
    let actions = json!([
        { "type": "answer" },
        { "type": "external_media_start", "option": option },
        { "type": "sleep", "option": { "duration": 3000 } },
        { "type": "external_media_stop" },
        { "type": "sleep", "option": { "duration": 500 } },
    ]);
    exchange.add_number("500", actions)?;
    caller.dial("500")?;
    parrot.take(130)?;
    caller.await_event("CALL_CLOSED")?;
    assert!(parrot.packets.iter().all(|packet| packet.len() == 172 && packet[1] & 0x7F == 0), "20 ms of µ-law each");
    let heard = caller.heard()?;
    assert!(heard.share_of(440.0) > 0.5, "it hears itself by way of the program: {}", heard.share_of(440.0));
    assert_eq!(exchange.metric("programs")?, 0);
    exchange.assert_no_errors();
    Ok(())
}
