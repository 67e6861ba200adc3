//! What Debian's openssl says of a handshake.

use std::net::SocketAddr;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result};

/// Shakes hands with a server, trusting this authority; what was said about it.
pub fn handshake(to: SocketAddr, authority: &Path, more: &[&str]) -> Result<String> {
    let output = Command::new("openssl")
        .args(["s_client", "-connect", &to.to_string(), "-verify_return_error", "-CAfile"])
        .arg(authority)
        .args(more)
        .stdin(Stdio::null())
        .output()
        .context("openssl cannot be run")?;
    Ok(String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr))
}
