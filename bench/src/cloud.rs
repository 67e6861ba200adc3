//! How fast records go to a cloud that has been away: 20,000 events in the log, a receiver on loopback that only reads them.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{self, Sender};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use flate2::read::GzDecoder;
use serde_json::{Value, json};
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
    let fill = |folder: &std::path::Path| -> Result<()> {
        let (_store, mut writer) = Store::open(&folder.join("tandem.db"), "tandem", &[0; 64])?;
        let name = Some("An office with much to tell".to_owned());
        let change = customer::Change { name, ..customer::Change::default() };
        let item = Item::CustomerUpdated(Box::new(change), Timestamp(1_795_342_560_000_000));
        for _ in 0..WAITING as usize / TOGETHER {
            writer.write(&vec![item.clone(); TOGETHER], Durability::Batched)?;
        }
        Ok(())
    };
    let _server = prepared.start_on(fill, &["--cloud-url".to_owned(), url])?;
    let (begin, first) = arrivals.recv_timeout(PATIENCE).context("the first records")?;
    let (mut end, mut last) = (begin, first);
    while last < WAITING {
        (end, last) = arrivals.recv_timeout(PATIENCE).context("the next records")?;
    }
    print("cloud_records_per_second", (last - first) as f64 / (end - begin).as_secs_f64(), "records/s");
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
