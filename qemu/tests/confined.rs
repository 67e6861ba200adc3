//! The exchange in the box is no root, writes nowhere but in its folder, and works.
use std::time::Duration;

use anyhow::{Context, Result};
use qemu::{Disk, Machine, Setup};
use serde_json::json;

const LIMIT: Duration = Duration::from_secs(60);
const PASSWORD: &str = "correct horse battery";

#[test]
fn the_exchange_is_nobody_and_answers_at_the_ports_of_root() -> Result<()> {
    let disk = Disk::fresh()?;
    let mut machine = Machine::boot(&Setup::new(&disk)?.word(format!("tandem.admin_password=\"{PASSWORD}\"")))?;
    // It tries to write outside itself, once it may no longer.
    let told = machine.wait_for("confined", LIMIT)?;
    for fact in ["user=990", "outside=\"refused\"", "landlock="] {
        assert!(told.contains(fact), "{fact} in {told}");
    }
    machine.wait_for("tandem answers", LIMIT)?;
    let login = json!({ "username": "admin", "password": PASSWORD });
    let login = machine.request(("POST", "/auth/login"), None, Some(&login))?;
    let token = login.body["token"].as_str().with_context(|| format!("{login:?}"))?.to_owned();
    let recorded = machine.fetch("/v1.0/flight-recorder", Some(&token))?;
    assert!(!recorded.is_empty(), "what is root's may be read where it is shared");
    assert_eq!(machine.request(("GET", "/v1.0/system/network"), Some(&token), None)?.status, 200, "it asks the board");
    machine.power_button()?;
    machine.wait_for("tandem has ended: exit status: 0", LIMIT)?;
    let complains = ["ERROR", "denied", "panicked"].iter().any(|word| machine.console().contains(word));
    assert!(!complains, "{}", machine.console());
    machine.wait_off(LIMIT)
}
