//! Calls begun by programs: `POST /v1.0/calls`, a hundred a second, each to somebody who is busy.
//!
//! The answer comes once the records are on the disk, so that it cannot be quicker than that: the disk alone is measured in the same run.

use std::fs::File;
use std::io::{Seek, SeekFrom, Write};
use std::net::{SocketAddr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use serde_json::json;

use crate::histogram::Histogram;
use crate::message::{self, Message};
use crate::print;
use crate::server::Prepared;

/// Calls a second, and how many in all.
const RATE: u32 = 100;
const CALLS: u32 = 1_000;
/// What the store writes for such a call, about.
const RECORDS: usize = 12 << 10;

/// Somebody who is busy whenever he is called.
struct Busy {
    address: SocketAddr,
    called: Arc<AtomicU64>,
    over: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Busy {
    fn start() -> Result<Busy> {
        let socket = UdpSocket::bind("127.0.0.1:0")?;
        socket.set_read_timeout(Some(Duration::from_millis(100)))?;
        let address = socket.local_addr()?;
        let (called, over) = (Arc::<AtomicU64>::default(), Arc::<AtomicBool>::default());
        let (count, end) = (called.clone(), over.clone());
        let thread = std::thread::spawn(move || {
            let (mut buffer, mut answer) = (vec![0; 65_536], Vec::new());
            while !end.load(Ordering::Relaxed) {
                let Ok((length, from)) = socket.recv_from(&mut buffer) else { continue };
                let request = Message(&buffer[..length]);
                if request.asks("INVITE") {
                    message::respond(&mut answer, request, "486 Busy Here", "busy", "Content-Length: 0\r\n\r\n");
                    count.fetch_add(1, Ordering::Relaxed);
                    let _ = socket.send_to(&answer, from);
                }
            }
        });
        Ok(Busy { address, called, over, thread: Some(thread) })
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// How long an answer takes, and how long the disk alone.
pub fn measure(prepared: &Prepared) -> Result<()> {
    let server = prepared.start()?;
    let busy = Busy::start()?;
    let mut api = server.log_in()?;
    let body = json!({
        "source": { "type": "tel", "target": "+4930123" },
        "destinations": [{ "type": "sip", "target": format!("busy@{}", busy.address) }],
        "actions": [{ "type": "answer" }],
    });
    let (mut disk, mut answers) = (Histogram::default(), Histogram::default());
    let folder = tempfile::tempdir()?;
    let mut file = File::create(folder.path().join("records"))?;
    at_rate(|| {
        let start = Instant::now();
        file.seek(SeekFrom::Start(0))?;
        file.write_all(&[7; RECORDS])?;
        file.sync_data()?;
        disk.add(start.elapsed());
        Ok(())
    })?;
    at_rate(|| {
        let start = Instant::now();
        let made = api.create_call(&body)?;
        answers.add(start.elapsed());
        if made["calls"].as_array().is_none_or(|calls| calls.len() != 1) {
            bail!("no call was made: {made}");
        }
        Ok(())
    })?;
    let deadline = Instant::now() + Duration::from_secs(5);
    while busy.called.load(Ordering::Relaxed) < u64::from(CALLS) {
        if Instant::now() > deadline {
            bail!("{} of {CALLS} calls rang", busy.called.load(Ordering::Relaxed));
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    for (name, share) in [("p50", 0.5), ("p99", 0.99)] {
        print(&format!("post_calls_{name}"), answers.milliseconds(share), "ms");
        print(&format!("disk_sync_{name}"), disk.milliseconds(share), "ms");
    }
    print("post_calls_p50_to_disk", answers.milliseconds(0.5) / disk.milliseconds(0.5), "ratio");
    Ok(())
}

/// Does something [`RATE`] times a second, [`CALLS`] times.
fn at_rate(mut act: impl FnMut() -> Result<()>) -> Result<()> {
    let start = Instant::now();
    for number in 0..CALLS {
        let due = start + Duration::from_secs(1) * number / RATE;
        std::thread::sleep(due.saturating_duration_since(Instant::now()));
        act()?;
    }
    Ok(())
}
