//! DHCP messages on the wire (RFC 2131 section 2, options of RFC 2132): what a client writes and what it reads.
use std::net::Ipv4Addr;
use std::time::Duration;

const BOOT_REQUEST: u8 = 1;
const BOOT_REPLY: u8 = 2;
const ETHERNET: u8 = 1;
const BROADCAST_FLAG: u16 = 0x8000;
const COOKIE: [u8; 4] = [99, 130, 83, 99];
/// Where the options begin, after the cookie.
const OPTIONS: usize = 240;
/// The shortest message that old relays forward (RFC 1542 section 2.1).
const SHORTEST: usize = 300;

mod option {
    pub const PAD: u8 = 0;
    pub const SUBNET_MASK: u8 = 1;
    pub const ROUTER: u8 = 3;
    pub const NAME_SERVERS: u8 = 6;
    pub const HOST_NAME: u8 = 12;
    pub const TIME_SERVERS: u8 = 42;
    pub const REQUESTED_ADDRESS: u8 = 50;
    pub const LEASE_TIME: u8 = 51;
    pub const MESSAGE_TYPE: u8 = 53;
    pub const SERVER: u8 = 54;
    pub const WANTED: u8 = 55;
    pub const RENEWAL_TIME: u8 = 58;
    pub const REBINDING_TIME: u8 = 59;
    pub const CLIENT: u8 = 61;
    pub const END: u8 = 255;
}

/// What a client says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Request {
    /// DHCPDISCOVER: is there a server?
    Discover,
    /// DHCPREQUEST that takes an offer.
    Take { server: Ipv4Addr, address: Ipv4Addr },
    /// DHCPREQUEST that prolongs a lease, to its server or to any.
    Prolong { address: Ipv4Addr },
}

/// Who says it.
#[derive(Clone, Copy, Debug)]
pub struct Sender {
    pub transaction: u32,
    pub hardware: [u8; 6],
    /// Since the client began to ask.
    pub elapsed: Duration,
}

/// Writes a message.
pub fn write(request: Request, sender: &Sender) -> Vec<u8> {
    let (own, flags) = match request {
        Request::Prolong { address } => (address, 0),
        Request::Discover | Request::Take { .. } => (Ipv4Addr::UNSPECIFIED, BROADCAST_FLAG),
    };
    let mut message = vec![BOOT_REQUEST, ETHERNET, 6, 0];
    message.extend(sender.transaction.to_be_bytes());
    message.extend(u16::try_from(sender.elapsed.as_secs()).unwrap_or(u16::MAX).to_be_bytes());
    message.extend(flags.to_be_bytes());
    message.extend(own.octets());
    message.resize(28, 0);
    message.extend(sender.hardware);
    message.resize(OPTIONS - COOKIE.len(), 0);
    message.extend(COOKIE);

    let kind = if request == Request::Discover { 1 } else { 3 };
    message.extend([option::MESSAGE_TYPE, 1, kind]);
    message.extend([option::CLIENT, 7, ETHERNET]);
    message.extend(sender.hardware);
    if let Request::Take { server, address } = request {
        message.extend([option::REQUESTED_ADDRESS, 4]);
        message.extend(address.octets());
        message.extend([option::SERVER, 4]);
        message.extend(server.octets());
    }
    message.extend([option::HOST_NAME, 6]);
    message.extend(b"tandem");
    message.extend([
        option::WANTED,
        7,
        option::SUBNET_MASK,
        option::ROUTER,
        option::NAME_SERVERS,
        option::TIME_SERVERS,
    ]);
    message.extend([option::LEASE_TIME, option::RENEWAL_TIME, option::REBINDING_TIME, option::END]);
    message.resize(message.len().max(SHORTEST), 0);
    message
}

/// What kind of answer a server gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReplyKind {
    /// DHCPOFFER
    Offer,
    /// DHCPACK
    Acknowledge,
    /// DHCPNAK
    Refuse,
}

