//! The server under test: the real binary on its own core, with extensions 1000 to 1999 and conferences.

use std::io::{BufRead, BufReader};
use std::net::{SocketAddr, UdpSocket};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result, bail};
use tempfile::TempDir;

use crate::rest::Api;
use crate::usage::{self, Usage};

/// The core that servers run on; the generator has the other.
const CORE: usize = 0;
const PASSWORD: &str = "bench";
/// Ports for audio: two for each leg, and some that rest.
const RTP_PORTS: u16 = 14_000;
/// The conference in which all are heard.
pub const ALL_HEARD: u32 = 7_000;
/// Conferences in which the three loudest are heard.
pub const THREE_HEARD: std::ops::Range<u32> = 7_100..7_130;

/// A binary and a data folder that its runs start from.
#[derive(Debug)]
pub struct Prepared {
    binary: PathBuf,
    folder: TempDir,
}

/// A server that runs until this value is dropped.
#[derive(Debug)]
pub struct Server {
    child: Child,
    /// Where it speaks SIP.
    pub sip: SocketAddr,
    http: SocketAddr,
    _folder: TempDir,
}

impl Prepared {
    /// Starts `binary` once and makes the extensions through its API.
    pub fn new(binary: &Path) -> Result<Prepared> {
        let prepared = Prepared { binary: binary.to_owned(), folder: tempfile::tempdir()? };
        let mut server = prepared.spawn(prepared.folder.path(), tempfile::tempdir()?, &[])?;
        let mut api = server.log_in()?;
        for number in 1_000..2_000 {
            api.create_extension(number)?;
        }
        api.create_conference(ALL_HEARD, 0)?;
        for number in THREE_HEARD {
            api.create_conference(number, 3)?;
        }
        drop(api);
        server.terminate()?;
        Ok(prepared)
    }

    /// A fresh server on a copy of the folder.
    pub fn start(&self) -> Result<Server> {
        self.start_with(&[])
    }

    /// The same with further arguments.
    pub fn start_with(&self, arguments: &[String]) -> Result<Server> {
        self.start_on(|_| Ok(()), arguments)
    }

    /// The same, once something was done to the copy.
    pub fn start_on(&self, prepare: impl FnOnce(&Path) -> Result<()>, arguments: &[String]) -> Result<Server> {
        let folder = tempfile::tempdir()?;
        for entry in std::fs::read_dir(self.folder.path())? {
            let entry = entry?;
            // The folders in it are empty, and made at the start.
            if entry.file_type()?.is_file() {
                std::fs::copy(entry.path(), folder.path().join(entry.file_name()))?;
            }
        }
        let path = folder.path().to_owned();
        prepare(&path)?;
        self.spawn(&path, folder, arguments)
    }

    fn spawn(&self, data: &Path, folder: TempDir, arguments: &[String]) -> Result<Server> {
        let mut command = Command::new(&self.binary);
        command.arg("--data").arg(data).args(arguments);
        command.args(["--sip", "127.0.0.1:0", "--http", "127.0.0.1:0", "--rtp", &free_rtp_ports()?]);
        command.env("TANDEM_ADMIN_PASSWORD", PASSWORD).env("TANDEM_LOG", "error").stdout(Stdio::piped());
        // SAFETY: between fork and exec only a system call is made.
        unsafe { command.pre_exec(|| usage::pin_to(CORE)) };
        let mut child = command.spawn().with_context(|| format!("cannot start {}", self.binary.display()))?;
        let out = child.stdout.take().context("its output is piped")?;
        for line in BufReader::new(out).lines() {
            let line = line?;
            if let Some(rest) = line.strip_prefix("tandem is ready: SIP ") {
                let address = |text: &str| text.split([' ', ',']).next().unwrap_or_default().parse();
                let sip = address(rest).context("an address of SIP")?;
                let http = rest.split_once("http://").map_or("", |(_, http)| http);
                let http = address(http).context("an address of HTTP")?;
                return Ok(Server { child, sip, http, _folder: folder });
            }
        }
        bail!("{} did not start", self.binary.display())
    }
}

impl Server {
    /// Processor time and memory.
    pub fn usage(&self) -> Result<Usage> {
        Usage::of(self.child.id())
    }

    /// Its API.
    pub fn log_in(&self) -> Result<Api> {
        Api::log_in(self.http, PASSWORD)
    }

    fn terminate(&mut self) -> Result<()> {
        // SAFETY: the child was not waited for, so that the id is still its own.
        unsafe { libc::kill(self.child.id() as i32, libc::SIGTERM) };
        let status = self.child.wait()?;
        if status.success() { Ok(()) } else { bail!("the server ended with {status}") }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have calls, which would be waited for; nothing of it is needed any more.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A range of ports that are all free now: a call for which one is taken would be refused.
fn free_rtp_ports() -> Result<String> {
    let free = |port: u16| UdpSocket::bind(("127.0.0.1", port)).is_ok();
    let first = (10_000..18_000).step_by(1_000).find(|first| (*first..first + RTP_PORTS).all(free));
    let first = first.context("no free range of ports")?;
    Ok(format!("127.0.0.1:{first}-{}", first + RTP_PORTS - 1))
}
