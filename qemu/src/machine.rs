//! A running machine.
use std::fs;
use std::net::SocketAddr;
use std::ops::RangeInclusive;
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::console::Console;
use crate::debugger::Debugger;
use crate::firmware::Firmware;
use crate::http::{self, Answer};
use crate::qmp::Qmp;
use crate::setup::{Ports, Setup};

/// The board this crate boots.
pub const BOARD: &str = "qemu_virt";

/// QEMU with the box in it. Dropping it cuts the power.
pub struct Machine {
    process: Child,
    console: Console,
    qmp: Qmp,
    ports: Ports,
    powered_on: Instant,
    /// Holds the sockets to QEMU.
    folder: TempDir,
}

impl Machine {
    /// Powers a machine on and returns while it boots.
    pub fn boot(setup: &Setup) -> Result<Machine> {
        Machine::start(setup, false)
    }

    /// The same, with its console on ours.
    pub fn boot_shown(setup: &Setup) -> Result<Machine> {
        Machine::start(setup, true)
    }

    fn start(setup: &Setup, show: bool) -> Result<Machine> {
        let folder = tempfile::tempdir()?;
        let socket = folder.path().join("qmp");
        let listener = UnixListener::bind(&socket)?;
        let powered_on = Instant::now();
        let mut command = command(setup, &socket)?;
        setup.firmware.add_to(&mut command, folder.path())?;
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::inherit());
        let mut process = command.spawn().context("qemu-system-aarch64 cannot be run; images/setup.sh installs it")?;
        let output = process.stdout.take().expect("it was asked for two lines above");
        let console = Console::watch(output, show);
        match Qmp::accept(&listener, &mut process) {
            Ok(qmp) => Ok(Machine { process, console, qmp, ports: setup.ports.clone(), powered_on, folder }),
            Err(error) => {
                let _ = process.kill();
                let _ = process.wait();
                Err(error)
            }
        }
    }

    /// When the power was switched on.
    pub fn powered_on(&self) -> Instant {
        self.powered_on
    }

    /// Where its SIP port is on the host, UDP and TCP.
    pub fn sip(&self) -> SocketAddr {
        SocketAddr::new(self.ports.host, self.ports.sip)
    }

    /// Where its HTTP port is on the host.
    pub fn http(&self) -> SocketAddr {
        SocketAddr::new(self.ports.host, self.ports.http)
    }

    /// Asks its API, such as `("GET", "/v1.0/calls")`, with a token and a body where they are needed.
    pub fn request(&self, line: (&str, &str), token: Option<&str>, body: Option<&Value>) -> Result<Answer> {
        http::request(self.http(), line, token, body)
    }

    /// Gets what its API has that is no JSON.
    pub fn fetch(&self, path: &str, token: Option<&str>) -> Result<Vec<u8>> {
        http::fetch(self.http(), path, token)
    }

    /// Sends its API a file that is written while it comes.
    pub fn upload(&self, path: &str, token: &str, file: &[u8]) -> Result<Answer> {
        http::upload(self.http(), path, token, file)
    }

    /// Begins to send such a file, of which so many octets are to follow.
    pub fn begin_upload(&self, path: &str, token: &str, length: usize) -> Result<std::net::TcpStream> {
        http::begin_upload(self.http(), path, token, length)
    }

    /// Sends a form to its page; status and what is shown then.
    pub fn post_form(&self, path: &str, form: &str) -> Result<(u16, String)> {
        http::post_form(self.http(), path, form)
    }

    /// Its RTP ports on the host.
    pub fn rtp(&self) -> RangeInclusive<u16> {
        self.ports.rtp.clone()
    }

    /// Waits until the console shows a line with `text`, after the last one waited for; returns the line.
    pub fn wait_for(&mut self, text: &str, limit: Duration) -> Result<String> {
        self.console.wait_for(text, limit)
    }

    /// All that the console has shown.
    pub fn console(&self) -> String {
        self.console.text()
    }

    /// Presses the power button for a moment.
    pub fn power_button(&mut self) -> Result<()> {
        self.qmp.ask("system_powerdown", json!({})).map(drop)
    }

    /// Waits for an event of QEMU's, such as `WATCHDOG` or `RESET`; each one is found once.
    pub fn wait_for_event(&mut self, event: &str, limit: Duration) -> Result<()> {
        let waited = self.qmp.wait_for(event, limit);
        waited.with_context(|| format!("the console:\n{}", self.console.text()))
    }

    /// Hangs the processor for good, as a fault in hardware or kernel would; only a reset helps.
    pub fn hang_processor(&mut self) -> Result<()> {
        let socket = self.folder.path().join("debugger");
        for _ in 0..100 {
            let listener = UnixListener::bind(&socket)?;
            let command = format!("gdbserver unix:{}", socket.display());
            self.qmp.ask("human-monitor-command", json!({ "command-line": command }))?;
            let (stream, _) = listener.accept()?;
            let is_hung = Debugger::new(stream)?.hang()?;
            self.qmp.ask("human-monitor-command", json!({ "command-line": "gdbserver none" }))?;
            fs::remove_file(&socket)?;
            if is_hung {
                return Ok(());
            }
        }
        bail!("the processor was never found in the kernel")
    }

    /// Waits until the machine has switched itself off.
    pub fn wait_off(&mut self, limit: Duration) -> Result<()> {
        self.wait_for_event("SHUTDOWN", limit)?;
        let status = self.process.wait()?;
        if !status.success() {
            bail!("QEMU ended with {status}");
        }
        Ok(())
    }

    /// Whether QEMU ends within this time.
    pub fn has_ended_within(&mut self, time: Duration) -> Result<bool> {
        let ended = self.qmp.wait_for("SHUTDOWN", time).is_ok();
        if ended {
            self.process.wait()?;
        }
        Ok(ended || self.process.try_wait()?.is_some())
    }

    /// Cuts the power.
    pub fn kill(mut self) -> Result<()> {
        self.process.kill()?;
        self.process.wait()?;
        Ok(())
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        // It may have ended already, which is as good.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn command(setup: &Setup, qmp: &Path) -> Result<Command> {
    let mut command = Command::new("qemu-system-aarch64");
    // The kernel knows devices by the device tree alone.
    command.args(["-M", "virt,acpi=off", "-cpu", "cortex-a72", "-nodefaults", "-no-user-config", "-display", "none"]);
    command.arg("-m").arg(setup.memory.to_string());
    if let Some(clock) = &setup.clock {
        command.arg("-rtc").arg(format!("base={clock}"));
    }
    if setup.firmware == Firmware::None {
        let words = format!("{} root=PARTLABEL=slot_a tandem.slot=a", setup.command_line()?);
        command.arg("-kernel").arg(images::out(BOARD).join("Image")).arg("-append").arg(words);
    } else {
        setup.tell_boot_program()?;
    }
    command.args(["-serial", "stdio"]);
    command.arg("-chardev").arg(format!("socket,id=qmp,path={}", qmp.display()));
    command.args(["-mon", "chardev=qmp,mode=control"]);
    command.arg("-drive").arg(format!("file={},format=raw,if=none,id=disk", setup.disk.display()));
    command.args(["-device", "virtio-blk-device,drive=disk", "-device", "virtio-rng-device"]);
    command.args(["-device", "i6300esb", "-action", "watchdog=reset"]);
    command.arg("-netdev").arg(setup.network()).args(["-device", "virtio-net-device,netdev=network"]);
    Ok(command)
}
