//! By which certificate the box is known to browsers and phones: one of its own authority, or one that its administrator gave it.
//!
//! They are below `DIR/tls`, readable for nobody else: `authority.*` is made at the first start and stays, `server.*` is made anew
//! when the box's names change and before it ends, `given.*` is the administrator's and goes before that. Connections that
//! begin after a change get the new one; nobody has to restart anything.

mod authority;
mod file;

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, UdpSocket};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicI32, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use anyhow::{Context, Result, anyhow};
use api::certificate::Trouble;
use rustls::ServerConfig;
use rustls::crypto::ring::{default_provider, sign};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use sha2::{Digest, Sha256};
use store::Timestamp;
use x509_parser::extensions::GeneralName;
use x509_parser::time::ASN1Time;

use crate::clock;
use crate::data_folder::{self, DataFolder};
use crate::options::tls::Tls;
use authority::Authority;
pub use authority::Names;

/// The certificates of a data folder.
pub struct Certificates {
    folder: PathBuf,
    authority: Authority,
    names: Names,
    // By the clock, when it was looked at last.
    made_in: AtomicI32,
    current: Arc<Current>,
}

/// The one that is shown now.
struct Current(RwLock<Shown>);

struct Shown {
    key: Arc<CertifiedKey>,
    is_given: bool,
}

impl Certificates {
    /// Those of a data folder, where TLS is spoken anywhere.
    pub fn of(tls: &Tls, folder: &DataFolder) -> Result<Option<Certificates>> {
        let listening: Vec<IpAddr> = [tls.https, tls.sips].into_iter().flatten().map(|address| address.ip()).collect();
        if listening.is_empty() {
            return Ok(None);
        }
        let names = Names { names: tls.host_names.clone(), addresses: addresses(&listening) };
        Certificates::open(&folder.tls(), names, year()).map(Some)
    }

    /// Opens the folder, makes what is not there yet. `year` is the one that the clock says.
    pub fn open(folder: &Path, names: Names, year: i32) -> Result<Certificates> {
        data_folder::make(folder).with_context(|| format!("cannot make the folder {}", folder.display()))?;
        let authority = Authority::open(folder)?;
        let shown = match read_pair(folder, "given") {
            Ok(Some(key)) => Shown { key, is_given: true },
            found => {
                if let Err(error) = found {
                    tracing::error!(%error, "the certificate that was given is no use; the box shows its own");
                }
                Shown { key: own(folder, &authority, &names, year)?, is_given: false }
            }
        };
        let current = Arc::new(Current(RwLock::new(shown)));
        let (folder, made_in) = (folder.to_path_buf(), AtomicI32::new(year));
        Ok(Certificates { folder, authority, names, made_in, current })
    }

    /// How a server speaks TLS (1.2 or 1.3) by them.
    pub fn server(&self, protocols: &[&[u8]]) -> Result<Arc<ServerConfig>> {
        let versions = ServerConfig::builder_with_provider(Arc::new(default_provider()));
        let versions = versions.with_safe_default_protocol_versions().context("TLS 1.2 and 1.3 are built in")?;
        let mut config = versions.with_no_client_auth().with_cert_resolver(self.current.clone());
        config.alpn_protocols = protocols.iter().map(|protocol| protocol.to_vec()).collect();
        Ok(Arc::new(config))
    }

    /// Makes the box's own certificate anew where its time comes, by the clock; that of another is its administrator's to renew.
    pub fn tend(&self) {
        if let Err(error) = self.renew(year()) {
            tracing::error!(%error, "the box's certificate cannot be made anew");
        }
    }

    fn renew(&self, year: i32) -> Result<()> {
        let is_due = self.made_in.swap(year, Ordering::Relaxed) != year;
        if is_due && !self.current.read().is_given {
            let key = own(&self.folder, &self.authority, &self.names, year)?;
            self.current.show(Shown { key, is_given: false });
        }
        Ok(())
    }
}

impl api::certificate::Certificates for Certificates {
    fn authority(&self) -> String {
        self.authority.certificate.clone()
    }

    fn shown(&self) -> api::certificate::Shown {
        let shown = self.current.read();
        described(&shown.key.cert[0], shown.is_given)
    }

    fn give(&self, chain: &str, key: &str) -> Result<(), Trouble> {
        let certified = pair(chain, key)?;
        let kept = file::write(&self.folder.join("given.key"), key)
            .and_then(|()| file::write(&self.folder.join("given.pem"), chain));
        kept.map_err(|error| Trouble::Disk(format!("{error:#}")))?;
        self.current.show(Shown { key: certified, is_given: true });
        Ok(())
    }

    fn take_back(&self) -> Result<(), Trouble> {
        let taken = file::remove(&self.folder.join("given.pem"))
            .and_then(|()| file::remove(&self.folder.join("given.key")))
            .and_then(|()| own(&self.folder, &self.authority, &self.names, year()));
        let key = taken.map_err(|error| Trouble::Disk(format!("{error:#}")))?;
        self.current.show(Shown { key, is_given: false });
        Ok(())
    }
}

