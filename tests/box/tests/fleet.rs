//! Many boxes meet at a RabbitMQ: every record of each comes into PostgreSQL once and in order, whatever happens on the way.

use std::collections::BTreeSet;
use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Context, Result, ensure};
use box_tests::certificates::Certificates;
use box_tests::child::{Child, give_to};
use box_tests::postgresql::Database;
use box_tests::rabbitmq::{ACCOUNT, python};
use box_tests::{Exchange, PostgreSql, RabbitMq, event_log, sipp, wait};
use serde_json::{Value, json};

const CALLS: usize = 5;
/// JSON as good as any, but PostgreSQL keeps no zeros in texts.
const NOT_FOR_POSTGRESQL: &str = r#"{"appliance_id":"00000000-0000-4000-8000-000000000001","key":"k","seq":1,"class":"event","type":"t","tm":"2026-11-22T10:16:00Z","data":{"a":"\u0000"}}"#;

/// A box that publishes to this address.
fn start(url: &str, further: &[&str]) -> Result<Exchange> {
    Exchange::start_as(|plan| {
        plan.arguments.extend(["--cloud-url", url].iter().chain(further).map(|word| word.to_string()));
        plan.variables.push(("TANDEM_CLOUD_TOKEN".into(), ACCOUNT.1.into()));
    })
}

/// The consumer of `examples/fleet`, which reads at this address.
fn consume(mq: SocketAddr, database: &Database, further: &[&str]) -> Result<Child> {
    let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/fleet/consumer.py");
    let (user, password) = ACCOUNT;
    let url = format!("amqp://{user}:{}@{mq}/%2F", password.replace(' ', "%20"));
    let mut command = Command::new("/usr/bin/python3");
    command.arg(program).args(["--amqp", &url, "--postgresql", &database.url]).args(further);
    let consumer = Child::start(&mut command)?;
    let ready = wait::until("the consumer", || consumer.said().iter().any(|line| line == "ready").then_some(()));
    ready.with_context(|| consumer.said().join("\n"))?;
    Ok(consumer)
}

/// A way to RabbitMQ on which nothing gets there any more, once that is wanted.
fn deaf_line(far: SocketAddr) -> Result<(SocketAddr, Arc<AtomicBool>)> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let (address, is_deaf) = (listener.local_addr()?, Arc::new(AtomicBool::new(false)));
    let own = Arc::clone(&is_deaf);
    std::thread::spawn(move || {
        for near in listener.incoming().flatten() {
            let Ok(far) = TcpStream::connect(far) else { continue };
            let ways = [(near.try_clone(), far.try_clone(), Arc::clone(&own)), (Ok(far), Ok(near), Arc::default())];
            for (from, to, is_deaf) in ways {
                let (Ok(from), Ok(to)) = (from, to) else { continue };
                std::thread::spawn(move || carry(from, to, &is_deaf));
            }
        }
    });
    Ok((address, is_deaf))
}

fn carry(mut from: TcpStream, mut to: TcpStream, is_deaf: &AtomicBool) {
    let mut octets = [0; 16_384];
    while let Ok(length @ 1..) = from.read(&mut octets) {
        if !is_deaf.load(Ordering::SeqCst) && to.write_all(&octets[..length]).is_err() {
            break;
        }
    }
    // Whoever hung up is gone for the other side, too.
    let _ = to.shutdown(Shutdown::Both);
}

/// Something happens that is told.
fn happen(exchange: &Exchange, count: usize) -> Result<()> {
    for _ in 0..count {
        let tag = exchange.post("/v1.0/tags", json!({"name": "sales", "detail": ""}))?;
        exchange.delete(&format!("/v1.0/tags/{}", tag["id"].as_str().context("it has an id")?))?;
    }
    Ok(())
}

fn call(exchange: &Exchange) -> Result<()> {
    sipp::run(exchange, &sipp::call("500", ""), &["-m", &CALLS.to_string(), "-r", "20"])
}

fn id(exchange: &Exchange) -> Result<String> {
    Ok(exchange.get("/v1.0/box")?["customer_id"].as_str().context("the box has an id")?.to_owned())
}

