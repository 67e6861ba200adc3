//! Everything of a box goes into one file, and comes back on another; a file with anything wrong changes nothing.

use std::fs;
use std::io::Read;
use std::time::Duration;

use anyhow::{Context, Result};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use box_tests::baresip::Setup;
use box_tests::exchange::ADMIN_PASSWORD;
use box_tests::{Api, Exchange, SmallDisk, wait};
use serde_json::{Value, json};

const PASSPHRASE: &str = "correct horse battery stäple";
/// What nobody may find in what leaves the box.
const SECRETS: [&str; 7] =
    ["secret1001", "secret1002", "provider-hunter2", "trunk-hunter2", "anna-hunter2", "hook-hunter2", "turn-hunter2"];

/// An exchange with HTTPS, so that it has an authority of its own, and a secret that a variable says once.
fn exchange() -> Result<Exchange> {
    Exchange::start_as(|plan| {
        let https = format!("127.0.0.1:{}", ports::free(1));
        plan.arguments = ["--https", &https].map(str::to_owned).to_vec();
    })
}

fn agent() -> ureq::Agent {
    ureq::Agent::config_builder().timeout_global(Some(wait::PATIENCE)).http_status_as_error(false).build().into()
}

/// A backup, as it is downloaded.
fn back_up(exchange: &Api, recordings: bool) -> Result<Vec<u8>> {
    let bearer = format!("Bearer {}", exchange.token());
    let asked = agent().post(exchange.url("/v1.0/system/backup")).header("Authorization", bearer);
    let mut answer = asked.send_json(json!({ "passphrase": PASSPHRASE, "recordings": recordings }))?;
    assert_eq!(answer.status(), 200);
    let mut file = Vec::new();
    answer.body_mut().as_reader().read_to_end(&mut file)?;
    Ok(file)
}

/// Status and body of what a box says of a backup.
fn restore(exchange: &Api, file: &[u8], passphrase: &str) -> Result<(u16, Value)> {
    let asked = agent().post(exchange.url("/v1.0/system/restore"));
    let asked = asked.header("Authorization", format!("Bearer {}", exchange.token()));
    let mut answer = asked.header("X-Backup-Passphrase", STANDARD.encode(passphrase)).send(file)?;
    Ok((answer.status().as_u16(), answer.body_mut().read_json()?))
}

fn raw(exchange: &Api, path: &str) -> Result<Vec<u8>> {
    let asked = agent().get(exchange.url(path)).header("Authorization", format!("Bearer {}", exchange.token()));
    let mut answer = asked.call()?;
    let mut octets = Vec::new();
    answer.body_mut().as_reader().read_to_end(&mut octets)?;
    Ok(octets)
}

/// What is set up, as the API shows it.
fn set_up(exchange: &Api) -> Result<Vec<Value>> {
    let all = ["extensions", "flows", "numbers", "providers", "trunks", "agents", "customer", "recordings", "calls"];
    let shown = all.map(|what| exchange.get(&format!("/v1.0/{what}?page_size=100")));
    let mut shown = shown.into_iter().collect::<Result<Vec<_>>>()?;
    // Which phones are there is another matter.
    for extension in shown[0]["result"].as_array_mut().into_iter().flatten() {
        extension["registrations"] = Value::Null;
    }
    // Links are signed for an hour.
    for recording in shown[7]["result"].as_array_mut().into_iter().flatten() {
        recording["url"] = Value::Null;
    }
    Ok(shown)
}

/// Sets up one of everything, and has two phones talk and be recorded; gives the recording's id.
fn fill(exchange: &Exchange) -> Result<String> {
    exchange.add_number("+4930123", json!([{ "type": "answer" }, { "type": "hangup" }]))?;
    let provider = json!({ "name": "carrier", "hostname": "sip.carrier.example", "type": "sip",
        "username": "me", "password": "provider-hunter2" });
    exchange.post("/v1.0/providers", provider)?;
    let trunk = json!({ "name": "office", "domain_name": "office", "auth_types": ["basic"],
        "username": "trunk", "password": "trunk-hunter2" });
    exchange.post("/v1.0/trunks", trunk)?;
    let anna =
        json!({ "username": "anna@example.org", "password": "anna-hunter2", "name": "Anna", "permission": "admin" });
    exchange.post("/v1.0/agents", anna)?;
    exchange.put("/v1.0/customer/metadata", json!({ "webhook_secret": "hook-hunter2" }))?;
    fs::create_dir_all(exchange.folder().join("sounds/de"))?;
    fs::write(exchange.folder().join("sounds/de/hello.wav"), b"RIFF: a prompt")?;

    let mut caller = Setup::new(exchange, "1001").registered(exchange)?;
    let mut callee = Setup::new(exchange, "1002").playing(1_000).answering().registered(exchange)?;
    caller.dial("1002")?;
    caller.await_event("CALL_ESTABLISHED")?;
    callee.await_event("CALL_ESTABLISHED")?;
    let up = |call: &Value| call["direction"] == "incoming" && call["status"] == "progressing";
    let call = exchange.await_call("the call", up)?;
    let id = exchange.record(call["id"].as_str().context("a call has an id")?, json!({}))?;
    wait::let_pass(Duration::from_secs(2));
    caller.command("hangup", "")?;
    callee.await_event("CALL_CLOSED")?;
    exchange.await_ended(&id)?;
    Ok(id)
}

