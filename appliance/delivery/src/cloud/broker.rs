//! The way to a fleet: each record is a message to an exchange of RabbitMQ, where many boxes meet.
//!
//! `docs/fleet.md` says what is spoken. A record counts as taken when RabbitMQ confirms that it keeps it, and everything before
//! it: what is returned because no queue takes it, or is not confirmed, goes again.

use std::io;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use async_compat::Compat;
use lapin::options::{BasicPublishOptions, ConfirmSelectOptions, ExchangeDeclareOptions};
use lapin::protocol::{AMQPErrorKind, AMQPSoftError};
use lapin::tcp::AsyncTcpStream;
use lapin::types::{FieldTable, LongString, ShortString};
use lapin::uri::AMQPUri;
use lapin::{BasicProperties, Channel, Confirmation, Connection, ConnectionProperties, ErrorKind, ExchangeKind};
use tokio::net::TcpStream;
use tokio::runtime::{Handle, Runtime};

use super::batch::{Batch, Message};
use super::link::{Error, Way};
use crate::limits;

/// The exchange that records are published to.
pub const EXCHANGE: &str = "tandem.event";
/// Messages that RabbitMQ writes to its disk.
const PERSISTENT: u8 = 2;

/// Makes the connection: finds the host, and encrypts where that is asked for. What it leaves behind runs in the runtime.
pub type Dial = Box<dyn Fn(&Place, &Handle) -> io::Result<TcpStream> + Send>;

/// Where RabbitMQ is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// Its name or address.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// Whether it speaks TLS.
    pub is_encrypted: bool,
}

/// RabbitMQ, and the way there.
pub struct Broker {
    place: Place,
    uri: AMQPUri,
    dial: Dial,
    runtime: Runtime,
    // Gone after each failure.
    open: Option<Open>,
    // Messages that may wait for their confirmation.
    window: usize,
}

/// A connection on which messages are confirmed.
struct Open {
    // Closes with the last one that knows it.
    _connection: Connection,
    channel: Channel,
}

/// How far one window went.
struct Progress {
    /// Messages that are kept, from the first on without a gap.
    kept: usize,
    /// Why not all.
    error: Option<Error>,
}

impl std::fmt::Debug for Broker {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Broker({}:{})", self.place.host, self.place.port)
    }
}

/// Whether an address names RabbitMQ and not a web server.
pub fn is_for(url: &str) -> bool {
    url.starts_with("amqp://") || url.starts_with("amqps://")
}

/// Where an address leads; why not, where it is none. Nothing of it is secret.
fn parse(url: &str) -> Result<(Place, AMQPUri), String> {
    let odd = |what: &str| format!("“{url}” is no address of RabbitMQ: {what}");
    let rest = url.split_once("://").map(|(_, rest)| rest).filter(|_| is_for(url));
    let authority = rest.and_then(|rest| rest.split(['/', '?', '#']).next()).unwrap_or_default();
    let (user, server) = authority.rsplit_once('@').unwrap_or(("", authority));
    if server.is_empty() || server.starts_with(':') {
        return Err(odd("amqps://user@host/virtual-host"));
    }
    if user.contains(':') {
        // Not with what was given: it would stand in the log.
        return Err("the password of RabbitMQ is not part of its address: it is what TANDEM_CLOUD_TOKEN says".into());
    }
    let mut uri: AMQPUri = url.parse().map_err(|reason: String| odd(&reason))?;
    // The parser gives up on addresses of IPv6, and says localhost then.
    let host = match server.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((address, _)) if address.parse::<IpAddr>().is_ok() => address.to_owned(),
        Some(_) => return Err(odd("the address in brackets is none")),
        None => uri.authority.host.clone(),
    };
    uri.query.frame_max.get_or_insert(limits::BROKER_FRAME);
    uri.query.heartbeat.get_or_insert(limits::BROKER_HEARTBEAT);
    let place = Place { host, port: uri.authority.port, is_encrypted: url.starts_with("amqps:") };
    Ok((place, uri))
}

