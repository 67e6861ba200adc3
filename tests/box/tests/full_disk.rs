//! A disk without room: calls and phones do not notice, people are told, and nothing is lost once there is room again.

use std::time::Duration;

use anyhow::{Context, Result};
use box_tests::baresip::Setup;
use box_tests::web_server::give;
use box_tests::{Cloud, Exchange, Phone, SmallDisk, WebServer, wait};
use serde_json::json;

const MEGABYTES: u32 = 8;

fn phones(exchange: &Exchange) -> Result<(Phone, Phone)> {
    let caller = Setup::new(exchange, "1001").playing(440).start()?;
    let callee = Setup::new(exchange, "1002").playing(1000).answering().start()?;
    caller.await_registered()?;
    callee.await_registered()?;
    Ok((caller, callee))
}

fn talk(caller: &mut Phone, callee: &mut Phone) -> Result<()> {
    caller.dial("1002")?;
    caller.await_event("CALL_ESTABLISHED")?;
    callee.await_event("CALL_ESTABLISHED")?;
    wait::let_pass(Duration::from_secs(2));
    caller.command("hangup", "")?;
    callee.await_event("CALL_CLOSED")?;
    Ok(())
}

/// Status and text of an answer that needs no log-in.
fn open_answer(exchange: &Exchange, path: &str) -> Result<(u16, String)> {
    let agent: ureq::Agent = ureq::Agent::config_builder().http_status_as_error(false).build().into();
    let mut answer = agent.get(exchange.url(path)).call()?;
    Ok((answer.status().as_u16(), answer.body_mut().read_to_string()?))
}

fn await_health(exchange: &Exchange, wanted: u16) -> Result<String> {
    wait::until(&format!("/healthz to say {wanted}"), || {
        open_answer(exchange, "/healthz").ok().filter(|(status, _)| *status == wanted).map(|(_, text)| text)
    })
}

#[test]
fn calls_go_on_and_nothing_is_lost() -> Result<()> {
    let disk = SmallDisk::new(MEGABYTES)?;
    let exchange = disk.plan().start()?;
    for number in ["1001", "1002", "1003"] {
        exchange.add_extension(number)?;
    }
    let (mut caller, mut callee) = phones(&exchange)?;
    disk.fill()?;
    talk(&mut caller, &mut callee)?;
    let mut latecomer = Setup::new(&exchange, "1003").start()?;
    latecomer.await_registered()?;
    caller.dial("1003")?;
    latecomer.await_event("CALL_INCOMING")?;
    caller.command("hangup", "")?;
    latecomer.await_event("CALL_CLOSED")?;

    let sick = await_health(&exchange, 503)?;
    assert!(sick.contains("the disk is full"), "{sick}");
    assert_eq!(open_answer(&exchange, "/livez")?.0, 200, "that is no reason to start anew");
    assert_eq!(exchange.metric("store_failing")?, 1);
    assert!(exchange.metric("store_waiting")? > 0);
    let refused = exchange.post("/v1.0/extensions", json!({"extension": "1004", "password": "secret1004"}));
    let refused = refused.expect_err("nothing can be promised").to_string();
    assert!(refused.contains("503") && refused.contains("the disk is full"), "{refused}");
    assert_eq!(exchange.calls()?.len(), 0, "what is not on the disk is not shown as if it were");

    disk.free()?;
    await_health(&exchange, 200)?;
    let talked = |call: &serde_json::Value| call["direction"] == "incoming" && !call["tm_progressing"].is_null();
    let call = exchange.await_call("the record of the call", talked)?;
    assert_eq!((&call["status"], &call["hangup_reason"]), (&"hangup".into(), &"normal".into()), "{call}");
    exchange.await_registrations("1003", 1)?;
    assert!(exchange.registrations("1004").is_err(), "what was refused did not happen");
    assert_eq!((exchange.metric("facts_lost_total")?, exchange.metric("store_failing")?), (0, 0));
    assert_eq!(exchange.said("the database cannot be written").len(), 1, "it is said once");
    assert_eq!(exchange.said("the database can be written again").len(), 1);
    disk.check_database()?;
    caller.heard()?.assert_tone(1000);
    callee.heard()?.assert_tone(440);
    Ok(())
}

fn starts_on_a_full_disk(end: impl Fn(&mut Exchange, &SmallDisk) -> Result<()>) -> Result<()> {
    let disk = SmallDisk::new(MEGABYTES)?;
    let mut exchange = disk.plan().start()?;
    exchange.add_extension("1001")?;
    exchange.add_extension("1002")?;
    end(&mut exchange, &disk)?;
    let exchange = exchange.restart()?;
    let (mut caller, mut callee) = phones(&exchange)?;
    talk(&mut caller, &mut callee)?;
    disk.fill()?;
    await_health(&exchange, 503)?;
    disk.free()?;
    await_health(&exchange, 200)?;
    exchange.await_call("the record of the call", |call| call["status"] == "hangup")?;
    disk.check_database()
}

