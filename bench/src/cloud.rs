//! How fast records go to a cloud that has been away: 20,000 events in the log, and on loopback a receiver that only reads them, or
//! a RabbitMQ with a quorum queue.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::sync::mpsc::{self, Sender};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use box_tests::{RabbitMq, rabbitmq};
use flate2::read::GzDecoder;
use serde_json::{Value, json};
use store::sealed::BoxKey;
use store::{Durability, Item, Store, Timestamp, customer};

use crate::print;
use crate::server::Prepared;

/// Records that wait: each some 700 octets.
const WAITING: i64 = 20_000;
/// Written in one transaction.
const TOGETHER: usize = 1_000;
/// Until all of it is there, however slow the machine.
const PATIENCE: Duration = Duration::from_secs(120);

/// Records a second, from the first request to the last.
pub fn measure(prepared: &Prepared) -> Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let url = format!("http://{}", listener.local_addr()?);
    let (arrived, arrivals) = mpsc::channel();
    std::thread::spawn(move || {
        for connection in listener.incoming().flatten() {
            // The box hangs up in the end.
            let _ = receive(connection, &arrived);
        }
    });
    let _server = prepared.start_on(fill, &["--cloud-url".to_owned(), url])?;
    let (begin, first) = arrivals.recv_timeout(PATIENCE).context("the first records")?;
    let (mut end, mut last) = (begin, first);
    while last < WAITING {
        (end, last) = arrivals.recv_timeout(PATIENCE).context("the next records")?;
    }
    print("cloud_records_per_second", (last - first) as f64 / (end - begin).as_secs_f64(), "records/s");
    Ok(())
}

/// The same to RabbitMQ, which confirms each once it is in a quorum queue; from the first that it has confirmed to the last.
pub fn measure_fleet(prepared: &Prepared) -> Result<()> {
    let mq = RabbitMq::start("")?;
    let queue = "channel.exchange_declare('tandem.event', 'topic', durable=True)\n\
         channel.queue_declare('records', durable=True, arguments={'x-queue-type': 'quorum'})\n\
         channel.queue_bind('records', 'tandem.event', '#')";
    rabbitmq::python(mq.address, queue)?;
    let (user, password) = rabbitmq::ACCOUNT;
    let with_password = |folder: &Path| {
        BoxKey::open(folder)?.seal("cloud", password)?;
        fill(folder)
    };
    let server = prepared.start_on(with_password, &["--cloud-url".into(), format!("amqp://{user}@{}", mq.address)])?;
    let (mut api, start) = (server.log_in()?, Instant::now());
    let mut await_cursor = |wanted: i64| -> Result<(Instant, i64)> {
        loop {
            let cursor = api.cloud()?["cursor"].as_i64().context("a number")?;
            if cursor >= wanted {
                return Ok((Instant::now(), cursor));
            }
            ensure!(start.elapsed() < PATIENCE, "{cursor} of {WAITING} records were confirmed");
            std::thread::sleep(Duration::from_millis(5));
        }
    };
    let ((begin, first), (end, last)) = (await_cursor(1)?, await_cursor(WAITING)?);
    print("fleet_records_per_second", (last - first) as f64 / (end - begin).as_secs_f64(), "records/s");
    Ok(())
}

/// Has something happen that is to be told.
fn fill(folder: &Path) -> Result<()> {
    let (_store, mut writer) = Store::open(&folder.join("tandem.db"), "tandem", &[0; 64])?;
    let name = Some("An office with much to tell".to_owned());
    let change = customer::Change { name, ..customer::Change::default() };
    let item = Item::CustomerUpdated(Box::new(change), Timestamp(1_795_342_560_000_000));
    for _ in 0..WAITING as usize / TOGETHER {
        writer.write(&vec![item.clone(); TOGETHER], Durability::Batched)?;
    }
    Ok(())
}

/// Takes what comes over one connection, and tells when each request was there and how far it went.
fn receive(connection: TcpStream, arrived: &Sender<(Instant, i64)>) -> Result<()> {
    connection.set_nodelay(true)?;
    let (mut reader, mut writer) = (BufReader::new(connection.try_clone()?), connection);
    loop {
        let (mut length, mut line) = (0, String::new());
        while line != "\r\n" {
            line.clear();
            reader.read_line(&mut line).ok().filter(|count| *count > 0).context("no more requests")?;
            if let Some(number) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                length = number.trim().parse()?;
            }
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body)?;
        let records: Value = serde_json::from_reader(GzDecoder::new(body.as_slice()))?;
        let last = records["last"].as_i64().context("a request has an end")?;
        arrived.send((Instant::now(), last))?;
        let answer = json!({ "cursor": last }).to_string();
        write!(writer, "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{answer}", answer.len())?;
    }
}
