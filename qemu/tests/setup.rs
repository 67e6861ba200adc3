//! The first boot: the box lets in nobody but who has the code on its console, and is somebody's after that.
use std::time::Duration;

use anyhow::{Context, Result};
use qemu::{Disk, Machine, Setup};
use serde_json::json;

const LIMIT: Duration = Duration::from_secs(60);
const SHOWN: &str = "the setup code of this box is ";

#[test]
fn a_new_box_shows_its_code_and_whoever_has_it_takes_hold() -> Result<()> {
    let disk = Disk::fresh()?;
    let setup = Setup::new(&disk)?;
    let mut machine = Machine::boot(&setup)?;
    let shown = machine.wait_for(SHOWN, LIMIT)?;
    let code = shown.rsplit(' ').next().context("a code")?.trim().to_owned();
    machine.wait_for("tandem answers", LIMIT)?;
    let asked = machine.request(("GET", "/v1.0/setup"), None, None)?;
    assert_eq!(asked.body, json!({ "required": true, "board": true }));
    for path in ["/v1.0/extensions", "/v1.0/system/network"] {
        let answer = machine.request(("GET", path), None, None)?;
        assert_eq!((answer.status, &answer.body["error"]["reason"]), (403, &json!("SETUP_REQUIRED")), "{path}");
    }
    machine.power_button()?;
    machine.wait_off(LIMIT)?;

    // A restart before anybody came changes nothing of that.
    let mut machine = Machine::boot(&setup)?;
    assert!(machine.wait_for(SHOWN, LIMIT)?.ends_with(&code));
    machine.wait_for("tandem answers", LIMIT)?;
    let wrong = json!({ "setup_code": "AAAAA-AAAAA", "password": "wide open sea" });
    assert_eq!(machine.request(("POST", "/v1.0/setup"), None, Some(&wrong))?.status, 403);
    let claim = json!({ "setup_code": code, "password": "wide open sea", "time_zone": "Europe/Berlin" });
    let claimed = machine.request(("POST", "/v1.0/setup"), None, Some(&claim))?;
    assert_eq!(claimed.status, 201, "{claimed:?}");
    let token = claimed.body["token"].as_str().context("a token")?.to_owned();
    assert_eq!(machine.request(("GET", "/v1.0/extensions"), Some(&token), None)?.status, 200);
    assert_eq!(machine.request(("POST", "/v1.0/setup"), None, Some(&claim))?.status, 409);
    machine.power_button()?;
    machine.wait_off(LIMIT)?;

    let mut machine = Machine::boot(&setup)?;
    machine.wait_for("tandem answers", LIMIT)?;
    assert!(!machine.console().contains(SHOWN), "it is somebody's");
    let login = json!({ "username": "admin", "password": "wide open sea" });
    assert_eq!(machine.request(("POST", "/auth/login"), None, Some(&login))?.status, 200);
    Ok(())
}
