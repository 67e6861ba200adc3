//! Records go to a cloud that knows nothing but docs/cloud-sync.md: every one, in order, each once at whoever uses the
//! key, whatever happens on the way; and to nobody who is not the cloud.

use std::time::Instant;

use anyhow::{Context, Result, ensure};
use box_tests::certificates::Certificates;
use box_tests::cloud::{BadLine, Fault};
use box_tests::{Cloud, Exchange, wait};
use serde_json::json;
use store::{Durability, Item, Store, Timestamp, customer};

fn start(url: &str, further: &[&str]) -> Result<Exchange> {
    Exchange::start_as(|plan| {
        plan.arguments.extend(["--cloud-url", url].iter().chain(further).map(|word| word.to_string()));
        plan.variables.push(("TANDEM_CLOUD_TOKEN".into(), "open sesame".into()));
    })
}

/// Something happens that is told.
fn happen(exchange: &Exchange, count: usize) -> Result<()> {
    for _ in 0..count {
        let tag = exchange.post("/v1.0/tags", json!({"name": "sales", "detail": ""}))?;
        exchange.delete(&format!("/v1.0/tags/{}", tag["id"].as_str().context("it has an id")?))?;
    }
    Ok(())
}

#[test]
fn every_record_comes_once_and_in_order_whatever_happens() -> Result<()> {
    use Fault::{Cut, HalfAnswer, LostAnswer, None, Status, Twice};
    let home = tempfile::tempdir()?;
    let cloud = Cloud::start(home.path(), &["--token", "open sesame"])?;
    let faults = [LostAnswer, Twice, Status(500), None, HalfAnswer, Twice, Cut, None, Status(429), None, Status(413)];
    let line = BadLine::to(cloud.address, &faults)?;
    let mut exchange = start(&format!("http://{}", line.address), &[])?;
    let id = exchange.get("/v1.0/box")?["customer_id"].as_str().context("the box has an id")?.to_owned();

    // The box is killed again and again while it sends.
    for _ in 0..4 {
        happen(&exchange, 20)?;
        wait::until("something to go", || (line.left() < faults.len()).then_some(()))?;
        exchange = exchange.crash_and_restart()?;
    }
    for left in [4, 0] {
        wait::until("all of it to go wrong", || {
            happen(&exchange, 1).ok()?;
            (line.left() <= left).then_some(())
        })?;
    }
    cloud.await_all_of(&exchange)?;
    let first = cloud.ask("SELECT key FROM record ORDER BY seq LIMIT 1")?;
    assert_eq!(first, format!("{id}-1"));
    assert_eq!(cloud.ask("SELECT group_concat(DISTINCT class) FROM record")?, "event");

    // The cloud is away for a while; then it comes back with what it had.
    let (address, before) = (cloud.address, cloud.count()?);
    drop(cloud);
    happen(&exchange, 10)?;
    wait::until("the box to notice", || {
        exchange.get("/v1.0/cloud").ok().filter(|state| state["status"] == "waiting" && state["waiting"] != 0)
    })?;
    let cloud = Cloud::start_at(address, home.path(), &["--token", "open sesame"])?;
    cloud.await_all_of(&exchange)?;
    ensure!(cloud.count()? >= before + 20);

    // It has lost its last records, and gets them again.
    cloud.ask("DELETE FROM record WHERE seq > 5; UPDATE appliance SET cursor = 5")?;
    happen(&exchange, 1)?;
    wait::until("the lost ones", || cloud.count().ok().filter(|count| *count >= before + 22))?;
    cloud.await_all_of(&exchange)?;
    exchange.assert_no_errors();
    Ok(())
}

#[test]
fn a_cloud_that_asks_is_shown_who_the_box_is() -> Result<()> {
    let home = tempfile::tempdir()?;
    let made = Certificates::make()?;
    let roots = made.roots();
    // The right one has the box show who it is; receivers.rs knows the others.
    let [certificate, key] = made.pair("cloud");
    let with_clients = ["--certificate", &certificate, "--key", &key, "--clients", &roots];
    let cloud = Cloud::start(home.path(), &with_clients)?;
    let url = format!("https://{}", cloud.address);
    let unknown = start(&url, &["--cloud-roots", &roots])?;
    wait::until("the box to be refused", || {
        unknown.get("/v1.0/cloud").ok().filter(|state| state["failure"].is_string())
    })?;
    assert_eq!(cloud.count()?, 0);
    let [own, own_key] = made.pair("box");
    let own = ["--cloud-roots", &roots, "--cloud-certificate", &own, "--cloud-key", &own_key];
    let exchange = start(&url, &own)?;
    cloud.await_all_of(&exchange)?;
    ensure!(cloud.count()? > 0);
    Ok(())
}

#[test]
fn what_waited_goes_fast() -> Result<()> {
    const MANY: i64 = 20_000;
    let home = tempfile::tempdir()?;
    let cloud = Cloud::start(home.path(), &[])?;
    let url = format!("http://{}", cloud.address);
    let exchange = Exchange::start_as(|plan| {
        plan.arguments.extend(["--cloud-url", &url].map(str::to_owned));
        std::fs::create_dir_all(&plan.folder).expect("the temporary folder is writable");
        let (_store, mut writer) = Store::open(&plan.folder.join("tandem.db"), "tandem", &[7; 64]).expect("a database");
        let change =
            customer::Change { name: Some("An office with much to tell".into()), ..customer::Change::default() };
        let item = Item::CustomerUpdated(Box::new(change), Timestamp(1_795_342_560_000_000));
        for _ in 0..MANY / 1_000 {
            writer.write(&vec![item.clone(); 1_000], Durability::Batched).expect("there is room");
        }
    })?;
    let begin = Instant::now();
    wait::until("all of it", || cloud.count().ok().filter(|count| *count >= MANY))?;
    cloud.await_all_of(&exchange)?;
    let rate = exchange.get("/v1.0/cloud")?["records_per_second"].as_f64().context("it is measured")?;
    println!("{MANY} records in {:?}, {rate:.0} a second in the last go", begin.elapsed());
    // A debug build on a busy machine; bench has the figure that counts.
    ensure!(rate > 500.0 || begin.elapsed().as_secs() < 15, "{rate}");
    Ok(())
}
