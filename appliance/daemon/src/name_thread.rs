//! Finds out where names are (RFC 3263), in a thread of its own: whoever waits for a name server keeps nobody else waiting.

use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use hickory_resolver::TokioResolver;
use hickory_resolver::net::{DnsError, NetError};
use hickory_resolver::proto::rr::{RData, Record, RecordType};
use pbx::names::{self, Answer, Place, Question, Unresolved};
use sip::Transport;
use tokio::sync::{Semaphore, mpsc};

use crate::queue::Queue;
use crate::{host_names, limits};

/// What came of a question.
pub type Report = (Question, Result<Answer, Unresolved>);

/// A thread that looks names up, seen from the others.
#[derive(Debug)]
pub struct NameThread {
    /// Where questions go in.
    pub questions: mpsc::Sender<Question>,
}

impl NameThread {
    /// Starts the thread. `own` is where we speak SIP; answers go to `reports`. It ends when nobody can ask any more.
    pub fn start(own: Own, reports: Queue<Report>) -> Result<NameThread> {
        let (questions, asked) = mpsc::channel(limits::QUESTIONS);
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .context("cannot start the thread that looks names up")?;
        let asker = Arc::new(Asker { own, reports });
        std::thread::Builder::new()
            .name("names".into())
            .stack_size(512 * 1_024)
            .spawn(move || runtime.block_on(run(asker, asked)))
            .context("cannot start the thread that looks names up")?;
        Ok(NameThread { questions })
    }
}

async fn run(asker: Arc<Asker>, mut asked: mpsc::Receiver<Question>) {
    let (mut servers, mut resolver) = (Vec::new(), None);
    let turns = Arc::new(Semaphore::new(limits::QUESTIONS_AT_ONCE));
    while let Some(question) = asked.recv().await {
        let known = host_names::servers();
        if known != servers {
            resolver = if known.is_empty() { None } else { host_names::resolver(&known).map(Arc::new) };
            servers = known;
        }
        let (asker, resolver) = (asker.clone(), resolver.clone());
        // The semaphore is never closed; whoever has no turn waits for one.
        let Ok(turn) = turns.clone().acquire_owned().await else { return };
        tokio::spawn(async move {
            let answer =
                match tokio::time::timeout(limits::QUESTION, asker.answer(resolver.as_deref(), &question)).await {
                    Ok(answer) => answer,
                    Err(_) => Err(Unresolved::NoAnswer),
                };
            tracing::debug!(host = question.host, ?answer, "looked up");
            asker.reports.push_always((question, answer));
            asker.reports.ring();
            drop(turn);
        });
    }
}

/// Where we speak SIP ourselves.
#[derive(Debug, Clone, Copy)]
pub struct Own {
    /// Over UDP and TCP.
    pub sip: SocketAddr,
    /// Over TLS.
    pub sips: SocketAddr,
}

struct Asker {
    own: Own,
    reports: Queue<Report>,
}

/// Somewhere a server may be, before its addresses are known.
struct Server {
    transport: Transport,
    host: String,
    port: u16,
    /// Its priority and its weight (RFC 2782).
    rank: (u16, u16),
}

impl Asker {
    async fn answer(&self, resolver: Option<&TokioResolver>, question: &Question) -> Result<Answer, Unresolved> {
        if let Some(address) = question.literal() {
            let transport = question.transport.unwrap_or(Transport::Udp);
            let places: Vec<Place> = self.place(transport, address).into_iter().collect();
            return answered(vec![names::Server { priority: 0, weight: 0, places }], Duration::from_secs(60));
        }
        let Some(resolver) = resolver else { return Err(Unresolved::NoAnswer) };
        let mut life = limits::NAME_LIFE;
        let servers = servers(resolver, question, &mut life).await?;
        let mut found = Vec::new();
        for server in servers.iter().take(pbx::limits::ADDRESSES) {
            let addresses = addresses(resolver, &server.host, &mut life).await?;
            let place = |address: IpAddr| self.place(server.transport, SocketAddr::new(address, server.port));
            let places = addresses.into_iter().filter_map(place).collect();
            found.push(names::Server { priority: server.rank.0, weight: server.rank.1, places });
        }
        answered(found, life)
    }

    /// A place with our own address as it is reached from; `None` where it cannot be.
    fn place(&self, transport: Transport, remote: SocketAddr) -> Option<Place> {
        let here = if transport == Transport::Tls { self.own.sips } else { self.own.sip };
        let own = match here.ip() {
            ip if ip.is_unspecified() => towards(remote)?,
            ip if ip.is_ipv4() == remote.is_ipv4() => ip,
            _ => return None,
        };
        Some(Place { transport, local: SocketAddr::new(own, here.port()), remote })
    }
}

/// Our address on the way to another; nothing is sent.
fn towards(remote: SocketAddr) -> Option<IpAddr> {
    let any: SocketAddr = if remote.is_ipv4() { ([0, 0, 0, 0], 0).into() } else { ([0_u16; 8], 0).into() };
    let socket = UdpSocket::bind(any).ok()?;
    socket.connect(remote).ok()?;
    socket.local_addr().ok().map(|address| address.ip())
}

