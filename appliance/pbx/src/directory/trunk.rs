//! A trunk: somebody who calls us with numbers of ours, known by a password or by an address.

use std::net::IpAddr;

use super::extension::{validate_password, validate_text};
use super::table::{Entry, Kept, Table};
use crate::command::Rejection;
use crate::limits;

/// A trunk as it is kept.
pub type Trunk = Entry<TrunkData>;

/// The trunks.
pub type Trunks = Table<TrunkData>;

/// What is set of a trunk.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TrunkData {
    /// Its name.
    pub name: String,
    /// A remark.
    pub detail: String,
    /// The name that it is known by: letters, digits, `-` and `.`; no two trunks have the same.
    pub domain_name: String,
    /// Whether a user name and a password prove it (`basic`).
    pub by_password: bool,
    /// Whether its address proves it (`ip`).
    pub by_address: bool,
    /// The user name.
    pub username: String,
    /// The password.
    pub password: String,
    /// Where it may call from.
    pub allowed_ips: Vec<Network>,
}

/// An address, or all addresses that begin alike (CIDR).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Network {
    /// The address.
    pub address: IpAddr,
    /// How many of its bits count.
    pub bits: u8,
}

impl Network {
    /// `192.0.2.7`, `192.0.2.0/24`, `2001:db8::/32`. `None` where it is neither.
    pub fn parse(text: &str) -> Option<Network> {
        let (address, bits) = match text.split_once('/') {
            Some((address, bits)) => (address, Some(bits.parse::<u8>().ok()?)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().ok()?;
        let all = if address.is_ipv4() { 32 } else { 128 };
        let bits = bits.unwrap_or(all);
        (bits <= all).then_some(Network { address, bits })
    }

    /// Whether an address belongs to it.
    pub fn contains(&self, address: IpAddr) -> bool {
        let same = |own: u128, other: u128, all: u32| {
            let skipped = all - u32::from(self.bits);
            skipped == all || own >> skipped == other >> skipped
        };
        match (self.address, address.to_canonical()) {
            (IpAddr::V4(own), IpAddr::V4(other)) => same(u32::from(own).into(), u32::from(other).into(), 32),
            (IpAddr::V6(own), IpAddr::V6(other)) => same(own.into(), other.into(), 128),
            _ => false,
        }
    }
}

impl std::fmt::Display for Network {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let all = if self.address.is_ipv4() { 32 } else { 128 };
        write!(f, "{}", self.address)?;
        if self.bits == all { Ok(()) } else { write!(f, "/{}", self.bits) }
    }
}

impl Kept for TrunkData {
    const NAME: &'static str = "trunk";
    const LIMIT: usize = limits::TRUNKS;

    fn validate(&self) -> Result<(), Rejection> {
        let invalid = |field, reason| Err(Rejection::Invalid { field, reason });
        validate_text("name", &self.name)?;
        validate_text("detail", &self.detail)?;
        let allowed = |c: char| c.is_ascii_alphanumeric() || "-.".contains(c);
        if self.domain_name.is_empty() || self.domain_name.len() > 63 || !self.domain_name.chars().all(allowed) {
            return invalid("domain_name", "must be 1 to 63 characters of 0-9 a-z A-Z - .");
        }
        if !self.by_password && !self.by_address {
            return invalid("auth_types", "must have basic, ip or both");
        }
        if self.by_password {
            super::extension::validate_number("username", &self.username)?;
            validate_password(&self.password)?;
        }
        if self.by_address && self.allowed_ips.is_empty() {
            return invalid("allowed_ips", "must not be empty where auth_types has ip");
        }
        if self.allowed_ips.len() > limits::TRUNK_NETWORKS {
            return invalid("allowed_ips", "must be at most 100 addresses");
        }
        if self.by_address && self.allowed_ips.iter().any(|network| network.bits == 0) {
            return invalid("allowed_ips", "must not be the whole world");
        }
        Ok(())
    }

    fn clashes(&self, other: &TrunkData) -> bool {
        let same_user = self.by_password && other.by_password && self.username == other.username;
        same_user || self.domain_name.eq_ignore_ascii_case(&other.domain_name)
    }
}

impl Trunks {
    /// The trunk whose address proves it.
    pub fn by_address(&self, address: IpAddr) -> Option<&Trunk> {
        let matches = |trunk: &&Trunk| {
            trunk.data.by_address && trunk.data.allowed_ips.iter().any(|network| network.contains(address))
        };
        // Of several, always the same one.
        self.iter().filter(matches).min_by_key(|trunk| trunk.id)
    }

    /// The trunk with this user name.
    pub fn by_username(&self, username: &str) -> Option<&Trunk> {
        self.iter().find(|trunk| trunk.data.by_password && trunk.data.username == username)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn networks_are_read_and_matched() {
        for (network, inside, outside) in [
            ("192.0.2.7", "192.0.2.7", "192.0.2.8"),
            ("192.0.2.0/24", "192.0.2.255", "192.0.3.0"),
            ("10.0.0.0/8", "::ffff:10.1.2.3", "2001:db8::1"),
            ("2001:db8::/32", "2001:db8:ffff::1", "2001:db9::1"),
        ] {
            let read = Network::parse(network).expect(network);
            assert_eq!(read.to_string(), network);
            assert!(read.contains(inside.parse().expect("an address")), "{inside} is in {network}");
            assert!(!read.contains(outside.parse().expect("an address")), "{outside} is not in {network}");
        }
        for wrong in ["", "192.0.2", "192.0.2.0/33", "2001:db8::/129", "192.0.2.0/-1", "example.com", "1.2.3.4/"] {
            assert_eq!(Network::parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_trunk_needs_a_way_to_be_known() {
        let good = TrunkData { domain_name: "acme".into(), by_address: true, ..TrunkData::default() };
        let field = |data: &TrunkData| match data.validate() {
            Err(Rejection::Invalid { field, .. }) => field,
            other => panic!("{other:?}"),
        };
        assert_eq!(field(&good), "allowed_ips");
        assert_eq!(field(&TrunkData { by_address: false, ..good.clone() }), "auth_types");
        assert_eq!(field(&TrunkData { by_password: true, ..good.clone() }), "username");
        assert_eq!(field(&TrunkData { domain_name: "a b".into(), ..good.clone() }), "domain_name");
        let everybody = Network::parse("0.0.0.0/0").into_iter().collect();
        assert_eq!(field(&TrunkData { allowed_ips: everybody, ..good }), "allowed_ips");
    }
}
