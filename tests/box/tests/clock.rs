//! A wall clock that is years wrong until somebody tells the time, and one that jumps while calls are up.

use std::net::Ipv4Addr;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, ensure};
use box_tests::baresip::Setup;
use box_tests::{Cloud, Exchange, FalseClock, Phone, event_log, wait};
use serde_json::{Value, json};
use store::Timestamp;

/// How far back 1970 is, about, in days.
fn to_1970() -> Result<i64> {
    Ok(2 - (SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs() / 86_400) as i64)
}

fn moment(of: &Value) -> Option<f64> {
    Timestamp::parse(of.as_str()?).map(|at| at.0 as f64 / 1e6)
}

/// Seconds between what a call says and now.
fn age(of: &Value) -> Result<f64> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs_f64();
    Ok(now - moment(of).with_context(|| format!("a moment, not {of}"))?)
}

/// How long a call says that it was up.
fn talked(call: &Value) -> f64 {
    moment(&call["tm_hangup"]).unwrap_or_default() - moment(&call["tm_progressing"]).unwrap_or_default()
}

fn dial(exchange: &Exchange, caller: &mut Phone, callee: &mut Phone) -> Result<String> {
    caller.dial(&callee.setup.number.clone())?;
    caller.await_event("CALL_ESTABLISHED")?;
    callee.await_event("CALL_ESTABLISHED")?;
    let up = |call: &Value| call["direction"] == "incoming" && call["status"] == "progressing";
    let call = exchange.await_call("the call", up)?;
    Ok(call["id"].as_str().context("a call has an id")?.to_owned())
}

fn hang_up(exchange: &Exchange, caller: &mut Phone, callee: &mut Phone, id: &str) -> Result<Value> {
    caller.command("hangup", "")?;
    callee.await_event("CALL_CLOSED")?;
    exchange.await_call("its end", |call| call["id"] == *id && call["status"] == "hangup")
}

fn await_corrections(exchange: &Exchange, count: usize) -> Result<()> {
    wait::until("the exchange to notice", || {
        let log = event_log::read(exchange).ok()?;
        (log.iter().filter(|event| event.kind == "clock_corrected").count() == count).then_some(())
    })
}

#[test]
fn a_clock_that_is_years_wrong_does_no_harm() -> Result<()> {
    let home = tempfile::tempdir()?;
    let clock = FalseClock::off_by(to_1970()?, home.path())?;
    let cloud = (Ipv4Addr::LOCALHOST, ports::free(2)).into();
    let exchange = Exchange::start_as(|plan| {
        clock.give_to(plan);
        plan.arguments.extend(["--cloud-url", &format!("http://{cloud}"), "--recording-days", "1"].map(str::to_owned));
    })?;
    let mut caller = Setup::new(&exchange, "1001").playing(440).registered(&exchange)?;
    let mut callee = Setup::new(&exchange, "1002").playing(1_000).answering().registered(&exchange)?;

    // One call is over before the time is known, one is up when it comes.
    let first = dial(&exchange, &mut caller, &mut callee)?;
    let recording = exchange.record(&first, json!({"format": "wav", "duration": 1}))?;
    exchange.await_ended(&recording)?;
    let over = hang_up(&exchange, &mut caller, &mut callee, &first)?;
    ensure!(over["tm_hangup"].as_str().is_some_and(|at| at.starts_with("1970-01-0")), "{over}");
    let lasted = talked(&over);
    let second = dial(&exchange, &mut caller, &mut callee)?;
    clock.set(0)?;
    await_corrections(&exchange, 1)?;
    let over = hang_up(&exchange, &mut caller, &mut callee, &second)?;
    ensure!((0.0..20.0).contains(&talked(&over)) && age(&over["tm_progressing"])? < 60.0, "{over}");
    let call = exchange.get(&format!("/v1.0/calls/{first}"))?;
    ensure!(age(&call["tm_create"])? < 60.0 && (talked(&call) - lasted).abs() < 0.001, "dated anew: {call}");
    ensure!(exchange.get(&format!("/v1.0/recordings/{recording}"))?["metadata"]["stored"] == "box");

    // The cloud comes only now. It gets what the clock showed, and what it should have shown.
    let cloud = Cloud::start_at(cloud, home.path(), &[])?;
    let ended = format!("FROM record WHERE type = 'call_hungup' AND json_extract(data, '$.id') = '{first}'");
    wait::until("the record", || (cloud.ask(&format!("SELECT count(*) {ended}")).ok()? == "1").then_some(()))?;
    ensure!(cloud.ask(&format!("SELECT tm {ended}"))?.starts_with("1970-01-0"));
    ensure!(age(&json!(cloud.ask(&format!("SELECT tm_corrected {ended}"))?))? < 60.0);
    assert_eq!(cloud.ask("SELECT count(DISTINCT boot_id) FROM record")?, "1");
    let kernel = std::fs::read_to_string("/proc/sys/kernel/random/boot_id")?;
    assert_eq!(cloud.ask("SELECT boot_id FROM record LIMIT 1")?, kernel.trim());

    // Forward by seventy years and back, in a call: sessions count, phones are there, what is kept for a day stays.
    let third = dial(&exchange, &mut caller, &mut callee)?;
    clock.set(70 * 365)?;
    await_corrections(&exchange, 2)?;
    exchange.get("/v1.0/extensions").context("the session counts")?;
    for phone in ["1001", "1002"] {
        exchange.await_registrations(phone, 1)?;
    }
    let over = hang_up(&exchange, &mut caller, &mut callee, &third)?;
    ensure!((0.0..20.0).contains(&talked(&over)), "{over}");
    let fourth = dial(&exchange, &mut caller, &mut callee)?;
    let over = hang_up(&exchange, &mut caller, &mut callee, &fourth)?;
    ensure!((0.0..20.0).contains(&talked(&over)) && age(&over["tm_create"])? < -69.0 * 365.0 * 86_400.0, "{over}");
    ensure!(exchange.get("/healthz")?["uptime"].as_u64().is_some_and(|uptime| uptime < 600));
    clock.set(0)?;
    await_corrections(&exchange, 3)?;
    let fifth = dial(&exchange, &mut caller, &mut callee)?;
    let over = hang_up(&exchange, &mut caller, &mut callee, &fifth)?;
    ensure!((0.0..20.0).contains(&talked(&over)) && age(&over["tm_create"])? < 60.0, "{over}");
    let found = exchange.get(&format!("/v1.0/recordings/{recording}"))?;
    ensure!(found["metadata"]["stored"] == "box", "{found}");
    exchange.fetch_recording(&found)?;

    // Whatever the clock showed, the time since the boot only grew.
    let uptimes: Vec<i64> =
        event_log::read(&exchange)?.iter().filter_map(|event| event.moment).map(|moment| moment.uptime).collect();
    ensure!(uptimes.is_sorted_by(|a, b| *b - *a > -1_000_000) && uptimes.len() > 40, "{uptimes:?}");
    exchange.assert_no_errors();
    Ok(())
}
