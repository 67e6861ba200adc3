//! A real ACME server: Debian's pebble, which Let's Encrypt made for tests, and the name server that it asks.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use crate::certificates::Certificates;
use crate::child::Child;
use crate::wait;

/// A running ACME server, whose certificates count for a few seconds.
pub struct Pebble {
    /// Where its directory is.
    pub directory_url: String,
    /// Who vouches for itself (PEM).
    pub roots: String,
    management: SocketAddr,
    names: SocketAddr,
    home: tempfile::TempDir,
    _processes: [Child; 2],
    _certificates: Certificates,
}

impl Pebble {
    /// Starts one that asks each name for HTTP-01 at `http`, and signs for so many seconds. It refuses some nonces, as a server may.
    pub fn start(http: u16, seconds: u32) -> Result<Pebble> {
        let at = |port: u16| SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let (server, management, dns, names) =
            (at(ports::free(2)), at(ports::free(2)), at(ports::free(2)), at(ports::free(2)));
        let (certificates, home) = (Certificates::make()?, tempfile::tempdir()?);
        let config = json!({ "pebble": {
            "listenAddress": server.to_string(), "managementListenAddress": management.to_string(),
            "certificate": certificates.certificate("cloud"), "privateKey": certificates.key("cloud"),
            "httpPort": http, "tlsPort": 1, "ocspResponderURL": "", "externalAccountBindingRequired": false,
            "certificateValidityPeriod": seconds,
        }});
        let file = home.path().join("pebble.json");
        std::fs::write(&file, config.to_string())?;
        let mut resolver = Command::new("pebble-challtestsrv");
        resolver.args(["-http01", "", "-https01", "", "-tlsalpn01", "", "-defaultIPv6", ""]);
        resolver.args(["-dns01", &dns.to_string(), "-management", &names.to_string()]);
        let mut command = Command::new("pebble");
        command.arg("-config").arg(&file).args(["-dnsserver", &dns.to_string()]);
        command.envs([("PEBBLE_VA_NOSLEEP", "1"), ("PEBBLE_WFE_NONCEREJECT", "5"), ("PEBBLE_AUTHZREUSE", "0")]);
        let mut processes = [Child::start(&mut resolver)?, Child::start(&mut command)?];
        for (process, address) in processes.iter_mut().zip([names, server]) {
            let is_there = wait::until("the ACME server to listen", || {
                let gone = !process.is_running();
                (gone || std::net::TcpStream::connect(address).is_ok()).then_some(!gone)
            })?;
            if !is_there {
                bail!("it ended at once: {}", process.said().join("\n"));
            }
        }
        let roots = certificates.authority()?;
        let directory_url = format!("https://{server}/dir");
        Ok(Pebble { directory_url, roots, management, names, home, _processes: processes, _certificates: certificates })
    }

    /// The root of what it signs, as a file.
    pub fn root(&self) -> Result<PathBuf> {
        let file = self.home.path().join("root.pem");
        let output = Command::new("curl")
            .args(["--silent", "--insecure", "--noproxy", "*", "--output"])
            .arg(&file)
            .arg(format!("https://{}/roots/0", self.management))
            .output()
            .context("curl cannot be run")?;
        anyhow::ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        Ok(file)
    }

    /// Changes what its name server says: `set-txt`, `clear-txt`, `add-a`, `clear-a`.
    pub fn tell_names(&self, what: &str, body: &Value) -> Result<()> {
        tell(self.names, what, body)
    }

    /// Where its name server is told.
    pub fn names(&self) -> SocketAddr {
        self.names
    }
}

/// Changes what the name server of an ACME server says.
pub fn tell(names: SocketAddr, what: &str, body: &Value) -> Result<()> {
    ureq::post(format!("http://{names}/{what}")).send(body.to_string())?;
    Ok(())
}