/// A certificate in words. One that rustls takes can be read.
fn described(certificate: &CertificateDer<'_>, is_given: bool) -> api::certificate::Shown {
    let fingerprint = Sha256::digest(certificate).iter().map(|octet| format!("{octet:02x}")).collect();
    let Ok((_, read)) = x509_parser::parse_x509_certificate(certificate) else {
        return api::certificate::Shown { is_given, fingerprint, ..Default::default() };
    };
    let at = |time: ASN1Time| Some(Timestamp(time.timestamp().saturating_mul(1_000_000)));
    let alternatives = read.subject_alternative_name().ok().flatten();
    let name = |name: &GeneralName<'_>| match name {
        GeneralName::DNSName(name) => Some((*name).to_string()),
        GeneralName::IPAddress(octets) => match octets.len() {
            4 => <[u8; 4]>::try_from(*octets).ok().map(|octets| IpAddr::from(octets).to_string()),
            _ => <[u8; 16]>::try_from(*octets).ok().map(|octets| IpAddr::from(octets).to_string()),
        },
        _ => None,
    };
    api::certificate::Shown {
        is_given,
        names: alternatives
            .map(|names| names.value.general_names.iter().filter_map(name).collect())
            .unwrap_or_default(),
        issuer: read.issuer().to_string(),
        begins: at(read.validity().not_before),
        ends: at(read.validity().not_after),
        fingerprint,
    }
}

impl Current {
    fn read(&self) -> std::sync::RwLockReadGuard<'_, Shown> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn show(&self, shown: Shown) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = shown;
    }
}

impl ResolvesServerCert for Current {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.read().key.clone())
    }
}

impl fmt::Debug for Current {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Current").field("is_given", &self.read().is_given).finish_non_exhaustive()
    }
}

impl fmt::Debug for Certificates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Certificates").field("folder", &self.folder).field("names", &self.names).finish_non_exhaustive()
    }
}

/// The addresses by which others may know a box that listens on these: they themselves, or, where it listens on all, those by
/// which it would reach others.
fn addresses(listening: &[IpAddr]) -> Vec<IpAddr> {
    let mut addresses = vec![IpAddr::from(Ipv4Addr::LOCALHOST), IpAddr::from(Ipv6Addr::LOCALHOST)];
    for address in listening {
        match address.is_unspecified() {
            true => addresses.extend(ELSEWHERE.iter().filter_map(|there| seen_from(*there))),
            false => addresses.push(*address),
        }
    }
    addresses.sort_unstable();
    addresses.dedup();
    addresses
}

/// Addresses that nobody has (RFC 5737, RFC 3849): the way there shows by which of our own we go out.
const ELSEWHERE: [IpAddr; 2] =
    [IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1)), IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1))];

/// Our own address on the way there; nothing is sent.
fn seen_from(there: IpAddr) -> Option<IpAddr> {
    let any: IpAddr = if there.is_ipv4() { Ipv4Addr::UNSPECIFIED.into() } else { Ipv6Addr::UNSPECIFIED.into() };
    let socket = UdpSocket::bind((any, 0)).ok()?;
    socket.connect((there, 9)).ok()?;
    Some(socket.local_addr().ok()?.ip())
}

/// The year by the clock; a clock that woke up in the past says nothing.
fn year() -> i32 {
    const BUILT: u64 = 2026;
    const SECONDS: u64 = 31_556_952;
    (1970 + clock::unix().as_secs() / SECONDS).max(BUILT) as i32
}

/// The box's own certificate: the one of the folder as long as it fits, else a new one.
fn own(folder: &Path, authority: &Authority, names: &Names, year: i32) -> Result<Arc<CertifiedKey>> {
    // What the one in the folder was made for stands beside it.
    let made_for = format!("{year}\n{names:?}\n");
    let note = folder.join("server.for");
    if file::read(&note)?.as_deref() == Some(&made_for)
        && let Ok(Some(key)) = read_pair(folder, "server")
    {
        return Ok(key);
    }
    let (chain, key) = authority.sign(names, year)?;
    let certified = pair(&chain, &key).map_err(|trouble| anyhow!("{trouble:?}"))?;
    file::remove(&note)?;
    file::write(&folder.join("server.key"), &key)?;
    file::write(&folder.join("server.pem"), &chain)?;
    file::write(&note, &made_for)?;
    Ok(certified)
}

fn read_pair(folder: &Path, name: &str) -> Result<Option<Arc<CertifiedKey>>> {
    let chain = file::read(&folder.join(format!("{name}.pem")))?;
    let key = file::read(&folder.join(format!("{name}.key")))?;
    match (chain, key) {
        (Some(chain), Some(key)) => pair(&chain, &key).map(Some).map_err(|trouble| anyhow!("{trouble:?}")),
        _ => Ok(None),
    }
}

/// A chain with the key it counts by.
fn pair(chain: &str, key: &str) -> Result<Arc<CertifiedKey>, Trouble> {
    let of_chain = |reason| Trouble::Field("certificate", reason);
    let of_key = |reason| Trouble::Field("private_key", reason);
    let chain: Vec<CertificateDer<'static>> = CertificateDer::pem_slice_iter(chain.as_bytes())
        .collect::<Result<_, _>>()
        .map_err(|_| of_chain("is no PEM file of certificates"))?;
    if chain.is_empty() {
        return Err(of_chain("has no certificate in it"));
    }
    let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).map_err(|_| of_key("is no PEM file of a key"))?;
    let key = sign::any_supported_type(&key).map_err(|_| of_key("is of a kind that cannot be used"))?;
    let certified = CertifiedKey::new(chain, key);
    match certified.keys_match() {
        Ok(()) => Ok(Arc::new(certified)),
        Err(rustls::Error::InvalidCertificate(_)) => Err(of_chain("cannot be read")),
        Err(_) => Err(of_key("does not belong to the certificate")),
    }
}

#[cfg(test)]
mod tests;
