//! The console: what init says there, and what the exchange prints, which must never make the exchange wait.
use std::collections::VecDeque;
use std::fmt::Display;
use std::io::Write;
use std::os::fd::OwnedFd;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::sync::{Mutex, PoisonError};

use rustix::time::{ClockId, clock_gettime};
use smol::Async;
use smol::io::{AsyncBufReadExt, AsyncReadExt, BufReader};

/// Lines that wait for a slow serial line; more are dropped and counted.
const WAITING_LINES: usize = 256;
/// A longer line is broken.
const LINE_LIMIT: u64 = 1024;
/// So many of the last lines are kept for the rescue page.
const RECENT_LINES: usize = 100;

static RECENT: Mutex<VecDeque<String>> = Mutex::new(VecDeque::new());

/// What the console has shown last, the oldest first.
pub fn recent() -> VecDeque<String> {
    RECENT.lock().unwrap_or_else(PoisonError::into_inner).clone()
}

fn remember(line: &[u8]) {
    let mut recent = RECENT.lock().unwrap_or_else(PoisonError::into_inner);
    if recent.len() == RECENT_LINES {
        recent.pop_front();
    }
    recent.push_back(String::from_utf8_lossy(line).into_owned());
}

/// Prints a line with the time since power-on.
pub fn say(what: impl Display) {
    let now = clock_gettime(ClockId::Boottime);
    let line = format!("[{:5}.{:03}] init: {what}\n", now.tv_sec, now.tv_nsec / 1_000_000);
    remember(line.as_bytes());
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
            remember(&line);
            match self.lines.try_send(line) {
                Ok(()) => dropped = 0,
                Err(_) => dropped += 1,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc::{Receiver, Sender, channel};

    /// A console that takes a line each time it is allowed to.
    struct Slow {
        allowed: Receiver<()>,
        shown: Sender<String>,
    }

    impl Write for Slow {
        fn write(&mut self, line: &[u8]) -> std::io::Result<usize> {
            if self.allowed.recv().is_ok() {
                let _ = self.shown.send(String::from_utf8_lossy(line).into_owned());
            }
            Ok(line.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_console_that_stands_still_stops_nobody_and_owns_up_to_what_it_dropped() {
        const LINES: usize = 5000;
        let ((allow, allowed), (sender, shown)) = (channel(), channel());
        let printer = Printer::start(Slow { allowed, shown: sender }).expect("a thread can be started");
        let (reader, mut writer) = std::io::pipe().expect("a pipe can be made");
        let forward = std::thread::spawn(move || smol::block_on(printer.forward(reader.into())));
        for number in 0..LINES {
            // More than a pipe holds, so this ends only because somebody reads.
            writeln!(writer, "line {number} {:60}", "").expect("the pipe is read");
        }
        let mut lines = Vec::new();
        while lines.last().is_none_or(|line: &String| !line.contains("lines dropped")) {
            allow.send(()).expect("the console is there");
            lines.push(shown.recv().expect("each permission shows a line"));
            writeln!(writer, "more").expect("the pipe is read");
        }
        assert!(lines[0].starts_with("line 0 "), "{:?}", lines[0]);
        assert!(lines.len() <= WAITING_LINES + 2, "{} lines waited", lines.len());
        drop(writer);
        drop(allow);
        forward.join().expect("no panic").expect("the pipe is read to its end");
    }

    #[test]
    fn a_line_without_end_is_broken_and_memory_is_not() {
        let ((allow, allowed), (sender, shown)) = (channel(), channel());
        let printer = Printer::start(Slow { allowed, shown: sender }).expect("a thread can be started");
        let (reader, mut writer) = std::io::pipe().expect("a pipe can be made");
        writer.write_all(&[b'x'; 3000]).expect("a pipe holds that much");
        drop(writer);
        for _ in 0..3 {
            allow.send(()).expect("the console is there");
        }
        smol::block_on(printer.forward(reader.into())).expect("the pipe is read to its end");
        let lengths: Vec<usize> = shown.iter().take(3).map(|line| line.len()).collect();
        assert_eq!(lengths, [1025, 1025, 953]);
    }
}
