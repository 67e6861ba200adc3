//! A network that belongs to one test: a namespace in which nobody else is, with an uplink to another one that can be cut.

use std::net::SocketAddr;
use std::process::Command;

use anyhow::{Result, ensure};

use crate::child::Child;
use crate::wait;

/// What says that a process of a test is inside already.
const INSIDE: &str = "TANDEM_TEST_NAMESPACE";

/// Runs a test of this program once more in a network of its own, which needs no root; true where that was done and the caller
/// is outside. Inside there is nothing but 127.0.0.1.
pub fn enter(test: &str) -> Result<bool> {
    if std::env::var_os(INSIDE).is_some() {
        run(Command::new("ip").args(["link", "set", "lo", "up"]))?;
        return Ok(false);
    }
    let mut command = Command::new("unshare");
    command.args(["--map-root-user", "--net", "--"]).arg(std::env::current_exe()?);
    let status = command.args(["--exact", test, "--nocapture"]).env(INSIDE, "1").status()?;
    ensure!(status.success(), "in a network of its own it ended with {status}");
    Ok(true)
}

/// The line out of the namespace, and what is at its other end.
pub struct Uplink {
    // The other namespace lives in it.
    far: Child,
}

impl Uplink {
    /// A line to a namespace in which the addresses of [`Uplink::far`] are.
    pub fn new() -> Result<Uplink> {
        let script = "ip link set lo up && echo ready && exec sleep 7200";
        let far = Child::start(Command::new("unshare").args(["--net", "sh", "-c", script]))?;
        wait::until("the other network", || far.said().contains(&"ready".to_owned()).then_some(()))?;
        let uplink = Uplink { far };
        let pid = uplink.far.pid().to_string();
        let ip = |words: &[&str]| run(Command::new("ip").args(words));
        ip(&["link", "add", "uplink", "type", "veth", "peer", "name", "far", "netns", &pid])?;
        ip(&["addr", "add", "198.51.100.1/24", "dev", "uplink"])?;
        let far = |words: &[&str]| run(uplink.inside("ip").args(words));
        far(&["addr", "add", "198.51.100.2/24", "dev", "far"])?;
        far(&["link", "set", "far", "up"])?;
        uplink.set("up")?;
        Ok(uplink)
    }

    /// What the other end runs to leave its network for the one of [`Uplink::add_second`].
    pub const MOVE: &str = "ip link set far down && ip addr add 203.0.113.2/24 dev second && ip link set second up && ip route add 198.51.100.1 via 203.0.113.1";

    /// A second line, with other addresses, that the other end does not use yet.
    pub fn add_second(&self) -> Result<()> {
        let (ip, pid) = (|words: &[&str]| run(Command::new("ip").args(words)), self.far.pid().to_string());
        ip(&["link", "add", "other", "type", "veth", "peer", "name", "second", "netns", &pid])?;
        ip(&["addr", "add", "203.0.113.1/24", "dev", "other"])?;
        ip(&["link", "set", "other", "up"])
    }

    /// An address at the other end.
    pub fn far(port: u16) -> SocketAddr {
        SocketAddr::from(([198, 51, 100, 2], port))
    }

    /// A program that runs at the other end.
    pub fn inside(&self, program: &str) -> Command {
        let mut command = Command::new("nsenter");
        command.args(["--target", &self.far.pid().to_string(), "--net", "--", program]);
        command
    }

    /// Cuts the line.
    pub fn cut(&self) -> Result<()> {
        self.set("down")
    }

    /// Makes it whole again.
    pub fn mend(&self) -> Result<()> {
        self.set("up")
    }

    fn set(&self, state: &str) -> Result<()> {
        run(Command::new("ip").args(["link", "set", "uplink", state]))
    }
}

fn run(command: &mut Command) -> Result<()> {
    let output = command.output()?;
    ensure!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    Ok(())
}
