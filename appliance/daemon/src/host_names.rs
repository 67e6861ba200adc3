//! Who is asked where names are, and where hosts are, for whoever has a thread of its own to wait in.
//!
//! The C library looks names up with the help of shared libraries, and the image has none of them: so we ask ourselves.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::sync::OnceLock;
use std::time::Duration;

use hickory_resolver::TokioResolver;
use hickory_resolver::config::{NameServerConfig, ResolveHosts, ResolverConfig};
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::net::{DnsError, NetError};

use crate::limits;

/// Whom the administrator has named; nobody: those of the system.
static NAMED: OnceLock<Vec<SocketAddr>> = OnceLock::new();
const RESOLV_CONF: &str = "/etc/resolv.conf";

/// These are asked from now on, unless there is none among them. Said once, before anybody asks.
pub fn use_servers(servers: &[SocketAddr]) {
    // Whoever says it a second time is not listened to.
    let _ = NAMED.set(servers.to_vec());
}

/// Who is asked now: those of the system may be others than a moment ago, where the network came later or went elsewhere.
pub fn servers() -> Vec<SocketAddr> {
    match NAMED.get().filter(|named| !named.is_empty()) {
        Some(named) => named.clone(),
        None => of_system(Path::new(RESOLV_CONF)),
    }
}

/// The name servers of the system; none where it names none.
fn of_system(path: &Path) -> Vec<SocketAddr> {
    let text = std::fs::read_to_string(path).unwrap_or_default();
    let servers = text.lines().filter_map(|line| line.trim().strip_prefix("nameserver"));
    let addresses = servers.filter_map(|server| server.trim().parse::<IpAddr>().ok());
    addresses.map(|address| SocketAddr::new(address, 53)).take(3).collect()
}

/// What asks these servers; it runs in the runtime of whoever uses it.
pub fn resolver(servers: &[SocketAddr]) -> Option<TokioResolver> {
    let server = |server: &SocketAddr| {
        let mut config = NameServerConfig::udp_and_tcp(server.ip());
        config.connections.iter_mut().for_each(|connection| connection.port = server.port());
        config
    };
    let config = ResolverConfig::from_name_servers(servers.iter().map(server).collect());
    let mut builder = TokioResolver::builder_with_config(config, TokioRuntimeProvider::default());
    let options = builder.options_mut();
    options.timeout = limits::QUESTION_TRY;
    options.attempts = 2;
    // The exchange remembers, and knows better for how long.
    options.cache_size = 0;
    options.use_hosts_file = ResolveHosts::Always;
    match builder.build() {
        Ok(resolver) => Some(resolver),
        Err(error) => {
            tracing::error!(%error, "names cannot be looked up");
            None
        }
    }
}

/// The addresses of a host, which may be one itself. Waits for no longer than it is told; an error of the kind
/// `NotFound` says that there is no such host.
pub fn addresses(host: &str, wait: Duration) -> io::Result<Vec<IpAddr>> {
    let plain = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    if let Ok(address) = plain.parse() {
        return Ok(vec![address]);
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let resolver = resolver(&servers()).ok_or_else(|| io::Error::other("names cannot be looked up"))?;
        // The name is whole: what the system would put behind it is not meant.
        let whole = if host.ends_with('.') { host.to_owned() } else { format!("{host}.") };
        let found = tokio::time::timeout(wait, resolver.lookup_ip(whole)).await;
        match found.map_err(|_| io::Error::from(io::ErrorKind::TimedOut))? {
            Ok(found) => Ok(found.iter().collect()),
            Err(NetError::Dns(DnsError::NoRecordsFound(_))) => Err(io::ErrorKind::NotFound.into()),
            Err(error) => Err(io::Error::other(error)),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_servers_of_the_system_are_read() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("resolv.conf");
        std::fs::write(&path, "# ours\nsearch lan\nnameserver 192.0.2.1\n nameserver  2001:db8::1\nnameserver x\n")
            .expect("a file");
        let read = ["192.0.2.1:53", "[2001:db8::1]:53"].map(|text| text.parse::<SocketAddr>().expect("one"));
        assert_eq!(of_system(&path), read);
        assert_eq!(of_system(&folder.path().join("none")), Vec::<SocketAddr>::new());
    }

    #[test]
    fn addresses_and_names_of_this_machine_need_no_server() {
        let wait = Duration::from_secs(1);
        assert_eq!(addresses("192.0.2.7", wait).expect("an address"), [IpAddr::from([192, 0, 2, 7])]);
        assert_eq!(addresses("[2001:db8::7]", wait).expect("one"), ["2001:db8::7".parse::<IpAddr>().expect("one")]);
        let own = addresses("localhost", wait).expect("every machine knows itself");
        assert!(own.iter().all(IpAddr::is_loopback), "{own:?}");
    }
}