fn answered(mut servers: Vec<names::Server>, life: Duration) -> Result<Answer, Unresolved> {
    servers.retain(|server| !server.places.is_empty());
    if servers.is_empty() { Err(Unresolved::NoSuchName) } else { Ok(Answer { servers, life }) }
}

/// The servers of a name in the order in which they are tried (RFC 3263 §4.1, §4.2).
async fn servers(
    resolver: &TokioResolver,
    question: &Question,
    life: &mut Duration,
) -> Result<Vec<Server>, Unresolved> {
    let Question { host, port, transport, may_be_tls } = question;
    let plain = |transport: Option<Transport>, port: Option<u16>| {
        let port = port.unwrap_or(names::default_port(transport));
        let transport = transport.unwrap_or(Transport::Udp);
        Ok(vec![Server { transport, host: host.clone(), port, rank: (0, 0) }])
    };
    if port.is_some() {
        return plain(*transport, *port);
    }
    let mut services = match transport {
        Some(transport) => vec![(*transport, service(*transport, host))],
        None => naptr(resolver, (host, *may_be_tls), life).await?,
    };
    if services.is_empty() {
        services = [Transport::Udp, Transport::Tcp].map(|transport| (transport, service(transport, host))).into();
    }
    for (transport, name) in services {
        let servers = srv(resolver, (transport, &name), life).await?;
        if !servers.is_empty() {
            return Ok(servers);
        }
    }
    plain(*transport, None)
}

fn service(transport: Transport, host: &str) -> String {
    match transport {
        Transport::Tls => format!("_sips._tcp.{host}"),
        transport => format!("_sip._{}.{host}", transport.name().to_lowercase()),
    }
}

async fn naptr(
    resolver: &TokioResolver,
    (host, may_be_tls): (&str, bool),
    life: &mut Duration,
) -> Result<Vec<(Transport, String)>, Unresolved> {
    let mut found = Vec::new();
    for record in look_up(resolver, host, RecordType::NAPTR, life).await? {
        let RData::NAPTR(naptr) = &record.data else { continue };
        let service = String::from_utf8_lossy(&naptr.services).to_ascii_uppercase();
        let transport = match service.as_str() {
            "SIP+D2U" => Transport::Udp,
            "SIP+D2T" => Transport::Tcp,
            // Who can speak TLS keeps it for `sip:` as well (RFC 3263 §4.1).
            "SIPS+D2T" if may_be_tls => Transport::Tls,
            _ => continue,
        };
        if naptr.flags.eq_ignore_ascii_case(b"s") {
            found.push((naptr.order, naptr.preference, transport, naptr.replacement.to_utf8()));
        }
    }
    found.sort_by_key(|(order, preference, ..)| (*order, *preference));
    Ok(found.into_iter().map(|(_, _, transport, name)| (transport, name)).collect())
}

async fn srv(
    resolver: &TokioResolver,
    (transport, name): (Transport, &str),
    life: &mut Duration,
) -> Result<Vec<Server>, Unresolved> {
    let mut found = Vec::new();
    for record in look_up(resolver, name, RecordType::SRV, life).await? {
        if let RData::SRV(srv) = &record.data {
            let rank = (srv.priority, srv.weight);
            found.push(Server { transport, host: srv.target.to_utf8(), port: srv.port, rank });
        }
    }
    // The exchange draws, each time anew; but those that it never hears of are the least wanted.
    found.sort_by_key(|server| (server.rank.0, std::cmp::Reverse(server.rank.1)));
    found.retain(|server| server.host != ".");
    Ok(found)
}

async fn addresses(resolver: &TokioResolver, host: &str, life: &mut Duration) -> Result<BTreeSet<IpAddr>, Unresolved> {
    let mut found = BTreeSet::new();
    for kind in [RecordType::A, RecordType::AAAA] {
        match look_up(resolver, host, kind, life).await {
            Ok(records) => found.extend(records.iter().filter_map(|record| match &record.data {
                RData::A(address) => Some(IpAddr::V4(address.0)),
                RData::AAAA(address) => Some(IpAddr::V6(address.0)),
                _ => None,
            })),
            Err(error) if found.is_empty() => return Err(error),
            // One family is enough.
            Err(_) => {}
        }
    }
    Ok(found)
}

/// The records of a kind; none where there is none. `life` becomes the shortest of them.
async fn look_up(
    resolver: &TokioResolver,
    name: &str,
    kind: RecordType,
    life: &mut Duration,
) -> Result<Vec<Record>, Unresolved> {
    // The name is whole: what the system would put behind it is not meant.
    let whole = if name.ends_with('.') { name.to_owned() } else { format!("{name}.") };
    match resolver.lookup(whole, kind).await {
        Ok(found) => {
            let records: Vec<Record> = found.answers().to_vec();
            let shortest = records.iter().map(|record| Duration::from_secs(record.ttl.into())).min();
            *life = shortest.unwrap_or(*life).min(*life);
            Ok(records)
        }
        Err(NetError::Dns(DnsError::NoRecordsFound(_))) => Ok(Vec::new()),
        Err(error) => {
            tracing::debug!(name, %kind, %error, "cannot look up");
            Err(Unresolved::NoAnswer)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn our_own_address_is_found_without_sending_anything() {
        let own = towards(([127, 0, 0, 1], 5060).into());
        assert_eq!(own, Some(IpAddr::from([127, 0, 0, 1])));
    }
}