/// Waits until PostgreSQL has everything that happened, once and in order.
fn assert_all_there(exchange: &Exchange, database: &Database) -> Result<()> {
    let (id, mut missing) = (id(exchange)?, String::new());
    let all = wait::until("PostgreSQL to have everything", || {
        let found = is_all_there(exchange, &id, database);
        found.map_err(|error| missing = error.to_string()).ok()
    });
    all.with_context(|| format!("{missing}; {:?}", exchange.get("/v1.0/cloud")))
}

/// Says what is missing.
fn is_all_there(exchange: &Exchange, id: &str, database: &Database) -> Result<()> {
    let state = exchange.get("/v1.0/cloud")?;
    ensure!(state["status"] == "idle" && state["failure"].is_null(), "RabbitMQ has not everything");
    let cursor = database.ask(&format!("SELECT cursor FROM appliance WHERE id = '{id}'"))?;
    ensure!(cursor.parse().ok() == state["latest"].as_i64(), "PostgreSQL has everything up to {cursor}");
    let mut mine = Vec::new();
    for event in event_log::read(exchange)? {
        mine.push((event.seq, event.kind, serde_json::from_str::<Value>(event.data.get())?));
    }
    let question = format!(
        "SELECT json_build_array(seq, type, data, key) FROM record WHERE appliance_id = '{id}' ORDER BY position"
    );
    let mut theirs = Vec::new();
    for line in database.ask(&question)?.lines() {
        let (seq, kind, data, key): (i64, String, Value, String) = serde_json::from_str(line)?;
        assert_eq!(key, format!("{id}-{seq}"));
        theirs.push((seq, kind, data));
    }
    ensure!(mine == theirs, "{} happened, and {} are there, or in another order", mine.len(), theirs.len());
    Ok(())
}

#[test]
fn every_record_is_in_postgresql_once_and_in_order_whatever_happens() -> Result<()> {
    let certificates = Certificates::make()?;
    give_to("rabbitmq", certificates.path())?;
    let (folder, port) = (certificates.path().display(), ports::free(2));
    let server = std::thread::spawn(PostgreSql::start);
    // One node for both: Erlang takes seconds to begin.
    let mq = RabbitMq::start(&format!(
        "listeners.ssl.1 = 127.0.0.1:{port}\nssl_options.cacertfile = {folder}/authority.pem\n\
         ssl_options.certfile = {folder}/cloud.pem\nssl_options.keyfile = {folder}/cloud.key\n\
         ssl_options.verify = verify_peer\nssl_options.fail_if_no_peer_cert = true"
    ))?;
    let server = server.join().expect("nothing panics there")?;
    let (mq, consumer) = one_box_loses_nothing(mq, &server.own())?;
    drop(consumer);
    boxes_meet_over_tls_and_a_stream_is_read_once((certificates.path(), port), mq.address, &server.make("stream")?)
}

