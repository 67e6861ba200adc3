//! Whom to ask for the time: addresses, and names that are looked up (RFC 1035) at the network's name servers. A static
//! program has no resolver of the system's.
use std::fs;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};
use std::str::FromStr;
use std::time::Duration;

use simple_dns::rdata::RData;
use simple_dns::{CLASS, Name, Packet, PacketFlag, QCLASS, QTYPE, Question, RCODE, TYPE};
use smol::future::or;
use smol::{Async, Timer};

use super::PORT;
use crate::network::RESOLV_CONF;

/// How long until names that were not found are looked up again.
pub const RETRY: Duration = Duration::from_secs(16);
/// How long one name server may take.
const ANSWER: Duration = Duration::from_secs(2);
/// So many name servers are asked for a name, one after the other.
const NAME_SERVERS: usize = 3;

/// One or several time servers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// This one.
    Address(SocketAddr),
    /// Those of this name.
    Name(String, u16),
}

impl FromStr for Source {
    type Err = String;

    /// `ADDRESS[:PORT]`, `[ADDRESS]:PORT` or `NAME[:PORT]`.
    fn from_str(text: &str) -> Result<Source, String> {
        if let Ok(address) = text.parse::<IpAddr>() {
            return Ok(Source::Address((address, PORT).into()));
        }
        if let Ok(address) = text.parse::<SocketAddr>() {
            return Ok(Source::Address(address));
        }
        let (name, port) = match text.split_once(':') {
            None => (text, Some(PORT)),
            Some((name, port)) => (name, port.parse().ok().filter(|port| *port != 0)),
        };
        let is_label = |label: &str| {
            !label.is_empty() && label.bytes().all(|octet| octet.is_ascii_alphanumeric() || octet == b'-')
        };
        match port {
            Some(port) if Name::new(name).is_ok() && name.split('.').all(is_label) => {
                Ok(Source::Name(name.to_owned(), port))
            }
            _ => Err(format!("{text:?} is neither an address nor a name of a time server")),
        }
    }
}

/// The addresses of the sources, at most so many.
pub async fn find(sources: &[Source], most: usize) -> Vec<SocketAddr> {
    let mut found = Vec::new();
    for source in sources {
        match source {
            Source::Address(address) => found.push(*address),
            Source::Name(name, port) => {
                found.extend(look_up(name).await.into_iter().map(|address| SocketAddr::from((address, *port))));
            }
        }
        if found.len() >= most {
            break;
        }
    }
    found.truncate(most);
    found
}

async fn look_up(name: &str) -> Vec<Ipv4Addr> {
    let servers = fs::read_to_string(RESOLV_CONF).unwrap_or_default();
    for server in name_servers(&servers).take(NAME_SERVERS) {
        let answer = async { ask(SocketAddr::new(server, 53), name).await.ok().flatten() };
        let late = async {
            Timer::after(ANSWER).await;
            None
        };
        if let Some(addresses) = or(answer, late).await {
            return addresses;
        }
    }
    Vec::new()
}

fn name_servers(resolv_conf: &str) -> impl Iterator<Item = IpAddr> {
    resolv_conf.lines().filter_map(|line| line.strip_prefix("nameserver")?.trim().parse().ok())
}

/// Asks one name server for the IPv4 addresses of a name; `None`: it does not know.
async fn ask(server: SocketAddr, name: &str) -> std::io::Result<Option<Vec<Ipv4Addr>>> {
    let mut seed = [0; 2];
    rustix::rand::getrandom(&mut seed, rustix::rand::GetRandomFlags::empty())?;
    let id = u16::from_ne_bytes(seed);
    let Some(question) = question(id, name) else { return Ok(None) };
    let family: IpAddr =
        if server.is_ipv4() { Ipv4Addr::UNSPECIFIED.into() } else { std::net::Ipv6Addr::UNSPECIFIED.into() };
    let socket = Async::<UdpSocket>::bind(SocketAddr::new(family, 0))?;
    socket.get_ref().connect(server)?;
    socket.send(&question).await?;
    let mut packet = [0; 1_500];
    loop {
        let length = socket.recv(&mut packet).await?;
        if let Some(answer) = addresses(id, name, &packet[..length]) {
            return Ok(answer);
        }
    }
}

fn question(id: u16, name: &str) -> Option<Vec<u8>> {
    let mut packet = Packet::new_query(id);
    packet.set_flags(PacketFlag::RECURSION_DESIRED);
    let name = Name::new(name).ok()?;
    packet.questions.push(Question::new(name, QTYPE::TYPE(TYPE::A), QCLASS::CLASS(CLASS::IN), false));
    packet.build_bytes_vec().ok()
}

