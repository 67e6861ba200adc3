//! A program has a real phone rung: it answers, hears what it is played, presses a key, and the program sees each status.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use box_tests::baresip::Setup;
use box_tests::{Exchange, wait};
use serde_json::{Value, json};

/// A WebSocket of events (RFC 6455): just enough to be told of them.
struct Events {
    stream: TcpStream,
}

impl Events {
    fn open(exchange: &Exchange, topic: &str) -> Result<Events> {
        let mut stream = TcpStream::connect(exchange.http())?;
        stream.set_read_timeout(Some(wait::PATIENCE))?;
        write!(
            stream,
            "GET /v1.0/ws?token={} HTTP/1.1\r\nHost: {}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
            exchange.token(),
            exchange.http()
        )?;
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(byte(&mut stream)?);
        }
        ensure!(head.starts_with(b"HTTP/1.1 101"), "{}", String::from_utf8_lossy(&head));
        let text = json!({ "type": "subscribe", "topics": [topic] }).to_string();
        ensure!(text.len() < 126, "a short frame");
        // A mask of nothing but zeros is one, too.
        let mut frame = vec![0x81, 0x80 | text.len() as u8, 0, 0, 0, 0];
        frame.extend(text.as_bytes());
        stream.write_all(&frame)?;
        Ok(Events { stream })
    }

    /// The next event.
    fn next(&mut self) -> Result<Value> {
        loop {
            let (kind, short) = (byte(&mut self.stream)? & 0x0f, byte(&mut self.stream)? & 0x7f);
            let extended = match short {
                126 => 2,
                127 => 8,
                _ => 0,
            };
            let mut length = if extended == 0 { usize::from(short) } else { 0 };
            for _ in 0..extended {
                length = length << 8 | usize::from(byte(&mut self.stream)?);
            }
            let mut data = vec![0; length];
            self.stream.read_exact(&mut data)?;
            if kind == 1 {
                return Ok(serde_json::from_slice(&data)?);
            }
        }
    }

    /// The words of the events about one call until it is over, and each status that its record went through.
    fn of_call(&mut self, id: &str) -> Result<(Vec<String>, Vec<String>)> {
        let (mut words, mut statuses) = (Vec::new(), Vec::<String>::new());
        loop {
            let event = self.next()?;
            let (word, data) = (event["type"].as_str().unwrap_or_default().to_owned(), &event["data"]);
            if data["id"] != id && data["call_id"] != id {
                continue;
            }
            if let Some(status) =
                data["status"].as_str().filter(|status| statuses.last().is_none_or(|last| last != status))
            {
                statuses.push(status.to_owned());
            }
            words.push(word);
            if words.last().is_some_and(|word| word == "call_hungup") {
                return Ok((words, statuses));
            }
        }
    }
}

fn byte(stream: &mut TcpStream) -> Result<u8> {
    let mut byte = [0];
    stream.read_exact(&mut byte).context("the socket goes on")?;
    Ok(byte[0])
}

#[test]
fn a_program_rings_a_phone_and_leads_it_through_a_flow() -> Result<()> {
    let exchange = Exchange::start()?;
    let extension = exchange.add_extension("1001")?;
    let mut phone = Setup::new(&exchange, "1001").start()?;
    exchange.await_registrations("1001", 1)?;
    let customer = extension["customer_id"].as_str().context("a customer")?;
    let mut events = Events::open(&exchange, &format!("customer_id:{customer}"))?;
    let id = |number: u32| format!("00000000-0000-4000-8000-{number:012}");
    let call = json!({
        "source": { "type": "tel", "target": "+4930123456", "target_name": "Reception" },
        "destinations": [{ "type": "extension", "target": "1001" }],
        "actions": [
            { "type": "beep" },
            { "type": "digits_receive", "option": { "length": 1, "duration": 20_000 } },
            { "type": "branch", "option": { "target_ids": { "7": id(2) }, "default_target_id": id(1) } },
            { "id": id(1), "type": "hangup", "option": { "reason": "failed" } },
            { "id": id(2), "type": "beep" },
            { "type": "sleep", "option": { "duration": 1_000 } },
        ],
    });
    let made = exchange.post("/v1.0/calls", call)?;
    assert_eq!(made["calls"][0]["status"], "dialing", "{made}");
    let id = made["calls"][0]["id"].as_str().context("an id")?.to_owned();
    phone.await_event("CALL_INCOMING")?;
    exchange.await_call("it rings", |call| call["status"] == "ringing")?;
    phone.command("accept", "")?;
    phone.await_event("CALL_ESTABLISHED")?;
    wait::let_pass(Duration::from_secs(1));
    phone.command("sndcode", "7")?;
    phone.await_event("CALL_CLOSED")?;
    let (words, statuses) = events.of_call(&id)?;
    assert_eq!(statuses, ["dialing", "ringing", "progressing", "hangup"], "{words:?}");
    assert_eq!(words, ["call_created", "call_ringing", "call_answered", "dtmf_received", "call_hungup"]);
    let over = exchange.get(&format!("/v1.0/calls/{id}"))?;
    assert_eq!((&over["hangup_reason"], &over["direction"]), (&"normal".into(), &"outgoing".into()), "{over}");
    let heard = phone.heard()?;
    assert!(heard.share_of(1_000.0) > 0.05, "it hears the beeps: {}", heard.share_of(1_000.0));
    exchange.assert_no_errors();
    Ok(())
}