/// An answer of a server, as it stands in the message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    pub kind: ReplyKind,
    pub transaction: u32,
    pub hardware: [u8; 6],
    /// The client's address.
    pub address: Ipv4Addr,
    pub server: Ipv4Addr,
    pub prefix: Option<u8>,
    pub router: Option<Ipv4Addr>,
    pub name_servers: Vec<Ipv4Addr>,
    /// Those that speak NTP (RFC 2132 section 8.3).
    pub time_servers: Vec<Ipv4Addr>,
    /// Seconds; all ones is for ever.
    pub lease_time: Option<u32>,
    pub renewal_time: Option<u32>,
    pub rebinding_time: Option<u32>,
}

/// Reads an answer; `None` is anything else.
pub fn read(message: &[u8]) -> Option<Reply> {
    if message.len() < OPTIONS || message[..3] != [BOOT_REPLY, ETHERNET, 6] || message[236..OPTIONS] != COOKIE {
        return None;
    }
    let options = Options(&message[OPTIONS..]);
    let kind = match options.value(option::MESSAGE_TYPE)? {
        [2] => ReplyKind::Offer,
        [5] => ReplyKind::Acknowledge,
        [6] => ReplyKind::Refuse,
        _ => return None,
    };
    let prefix = match options.number(option::SUBNET_MASK) {
        Some(mask) if mask.leading_ones() + mask.trailing_zeros() == 32 => Some(mask.leading_ones() as u8),
        Some(_) => return None,
        None => None,
    };
    Some(Reply {
        kind,
        transaction: u32::from_be_bytes(message[4..8].try_into().ok()?),
        hardware: message[28..34].try_into().ok()?,
        address: address(&message[16..20])?,
        server: address(options.value(option::SERVER)?)?,
        prefix,
        router: options.value(option::ROUTER).and_then(address),
        name_servers: options.addresses(option::NAME_SERVERS),
        time_servers: options.addresses(option::TIME_SERVERS),
        lease_time: options.number(option::LEASE_TIME),
        renewal_time: options.number(option::RENEWAL_TIME),
        rebinding_time: options.number(option::REBINDING_TIME),
    })
}

/// The first four octets as an address.
fn address(octets: &[u8]) -> Option<Ipv4Addr> {
    octets.first_chunk::<4>().map(|octets| Ipv4Addr::from(*octets))
}

/// The options of a message: code, length, value. What comes after a broken one is not there.
struct Options<'a>(&'a [u8]);

impl<'a> Options<'a> {
    fn value(&self, wanted: u8) -> Option<&'a [u8]> {
        let mut rest = self.0;
        loop {
            let (&code, after) = rest.split_first()?;
            match code {
                option::END => return None,
                option::PAD => rest = after,
                _ => {
                    let (&length, after) = after.split_first()?;
                    let (value, after) = after.split_at_checked(usize::from(length))?;
                    if code == wanted {
                        return Some(value);
                    }
                    rest = after;
                }
            }
        }
    }

    fn addresses(&self, wanted: u8) -> Vec<Ipv4Addr> {
        self.value(wanted).unwrap_or(&[]).chunks_exact(4).filter_map(address).collect()
    }

    fn number(&self, wanted: u8) -> Option<u32> {
        self.value(wanted)?.try_into().ok().map(u32::from_be_bytes)
    }
}

#[cfg(test)]
pub mod tests {
    use super::*;

    const SENDER: Sender = Sender {
        transaction: 0x1234_5678,
        hardware: [0x52, 0x54, 0, 0x12, 0x34, 0x56],
        elapsed: Duration::from_secs(3),
    };

    /// A server's answer, from the fields a test cares for.
    pub fn reply(kind: u8, transaction: u32, hardware: [u8; 6], address: Ipv4Addr, options: &[u8]) -> Vec<u8> {
        let mut message = vec![BOOT_REPLY, ETHERNET, 6, 0];
        message.extend(transaction.to_be_bytes());
        message.resize(16, 0);
        message.extend(address.octets());
        message.resize(28, 0);
        message.extend(hardware);
        message.resize(236, 0);
        message.extend(COOKIE);
        message.extend([option::MESSAGE_TYPE, 1, kind]);
        message.extend(options);
        message.push(option::END);
        message
    }