/// What an answer says, in the outer `Option` whether it is one to our question, in the inner whether the server knows.
fn addresses(id: u16, name: &str, packet: &[u8]) -> Option<Option<Vec<Ipv4Addr>>> {
    let packet = Packet::parse(packet).ok().filter(|packet| packet.id() == id)?;
    let is_ours = |question: &Question<'_>| question.qname.to_string().eq_ignore_ascii_case(name.trim_end_matches('.'));
    if !packet.has_flags(PacketFlag::RESPONSE) || !packet.questions.iter().all(is_ours) {
        return None;
    }
    if packet.rcode() != RCODE::NoError {
        return Some(None);
    }
    // Names that stand for others are followed by the server; what it found stands beside them.
    let found = packet.answers.iter().filter_map(|record| match &record.rdata {
        RData::A(address) => Some(Ipv4Addr::from(address.address)),
        _ => None,
    });
    let found: Vec<Ipv4Addr> = found.collect();
    Some((!found.is_empty()).then_some(found))
}

#[cfg(test)]
mod tests {
    use simple_dns::ResourceRecord;
    use simple_dns::rdata::{A, CNAME};

    use super::*;

    #[test]
    fn sources_are_addresses_or_names() {
        let address = |text: &str| Source::Address(text.parse().expect("an address"));
        assert_eq!("10.0.2.2".parse(), Ok(address("10.0.2.2:123")));
        assert_eq!("10.0.2.2:1123".parse(), Ok(address("10.0.2.2:1123")));
        assert_eq!("2001:db8::1".parse(), Ok(address("[2001:db8::1]:123")));
        assert_eq!("[2001:db8::1]:9".parse(), Ok(address("[2001:db8::1]:9")));
        assert_eq!("pool.ntp.org".parse(), Ok(Source::Name("pool.ntp.org".into(), 123)));
        assert_eq!("ntp:1123".parse(), Ok(Source::Name("ntp".into(), 1123)));
        for wrong in ["", ":123", "ntp:0", "ntp:time", "a b", "ntp..org", &"x".repeat(64)] {
            let error = wrong.parse::<Source>().expect_err("it is neither");
            assert!(error.contains(&format!("{wrong:?}")), "{error}");
        }
    }

    #[test]
    fn name_servers_are_those_of_the_network() {
        let found: Vec<IpAddr> =
            name_servers("nameserver 10.0.2.3\nsearch office\nnameserver 2001:db8::3\nnameserver x\n").collect();
        assert_eq!(found, ["10.0.2.3".parse::<IpAddr>().expect("one"), "2001:db8::3".parse().expect("one")]);
    }

    fn answer(id: u16, asked: &str, records: Vec<ResourceRecord<'static>>) -> Vec<u8> {
        let mut packet = Packet::new_reply(id);
        let name = Name::new(asked).expect("a name").into_owned();
        packet.questions.push(Question::new(name, QTYPE::TYPE(TYPE::A), QCLASS::CLASS(CLASS::IN), false));
        packet.answers = records;
        packet.build_bytes_vec().expect("it is short")
    }

    fn record(name: &'static str, rdata: RData<'static>) -> ResourceRecord<'static> {
        ResourceRecord::new(Name::new_unchecked(name), CLASS::IN, 60, rdata)
    }

    #[test]
    fn answers_are_read_and_others_are_not_ours() {
        let alias = record("pool.ntp.org", RData::CNAME(CNAME(Name::new_unchecked("0.pool.ntp.org"))));
        let found = record("0.pool.ntp.org", RData::A(A { address: Ipv4Addr::new(192, 0, 2, 1).into() }));
        let packet = answer(7, "Pool.NTP.org", vec![alias, found]);
        assert_eq!(addresses(7, "pool.ntp.org", &packet), Some(Some(vec![Ipv4Addr::new(192, 0, 2, 1)])));
        assert_eq!(addresses(8, "pool.ntp.org", &packet), None, "another question's");
        assert_eq!(addresses(7, "pool.ntp.net", &packet), None, "another name's");
        assert_eq!(addresses(7, "pool.ntp.org", &answer(7, "pool.ntp.org", Vec::new())), Some(None));
        for end in 0..packet.len() {
            let _ = addresses(7, "pool.ntp.org", &packet[..end]);
        }
        assert_eq!(addresses(7, "pool.ntp.org", &question(7, "pool.ntp.org").expect("a name")), None, "our own");
    }
}