/// Logs in where the exchange has started anew.
fn log_in(exchange: &Exchange) -> Result<Api> {
    wait::until("the exchange to start anew with the backup", || {
        let api = Api::new(exchange.http(), exchange.sip, ADMIN_PASSWORD).ok()?;
        let events = exchange.folder().join("restore.ready");
        let there = api.get("/v1.0/numbers").ok()?["result"].as_array().is_some_and(|list| !list.is_empty());
        (there && !events.exists()).then_some(api)
    })
}

fn holds(file: &[u8], text: &str) -> bool {
    file.windows(text.len()).any(|part| part == text.as_bytes())
}

#[test]
fn everything_comes_back_on_another_box() -> Result<()> {
    let old = exchange()?;
    let id = fill(&old)?;
    let (before, authority) = (set_up(&old)?, raw(&old, "/authority.pem")?);
    let recording = fs::read(old.fetch_recording(&old.get(&format!("/v1.0/recordings/{id}"))?)?.path)?;
    let file = back_up(&old, true)?;
    for secret in SECRETS.into_iter().chain(["carrier.example", "Anna", "PRIVATE KEY"]) {
        assert!(!holds(&file, secret), "{secret} can be read in the backup");
    }
    assert!(!old.folder().join("backup.part").exists(), "the copy of the database is gone");
    old.assert_no_errors();
    drop(old);

    let new = exchange()?;
    assert_ne!(raw(&new, "/authority.pem")?, authority, "it is another box");
    let process = new.process.pid();
    let (status, said) = restore(&new, &file, PASSPHRASE)?;
    assert_eq!(status, 202, "{said}");
    assert_eq!(said["backup"]["recordings"], true, "{said}");
    let api = log_in(&new)?;
    assert_eq!(new.process.pid(), process, "whoever watches the process sees it go on");
    assert_eq!(set_up(&api)?, before);
    assert_eq!(raw(&api, "/authority.pem")?, authority, "who trusted the old box trusts this one");
    assert_eq!(fs::read(new.folder().join("sounds/de/hello.wav"))?, b"RIFF: a prompt");
    let again = api.fetch_recording(&api.get(&format!("/v1.0/recordings/{id}"))?)?;
    assert!(fs::read(&again.path)? == recording, "the recording plays as before");
    for gone in ["restore.part", "restore.ready", "restore.cleared", "restore.old"] {
        assert!(!new.folder().join(gone).exists(), "{gone}");
    }
    let anna = json!({ "username": "anna@example.org", "password": "anna-hunter2" });
    api.post("/auth/login", anna).context("Anna's password counts")?;
    let mut phone = Setup::new(&api, "1001").start()?;
    phone.await_registered().context("with the password of the old box")?;
    let mut other = Setup::new(&api, "1002").playing(1_000).answering().start()?;
    other.await_registered()?;
    phone.dial("1002")?;
    other.await_event("CALL_ESTABLISHED")?;
    new.assert_no_errors();
    Ok(())
}

#[test]
fn what_is_wrong_with_a_file_is_said_and_nothing_is_changed() -> Result<()> {
    let old = exchange()?;
    old.add_extension("1001")?;
    let file = back_up(&old, false)?;
    let new = exchange()?;
    new.add_extension("2002")?;
    let before = set_up(&new)?;
    let mut flipped = file.clone();
    flipped[file.len() / 2] ^= 1;
    let mut newer = file.clone();
    newer["TANDEM-BACKUP ".len()] = b'2';
    let cut = &file[..file.len() - 100];
    for (file, passphrase, reason, sentence) in [
        (&file[..], "another passphrase", "PASSPHRASE_WRONG", "the passphrase is wrong"),
        (b"PK\x03\x04", PASSPHRASE, "BACKUP_FOREIGN", "no backup of Tandem"),
        (b"", PASSPHRASE, "BACKUP_FOREIGN", "no backup of Tandem"),
        (cut, PASSPHRASE, "BACKUP_CUT_SHORT", "cut short"),
        (&flipped, PASSPHRASE, "BACKUP_", "the backup is"),
        (&newer, PASSPHRASE, "BACKUP_NEWER", "newer"),
    ] {
        let (status, said) = restore(&new, file, passphrase)?;
        let (told, message) = (said["error"]["reason"].to_string(), said["error"]["message"].to_string());
        assert!(status == 400 && told.contains(reason) && message.contains(sentence), "{status} {said}");
    }
    let weak =
        new.post("/v1.0/system/backup", json!({ "passphrase": "short" })).expect_err("it is guessed").to_string();
    assert!(weak.contains("PASSPHRASE_WEAK"), "{weak}");
    assert_eq!(set_up(&new)?, before, "nothing is changed");
    assert!(!new.folder().join("restore.part").exists());
    let new = new.stop_and_restart()?;
    assert_eq!(set_up(&new)?, before, "nor after the next start");
    new.assert_no_errors();
    Ok(())
}

