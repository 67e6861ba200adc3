//! The cloud: `examples/cloud/receiver.py`, which knows `docs/cloud-sync.md` and nothing of this box, and a way to it on
//! which everything goes wrong that can.

use std::collections::VecDeque;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context, Result, bail, ensure};

use crate::child::Child;
use crate::{ports, wait};

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
        let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/cloud/receiver.py");
        let database = folder.join("records.db");
        let mut command = Command::new("/usr/bin/python3");
        command.arg(program).arg("--database").arg(&database).args(["--port", &address.port().to_string()]);
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
}

/// The way to a cloud.
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
        let mut body = vec![0; length(&head)?];
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
    let mut body = vec![0; length(&head)?];
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

fn length(head: &str) -> Result<usize> {
    let head = head.to_ascii_lowercase();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length:"));
    Ok(length.context("it has a length")?.trim().parse()?)
}
