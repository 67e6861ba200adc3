//! RabbitMQ as Debian packs it: a node of its own, with a port, a cookie, a port mapper and data of its own.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};

use crate::child::{Child, as_user, give_to};
use crate::wait;

/// The user that Debian makes for it.
const USER: &str = "rabbitmq";
/// Whom it lets in, and by which password.
pub const ACCOUNT: (&str, &str) = ("box", "open sesame");

/// Erlang takes seconds to begin, and many more on a machine that does much else.
const PATIENCE: Duration = Duration::from_secs(60);

/// A running node. What it keeps outlives it, in the folder.
pub struct RabbitMq {
    /// The process: Erlang's machine itself.
    pub process: Child,
    /// Where it is.
    pub address: SocketAddr,
    home: tempfile::TempDir,
    mapper: (u16, Child),
}

impl RabbitMq {
    /// Starts one that knows nothing yet, with further lines of configuration.
    pub fn start(further: &str) -> Result<RabbitMq> {
        let home = tempfile::tempdir()?;
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, ports::free(2)));
        let (user, password) = ACCOUNT;
        let config = format!(
            "listeners.tcp.1 = {address}\ndefault_user = {user}\ndefault_pass = {password}\nlog.console = true\nlog.file = false\n{further}\n"
        );
        std::fs::write(home.path().join("rabbitmq.conf"), config)?;
        std::fs::write(home.path().join("enabled_plugins"), "[].")?;
        give_to(USER, home.path())?;
        let port = ports::free(2);
        let mut mapper = as_user(USER, "epmd");
        let mapper = Child::start(mapper.args(["-address", "127.0.0.1", "-port", &port.to_string()]))?;
        let process = node(home.path(), port)?;
        RabbitMq { process, address, home, mapper: (port, mapper) }.ready()
    }

    /// Kills it as a power cut would, and starts it on what it left behind.
    pub fn crash_and_restart(mut self) -> Result<RabbitMq> {
        self.process.signal(libc::SIGKILL);
        self.process.wait(wait::PATIENCE).context("SIGKILL ends a process")?;
        self.process = node(self.home.path(), self.mapper.0)?;
        self.ready()
    }

    fn ready(mut self) -> Result<RabbitMq> {
        let is_there = wait::within(PATIENCE, "RabbitMQ", || {
            let gone = !self.process.is_running();
            let is_ready = self.process.said().iter().any(|line| line.contains("Server startup complete"));
            (gone || is_ready).then_some(is_ready)
        })?;
        if !is_there {
            bail!("RabbitMQ ended at once: {}", self.process.said().join("\n"));
        }
        Ok(self)
    }
}

/// Runs a few lines of Python with a channel to RabbitMQ; what they print.
pub fn python(mq: SocketAddr, lines: &str) -> Result<String> {
    let (user, password) = ACCOUNT;
    let script = format!(
        "import pika\nparameters = pika.ConnectionParameters('127.0.0.1', {}, credentials=pika.PlainCredentials('{user}', '{password}'))\n\
         connection = pika.BlockingConnection(parameters)\nchannel = connection.channel()\n{lines}\nconnection.close()",
        mq.port()
    );
    let output = Command::new("/usr/bin/python3").args(["-c", &script]).output()?;
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Ok(String::from_utf8(output.stdout)?.trim().to_owned())
}

fn node(home: &Path, mapper: u16) -> Result<Child> {
    let mut command = as_user(USER, "/usr/lib/rabbitmq/bin/rabbitmq-server");
    let distribution = ports::free(2).to_string();
    command.current_dir(home).env("HOME", home).env("RABBITMQ_MNESIA_BASE", home.join("mnesia"));
    command.env("RABBITMQ_CONFIG_FILE", home.join("rabbitmq")).env("RABBITMQ_CONF_ENV_FILE", "/dev/null");
    command.env("RABBITMQ_ENABLED_PLUGINS_FILE", home.join("enabled_plugins")).env("RABBITMQ_LOG_BASE", home);
    command.env("RABBITMQ_NODENAME", "fleet@localhost").env("RABBITMQ_DIST_PORT", distribution);
    command.env("ERL_EPMD_PORT", mapper.to_string()).env("ERL_EPMD_ADDRESS", "127.0.0.1");
    // The script becomes Erlang's machine, and does not stay as its parent.
    Child::start(command.env("RUNNING_UNDER_SYSTEMD", "true"))
}