fn one_box_loses_nothing(mq: RabbitMq, database: &Database) -> Result<(RabbitMq, Child)> {
    let exchange = start(&format!("amqp://{}@{}", ACCOUNT.0, mq.address), &[])?;
    let actions = json!([{"type": "answer"}, {"type": "sleep", "option": {"duration": 20_000}}]);
    exchange.add_extension("1001")?;
    exchange.add_number("500", actions)?;

    // As long as no queue takes them, they stay in the box.
    wait::until("the box to be told that nobody listens", || {
        let state = exchange.get("/v1.0/cloud").ok()?;
        (state["failure"].as_str()?.contains("no queue") && state["cursor"] == 0).then_some(())
    })?;
    let (line, is_deaf) = deaf_line(mq.address)?;
    let mut consumer = consume(line, database, &[])?;
    call(&exchange)?;
    assert_all_there(&exchange, database)?;

    // The consumer is killed after it has committed, and before RabbitMQ hears of it.
    is_deaf.store(true, Ordering::SeqCst);
    happen(&exchange, 3)?;
    assert_all_there(&exchange, database)?;
    consumer.signal(libc::SIGKILL);
    consumer.wait(wait::PATIENCE).context("SIGKILL ends a process")?;

    // RabbitMQ loses power while records wait in it, and more happens meanwhile.
    happen(&exchange, 3)?;
    let mq = mq.crash_and_restart()?;
    call(&exchange)?;
    let consumer = consume(mq.address, database, &[])?;
    assert_all_there(&exchange, database)?;
    ensure!(consumer.said().iter().any(|line| is_again(line)), "it came twice: {:?}", consumer.said());
    assert_eq!(database.ask("SELECT count(*) FROM record WHERE class = 'call'")?, (2 * CALLS).to_string());

    // What is no record, or none that PostgreSQL takes, lies where people look at it, and stops nobody.
    publish(mq.address, "not a record")?;
    publish(mq.address, NOT_FOR_POSTGRESQL)?;
    happen(&exchange, 1)?;
    assert_all_there(&exchange, database)?;
    let mut dead = BTreeSet::new();
    wait::until("the dead letters", || {
        dead.extend(dead_letter(mq.address));
        (dead.len() == 2 && dead.contains("not a record") && dead.contains(NOT_FOR_POSTGRESQL)).then_some(())
    })?;

    // A queue that is full takes nothing more, and throws nothing away: the box waits until there is room.
    let full =
        "channel.queue_declare('small', durable=True, arguments={'x-max-length': 1, 'x-overflow': 'reject-publish'})";
    python(mq.address, &format!("{full}\nchannel.queue_bind('small', 'tandem.event', '#')"))?;
    happen(&exchange, 3)?;
    let state = wait::until("RabbitMQ to refuse a record", || {
        exchange.get("/v1.0/cloud").ok().filter(|state| state["failure"].is_string())
    })?;
    ensure!(state["failure"].as_str().is_some_and(|text| text.contains("could not keep")), "{state}");
    ensure!(state["waiting"] != 0 && state["cursor"].as_i64() < state["latest"].as_i64(), "{state}");
    python(mq.address, "channel.queue_delete('small')")?;
    assert_all_there(&exchange, database)?;
    exchange.assert_no_errors();
    Ok((mq, consumer))
}

/// Whether the consumer says that something came that it had.
fn is_again(line: &str) -> bool {
    line.ends_with("of them again") && !line.contains(", 0 of")
}

fn publish(mq: SocketAddr, text: &str) -> Result<()> {
    python(mq, &format!("channel.basic_publish('tandem.event', 'x.y.z', b'{text}')")).map(drop)
}

fn dead_letter(mq: SocketAddr) -> Result<String> {
    python(mq, "print(channel.basic_get('tandem.dead', auto_ack=True)[2].decode())")
}

fn boxes_meet_over_tls_and_a_stream_is_read_once(
    (folder, port): (&Path, u16),
    mq: SocketAddr,
    database: &Database,
) -> Result<()> {
    let file = |name: &str| folder.join(name).display().to_string();
    let roots = file("authority.pem");
    let stream = ["--stream", "--queue", "tandem.stream"];
    let mut consumer = consume(mq, database, &stream)?;

    // Who is not the RabbitMQ that is meant is told nothing, nor is who cannot be shown to be a box.
    let url = format!("amqps://{}@127.0.0.1:{port}", ACCOUNT.0);
    for (further, said) in [(vec![], "UnknownIssuer"), (vec!["--cloud-roots", &roots], "")] {
        let refused = start(&url, &further)?;
        let state = wait::until("the box to notice", || {
            refused.get("/v1.0/cloud").ok().filter(|state| state["failure"].is_string())
        })?;
        ensure!(state["failure"].as_str().is_some_and(|text| text.contains(said)), "{said}: {state}");
        assert_eq!(state["cursor"], 0);
    }
    let (own, own_key) = (file("box.pem"), file("box.key"));
    let own = ["--cloud-roots", &roots, "--cloud-certificate", &own, "--cloud-key", &own_key];
    let encrypted = start(&url, &own)?;
    let plain = start(&format!("amqp://{}@localhost:{}", ACCOUNT.0, mq.port()), &[])?;
    for exchange in [&encrypted, &plain] {
        happen(exchange, 5)?;
        assert_all_there(exchange, database)?;
    }

    consumer.signal(libc::SIGKILL);
    consumer.wait(wait::PATIENCE).context("SIGKILL ends a process")?;
    happen(&encrypted, 5)?;
    let consumer = consume(mq, database, &stream)?;
    assert_all_there(&encrypted, database)?;
    ensure!(
        !consumer.said().iter().any(|line| is_again(line)),
        "the place in the stream is kept: {:?}",
        consumer.said()
    );
    encrypted.assert_no_errors();
    plain.assert_no_errors();
    Ok(())
}
