//! How the box is to stand in the network: read from the kernel's command line or from JSON, checked before anything is changed. Pure.
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use serde_json::{Value, json};

/// The name of a box that was given none.
pub const HOSTNAME: &str = "tandem";

/// Addresses of a kind; nobody needs more.
const ADDRESSES: usize = 8;
const NAME_SERVERS: usize = 4;
/// Octets of a host name: a label of the DNS (RFC 1035 §2.3.4).
const LABEL: usize = 63;

/// Everything that can be set of the network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NetworkSettings {
    /// The name of the box, a single label; with `.local` behind it, its name in mDNS.
    pub hostname: String,
    /// The VLAN (IEEE 802.1Q) in which it speaks, 1 to 4094; `None`: frames without a tag.
    pub vlan: Option<u16>,
    pub ipv4: Ipv4Wish,
    pub ipv6: Ipv6Wish,
    /// Who is asked for names; empty: those that DHCP names.
    pub name_servers: Vec<IpAddr>,
}

/// Where IPv4 addresses come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ipv4Wish {
    /// From the network.
    Dhcp,
    /// From the person who set the box up.
    Fixed(Vec<Share<Ipv4Addr>>, Option<Ipv4Addr>),
    /// There are none.
    Off,
}

/// Where IPv6 addresses come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ipv6Wish {
    /// From the routers, by the kernel (RFC 4862).
    Auto,
    /// From the person who set the box up.
    Fixed(Vec<Share<Ipv6Addr>>, Option<Ipv6Addr>),
    /// There are none.
    Off,
}

/// An address and how many of its bits are the network's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Share<A> {
    pub address: A,
    pub prefix: u8,
}

/// What is wrong, and with which field, named as in the API.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wrong {
    pub field: String,
    pub reason: String,
}

impl fmt::Display for Wrong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.field, self.reason)
    }
}

fn wrong<T>(field: impl Into<String>, reason: impl Into<String>) -> Result<T, Wrong> {
    Err(Wrong { field: field.into(), reason: reason.into() })
}

impl Default for NetworkSettings {
    fn default() -> NetworkSettings {
        NetworkSettings {
            hostname: HOSTNAME.to_owned(),
            vlan: None,
            ipv4: Ipv4Wish::Dhcp,
            ipv6: Ipv6Wish::Auto,
            name_servers: Vec::new(),
        }
    }
}

impl NetworkSettings {
    /// Takes `tandem.ip`: `dhcp` and addresses with their prefixes in any order; of the other addresses the first of each kind that
    /// has one with a prefix is its gateway, and the rest are name servers.
    pub fn set_ip(&mut self, value: &str) -> Result<(), String> {
        let (mut fixed4, mut fixed6, mut bare, mut dhcp) = (Vec::new(), Vec::new(), Vec::new(), false);
        for part in value.split(',') {
            let nonsense = || format!("{part:?} is neither dhcp nor an address");
            match part.split_once('/') {
                None if part == "dhcp" => dhcp = true,
                None => bare.push(part.parse().map_err(|_| nonsense())?),
                Some(_) if part.contains(':') => fixed6.push(share6(part).ok_or_else(nonsense)?),
                Some(_) => fixed4.push(share4(part).ok_or_else(nonsense)?),
            }
        }
        if !dhcp && fixed4.is_empty() && fixed6.is_empty() {
            return Err("there is neither dhcp nor an address with its prefix, as 192.0.2.9/24 is".to_owned());
        }
        if dhcp && !fixed4.is_empty() {
            return Err("an IPv4 address comes from dhcp or is fixed, not both".to_owned());
        }
        let mut gateway = |wanted: bool, is_kind: fn(&IpAddr) -> bool| {
            let at = bare.iter().position(is_kind).filter(|_| wanted)?;
            Some(bare.remove(at))
        };
        let (gateway4, gateway6) =
            (gateway(!fixed4.is_empty(), IpAddr::is_ipv4), gateway(!fixed6.is_empty(), IpAddr::is_ipv6));
        let mut settings = self.clone();
        settings.ipv4 = match (dhcp, fixed4.is_empty()) {
            (true, _) => Ipv4Wish::Dhcp,
            (false, true) => Ipv4Wish::Off,
            (false, false) => Ipv4Wish::Fixed(fixed4, gateway4.and_then(as_ipv4)),
        };
        if !fixed6.is_empty() {
            settings.ipv6 = Ipv6Wish::Fixed(fixed6, gateway6.and_then(as_ipv6));
        }
        settings.name_servers = bare;
        settings.check().map_err(|wrong| wrong.to_string())?;
        *self = settings;
        Ok(())
    }

    /// Takes `tandem.vlan`.
    pub fn set_vlan(&mut self, value: &str) -> Result<(), String> {
        let vlan = value.parse().ok().filter(|vlan| (1..=4094).contains(vlan));
        self.vlan = Some(vlan.ok_or_else(|| format!("{value:?} is not a VLAN from 1 to 4094"))?);
        Ok(())
    }

