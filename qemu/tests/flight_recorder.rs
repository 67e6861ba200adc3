//! What a box records of itself is there after a reset, and is read again.
use std::fs;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use qemu::{BOARD, Disk, Machine, Setup};
use serde_json::json;

const LIMIT: Duration = Duration::from_secs(60);
const PASSWORD: &str = "correct horse battery";

/// Fetches the recording as an administrator does, and has it read as `make blackbox` does.
fn recorded(machine: &Machine) -> Result<String> {
    let login = json!({ "username": "admin", "password": PASSWORD });
    let login = machine.request(("POST", "/auth/login"), None, Some(&login))?;
    let token = login.body["token"].as_str().context("a token")?.to_owned();
    let file = tempfile::NamedTempFile::new()?;
    fs::write(&file, machine.fetch("/v1.0/flight-recorder", Some(&token))?)?;
    let reader = std::env::var_os("TANDEM_BLACKBOX").context("TANDEM_BLACKBOX is not set; `make test` sets it")?;
    let mut command = Command::new(reader);
    let output = command.arg(file.path()).arg(images::out(BOARD).join(images::UNSTRIPPED)).output()?;
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Ok(String::from_utf8(output.stdout)?)
}

#[test]
fn a_power_cut_and_a_crash_are_told_afterwards() -> Result<()> {
    let disk = Disk::fresh()?;
    let setup = Setup::new(&disk)?.word(format!("tandem.admin_password=\"{PASSWORD}\""));
    let mut machine = Machine::boot(&setup.clone().word("tandem.sip=nowhere"))?;
    // An address that is none: the exchange ends as soon as it starts.
    machine.wait_for("the rescue page is at port 80", LIMIT)?;
    // What happened is on the disk a second later.
    let began = Instant::now();
    while began.elapsed() < Duration::from_secs(2) {
        machine.fetch("/", None)?;
    }
    machine.kill()?;

    let mut machine = Machine::boot(&setup)?;
    machine.wait_for("tandem answers", LIMIT)?;
    let began = Instant::now();
    let text = loop {
        let text = recorded(&machine)?;
        if text.contains("the light: Running") || began.elapsed() > LIMIT {
            break text;
        }
        std::thread::sleep(Duration::from_millis(200));
    };
    let texts: Vec<&str> = text.lines().collect();
    assert!(!text.contains("???"), "{text}");
    let position = |text: &str, from: usize| {
        let found = texts[from..].iter().position(|line| line.contains(text));
        found.map(|found| from + found).with_context(|| format!("no {text:?} in {texts:#?}"))
    };
    let crash = position("ERROR tandem has ended with code", 0)?;
    assert!(position("INFO up", 0)? < crash && position("the address is [10, 0, 2, 15]/24", 0)? < crash, "{texts:#?}");
    let second = position("--- build", crash)?;
    let answers = position("tandem: Answers", second)?;
    position("the light: Running", answers)?;
    assert_eq!(texts.iter().filter(|text| text.starts_with("--- build")).count(), 2, "{texts:#?}");
    // Each line begins with the seconds since power-on.
    let seconds: f64 = texts[answers].split_whitespace().next().context("a time")?.parse()?;
    assert!(seconds > 0.1 && seconds < 60.0, "{}", texts[answers]);
    Ok(())
}
