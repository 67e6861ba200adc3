//! Where events may be told. What a name leads to is looked at again when they are.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use axum::http::Uri;
use pbx::Rejection;

/// Bytes of an address: what every proxy takes.
const LONGEST: usize = 2_048;

/// Whether events may be told there; empty: nowhere. `own` are servers of the box itself that may be told all the same.
pub fn validate(uri: &str, own: &[SocketAddr]) -> Result<(), Rejection> {
    if uri.is_empty() {
        return Ok(());
    }
    let invalid = |reason| Rejection::Invalid { field: "webhook_uri", reason };
    if uri.len() > LONGEST {
        return Err(invalid("must be at most 2048 bytes long"));
    }
    let parsed: Uri = uri.parse().map_err(|_| invalid("is no URL"))?;
    if !matches!(parsed.scheme_str(), Some("http" | "https")) {
        return Err(invalid("must begin with http:// or https://"));
    }
    let host = parsed.host().unwrap_or_default();
    if host.is_empty() {
        return Err(invalid("names no host"));
    }
    let port = parsed.port_u16().unwrap_or(if parsed.scheme_str() == Some("https") { 443 } else { 80 });
    match read(host) {
        Host::Address(address) if own.contains(&SocketAddr::new(address, port)) => Ok(()),
        Host::Name => Ok(()),
        Host::Odd => Err(invalid("has a host that is neither a name nor an address")),
        Host::Ourselves => Err(invalid("must not lead to the exchange itself")),
        Host::Address(address) if is_link_local(address) => Err(invalid("must not be a link-local address")),
        Host::Address(address) if is_ourselves(address) => Err(invalid("must not lead to the exchange itself")),
        Host::Address(_) => Ok(()),
    }
}

enum Host {
    Name,
    Address(IpAddr),
    Ourselves,
    /// What one reader takes for a name and the next for an address.
    Odd,
}

fn read(host: &str) -> Host {
    let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    if let Ok(address) = bare.parse::<IpAddr>() {
        return Host::Address(address.to_canonical());
    }
    let name = host.strip_suffix('.').unwrap_or(host).to_ascii_lowercase();
    let last = name.rsplit('.').next().unwrap_or_default();
    // `127.1`, `0x7f000001` and `2130706433` are 127.0.0.1 to a resolver.
    let number = last
        .strip_prefix("0x")
        .map_or(last.bytes().all(|b| b.is_ascii_digit()), |hex| hex.bytes().all(|b| b.is_ascii_hexdigit()));
    match last {
        "localhost" => Host::Ourselves,
        _ if name.is_empty() || number || host.contains(['[', ']']) => Host::Odd,
        _ => Host::Name,
    }
}

fn is_link_local(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => address.is_link_local(),
        IpAddr::V6(address) => address.is_unicast_link_local(),
    }
}

fn is_ourselves(address: IpAddr) -> bool {
    let this_network = matches!(address, IpAddr::V4(address) if address.octets()[0] == 0);
    address.is_loopback() || this_network || address == IpAddr::V6(Ipv6Addr::UNSPECIFIED)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_may_be_told_on_the_lan_and_beyond() {
        for uri in [
            "",
            "https://example.org",
            "http://example.org:8080/hook?key=x",
            "https://user:secret@example.org/",
            "http://192.168.1.7/hook",
            "http://[2001:db8::1]/hook",
            "http://nas/hook",
            "http://127.example.org/",
        ] {
            assert!(validate(uri, &[]).is_ok(), "{uri}");
        }
    }

    #[test]
    fn but_not_to_ourselves_nor_to_a_clouds_metadata() {
        for (uri, reason) in [
            ("example.org/hook", "URL"),
            ("ftp://example.org/", "http"),
            ("http://", "URL"),
            ("http://exa mple.org", "URL"),
            ("http://127.0.0.1/", "itself"),
            ("http://127.1.2.3:8080/", "itself"),
            ("http://LOCALHOST/", "itself"),
            ("http://api.localhost./", "itself"),
            ("http://[::1]/", "itself"),
            ("http://[::ffff:127.0.0.1]/", "itself"),
            ("http://0.0.0.0/", "itself"),
            ("http://[::]/", "itself"),
            ("http://169.254.169.254/latest/meta-data", "link-local"),
            ("http://[fe80::1]/", "link-local"),
            ("http://127.1/", "neither"),
            ("http://2130706433/", "neither"),
            ("http://0x7f000001/", "neither"),
        ] {
            let refused = validate(uri, &[]).expect_err(uri);
            assert!(refused.to_string().contains(reason), "{uri}: {refused}");
        }
        assert!(validate(&format!("http://example.org/{}", "x".repeat(2_048)), &[]).is_err());
    }

    #[test]
    fn a_server_of_the_box_may_be_told_where_the_administrator_named_it() {
        let own = ["127.0.0.1:8080".parse().expect("an address")];
        assert!(validate("http://127.0.0.1:8080/hook", &own).is_ok());
        assert!(validate("http://127.0.0.1:8081/hook", &own).is_err());
        assert!(validate("http://127.0.0.1/hook", &own).is_err());
    }
}
