//! A box whose exchange does not run asks for help on a page of its own, and can be made as new there.
use std::time::Duration;

use anyhow::{Context, Result};
use qemu::{Disk, Machine, Setup};
use serde_json::json;

const LIMIT: Duration = Duration::from_secs(60);
const PASSWORD: &str = "correct horse battery";

fn log_in(machine: &Machine) -> Result<String> {
    let login = json!({ "username": "admin", "password": PASSWORD });
    let login = machine.request(("POST", "/auth/login"), None, Some(&login))?;
    Ok(login.body["token"].as_str().with_context(|| format!("{login:?}"))?.to_owned())
}

fn tags(machine: &Machine) -> Result<usize> {
    let tags = machine.request(("GET", "/v1.0/tags"), Some(&log_in(machine)?), None)?;
    tags.body["result"].as_array().map(Vec::len).with_context(|| format!("{tags:?}"))
}

#[test]
fn after_three_ends_the_page_is_there_and_erases_all() -> Result<()> {
    let disk = Disk::fresh()?;
    let good = Setup::new(&disk)?.word(format!("tandem.admin_password=\"{PASSWORD}\""));
    let mut machine = Machine::boot(&good)?;
    machine.wait_for("tandem answers", LIMIT)?;
    let tag = json!({ "name": "kept until it is erased" });
    assert_eq!(machine.request(("POST", "/v1.0/tags"), Some(&log_in(&machine)?), Some(&tag))?.status, 200);
    assert_eq!(tags(&machine)?, 1);
    machine.power_button()?;
    machine.wait_off(LIMIT)?;

    // An address that is none: the exchange ends as soon as it starts.
    let mut machine = Machine::boot(&good.clone().word("tandem.sip=nowhere"))?;
    let told = machine.wait_for("the rescue page is at port 80, its code is ", LIMIT)?;
    let code = told.rsplit(' ').next().context("a code")?.trim();
    let page = String::from_utf8(machine.fetch("/", None)?)?;
    assert!(page.contains("This box needs help") && !page.contains("nowhere"), "{page}");
    let (status, body) = machine.post_form("/", "code=1&wish=power-off")?;
    assert_eq!(status, 403, "{body}");
    let (status, body) = machine.post_form("/", &format!("code={code}"))?;
    assert!(status == 200 && body.contains("nowhere") && body.contains("tandem has ended"), "{body}");
    let (status, body) = machine.post_form("/", &format!("code={code}&wish=factory-reset&sure=yes"))?;
    assert_eq!(status, 400, "{body}");
    let (status, body) = machine.post_form("/", &format!("code={code}&wish=factory-reset&sure=erase"))?;
    assert!(status == 200 && body.contains("Everything is erased"), "{body}");
    machine.wait_for_event("RESET", LIMIT)?;
    machine.wait_for("everything is erased, as it was ordered", LIMIT)?;
    machine.kill()?;

    let mut machine = Machine::boot(&good)?;
    machine.wait_for("tandem answers", LIMIT)?;
    assert_eq!(tags(&machine)?, 0, "it is as new");
    assert!(!machine.console().contains("erased"), "once is enough");
    Ok(())
}

#[test]
fn who_helps_has_the_exchange_started_again() -> Result<()> {
    let disk = Disk::fresh()?;
    let mut machine = Machine::boot(&Setup::new(&disk)?.word("tandem.sip=nowhere"))?;
    let told = machine.wait_for("the rescue page is at port 80, its code is ", LIMIT)?;
    let code = told.rsplit(' ').next().context("a code")?.trim().to_owned();
    let (status, _) = machine.post_form("/", &format!("code={code}&wish=try-again"))?;
    assert_eq!(status, 200);
    machine.wait_for("the rescue page: try-again", LIMIT)?;
    machine.wait_for("tandem is started", LIMIT)?;
    machine.wait_for("tandem has ended: exit status", LIMIT)?;
    let again = machine.wait_for("the rescue page is at port 80, its code is ", LIMIT)?;
    assert!(again.contains(&code), "the code stays: {again}");
    let (status, _) = machine.post_form("/", &format!("code={code}&wish=power-off"))?;
    assert_eq!(status, 200);
    machine.wait_off(LIMIT)
}
