//! A start that cannot be: one clear line that names what is wrong, and an exit code that says so.

use std::net::{TcpListener, UdpSocket};
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use anyhow::{Context, Result};
use box_tests::child::Child;
use box_tests::{exchange, wait};

struct Refusal {
    line: String,
}

/// Starts with these arguments and expects a refusal of one line.
fn refused(arguments: &[&str]) -> Result<Refusal> {
    let mut process =
        Child::start(Command::new(exchange::binary()?).args(arguments).env("TANDEM_ADMIN_PASSWORD", "x y z 1 2 3"))?;
    let status = process.wait(wait::PATIENCE).with_context(|| format!("{arguments:?} was accepted"))?;
    assert!(!status.success(), "{arguments:?} ended well");
    let said = process.said();
    let lines: Vec<&String> = said.iter().filter(|line| !line.trim().is_empty()).collect();
    assert!(!lines.iter().any(|line| line.contains("panicked")), "{lines:#?}");
    Ok(Refusal { line: lines.iter().map(|line| line.as_str()).collect::<Vec<_>>().join("\n") })
}

impl Refusal {
    fn names(&self, what: &str) {
        assert!(self.line.contains(what), "{what:?} is not named in {:?}", self.line);
    }

    fn is_one_line(&self) {
        assert_eq!(self.line.lines().count(), 1, "{:?}", self.line);
    }
}

#[test]
fn what_is_wrong_is_named_in_one_line() -> Result<()> {
    let home = tempfile::tempdir()?;
    let data = home.path().join("data").display().to_string();
    let (first, rtp) = (ports::free(4), ports::free(20));
    let (sip, http) = (format!("127.0.0.1:{first}"), format!("127.0.0.1:{}", first + 2));
    let rtp = format!("127.0.0.1:{rtp}-{}", rtp + 19);
    let with = |changes: &[(&'static str, &str)]| -> Result<Refusal> {
        let mut arguments = vec![("--data", data.as_str()), ("--sip", &sip), ("--http", &http), ("--rtp", &rtp)];
        for (flag, value) in changes {
            arguments.retain(|(known, _)| known != flag);
            arguments.push((flag, value));
        }
        let flat: Vec<&str> = arguments.iter().flat_map(|(flag, value)| [*flag, *value]).collect();
        refused(&flat)
    };

    let taken = UdpSocket::bind(("127.0.0.1", first))?;
    let refusal = with(&[])?;
    refusal.names(&sip);
    refusal.is_one_line();
    drop(taken);

    let taken = TcpListener::bind(&http)?;
    let refusal = with(&[])?;
    refusal.names(&http);
    refusal.is_one_line();
    drop(taken);

    with(&[("--sip", "nonsense")])?.names("nonsense");
    with(&[("--rtp", "127.0.0.1:9000-8000")])?.names("9000-8000");
    with(&[("--config", "/nowhere/tandem.toml")])?.names("/nowhere/tandem.toml");

    let config = home.path().join("tandem.toml");
    std::fs::write(&config, "realm = \"x\"\nsipp = \"127.0.0.1:5060\"\n")?;
    with(&[("--config", &config.display().to_string())])?.names("sipp");

    let file = home.path().join("file");
    std::fs::write(&file, "")?;
    let refusal = with(&[("--data", &file.display().to_string())])?;
    refusal.names("file");
    refusal.is_one_line();
    refused(&["--frobnicate"])?.names("--frobnicate");
    Ok(())
}

#[test]
fn a_folder_serves_one_exchange_at_a_time() -> Result<()> {
    let running = box_tests::Exchange::start()?;
    let folder = running.folder().display().to_string();
    let (first, rtp) = (ports::free(4), ports::free(20));
    let (sip, http) = (format!("127.0.0.1:{first}"), format!("127.0.0.1:{}", first + 2));
    let rtp = format!("127.0.0.1:{rtp}-{}", rtp + 19);
    let refusal = refused(&["--data", &folder, "--sip", &sip, "--http", &http, "--rtp", &rtp])?;
    refusal.names(&folder);
    refusal.is_one_line();
    running.assert_no_errors();
    Ok(())
}

#[test]
fn what_it_keeps_is_nobody_elses_to_read() -> Result<()> {
    let running = box_tests::Exchange::start()?;
    for entry in std::fs::read_dir(running.folder())? {
        let path = entry?.path();
        let mode = std::fs::metadata(&path)?.permissions().mode();
        assert_eq!(mode & 0o077, 0, "{} has mode {mode:o}", path.display());
    }
    Ok(())
}
