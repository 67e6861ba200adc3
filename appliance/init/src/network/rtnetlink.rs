//! The kernel's interface to links, addresses and routes (rtnetlink), as far as a box with one interface needs it.
use std::net::{IpAddr, Ipv4Addr};
use std::os::fd::OwnedFd;

use anyhow::{Context, Result, bail};
use rustix::io::Errno;
use rustix::net::netlink::SocketAddrNetlink;
use rustix::net::{AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, recv, sendto, socket_with};

/// Flags of a request: it is one, and it wants an answer.
const REQUEST: u16 = (libc::NLM_F_REQUEST | libc::NLM_F_ACK) as u16;
const CREATE_OR_REPLACE: u16 = (libc::NLM_F_CREATE | libc::NLM_F_REPLACE) as u16;
const HEADER: usize = 16;
/// `IFLA_VLAN_ID`, an attribute of those for VLANs.
const VLAN_ID: u16 = 1;

/// A connection to the kernel.
pub struct RtNetlink {
    socket: OwnedFd,
    sequence: u32,
}

impl RtNetlink {
    /// Connects.
    pub fn open() -> Result<RtNetlink> {
        let (kind, flags) = (SocketType::RAW, SocketFlags::CLOEXEC);
        let socket = socket_with(AddressFamily::NETLINK, kind, flags, None).context("the kernel has no rtnetlink")?;
        Ok(RtNetlink { socket, sequence: 0 })
    }

    /// Brings an interface up.
    pub fn set_up(&mut self, index: u32) -> Result<()> {
        let up = (libc::IFF_UP as u32).to_ne_bytes();
        // struct ifinfomsg: family, padding, type (2), index (4), flags (4), mask of flags to change (4).
        let body = [[0; 4], index.to_ne_bytes(), up, up].concat();
        self.ask(libc::RTM_NEWLINK, 0, &body).context("the interface does not come up")
    }

    /// Makes an interface for a VLAN (IEEE 802.1Q) on another.
    pub fn add_vlan(&mut self, index: u32, name: &str, vlan: u16) -> Result<()> {
        let mut data = Vec::new();
        attribute(&mut data, VLAN_ID, &vlan.to_ne_bytes());
        let mut information = Vec::new();
        attribute(&mut information, libc::IFLA_INFO_KIND, b"vlan");
        attribute(&mut information, libc::IFLA_INFO_DATA, &data);
        let mut body = vec![0; 16];
        attribute(&mut body, libc::IFLA_LINK, &index.to_ne_bytes());
        attribute(&mut body, libc::IFLA_IFNAME, &[name.as_bytes(), &[0]].concat());
        attribute(&mut body, libc::IFLA_LINKINFO, &information);
        self.ask(libc::RTM_NEWLINK, CREATE_OR_REPLACE, &body).with_context(|| format!("there is no VLAN {vlan}"))
    }

    /// Takes away an interface that was made here, and all that it has.
    pub fn remove_link(&mut self, index: u32) -> Result<()> {
        let body = [[0; 4], index.to_ne_bytes(), [0; 4], [0; 4]].concat();
        self.ask(libc::RTM_DELLINK, 0, &body).context("the interface does not go away")
    }

    /// Gives an interface an address; one that it has already is no error.
    pub fn add_address(&mut self, index: u32, address: IpAddr, prefix: u8) -> Result<()> {
        self.ask(libc::RTM_NEWADDR, CREATE_OR_REPLACE, &address_message(index, address, prefix))
            .with_context(|| format!("the interface does not take {address}/{prefix}"))
    }

    /// Takes an address away, and with it the routes that need it.
    pub fn remove_address(&mut self, index: u32, address: IpAddr, prefix: u8) -> Result<()> {
        self.ask(libc::RTM_DELADDR, 0, &address_message(index, address, prefix))
            .with_context(|| format!("the interface does not let go of {address}/{prefix}"))
    }

    /// Sends everything that is not for the interface's own network to this gateway.
    pub fn set_default_route(&mut self, index: u32, gateway: IpAddr) -> Result<()> {
        // struct rtmsg: family, bits of destination and source, type of service, table, protocol, scope, type, flags (4).
        let mut body = vec![family(gateway), 0, 0, 0, libc::RT_TABLE_MAIN, libc::RTPROT_BOOT];
        body.extend([libc::RT_SCOPE_UNIVERSE, libc::RTN_UNICAST, 0, 0, 0, 0]);
        attribute(&mut body, libc::RTA_GATEWAY, &octets(gateway));
        attribute(&mut body, libc::RTA_OIF, &index.to_ne_bytes());
        self.ask(libc::RTM_NEWROUTE, CREATE_OR_REPLACE, &body)
            .with_context(|| format!("there is no way to the gateway {gateway}"))
    }

