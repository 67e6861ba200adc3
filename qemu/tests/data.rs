//! What the box has said it will remember is there after a power cut, and a box that has lost its memory says so.
use std::fs::OpenOptions;
use std::io::{Seek, SeekFrom, Write};
use std::time::Duration;

use anyhow::{Context, Result};
use qemu::{BOARD, Disk, Machine, Setup};
use serde_json::json;

const LIMIT: Duration = Duration::from_secs(60);
const PASSWORD: &str = "carton-2-ladder";

fn log_in(machine: &Machine) -> Result<String> {
    let body = json!({ "username": "admin", "password": PASSWORD });
    let answer = machine.request(("POST", "/auth/login"), None, Some(&body))?;
    answer.body["token"].as_str().map(str::to_owned).with_context(|| format!("the login is answered by {answer:?}"))
}

#[test]
fn an_extension_that_was_acknowledged_is_there_after_a_power_cut() -> Result<()> {
    let disk = Disk::fresh()?;
    let mut machine = Machine::boot(&Setup::new(&disk)?.word(format!("tandem.admin_password={PASSWORD}")))?;
    machine.wait_for("tandem answers", LIMIT)?;
    let token = log_in(&machine)?;
    let extension = json!({ "extension": "2001", "password": "wire-9-copper", "name": "Lodge", "detail": "" });
    let answer = machine.request(("POST", "/v1.0/extensions"), Some(&token), Some(&extension))?;
    assert_eq!(answer.status, 200, "{answer:?}");
    machine.kill()?;

    let mut machine = Machine::boot(&Setup::new(&disk)?)?;
    machine.wait_for("tandem answers", LIMIT)?;
    let token = log_in(&machine)?;
    let answer = machine.request(("GET", "/v1.0/extensions"), Some(&token), None)?;
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(answer.body["result"][0]["extension"], "2001", "{answer:?}");
    assert_eq!(answer.body["result"][0]["name"], "Lodge", "{answer:?}");
    Ok(())
}

#[test]
fn a_box_whose_data_cannot_be_read_says_so_and_can_be_switched_off() -> Result<()> {
    let disk = Disk::fresh()?;
    let board = images::board::Board::open(BOARD)?;
    let partitions = images::partitions::read(&board.partitions)?;
    let data = partitions.iter().find(|partition| partition.name == "data").context("the board has no data")?;
    let mut file = OpenOptions::new().write(true).open(disk.path())?;
    file.seek(SeekFrom::Start(data.start))?;
    file.write_all(&[0x5a; 64 << 10])?;
    drop(file);

    let mut machine = Machine::boot(&Setup::new(&disk)?)?;
    machine.wait_for("no exchange without its data", LIMIT)?;
    machine.power_button()?;
    machine.wait_for("power off", LIMIT)?;
    machine.wait_off(LIMIT)?;
    assert!(!machine.console().contains("tandem is started"), "{}", machine.console());
    Ok(())
}
