//! What webhooks cost the calls, and how fast they leave once somebody takes them.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};

use crate::measure::{check, drain};
use crate::phones::Phones;
use crate::print;
use crate::server::Prepared;

/// Events that wait behind the web server.
const EVENTS: usize = 10_000;
/// Events that a call has at least: created, ringing, answered, hung up, for both legs.
const EVENTS_OF_A_CALL: u64 = 8;
/// Calls that are timed with and without.
const CALLS: usize = 1_000;
/// Pairs of phones.
const PAIRS: usize = 50;
/// How long the web server may take for all that waits.
const PATIENCE: Duration = Duration::from_secs(60);

/// A web server that takes everything, once it is let.
struct Taker {
    address: SocketAddr,
    taken: Arc<AtomicUsize>,
    gate: Arc<Mutex<()>>,
}

/// The p99 of the set-up with so many undelivered events behind a server that never answers, against the same without; and how
/// many a second are delivered when it answers again.
pub fn measure(prepared: &Prepared) -> Result<()> {
    let taker = Taker::start()?;
    let gate = taker.gate.clone();
    let closed = gate.lock().unwrap_or_else(PoisonError::into_inner);
    let plain = prepared.start()?;
    let told = prepared.start_with(&["--own-web-servers".into(), taker.address.to_string()])?;
    told.log_in()?.tell(&format!("http://{}/", taker.address))?;
    let (mut without, mut with) = (Phones::register(plain.sip, PAIRS)?, Phones::register(told.sip, PAIRS)?);
    // Both have gone through the same; the events of one of them wait.
    for phones in [&mut without, &mut with] {
        while phones.tally.completed * EVENTS_OF_A_CALL < EVENTS as u64 {
            (0..PAIRS).try_for_each(|pair| phones.call(pair))?;
            phones.turn(Duration::from_millis(1))?;
            phones.give_up();
        }
        drain(phones)?;
        (phones.tally.setup, phones.tally.transit) = Default::default();
    }
    ensure!(taker.taken.load(Ordering::Relaxed) == 0, "the web server should not have answered yet");
    set_up_in_turns([&mut without, &mut with])?;
    for (share, name) in [(0.5, "p50"), (0.99, "p99")] {
        let [calm, busy] = [&mut without, &mut with].map(|phones| phones.tally.setup.milliseconds(share));
        print(&format!("setup_{name}_behind_dead_webhook"), busy, "ms");
        print(&format!("setup_{name}_behind_dead_webhook_to_without"), busy / calm, "ratio");
    }
    check(&without)?;
    check(&with)?;
    print("webhook_drain", taker.drain(closed)?, "1/s");
    Ok(())
}

/// One call here, one there, each on an idle server.
fn set_up_in_turns(mut sides: [&mut Phones; 2]) -> Result<()> {
    for round in 0..CALLS {
        for phones in &mut sides {
            phones.call(round % PAIRS)?;
            let start = Instant::now();
            while !phones.idle() || start.elapsed() < Duration::from_millis(5) {
                phones.turn(Duration::from_millis(1))?;
                phones.give_up();
            }
        }
    }
    Ok(())
}

impl Taker {
    fn start() -> Result<Taker> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let address = listener.local_addr()?;
        let (taken, gate) = (Arc::new(AtomicUsize::new(0)), Arc::new(Mutex::new(())));
        let (count, wait) = (taken.clone(), gate.clone());
        std::thread::spawn(move || {
            for connection in listener.incoming().flatten() {
                let (count, wait) = (count.clone(), wait.clone());
                // Whoever is gone asks no more.
                std::thread::spawn(move || drop(serve(connection, &count, &wait)));
            }
        });
        Ok(Taker { address, taken, gate })
    }

    /// Lets the server answer; how many events a second it takes then.
    fn drain(&self, closed: MutexGuard<'_, ()>) -> Result<f64> {
        // The first answer comes as late as a backoff wants it.
        drop(closed);
        let start = Instant::now();
        let taken = || self.taken.load(Ordering::Relaxed);
        while taken() == 0 && start.elapsed() < PATIENCE {
            std::thread::sleep(Duration::from_millis(1));
        }
        let (first, begun) = (taken(), Instant::now());
        while taken() < EVENTS && start.elapsed() < PATIENCE {
            std::thread::sleep(Duration::from_millis(1));
        }
        ensure!(taken() >= EVENTS, "{} of {EVENTS} events came", taken());
        Ok((taken() - first) as f64 / begun.elapsed().as_secs_f64())
    }
}

fn serve(connection: TcpStream, taken: &AtomicUsize, gate: &Mutex<()>) -> Result<()> {
    connection.set_nodelay(true)?;
    let mut reader = BufReader::new(connection);
    let (mut line, mut body) = (String::new(), Vec::new());
    loop {
        let mut length = 0;
        loop {
            line.clear();
            if reader.read_line(&mut line)? == 0 {
                return Ok(());
            }
            if line == "\r\n" {
                break;
            }
            if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse()?;
            }
        }
        body.resize(length, 0);
        reader.read_exact(&mut body)?;
        drop(gate.lock().unwrap_or_else(PoisonError::into_inner));
        reader.get_mut().write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")?;
        taken.fetch_add(1, Ordering::Relaxed);
    }
}
