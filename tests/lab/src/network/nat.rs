//! A router between one phone and the exchange that gives its packets another source address.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

/// How long a mapping lives without a packet from inside, as home routers have it for UDP.
pub const MAPPING_LIFE: Duration = Duration::from_secs(30);

/// A router with endpoint-independent mapping and address-dependent filtering (RFC 4787 §4.1, §5).
#[derive(Debug, Clone)]
pub struct Nat {
    /// Its outside address.
    pub outside: IpAddr,
    next_port: u16,
    mappings: BTreeMap<u16, Mapping>,
}

#[derive(Debug, Clone)]
struct Mapping {
    inside: SocketAddr,
    last_from_inside: Duration,
    allowed: Vec<IpAddr>,
}

impl Nat {
    /// A router that nobody has sent through yet.
    pub fn new(outside: IpAddr) -> Nat {
        Nat { outside, next_port: 61_000, mappings: BTreeMap::new() }
    }

    /// A packet leaves: the source address that the other side sees.
    pub fn outward(&mut self, now: Duration, inside: SocketAddr, to: IpAddr) -> SocketAddr {
        self.mappings.retain(|_, mapping| now < mapping.last_from_inside + MAPPING_LIFE);
        let known = self.mappings.iter().find(|(_, mapping)| mapping.inside == inside).map(|(port, _)| *port);
        let port = known.unwrap_or_else(|| {
            self.next_port += 1;
            self.next_port
        });
        let mapping =
            self.mappings.entry(port).or_insert(Mapping { inside, last_from_inside: now, allowed: Vec::new() });
        mapping.last_from_inside = now;
        if !mapping.allowed.contains(&to) {
            mapping.allowed.push(to);
        }
        SocketAddr::new(self.outside, port)
    }

    /// A packet comes for an outside port: whom it is for, if it is let in. Traffic in either direction keeps the mapping.
    pub fn inward(&mut self, now: Duration, port: u16, from: IpAddr) -> Option<SocketAddr> {
        let mapping = self.mappings.get_mut(&port)?;
        let is_alive = now < mapping.last_from_inside + MAPPING_LIFE;
        (is_alive && mapping.allowed.contains(&from)).then(|| {
            mapping.last_from_inside = now;
            mapping.inside
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_answers_get_in_and_only_for_a_while() {
        let mut nat = Nat::new([203, 0, 113, 1].into());
        let (inside, exchange, stranger) =
            (SocketAddr::from(([192, 168, 1, 2], 5060)), IpAddr::from([10, 0, 0, 1]), IpAddr::from([6, 6, 6, 6]));
        let start = Duration::ZERO;
        let outside = nat.outward(start, inside, exchange);
        assert_eq!(nat.outward(start, inside, exchange), outside, "the mapping is kept");
        assert_eq!(nat.inward(start, outside.port(), exchange), Some(inside));
        assert_eq!(nat.inward(start, outside.port(), stranger), None);
        assert_eq!(nat.inward(MAPPING_LIFE, outside.port(), exchange), None, "it has expired");
        assert_ne!(nat.outward(MAPPING_LIFE, inside, exchange), outside);
    }
}
