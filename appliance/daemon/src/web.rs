//! How web servers are asked, and which are not.
//!
//! Whoever names a URL may be a stranger: a flow is written by a customer. So nothing is had that can only be had from
//! this box itself or from beside it: no address of its own, no loopback, no link-local one (where clouds keep their secrets), wherever a
//! redirect or a name server leads; but for the servers that the administrator names.

use std::io;
use std::net::{IpAddr, Ipv6Addr, SocketAddr, UdpSocket};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use delivery::recording::bucket;
use ureq::config::{Config, ConfigBuilder};
use ureq::http::Uri;
use ureq::tls::{Certificate, PemItem, RootCerts, TlsConfig, parse_pem};
use ureq::typestate::AgentScope;
use ureq::unversioned::resolver::{ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::{DefaultConnector, NextTimeout};
use ureq::{Agent, Error};

use crate::{host_names, limits};

/// Addresses of one server that are tried.
const ADDRESSES: usize = 16;

/// Which servers are asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reach {
    /// All but our own, except for these.
    Others(Arc<[SocketAddr]>),
    /// All: for those that the administrator himself names.
    Anywhere,
}

impl Reach {
    fn allows(&self, address: SocketAddr) -> bool {
        match self {
            Reach::Others(but) => but.contains(&address) || !is_near(address.ip()),
            Reach::Anywhere => true,
        }
    }
}

/// An error for people.
pub fn in_words(error: Error) -> String {
    match error {
        Error::TooManyRedirects => format!("it is redirected more than {} times", limits::REDIRECTS),
        Error::Timeout(_) => "the server takes too long".into(),
        Error::Other(refused) => refused.to_string(),
        error => error.to_string(),
    }
}

/// What asks web servers, and waits for an answer for so long.
pub fn agent(reach: Reach, most: Duration) -> Agent {
    with_guard(reach, every().timeout_global(Some(most)).max_redirects(limits::REDIRECTS).build())
}

/// What tells the same servers much, one thing after the other: connections stay open for a while. Redirects come back as they
/// are, and each request has its own time.
pub fn telling_agent(reach: Reach, tls: TlsConfig) -> Agent {
    let kept = limits::WEBHOOK_CONNECTIONS;
    let config = every().tls_config(tls).max_redirects(0).max_idle_connections(kept).max_idle_connections_per_host(1);
    with_guard(reach, config.max_idle_age(limits::WEBHOOK_CONNECTION_IDLE).build())
}

/// What asks the bucket of recordings, which the administrator names.
pub fn bucket_agent(tls: TlsConfig) -> Agent {
    with_guard(Reach::Anywhere, bucket::patient(every().tls_config(tls)))
}

/// What asks the cloud, which the administrator names: again and again over one connection, and not where it redirects to.
pub fn cloud_agent(tls: TlsConfig) -> Agent {
    let most = Some(delivery::limits::CLOUD_PATIENCE);
    let config = every().tls_config(tls).timeout_global(most).max_idle_connections(1).max_redirects(0);
    with_guard(Reach::Anywhere, config.max_redirects_will_error(false).build())
}

/// Whose certificates count: those that a file holds, or those that browsers trust.
pub fn tls(roots: Option<&Path>) -> Result<TlsConfig> {
    Ok(match roots {
        Some(path) => TlsConfig::builder().root_certs(RootCerts::new_with_certs(&certificates(path)?)).build(),
        None => TlsConfig::default(),
    })
}

/// The certificates of a file in PEM.
pub fn certificates(path: &Path) -> Result<Vec<Certificate<'static>>> {
    let pem = std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    let items = parse_pem(&pem).map(|item| item.with_context(|| format!("{} is no PEM", path.display())));
    let mut found = Vec::new();
    for item in items {
        if let PemItem::Certificate(certificate) = item? {
            found.push(certificate);
        }
    }
    if found.is_empty() {
        bail!("{} holds no certificate", path.display());
    }
    Ok(found)
}