impl Broker {
    /// The way to RabbitMQ at `url`; why not, where that is no address.
    pub fn new(url: &str, password: Option<String>, dial: Dial) -> Result<Broker, String> {
        let (place, mut uri) = parse(url)?;
        if let Some(password) = password {
            uri.authority.userinfo.password = password;
        }
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .max_blocking_threads(1)
            .thread_name("broker")
            .enable_all()
            .build()
            .map_err(|error| error.to_string())?;
        Ok(Broker { place, uri, dial, runtime, open: None, window: 1 })
    }

    /// Connects, and makes the exchange where there is none.
    fn open(&self) -> Result<Open, Error> {
        let stream = (self.dial)(&self.place, self.runtime.handle()).map_err(unreachable)?;
        self.within(open(self.uri.clone(), self.runtime.handle().clone(), stream))
    }

    /// Waits for something, but not for ever.
    fn within<T>(&self, work: impl Future<Output = lapin::Result<T>>) -> Result<T, Error> {
        let limited = async { tokio::time::timeout(limits::CLOUD_PATIENCE, work).await };
        match self.runtime.block_on(limited) {
            Ok(done) => done.map_err(unreachable),
            Err(_) => Err(late(limits::CLOUD_PATIENCE)),
        }
    }

    /// Publishes one window. What goes wrong closes the connection.
    fn publish(&mut self, messages: &[Message]) -> Progress {
        let opened = match self.open.take() {
            Some(open) => Ok(open),
            None => self.open(),
        };
        let open = match opened {
            Ok(open) => open,
            Err(error) => return Progress { kept: 0, error: Some(error) },
        };
        let progress = self.runtime.block_on(publish(&open.channel, messages));
        if progress.error.is_none() {
            self.open = Some(open);
        }
        progress
    }
}

impl Way for Broker {
    fn send(&mut self, batch: &Batch<'_>) -> Result<i64, Error> {
        let messages = batch.messages().map_err(|error| Error::Packing(error.to_string()))?;
        let (mut rest, mut settled) = (messages.as_slice(), None);
        while !rest.is_empty() {
            let (now, later) = rest.split_at(self.window.min(rest.len()));
            let Progress { kept, error } = self.publish(now);
            settled = now[..kept].last().map(|message| message.settles).or(settled);
            if let Some(error) = error {
                self.window = 1;
                // What went is told first; the next try finds out whether it is still so.
                return settled.ok_or(error);
            }
            self.window = (self.window * 2).min(limits::BROKER_WINDOW);
            rest = later;
        }
        settled.ok_or_else(|| Error::Packing("there is nothing to publish".into()))
    }
}

async fn open(uri: AMQPUri, handle: Handle, stream: TcpStream) -> lapin::Result<Open> {
    let stream = Mutex::new(Some(stream));
    // It is asked once: whoever wants another connection makes another one of these.
    let connect = async move |_, _| {
        let stream = stream.lock().unwrap_or_else(PoisonError::into_inner).take();
        let stream = stream.ok_or_else(|| io::Error::from(io::ErrorKind::NotConnected))?;
        Ok(AsyncTcpStream::Plain(Compat::new(stream)))
    };
    let name = LongString::from(concat!("tandem/", env!("CARGO_PKG_VERSION")));
    let properties = ConnectionProperties::default().with_connection_name(name);
    let runtime = async_rs::Runtime::tokio_with_handle(handle);
    let connection = Connection::connector(uri, runtime, connect, properties).await?;
    // Who runs the fleet may have made it otherwise; a question that is answered by no closes its channel.
    let channel = connection.create_channel().await?;
    let channel = match declare(&channel, true).await {
        Err(error) if is_missing(&error) => {
            let channel = connection.create_channel().await?;
            declare(&channel, false).await?;
            channel
        }
        asked => asked.map(|()| channel)?,
    };
    channel.confirm_select(ConfirmSelectOptions::default()).await?;
    Ok(Open { _connection: connection, channel })
}