    #[test]
    fn a_discover_has_the_fields_of_the_rfc() {
        let message = write(Request::Discover, &SENDER);
        assert_eq!(message.len(), SHORTEST);
        assert_eq!(message[..12], [1, 1, 6, 0, 0x12, 0x34, 0x56, 0x78, 0, 3, 0x80, 0]);
        assert_eq!(message[28..34], SENDER.hardware);
        assert_eq!(message[236..243], [99, 130, 83, 99, 53, 1, 1]);
        let options = Options(&message[OPTIONS..]);
        assert_eq!(options.value(option::CLIENT), Some(&[1, 0x52, 0x54, 0, 0x12, 0x34, 0x56][..]));
        assert_eq!(options.value(option::WANTED), Some(&[1, 3, 6, 42, 51, 58, 59][..]));
        assert_eq!(options.value(option::SERVER), None);
    }

    #[test]
    fn taking_names_server_and_address_and_prolonging_neither() {
        let (server, address) = (Ipv4Addr::new(10, 0, 2, 2), Ipv4Addr::new(10, 0, 2, 15));
        let message = write(Request::Take { server, address }, &SENDER);
        let options = Options(&message[OPTIONS..]);
        assert_eq!(options.value(option::SERVER), Some(&server.octets()[..]));
        assert_eq!(options.value(option::REQUESTED_ADDRESS), Some(&address.octets()[..]));
        assert_eq!(message[12..16], [0; 4]);

        let message = write(Request::Prolong { address }, &SENDER);
        let options = Options(&message[OPTIONS..]);
        assert_eq!(options.value(option::SERVER), None);
        assert_eq!(options.value(option::REQUESTED_ADDRESS), None);
        assert_eq!(message[12..16], address.octets());
        assert_eq!(message[10..12], [0, 0], "an interface with an address hears unicast");
    }

    #[test]
    fn an_answer_is_read() {
        let mut options = vec![option::SERVER, 4, 10, 0, 2, 2, option::PAD, option::SUBNET_MASK, 4, 255, 255, 255, 0];
        options.extend([option::ROUTER, 8, 10, 0, 2, 2, 10, 0, 2, 9, option::NAME_SERVERS, 8, 10, 0, 2, 3, 9, 9, 9, 9]);
        options.extend([option::LEASE_TIME, 4, 0, 1, 0x51, 0x80]);
        let message = reply(5, 7, SENDER.hardware, Ipv4Addr::new(10, 0, 2, 15), &options);
        let reply = read(&message).expect("it is a good answer");
        assert_eq!(reply.kind, ReplyKind::Acknowledge);
        assert_eq!((reply.transaction, reply.hardware), (7, SENDER.hardware));
        assert_eq!((reply.address, reply.prefix), (Ipv4Addr::new(10, 0, 2, 15), Some(24)));
        assert_eq!(reply.router, Some(Ipv4Addr::new(10, 0, 2, 2)));
        assert_eq!(reply.name_servers.len(), 2);
        assert_eq!((reply.lease_time, reply.renewal_time), (Some(86_400), None));
    }

    #[test]
    fn a_mask_with_holes_is_no_mask() {
        let message =
            reply(2, 7, SENDER.hardware, Ipv4Addr::new(10, 0, 2, 15), &[54, 4, 10, 0, 2, 2, 1, 4, 255, 0, 255, 0]);
        assert_eq!(read(&message), None);
    }

    #[test]
    fn no_truncation_and_no_changed_octet_panics() {
        let good =
            reply(5, 7, SENDER.hardware, Ipv4Addr::new(10, 0, 2, 15), &[54, 4, 10, 0, 2, 2, 51, 4, 0, 0, 1, 0, 3, 0]);
        for length in 0..good.len() {
            read(&good[..length]);
        }
        for position in 0..good.len() {
            for value in [0, 1, 127, 255] {
                let mut bad = good.clone();
                bad[position] = value;
                read(&bad);
            }
        }
        assert_eq!(read(&write(Request::Discover, &SENDER)), None, "our own kind of message");
    }
}
