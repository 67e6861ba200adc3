//! The network by the API: what is confirmed stays, what is not comes back by itself, however far away the box was meanwhile.
use std::time::Duration;

use anyhow::{Context, Result};
use qemu::{Disk, Machine, Setup};
use serde_json::{Value, json};

const LIMIT: Duration = Duration::from_secs(60);
/// A change has a minute to be confirmed.
const TRIAL: Duration = Duration::from_secs(90);
const PASSWORD: &str = "correct horse battery";
const NETWORK: &str = "/v1.0/system/network";

fn boot(setup: &Setup) -> Result<(Machine, String)> {
    let mut machine = Machine::boot(setup)?;
    machine.wait_for("tandem answers", LIMIT)?;
    let login = json!({ "username": "admin", "password": PASSWORD });
    let login = machine.request(("POST", "/auth/login"), None, Some(&login))?;
    let token = login.body["token"].as_str().with_context(|| format!("{login:?}"))?.to_owned();
    Ok((machine, token))
}

fn get(machine: &Machine, token: &str) -> Result<Value> {
    Ok(machine.request(("GET", NETWORK), Some(token), None)?.body)
}

/// QEMU's network has the box at 10.0.2.15 and nowhere else.
fn fixed(address: &str) -> Value {
    json!({
        "hostname": "front-desk",
        "ipv4": { "method": "static", "addresses": [address, "192.0.2.9/24"], "gateway": "10.0.2.2" },
        "ipv6": { "method": "static", "addresses": ["fd00:1::9/64"], "gateway": null },
        "name_servers": ["10.0.2.3"],
    })
}

#[test]
fn what_is_confirmed_stays_over_a_restart() -> Result<()> {
    let disk = Disk::fresh()?;
    let setup = Setup::new(&disk)?.word(format!("tandem.admin_password=\"{PASSWORD}\""));
    let (mut machine, token) = boot(&setup)?;
    let shown = get(&machine, &token)?;
    assert_eq!(shown["settings"]["ipv4"]["addresses"], json!(["10.0.2.15/24"]), "the command line counts: {shown}");
    assert_eq!(shown["mdns_name"], "tandem.local", "{shown}");
    let wrong = machine.request(("PUT", NETWORK), Some(&token), Some(&json!({ "vlan": 5000 })))?;
    assert_eq!((wrong.status, &wrong.body["error"]["details"][0]["field"]), (400, &json!("vlan")), "{wrong:?}");
    assert_eq!(machine.request(("POST", "/v1.0/system/network/confirm"), Some(&token), None)?.status, 409);

    let tried = machine.request(("PUT", NETWORK), Some(&token), Some(&fixed("10.0.2.15/24")))?;
    assert_eq!((tried.status, &tried.body["trial"]["settings"]["hostname"]), (200, &json!("front-desk")), "{tried:?}");
    machine.wait_for("the network is changed, on trial", LIMIT)?;
    machine.wait_for("eth0 has fd00:1::9/64", LIMIT)?;
    machine.wait_for("the box is found as front-desk.local", LIMIT)?;
    let confirmed = machine.request(("POST", "/v1.0/system/network/confirm"), Some(&token), None)?;
    assert_eq!((confirmed.status, &confirmed.body["trial"]), (200, &Value::Null), "{confirmed:?}");
    let addresses = confirmed.body["addresses"].to_string();
    assert!(["10.0.2.15/24", "192.0.2.9/24", "fd00:1::9/64"].iter().all(|one| addresses.contains(one)), "{addresses}");
    machine.power_button()?;
    machine.wait_off(LIMIT)?;

    let (machine, token) = boot(&setup)?;
    let shown = get(&machine, &token)?;
    assert_eq!(shown["settings"]["hostname"], "front-desk", "it wins over the command line: {shown}");
    assert!(shown["addresses"].to_string().contains("fd00:1::9/64"), "{shown}");
    Ok(())
}

#[test]
fn what_nobody_confirms_comes_back_by_itself() -> Result<()> {
    let disk = Disk::fresh()?;
    let setup = Setup::new(&disk)?.word(format!("tandem.admin_password=\"{PASSWORD}\""));
    let (mut machine, token) = boot(&setup)?;
    // A VLAN that nobody else is in: the box is gone for everybody.
    let mut away = fixed("10.0.2.15/24");
    away["vlan"] = json!(20);
    assert_eq!(machine.request(("PUT", NETWORK), Some(&token), Some(&away))?.status, 200);
    machine.wait_for("eth0.20 has 10.0.2.15/24", LIMIT)?;
    machine.wait_for("nobody has confirmed the network, it is as it was before", TRIAL)?;
    machine.wait_for("eth0 has 10.0.2.15/24", LIMIT)?;
    let shown = get(&machine, &token)?;
    assert_eq!((&shown["trial"], &shown["settings"]["hostname"]), (&Value::Null, &json!("tandem")), "{shown}");

    // The power goes in the middle of a trial.
    assert_eq!(machine.request(("PUT", NETWORK), Some(&token), Some(&fixed("10.0.2.77/24")))?.status, 200);
    machine.wait_for("eth0 has 10.0.2.77/24", LIMIT)?;
    machine.kill()?;
    let (machine, token) = boot(&setup)?;
    assert_eq!(get(&machine, &token)?["settings"]["hostname"], "tandem");
    Ok(())
}