/// What asks an ACME server, which the administrator names.
pub fn acme_agent(tls: TlsConfig) -> Agent {
    let config =
        every().tls_config(tls).timeout_global(Some(limits::FETCH)).max_redirects(0).max_redirects_will_error(false);
    with_guard(Reach::Anywhere, config.build())
}

/// What holds for all that we ask.
fn every() -> ConfigBuilder<AgentScope> {
    Config::builder()
        .timeout_resolve(Some(limits::FETCH_CONNECT))
        .timeout_connect(Some(limits::FETCH_CONNECT))
        .http_status_as_error(false)
        // What stands in our environment is not for what customers ask for.
        .proxy(None)
        .max_idle_connections(0)
        .user_agent(concat!("tandem/", env!("CARGO_PKG_VERSION")))
}

fn with_guard(reach: Reach, config: Config) -> Agent {
    Agent::with_parts(config, DefaultConnector::default(), Guard { reach })
}

/// Looks names up, and lets nobody in who is not meant.
#[derive(Debug)]
struct Guard {
    reach: Reach,
}

impl Resolver for Guard {
    fn resolve(&self, uri: &Uri, _: &Config, timeout: NextTimeout) -> Result<ResolvedSocketAddrs, Error> {
        let is_encrypted = uri.scheme_str() == Some("https");
        let (host, port) =
            (uri.host().unwrap_or_default(), uri.port_u16().unwrap_or(if is_encrypted { 443 } else { 80 }));
        let addresses = host_names::addresses(host, *timeout.after).map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => Error::HostNotFound,
            io::ErrorKind::TimedOut => Error::Timeout(timeout.reason),
            _ => Error::Io(error),
        })?;
        let mut found = self.empty();
        addresses.iter().take(ADDRESSES).for_each(|address| found.push(SocketAddr::new(*address, port)));
        if found.is_empty() {
            return Err(Error::HostNotFound);
        }
        if found.iter().any(|address| !self.reach.allows(*address)) {
            let refused = format!("{} is an address of this box or beside it", uri.host().unwrap_or_default());
            return Err(Error::Other(io::Error::other(refused).into()));
        }
        Ok(found)
    }
}

/// Whether it is an address of this box, or one that has no meaning beyond its cables.
fn is_near(address: IpAddr) -> bool {
    let address = address.to_canonical();
    let is_special = match address {
        IpAddr::V4(v4) => v4.is_link_local() || v4.is_broadcast() || v4.octets()[0] == 0,
        IpAddr::V6(v6) => v6.is_unicast_link_local() || embeds_near(v6),
    };
    // The kernel lets a socket have exactly those addresses that are ours.
    is_special
        || address.is_loopback()
        || address.is_unspecified()
        || address.is_multicast()
        || UdpSocket::bind((address, 0)).is_ok()
}

/// Translators (RFC 6052's well-known prefix) lead to the IPv4 address at its end.
fn embeds_near(address: Ipv6Addr) -> bool {
    let octets = address.octets();
    let v4: [u8; 4] = [octets[12], octets[13], octets[14], octets[15]];
    octets[..12] == [0, 0x64, 0xff, 0x9b, 0, 0, 0, 0, 0, 0, 0, 0] && is_near(IpAddr::from(v4))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_this_box_and_beside_it_are_near() {
        for near in [
            "127.0.0.1",
            "127.9.9.9",
            "0.0.0.0",
            "0.1.2.3",
            "169.254.169.254",
            "224.0.0.1",
            "255.255.255.255",
            "::1",
            "::",
            "::ffff:127.0.0.1",
            "64:ff9b::7f00:1",
            "fe80::1",
            "ff02::1",
        ] {
            assert!(is_near(near.parse().expect("an address")), "{near}");
        }
        // Addresses for documentation (RFC 5737, RFC 3849) are nobody's, and so not ours.
        for far in ["192.0.2.7", "203.0.113.80", "2001:db8::7", "64:ff9b::c000:207"] {
            assert!(!is_near(far.parse().expect("an address")), "{far}");
        }
    }
}