    /// Takes `tandem.hostname`.
    pub fn set_hostname(&mut self, value: &str) -> Result<(), String> {
        self.hostname = hostname(value).map_err(|wrong| wrong.reason)?;
        Ok(())
    }

    /// Reads what [`NetworkSettings::to_json`] writes; what is not there is as it is out of the carton.
    pub fn from_json(json: &Value) -> Result<NetworkSettings, Wrong> {
        if !json.is_object() {
            return wrong("network", "must be an object");
        }
        let mut settings = NetworkSettings::default();
        match &json["hostname"] {
            Value::Null => {}
            Value::String(name) => settings.hostname = hostname(name)?,
            _ => return wrong("hostname", "must be text"),
        }
        settings.vlan = match &json["vlan"] {
            Value::Null => None,
            vlan => match vlan.as_u64() {
                Some(vlan @ 1..=4094) => Some(vlan as u16),
                _ => return wrong("vlan", "must be a number from 1 to 4094, or null"),
            },
        };
        settings.ipv4 = ipv4(&json["ipv4"])?;
        settings.ipv6 = ipv6(&json["ipv6"])?;
        let servers = texts("name_servers", &json["name_servers"], NAME_SERVERS)?;
        let servers = servers.into_iter().enumerate().map(|(at, server)| match server.parse::<IpAddr>() {
            Ok(address) if !address.is_unspecified() && !address.is_multicast() => Ok(address),
            _ => wrong(format!("name_servers[{at}]"), "must be an address, as 192.0.2.1 is"),
        });
        settings.name_servers = servers.collect::<Result<_, _>>()?;
        settings.check()?;
        Ok(settings)
    }

    /// As the API shows it and the data partition keeps it.
    pub fn to_json(&self) -> Value {
        let ipv4 = match &self.ipv4 {
            Ipv4Wish::Dhcp => json!({ "method": "dhcp", "addresses": [], "gateway": null }),
            Ipv4Wish::Off => json!({ "method": "off", "addresses": [], "gateway": null }),
            Ipv4Wish::Fixed(shares, gateway) => {
                json!({ "method": "static", "addresses": shown(shares), "gateway": gateway })
            }
        };
        let ipv6 = match &self.ipv6 {
            Ipv6Wish::Auto => json!({ "method": "auto", "addresses": [], "gateway": null }),
            Ipv6Wish::Off => json!({ "method": "off", "addresses": [], "gateway": null }),
            Ipv6Wish::Fixed(shares, gateway) => {
                json!({ "method": "static", "addresses": shown(shares), "gateway": gateway })
            }
        };
        json!({
            "hostname": self.hostname,
            "vlan": self.vlan,
            "ipv4": ipv4,
            "ipv6": ipv6,
            "name_servers": self.name_servers,
        })
    }

    /// What no part of it shows alone.
    fn check(&self) -> Result<(), Wrong> {
        if self.ipv4 == Ipv4Wish::Off && self.ipv6 == Ipv6Wish::Off {
            return wrong("ipv4.method", "the box would have no address at all");
        }
        if let Ipv4Wish::Fixed(shares, gateway) = &self.ipv4 {
            if shares.len() > ADDRESSES {
                return wrong("ipv4.addresses", format!("must be {ADDRESSES} at most"));
            }
            let near = |gateway: &Ipv4Addr| {
                let same =
                    |share: &Share<Ipv4Addr>| is_same(share.address.to_bits(), gateway.to_bits(), 32 - share.prefix);
                shares.iter().any(|share| same(share) && share.address != *gateway)
            };
            if gateway.is_some_and(|gateway| !near(&gateway)) {
                return wrong("ipv4.gateway", "must be another address in the network of one of the addresses");
            }
        }
        if let Ipv6Wish::Fixed(shares, gateway) = &self.ipv6 {
            if shares.len() > ADDRESSES {
                return wrong("ipv6.addresses", format!("must be {ADDRESSES} at most"));
            }
            let near = |gateway: &Ipv6Addr| {
                let same =
                    |share: &Share<Ipv6Addr>| is_same(share.address.to_bits(), gateway.to_bits(), 128 - share.prefix);
                gateway.is_unicast_link_local() || shares.iter().any(|share| same(share) && share.address != *gateway)
            };
            if gateway.is_some_and(|gateway| !near(&gateway)) {
                let reason = "must be a link-local address, or another in the network of one of the addresses";
                return wrong("ipv6.gateway", reason);
            }
        }
        Ok(())
    }
}

/// Whether two addresses are the same but for their last bits.
fn is_same<N: Into<u128>>(one: N, other: N, last: u8) -> bool {
    let difference: u128 = one.into() ^ other.into();
    difference.checked_shr(last.into()).unwrap_or(0) == 0
}

fn shown<A: fmt::Display>(shares: &[Share<A>]) -> Vec<String> {
    shares.iter().map(|Share { address, prefix }| format!("{address}/{prefix}")).collect()
}