async fn declare(channel: &Channel, passive: bool) -> lapin::Result<()> {
    let options = ExchangeDeclareOptions { passive, durable: true, ..ExchangeDeclareOptions::default() };
    channel.exchange_declare(EXCHANGE.into(), ExchangeKind::Topic, options, FieldTable::default()).await
}

fn is_missing(error: &lapin::Error) -> bool {
    let ErrorKind::ProtocolError(error) = error.kind() else { return false };
    matches!(error.kind(), AMQPErrorKind::Soft(AMQPSoftError::NOTFOUND))
}

/// Publishes messages one after the other, and then waits for their confirmations.
async fn publish(channel: &Channel, messages: &[Message]) -> Progress {
    let mut kept = 0;
    let work = async {
        let mut confirmations = Vec::with_capacity(messages.len());
        for message in messages {
            confirmations.push(publish_one(channel, message).await?);
        }
        for (confirmation, message) in confirmations.into_iter().zip(messages) {
            match confirmation.await.map_err(unreachable)? {
                Confirmation::Ack(None) => kept += 1,
                Confirmation::Ack(Some(_)) => return Err(Error::Unrouted(message.routing_key.clone())),
                Confirmation::Nack(_) | Confirmation::NotRequested => {
                    return Err(Error::NotKept(message.key.clone()));
                }
            }
        }
        Ok(())
    };
    let done = tokio::time::timeout(limits::CLOUD_PATIENCE, work).await;
    let error = done.unwrap_or_else(|_| Err(late(limits::CLOUD_PATIENCE))).err();
    Progress { kept, error }
}

async fn publish_one(channel: &Channel, message: &Message) -> Result<lapin::PublisherConfirm, Error> {
    let short = |text: &str| ShortString::try_new(text).map_err(|error| Error::Packing(error.to_string()));
    let properties = BasicProperties::default()
        .with_content_type("application/json".into())
        .with_delivery_mode(PERSISTENT)
        .with_message_id(short(&message.key)?)
        .with_timestamp(message.at)
        .with_type(short(&message.kind)?)
        .with_app_id("tandem".into());
    let options = BasicPublishOptions { mandatory: true, ..BasicPublishOptions::default() };
    let key = short(&message.routing_key)?;
    let published = channel.basic_publish(EXCHANGE.into(), key, options, &message.body, properties).await;
    published.map_err(unreachable)
}

fn unreachable(error: impl std::fmt::Display) -> Error {
    Error::Unreachable(error.to_string())
}

fn late(limit: Duration) -> Error {
    Error::Unreachable(format!("RabbitMQ says nothing within {} s", limit.as_secs()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_one_or_is_refused() {
        let place = |host: &str, port, is_encrypted| Place { host: host.into(), port, is_encrypted };
        for (url, wanted, user, host) in [
            ("amqps://box@mq.example.org/fleet", place("mq.example.org", 5671, true), "box", "fleet"),
            ("amqp://127.0.0.1:5673", place("127.0.0.1", 5673, false), "guest", "/"),
            ("amqp://a%40b@[2001:db8::7]:5673/%2f", place("2001:db8::7", 5673, false), "a@b", "/"),
        ] {
            let (found, uri) = parse(url).expect("an address");
            assert_eq!((found, uri.authority.userinfo.username.as_str(), uri.vhost.as_str()), (wanted, user, host));
            assert_eq!((uri.query.frame_max, uri.query.heartbeat), (Some(16_384), Some(30)));
        }
        for wrong in ["amqp://", "amqp:///x", "amqps://box@/x", "amqp://[x]/", "amqp://:1", "amqp://a:99999"] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
        let secret = parse("amqps://box:hunter2@mq.example.org").expect_err("a password is none of it");
        assert!(secret.contains("TANDEM_CLOUD_TOKEN") && !secret.contains("hunter2"), "{secret}");
        assert!(is_for("amqps://a") && !is_for("https://a"));
    }
}
