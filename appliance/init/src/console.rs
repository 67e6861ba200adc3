//! The console: what init says there, and what the exchange prints, which must never make the exchange wait.
use std::fmt::Display;
use std::io::Write;
use std::os::fd::OwnedFd;
use std::sync::mpsc::{SyncSender, sync_channel};

use rustix::time::{ClockId, clock_gettime};
use smol::Async;
use smol::io::{AsyncBufReadExt, AsyncReadExt, BufReader};

/// Lines that wait for a slow serial line; more are dropped and counted.
const WAITING_LINES: usize = 256;
/// A longer line is broken.
const LINE_LIMIT: u64 = 1024;

/// Prints a line with the time since power-on.
pub fn say(what: impl Display) {
    let now = clock_gettime(ClockId::Boottime);
    let line = format!("[{:5}.{:03}] init: {what}\n", now.tv_sec, now.tv_nsec / 1_000_000);
    // Nobody is left to be told when the console itself does not take a line.
    let _ = std::io::stdout().lock().write_all(line.as_bytes());
}

/// The printing end of the console, a thread of its own because a serial line is slow.
#[derive(Clone)]
pub struct Printer {
    lines: SyncSender<Vec<u8>>,
}

impl Printer {
    /// Starts the thread.
    pub fn start(mut console: impl Write + Send + 'static) -> std::io::Result<Printer> {
        let (lines, waiting) = sync_channel::<Vec<u8>>(WAITING_LINES);
        std::thread::Builder::new().name("console".to_owned()).stack_size(64 << 10).spawn(move || {
            for line in waiting {
                let _ = console.write_all(&line).and_then(|()| console.flush());
            }
        })?;
        Ok(Printer { lines })
    }

    /// Prints everything that comes out of a pipe until its other end is closed.
    pub async fn forward(self, pipe: OwnedFd) -> std::io::Result<()> {
        let mut reader = BufReader::new(Async::new(std::fs::File::from(pipe))?);
        let mut dropped = 0u64;
        loop {
            let mut line = Vec::new();
            if (&mut reader).take(LINE_LIMIT).read_until(b'\n', &mut line).await? == 0 {
                return Ok(());
            }
            if line.last() != Some(&b'\n') {
                line.push(b'\n');
            }
            if dropped > 0 {
                let notice = format!("({dropped} lines dropped, the console is too slow)\n");
                line.splice(0..0, notice.into_bytes());
            }
            match self.lines.try_send(line) {
                Ok(()) => dropped = 0,
                Err(_) => dropped += 1,
            }
        }
    }
}
