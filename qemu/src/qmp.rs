//! QEMU's machine protocol: commands and their answers, and the events in between.
use std::io::{BufRead, BufReader, ErrorKind, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::process::Child;
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, bail};
use serde_json::{Value, json};

/// An answer that takes longer will not come.
const ANSWER_LIMIT: Duration = Duration::from_secs(10);

/// A connection QEMU has made to us.
pub struct Qmp {
    writer: UnixStream,
    messages: Receiver<Value>,
    events: Vec<String>,
}

impl Qmp {
    /// Takes QEMU's connection and its greeting, unless it has ended before, because it did not like its arguments.
    pub fn accept(listener: &UnixListener, qemu: &mut Child) -> Result<Qmp> {
        listener.set_nonblocking(true)?;
        let stream = loop {
            match listener.accept() {
                Ok((stream, _)) => break stream,
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                Err(error) => return Err(error).context("QEMU does not connect"),
            }
            if let Some(status) = qemu.try_wait()? {
                bail!("QEMU has ended with {status} before it began");
            }
            std::thread::sleep(Duration::from_millis(1));
        };
        stream.set_nonblocking(false)?;
        let (sender, messages) = channel();
        let lines = BufReader::new(stream.try_clone()?).lines();
        std::thread::spawn(move || {
            for message in lines.map_while(|line| serde_json::from_str(&line.ok()?).ok()) {
                if sender.send(message).is_err() {
                    return;
                }
            }
        });
        let mut qmp = Qmp { writer: stream, messages, events: Vec::new() };
        let greeting = qmp.messages.recv_timeout(ANSWER_LIMIT).context("QEMU does not greet")?;
        greeting.get("QMP").with_context(|| format!("QEMU greets with {greeting}"))?;
        qmp.ask("qmp_capabilities", json!({}))?;
        Ok(qmp)
    }

    /// Gives a command and waits for its answer.
    pub fn ask(&mut self, command: &str, arguments: Value) -> Result<Value> {
        let message = json!({ "execute": command, "arguments": arguments });
        writeln!(self.writer, "{message}").with_context(|| format!("QEMU cannot be told {command}"))?;
        let until = Instant::now() + ANSWER_LIMIT;
        loop {
            let left = until.saturating_duration_since(Instant::now());
            let message =
                self.messages.recv_timeout(left).with_context(|| format!("QEMU does not answer {command}"))?;
            if let Some(answer) = message.get("return") {
                return Ok(answer.clone());
            }
            if let Some(error) = message.get("error") {
                bail!("QEMU refuses {command}: {error}");
            }
            self.note(&message);
        }
    }

    /// Waits for an event, which may have come already; each one is found once.
    pub fn wait_for(&mut self, event: &str, limit: Duration) -> Result<()> {
        let until = Instant::now() + limit;
        loop {
            if let Some(at) = self.events.iter().position(|known| known == event) {
                self.events.remove(at);
                return Ok(());
            }
            let left = until.saturating_duration_since(Instant::now());
            let message = self.messages.recv_timeout(left);
            let message = message.map_err(|_| anyhow!("no event {event}, only {:?}", self.events))?;
            self.note(&message);
        }
    }

    fn note(&mut self, message: &Value) {
        self.events.extend(message.get("event").and_then(Value::as_str).map(str::to_owned));
    }
}