fn as_ipv4(address: IpAddr) -> Option<Ipv4Addr> {
    if let IpAddr::V4(address) = address { Some(address) } else { None }
}

fn as_ipv6(address: IpAddr) -> Option<Ipv6Addr> {
    if let IpAddr::V6(address) = address { Some(address) } else { None }
}

fn share4(text: &str) -> Option<Share<Ipv4Addr>> {
    let (address, prefix) = text.split_once('/')?;
    let (address, prefix): (Ipv4Addr, u8) = (address.parse().ok()?, prefix.parse().ok()?);
    let odd = address.is_unspecified() || address.is_loopback() || address.is_multicast() || address.is_broadcast();
    (!odd && (1..=32).contains(&prefix)).then_some(Share { address, prefix })
}

fn share6(text: &str) -> Option<Share<Ipv6Addr>> {
    let (address, prefix) = text.split_once('/')?;
    let (address, prefix): (Ipv6Addr, u8) = (address.parse().ok()?, prefix.parse().ok()?);
    let odd = address.is_unspecified() || address.is_loopback() || address.is_multicast();
    let odd = odd || address.to_ipv4_mapped().is_some();
    (!odd && (1..=128).contains(&prefix)).then_some(Share { address, prefix })
}

/// A label of letters, digits and dashes within (RFC 1123 §2.1), in small letters.
fn hostname(name: &str) -> Result<String, Wrong> {
    let is_right = (1..=LABEL).contains(&name.len())
        && name.bytes().all(|letter| letter.is_ascii_alphanumeric() || letter == b'-')
        && !name.starts_with('-')
        && !name.ends_with('-');
    if is_right {
        Ok(name.to_ascii_lowercase())
    } else {
        wrong("hostname", "must be 1 to 63 letters, digits and dashes, with no dash at either end")
    }
}

fn texts<'a>(field: &str, list: &'a Value, most: usize) -> Result<Vec<&'a str>, Wrong> {
    match list {
        Value::Null => Ok(Vec::new()),
        Value::Array(list) if list.len() > most => wrong(field, format!("must be {most} at most")),
        Value::Array(list) => {
            let text = |(at, text): (usize, &'a Value)| match text.as_str() {
                Some(text) => Ok(text),
                None => wrong(format!("{field}[{at}]"), "must be text"),
            };
            list.iter().enumerate().map(text).collect()
        }
        _ => wrong(field, "must be a list"),
    }
}

fn method<'a>(field: &str, part: &'a Value) -> Result<Option<&'a str>, Wrong> {
    match (part, &part["method"]) {
        (Value::Null, _) => Ok(None),
        (Value::Object(_), Value::String(method)) => Ok(Some(method)),
        _ => wrong(format!("{field}.method"), "must be a word"),
    }
}

fn ipv4(part: &Value) -> Result<Ipv4Wish, Wrong> {
    match method("ipv4", part)? {
        None | Some("dhcp") => Ok(Ipv4Wish::Dhcp),
        Some("off") => Ok(Ipv4Wish::Off),
        Some("static") => {
            let shares = fixed("ipv4", part, share4, "must be an address with its prefix, as 192.0.2.9/24 is")?;
            Ok(Ipv4Wish::Fixed(shares, gateway("ipv4", part)?))
        }
        Some(_) => wrong("ipv4.method", "must be dhcp, static or off"),
    }
}

fn ipv6(part: &Value) -> Result<Ipv6Wish, Wrong> {
    match method("ipv6", part)? {
        None | Some("auto") => Ok(Ipv6Wish::Auto),
        Some("off") => Ok(Ipv6Wish::Off),
        Some("static") => {
            let shares = fixed("ipv6", part, share6, "must be an address with its prefix, as 2001:db8::9/64 is")?;
            Ok(Ipv6Wish::Fixed(shares, gateway("ipv6", part)?))
        }
        Some(_) => wrong("ipv6.method", "must be auto, static or off"),
    }
}

fn fixed<A>(
    kind: &str,
    part: &Value,
    read: fn(&str) -> Option<Share<A>>,
    reason: &str,
) -> Result<Vec<Share<A>>, Wrong> {
    let field = format!("{kind}.addresses");
    let texts = texts(&field, &part["addresses"], ADDRESSES)?;
    if texts.is_empty() {
        return wrong(field, "at least one is needed");
    }
    let share = |(at, text)| match read(text) {
        Some(share) => Ok(share),
        None => wrong(format!("{field}[{at}]"), reason),
    };
    texts.into_iter().enumerate().map(share).collect()
}

fn gateway<A: std::str::FromStr>(kind: &str, part: &Value) -> Result<Option<A>, Wrong> {
    match &part["gateway"] {
        Value::Null => Ok(None),
        Value::String(text) if text.parse::<A>().is_ok() => Ok(text.parse().ok()),
        _ => wrong(format!("{kind}.gateway"), "must be an address, or null"),
    }
}

#[cfg(test)]
mod tests;
