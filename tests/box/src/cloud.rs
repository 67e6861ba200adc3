//! The cloud: `examples/cloud/receiver.py`, which knows `docs/cloud-sync.md` and nothing of this box, and a way to it on
//! which everything goes wrong that can.

use std::collections::VecDeque;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};

use serde_json::Value;

use crate::child::Child;
use crate::{Exchange, event_log, wait};

/// A cloud that runs. What it was given outlives it.
pub struct Cloud {
    /// The process.
    pub process: Child,
    /// Where it is.
    pub address: SocketAddr,
    database: PathBuf,
}

impl Cloud {
    /// Starts one with its database in a folder.
    pub fn start(folder: &Path, further: &[&str]) -> Result<Cloud> {
        Cloud::start_at(SocketAddr::from((Ipv4Addr::LOCALHOST, ports::free(2))), folder, further)
    }

    /// Starts it where it was.
    pub fn start_at(address: SocketAddr, folder: &Path, further: &[&str]) -> Result<Cloud> {
        Cloud::start_by(Command::new("/usr/bin/python3"), address, folder, further)
    }

    /// Starts it by a command that ends in Python's name.
    pub fn start_by(mut command: Command, address: SocketAddr, folder: &Path, further: &[&str]) -> Result<Cloud> {
        let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/cloud/receiver.py");
        let database = folder.join("records.db");
        command
            .arg(program)
            .args(["--host", &address.ip().to_string()])
            .arg("--database")
            .arg(&database)
            .args(["--port", &address.port().to_string()]);
        let mut process = Child::start(command.args(further))?;
        let is_there = wait::until("the cloud", || {
            let gone = !process.is_running();
            let is_ready = process.said().iter().any(|line| line.starts_with("ready"));
            (gone || is_ready).then_some(is_ready)
        })?;
        if !is_there {
            bail!("the cloud ended at once: {}", process.said().join("\n"));
        }
        Ok(Cloud { process, address, database })
    }

    /// Waits until it has everything that happened on a box, and fails unless it has it once and in order. Gives how the box
    /// says that it stands.
    pub fn await_all_of(&self, exchange: &Exchange) -> Result<Value> {
        let mut state = Value::Null;
        let idle = wait::within(wait::PATIENCE * 30, "the cloud to have everything", || {
            state = exchange.get("/v1.0/cloud").ok()?;
            (state["status"] == "idle").then_some(())
        });
        idle.with_context(|| format!("{state}"))?;
        let mut mine = String::new();
        for event in event_log::read(exchange)? {
            let data: Value = serde_json::from_str(event.data.get())?;
            mine += &format!("{} {} {data}\n", event.seq, event.kind);
        }
        let mut theirs = String::new();
        for line in self.ask("SELECT seq || ' ' || type || ' ' || data FROM record ORDER BY seq")?.lines() {
            let (name, data) = line.split_once(" {").context("a record has data")?;
            theirs += &format!("{name} {}\n", serde_json::from_str::<Value>(&format!("{{{data}"))?);
        }
        ensure!(mine == theirs, "what is there is not what happened");
        let backwards = "SELECT count(*) FROM (SELECT seq, lag(seq) OVER (ORDER BY rowid) AS before FROM record) \
                         WHERE seq <> before + 1";
        ensure!(self.ask(backwards)? == "0", "they did not come in order");
        let settled = state["cursor"] == state["latest"] && state["waiting"] == 0 && state["failure"].is_null();
        ensure!(settled, "{state}");
        Ok(state)
    }

    /// What SQLite answers about the records.
    pub fn ask(&self, question: &str) -> Result<String> {
        let mut command = Command::new("sqlite3");
        let output = command.args(["-cmd", ".timeout 5000"]).arg(&self.database).arg(question).output()?;
        ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        Ok(String::from_utf8(output.stdout)?.trim().to_owned())
    }

    /// How many records it has.
    pub fn count(&self) -> Result<i64> {
        Ok(self.ask("SELECT count(*) FROM record")?.parse()?)
    }
}

