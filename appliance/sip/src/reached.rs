//! Where peers reach us: at our own end of a flow, or somewhere else where an address translation lies between.

use std::net::{IpAddr, SocketAddr};

use rustc_hash::FxHashMap;

use crate::{Flow, Transport, limits};

/// Our addresses as peers see them. What is not known is our own end of the flow.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reached {
    /// The address that everybody is told, whoever it is.
    everywhere: Option<IpAddr>,
    /// Where those see us who are beyond the translation.
    beyond: Option<SocketAddr>,
    /// Where single peers say that they see us.
    by_peer: FxHashMap<IpAddr, SocketAddr>,
}

impl Reached {
    /// Everybody of the same family is told this address.
    pub fn everywhere(address: Option<IpAddr>) -> Reached {
        Reached { everywhere: address, ..Reached::default() }
    }

    /// Those beyond the translation see us there. Whether that is news.
    pub fn set_beyond(&mut self, seen: SocketAddr) -> bool {
        self.beyond.replace(seen) != Some(seen)
    }

    /// Where those beyond the translation see us.
    pub fn beyond(&self) -> Option<SocketAddr> {
        self.beyond
    }

    /// A peer says that it sees our end of this flow there. Whether that is news.
    pub fn set_by_peer(&mut self, flow: &Flow, seen: SocketAddr) -> bool {
        let before = self.at(flow);
        if seen.ip() == flow.local.ip() && (seen.port() == flow.local.port() || flow.transport.is_reliable()) {
            self.by_peer.remove(&flow.remote.ip());
        } else {
            if self.by_peer.len() >= limits::PEERS_THAT_SEE_US {
                self.by_peer.clear();
            }
            self.by_peer.insert(flow.remote.ip(), seen);
        }
        self.at(flow) != before
    }

    /// Where the peer of a flow reaches us.
    pub fn at(&self, flow: &Flow) -> SocketAddr {
        self.seen_from(flow.transport, flow.local, flow.remote.ip())
    }

    /// The address at which a peer reaches what is bound to one of our addresses, for audio.
    pub fn address_for(&self, own: IpAddr, peer: IpAddr) -> IpAddr {
        self.seen_from(Transport::Tcp, SocketAddr::new(own, 0), peer).ip()
    }

    fn seen_from(&self, transport: Transport, own: SocketAddr, peer: IpAddr) -> SocketAddr {
        let same_family = |seen: &IpAddr| seen.is_ipv4() == own.is_ipv4();
        if let Some(address) = self.everywhere.filter(same_family) {
            return SocketAddr::new(address, own.port());
        }
        let by_peer = self.by_peer.get(&peer).copied();
        let is_beyond = is_inside(own.ip()) && !is_inside(peer);
        match by_peer.or(self.beyond.filter(|_| is_beyond)).filter(|seen| same_family(&seen.ip())) {
            // A stream leaves from a port of its own; where we listen is another one.
            Some(seen) if transport.is_reliable() => SocketAddr::new(seen.ip(), own.port()),
            Some(seen) => seen,
            None => own,
        }
    }
}

/// Whether an address means something only within a network of somebody's own (RFC 1918, RFC 6598, RFC 4193), or on one
/// cable or machine.
pub fn is_inside(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(v4) => {
            let is_shared = v4.octets()[0] == 100 && v4.octets()[1] & 0xc0 == 64;
            v4.is_private() || v4.is_loopback() || v4.is_link_local() || v4.is_unspecified() || is_shared
        }
        IpAddr::V6(v6) => v6.is_unique_local() || v6.is_unicast_link_local() || v6.is_loopback() || v6.is_unspecified(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flow(transport: Transport, local: &str, remote: &str) -> Flow {
        let address = |text: &str| text.parse().expect("an address");
        Flow { transport, local: address(local), remote: address(remote), connection: None }
    }

    fn to(remote: &str) -> Flow {
        flow(Transport::Udp, "192.168.1.2:5060", remote)
    }

    fn seen(text: &str) -> SocketAddr {
        text.parse().expect("an address")
    }

    #[test]
    fn only_those_beyond_the_translation_are_told_of_it() {
        let mut reached = Reached::default();
        assert!(reached.set_beyond(seen("203.0.113.9:61000")) && !reached.set_beyond(seen("203.0.113.9:61000")));
        assert_eq!(reached.at(&to("198.51.100.1:5060")), seen("203.0.113.9:61000"));
        for inside in ["192.168.1.7:5060", "10.1.1.1:5060", "100.64.0.1:5060", "127.0.0.1:5060", "169.254.1.1:5060"] {
            assert_eq!(reached.at(&to(inside)), seen("192.168.1.2:5060"), "{inside}");
        }
        let stream = flow(Transport::Tcp, "192.168.1.2:5060", "198.51.100.1:5060");
        assert_eq!(reached.at(&stream), seen("203.0.113.9:5060"), "nobody listens at the port of a stream");
        let public = flow(Transport::Udp, "198.51.100.7:5060", "198.51.100.1:5060");
        assert_eq!(reached.at(&public), seen("198.51.100.7:5060"), "that interface has no translation");
        let other = flow(Transport::Udp, "[fd00::2]:5060", "[2001:db8::1]:5060");
        assert_eq!(reached.at(&other), seen("[fd00::2]:5060"), "another family");
        let audio = |peer: &str| reached.address_for([192, 168, 1, 2].into(), peer.parse().expect("an address"));
        assert_eq!(audio("198.51.100.1"), IpAddr::from([203, 0, 113, 9]));
        assert_eq!(audio("192.168.1.7"), IpAddr::from([192, 168, 1, 2]));
    }

    #[test]
    fn what_a_peer_says_counts_for_that_peer() {
        let mut reached = Reached::default();
        let (near, far) = (to("10.9.9.9:5060"), to("198.51.100.1:5060"));
        reached.set_beyond(seen("203.0.113.9:5060"));
        assert!(
            reached.set_by_peer(&near, seen("10.8.8.8:5060")) && !reached.set_by_peer(&near, seen("10.8.8.8:5060"))
        );
        assert_eq!((reached.at(&near), reached.at(&far)), (seen("10.8.8.8:5060"), seen("203.0.113.9:5060")));
        assert!(reached.set_by_peer(&near, near.local), "it sees us as we are");
        assert_eq!(reached.at(&near), near.local);
    }

    #[test]
    fn what_the_administrator_says_counts_for_all() {
        let mut reached = Reached::everywhere(Some([203, 0, 113, 9].into()));
        reached.set_beyond(seen("203.0.113.10:61000"));
        for peer in ["10.9.9.9:5060", "198.51.100.1:5060"] {
            assert_eq!(reached.at(&to(peer)), seen("203.0.113.9:5060"));
        }
        let other = flow(Transport::Udp, "[fd00::2]:5060", "[2001:db8::1]:5060");
        assert_eq!(reached.at(&other), seen("[fd00::2]:5060"));
    }
}