    fn ask(&mut self, kind: u16, flags: u16, body: &[u8]) -> Result<()> {
        self.sequence += 1;
        let kernel = SocketAddrNetlink::new(0, 0);
        let message = message(kind, REQUEST | flags, self.sequence, body);
        sendto(&self.socket, &message, SendFlags::empty(), &kernel)?;
        let mut answer = [0; 4096];
        loop {
            let (length, _) = recv(&self.socket, &mut answer, RecvFlags::empty())?;
            match outcome(&answer[..length], self.sequence) {
                Some(0) => return Ok(()),
                Some(number) => bail!(Errno::from_raw_os_error(number)),
                None => {}
            }
        }
    }
}

fn address_message(index: u32, address: IpAddr, prefix: u8) -> Vec<u8> {
    // struct ifaddrmsg: family, bits of the network part, flags, scope, index (4).
    let mut body = vec![family(address), prefix, 0, libc::RT_SCOPE_UNIVERSE];
    body.extend(index.to_ne_bytes());
    attribute(&mut body, libc::IFA_LOCAL, &octets(address));
    attribute(&mut body, libc::IFA_ADDRESS, &octets(address));
    if let IpAddr::V4(address) = address {
        let hosts = u32::MAX.checked_shr(u32::from(prefix)).unwrap_or(0);
        attribute(&mut body, libc::IFA_BROADCAST, &Ipv4Addr::from_bits(address.to_bits() | hosts).octets());
    }
    body
}

fn family(address: IpAddr) -> u8 {
    if address.is_ipv4() { libc::AF_INET as u8 } else { libc::AF_INET6 as u8 }
}

fn octets(address: IpAddr) -> Vec<u8> {
    match address {
        IpAddr::V4(address) => address.octets().to_vec(),
        IpAddr::V6(address) => address.octets().to_vec(),
    }
}

/// Appends length, type and value, and fills up to a multiple of four octets.
fn attribute(body: &mut Vec<u8>, kind: u16, value: &[u8]) {
    body.extend((4 + value.len() as u16).to_ne_bytes());
    body.extend(kind.to_ne_bytes());
    body.extend(value);
    body.resize(body.len().next_multiple_of(4), 0);
}

/// struct nlmsghdr and what follows it.
fn message(kind: u16, flags: u16, sequence: u32, body: &[u8]) -> Vec<u8> {
    let length = (HEADER + body.len()) as u32;
    let mut message = Vec::with_capacity(HEADER + body.len());
    message.extend(length.to_ne_bytes());
    message.extend(kind.to_ne_bytes());
    message.extend(flags.to_ne_bytes());
    message.extend(sequence.to_ne_bytes());
    message.extend(0u32.to_ne_bytes());
    message.extend(body);
    message
}

/// The error number in the acknowledgement of this request, 0 for success; `None` if it is something else.
fn outcome(answer: &[u8], sequence: u32) -> Option<i32> {
    let kind = u16::from_ne_bytes(answer.get(4..6)?.try_into().ok()?);
    let answered = u32::from_ne_bytes(answer.get(8..12)?.try_into().ok()?);
    let number = i32::from_ne_bytes(answer.get(HEADER..HEADER + 4)?.try_into().ok()?);
    (kind == libc::NLMSG_ERROR as u16 && answered == sequence).then(|| number.wrapping_neg())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernel_answers_a_request_it_refuses() {
        let mut kernel = RtNetlink::open().expect("every Linux has rtnetlink");
        let error = kernel.set_up(u32::MAX / 2).expect_err("there is no such interface");
        assert!(format!("{error:#}").starts_with("the interface does not come up: "), "{error:#}");
    }

    #[test]
    fn an_address_comes_with_its_broadcast_address() {
        let message = address_message(2, Ipv4Addr::new(10, 0, 2, 15).into(), 24);
        assert_eq!(message[..4], [2, 24, 0, 0]);
        assert_eq!(message[message.len() - 4..], [10, 0, 2, 255]);
        let host = address_message(2, Ipv4Addr::new(10, 0, 2, 15).into(), 32);
        assert_eq!(host[host.len() - 4..], [10, 0, 2, 15]);
        let longer = address_message(2, "fd00::2".parse().expect("an address"), 64);
        assert_eq!((longer[0], longer.len()), (libc::AF_INET6 as u8, 8 + 2 * 20));
    }

    #[test]
    fn values_are_filled_up_to_four_octets() {
        let mut body = Vec::new();
        attribute(&mut body, 3, b"eth0.\0");
        assert_eq!((body.len(), &body[..2], &body[10..]), (12, &10u16.to_ne_bytes()[..], &[0, 0][..]));
    }

    #[test]
    fn only_the_acknowledgement_of_the_request_counts() {
        let acknowledgement = |number: i32| message(libc::NLMSG_ERROR as u16, 0, 7, &number.to_ne_bytes());
        assert_eq!(outcome(&acknowledgement(0), 7), Some(0));
        assert_eq!(outcome(&acknowledgement(-17), 7), Some(17));
        assert_eq!(outcome(&acknowledgement(0), 8), None);
        assert_eq!(outcome(&acknowledgement(0)[..18], 7), None);
    }
}
