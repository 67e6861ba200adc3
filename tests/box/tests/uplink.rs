//! The uplink is cut for what stands for a day, and comes back: every record arrives, once and in order.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use box_tests::namespace::{self, Uplink};
use box_tests::{Cloud, Exchange, sipp, soak, wait};
use serde_json::json;

#[test]
fn a_day_without_an_uplink_is_told_when_it_is_back() -> Result<()> {
    if namespace::enter("a_day_without_an_uplink_is_told_when_it_is_back")? {
        return Ok(());
    }
    let (uplink, home) = (Uplink::new()?, tempfile::tempdir()?);
    let far = Uplink::far(8_443);
    let cloud = Cloud::start_by(uplink.inside("/usr/bin/python3"), far, home.path(), &[])?;
    let url = format!("http://{far}");
    let exchange = Exchange::start_as(|plan| plan.arguments.extend(["--cloud-url", &url].map(str::to_owned)))?;
    exchange.add_extension("1001")?;
    exchange.add_number("500", json!([{"type": "answer"}, {"type": "sleep", "option": {"duration": 60_000}}]))?;
    cloud.await_all_of(&exchange)?;

    uplink.cut()?;
    let calls: u64 = soak::of(100, 10_000);
    let begin = Instant::now();
    let scenario = sipp::call("500", r#"<pause milliseconds="50"/>"#);
    let rate = soak::of("50", "100");
    sipp::start(&exchange, &scenario, &["-m", &calls.to_string(), "-r", rate, "-l", "30"])?
        .end(Duration::from_secs(30 + calls / 10))?;
    let state = wait::until("everything to be written down", || {
        exchange.get("/v1.0/cloud").ok().filter(|state| state["waiting"].as_u64() > Some(4 * calls))
    })?;
    ensure!(state["status"] != "idle", "{state}");
    println!("{calls} calls in {:?} without an uplink: {} records wait", begin.elapsed(), state["waiting"]);

    uplink.mend()?;
    let (begin, before) = (Instant::now(), state["taken"].as_u64().context("a number")?);
    let state = cloud.await_all_of(&exchange)?;
    let came = state["taken"].as_u64().context("a number")? - before;
    println!("{came} records {:?} after it was back, {} a second", begin.elapsed(), state["records_per_second"]);
    let over = cloud.ask("SELECT count(DISTINCT json_extract(data, '$.id')) FROM record WHERE type = 'call_hungup'")?;
    assert_eq!(over, calls.to_string(), "the record of every call");
    assert_eq!(cloud.ask("SELECT count(*) FROM record WHERE class = 'call'")?, calls.to_string(), "and each once");
    exchange.assert_no_errors();
    Ok(())
}