#[test]
fn it_starts_on_a_full_disk_after_a_crash() -> Result<()> {
    starts_on_a_full_disk(|exchange, disk| {
        disk.fill()?;
        await_health(exchange, 503)?;
        exchange.process.signal(libc::SIGKILL);
        exchange.process.wait(wait::PATIENCE).context("SIGKILL ends a process")?;
        Ok(())
    })
}

#[test]
fn it_starts_on_a_full_disk_after_an_orderly_end() -> Result<()> {
    starts_on_a_full_disk(|exchange, disk| {
        assert!(exchange.terminate());
        disk.fill()
    })?;
    Ok(())
}

#[test]
fn what_is_lost_at_the_end_is_counted_and_said() -> Result<()> {
    let disk = SmallDisk::new(MEGABYTES)?;
    let mut exchange = disk.plan().start()?;
    exchange.add_extension("1001")?;
    exchange.add_extension("1002")?;
    let (mut caller, mut callee) = phones(&exchange)?;
    exchange.await_registrations("1001", 1)?;
    disk.fill()?;
    talk(&mut caller, &mut callee)?;
    await_health(&exchange, 503)?;
    exchange.process.signal(libc::SIGTERM);
    let status = exchange.process.wait(wait::PATIENCE).context("it ends all the same")?;
    assert!(!status.success(), "{status}");
    let said = exchange.said("facts could not be written");
    assert_eq!(said.len(), 1, "{:#?}", exchange.process.said());
    disk.free()?;
    let exchange = exchange.restart()?;
    assert_eq!(exchange.registrations("1001")?.len(), 1, "what was there before is there still");
    exchange.assert_no_errors();
    disk.check_database()
}

#[test]
fn everybody_is_told_once_there_is_room() -> Result<()> {
    let (disk, home) = (SmallDisk::new(MEGABYTES)?, tempfile::tempdir()?);
    let server = WebServer::start(|_, connection| give(connection, 200, ("text/plain", b"ok")))?;
    let cloud = Cloud::start(home.path(), &[])?;
    let mut plan = disk.plan();
    let (own, url) = (server.address.to_string(), format!("http://{}", cloud.address));
    plan.arguments.extend(["--own-web-servers", &own, "--cloud-url", &url].map(str::to_owned));
    let exchange = plan.start()?;
    exchange.add_extension("1001")?;
    exchange.add_extension("1002")?;
    exchange.put("/v1.0/customer", json!({"webhook_uri": server.url("/"), "webhook_method": "POST"}))?;
    let first = exchange.get("/healthz")?["latest_event"].as_i64().context("a number")?;
    let (mut caller, mut callee) = phones(&exchange)?;
    disk.fill()?;
    talk(&mut caller, &mut callee)?;
    await_health(&exchange, 503)?;
    let told = server.asked().len();
    wait::let_pass(Duration::from_secs(2));
    // What had been committed before may still have been on its way.
    assert!(server.asked().len() <= told + 1, "what is not on the disk is told to nobody");

    disk.free()?;
    await_health(&exchange, 200)?;
    exchange.await_call("the record of the call", |call| call["status"] == "hangup")?;
    let state = wait::until("the cloud to have everything", || {
        exchange.get("/v1.0/cloud").ok().filter(|state| state["status"] == "idle")
    })?;
    let last = state["latest"].as_i64().context("a number")?;
    assert_eq!(cloud.ask("SELECT count(*) = max(seq) FROM record")?, "1", "without gaps");
    assert_eq!(cloud.ask("SELECT count(*) FROM record WHERE type = 'call_hungup'")?, "2");
    let delay = cloud.ask("SELECT json_extract(data, '$.reason') FROM record WHERE type = 'database_delayed'")?;
    assert!(delay.contains("the disk is full"), "{delay:?}");
    let ids = || -> Vec<i64> {
        let id = |line: &String| line.strip_prefix("x-tandem-event-id: ")?.parse().ok();
        server.asked().iter().filter_map(|asked| asked.head.iter().find_map(id)).collect()
    };
    wait::until("the web server to have everything", || (ids().last() >= Some(&last)).then_some(()))?;
    let mut ids = ids();
    ids.dedup();
    assert!(ids.iter().copied().eq(first..=ids[ids.len() - 1]), "in order, and none is missing: {ids:?}");
    assert_eq!(exchange.metric("facts_lost_total")?, 0);
    disk.check_database()
}