#[test]
fn on_a_full_disk_nothing_is_changed() -> Result<()> {
    let old = exchange()?;
    old.add_extension("1001")?;
    // What does not compress.
    fs::create_dir_all(old.folder().join("sounds"))?;
    let mut noise = vec![0; 24 << 20];
    fs::File::open("/dev/urandom")?.read_exact(&mut noise)?;
    fs::write(old.folder().join("sounds/noise.wav"), noise)?;
    let file = back_up(&old, false)?;
    let disk = SmallDisk::new(40)?;
    let small = disk.plan().start()?;
    small.add_extension("2002")?;
    let before = set_up(&small)?;
    let (status, said) = restore(&small, &file, PASSPHRASE)?;
    assert_eq!((status, &said["error"]["reason"]), (503, &"DISK_FULL".into()), "{said}");
    assert_eq!(set_up(&small)?, before);
    small.add_extension("2003").context("there is room again")?;
    disk.fill()?;
    let (status, said) = {
        let bearer = format!("Bearer {}", small.token());
        let asked = agent().post(small.url("/v1.0/system/backup")).header("Authorization", bearer);
        let mut answer = asked.send_json(json!({ "passphrase": PASSPHRASE }))?;
        (answer.status().as_u16(), answer.body_mut().read_json::<Value>()?)
    };
    assert_eq!((status, &said["error"]["reason"]), (503, &"DISK_FULL".into()), "{said}");
    Ok(())
}

#[test]
fn no_secret_leaves_by_logs_or_diagnostics() -> Result<()> {
    let exchange = Exchange::start_as(|plan| {
        plan.arguments = ["--ice-servers", "turn:turn.example:3478"].map(str::to_owned).to_vec();
        plan.variables.push(("TANDEM_TURN_SECRET".into(), "turn-hunter2".into()));
        // Everything that there is to say.
        plan.variables.push(("TANDEM_LOG".into(), "debug,lapin=off".into()));
    })?;
    fill(&exchange)?;
    let body = json!({ "webhook_method": "POST", "webhook_uri": "http://me:hook-hunter2@192.0.2.1/hook-hunter2?token=hook-hunter2" });
    exchange.put("/v1.0/customer", body)?;
    let logs = exchange.get("/v1.0/system/logs")?;
    let lines = logs["result"].as_array().context("lines")?;
    assert!(lines.len() > 10 && logs["last"].as_u64() >= Some(lines.len() as u64), "{logs}");
    let warned = exchange.get("/v1.0/system/logs?level=warn")?;
    let mut levels = warned["result"].as_array().into_iter().flatten().map(|line| &line["level"]);
    assert!(levels.all(|level| level == "warn" || level == "error"), "{warned}");

    let home = tempfile::tempdir()?;
    fs::write(home.path().join("diagnostics.tar.gz"), raw(&exchange, "/v1.0/system/diagnostics")?)?;
    let unpacked =
        std::process::Command::new("tar").args(["-xzf", "diagnostics.tar.gz"]).current_dir(&home).status()?;
    assert!(unpacked.success());
    let mut texts = vec![("the log".to_owned(), logs.to_string().into_bytes())];
    let root = home.path().join("tandem-diagnostics");
    for folder in ["", "configuration", "ladders"] {
        for entry in fs::read_dir(root.join(folder))? {
            let path = entry?.path();
            if path.is_file() {
                texts.push((path.display().to_string(), fs::read(&path)?));
            }
        }
    }
    for wanted in
        ["log.txt", "system.json", "calls.json", "configuration/extensions.json", "configuration/providers.json"]
    {
        assert!(root.join(wanted).exists(), "{wanted}");
    }
    assert!(fs::read_dir(root.join("ladders"))?.count() >= 2, "both legs have their ladders");
    for (name, octets) in &texts {
        for secret in SECRETS.into_iter().chain([ADMIN_PASSWORD, exchange.token()]) {
            assert!(!holds(octets, secret), "{secret} stands in {name}");
        }
    }
    Ok(())
}