/// What happens to a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// It is answered as it should be.
    None,
    /// It never arrives, and is answered by this status.
    Status(u16),
    /// It arrives; the connection is cut before the answer.
    LostAnswer,
    /// It arrives; half of the answer comes.
    HalfAnswer,
    /// It arrives twice, and is answered once.
    Twice,
    /// The connection is cut in the middle of it.
    Cut,
    /// It arrives nowhere, and nothing is said for so many seconds; then the connection is cut.
    Hang(u64),
}

/// The way to a cloud, or to another server that speaks HTTP.
pub struct BadLine {
    /// The near end.
    pub address: SocketAddr,
    faults: Arc<Mutex<VecDeque<Fault>>>,
}

impl BadLine {
    /// A way on which these things happen, one request after the other, and then nothing any more.
    pub fn to(far: SocketAddr, faults: &[Fault]) -> Result<BadLine> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let address = listener.local_addr()?;
        let faults = Arc::new(Mutex::new(faults.iter().copied().collect::<VecDeque<_>>()));
        let own = Arc::clone(&faults);
        std::thread::spawn(move || {
            for near in listener.incoming().flatten() {
                let faults = Arc::clone(&own);
                std::thread::spawn(move || {
                    // Whatever goes wrong here goes wrong for the one who asks as well.
                    let _ = serve(&near, far, &faults);
                });
            }
        });
        Ok(BadLine { address, faults })
    }

    /// How many faults are left.
    pub fn left(&self) -> usize {
        self.faults.lock().unwrap_or_else(PoisonError::into_inner).len()
    }
}

fn serve(near: &TcpStream, far: SocketAddr, faults: &Mutex<VecDeque<Fault>>) -> Result<()> {
    let mut reader = BufReader::new(near.try_clone()?);
    let mut near = near;
    loop {
        let head = head(&mut reader)?;
        let fault = faults.lock().unwrap_or_else(PoisonError::into_inner).pop_front().unwrap_or(Fault::None);
        let mut body = vec![0; length(&head)];
        if fault == Fault::Cut {
            let half = body.len() / 2;
            reader.read_exact(&mut body[..half])?;
            return Ok(());
        }
        reader.read_exact(&mut body)?;
        let request = [head.as_bytes(), &body].concat();
        match fault {
            Fault::Cut | Fault::None => near.write_all(&forward(far, &request)?)?,
            Fault::Status(status) => {
                write!(near, "HTTP/1.1 {status} X\r\nRetry-After: 1\r\nContent-Length: 0\r\n\r\n")?;
            }
            Fault::Hang(seconds) => {
                wait::let_pass(Duration::from_secs(seconds));
                return Ok(());
            }
            Fault::LostAnswer => return forward(far, &request).map(drop),
            Fault::HalfAnswer => {
                let answer = forward(far, &request)?;
                return Ok(near.write_all(&answer[..answer.len() - 4])?);
            }
            Fault::Twice => {
                forward(far, &request)?;
                near.write_all(&forward(far, &request)?)?;
            }
        }
    }
}

/// Has a request answered over a connection of its own.
fn forward(far: SocketAddr, request: &[u8]) -> Result<Vec<u8>> {
    let mut far = TcpStream::connect(far)?;
    far.write_all(request)?;
    let mut reader = BufReader::new(far);
    let head = head(&mut reader)?;
    // To HEAD comes what would be told of a body, and none.
    let mut body = vec![0; if request.starts_with(b"HEAD ") { 0 } else { length(&head) }];
    reader.read_exact(&mut body)?;
    Ok([head.as_bytes(), &body].concat())
}

fn head(reader: &mut impl BufRead) -> Result<String> {
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if reader.read_line(&mut head)? == 0 {
            return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into());
        }
    }
    Ok(head)
}

/// Octets of the body; where nothing is said there is none.
fn length(head: &str) -> usize {
    let head = head.to_ascii_lowercase();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length:"));
    length.and_then(|length| length.trim().parse().ok()).unwrap_or(0)
}
