//! By which certificate the box is known to browsers and phones: one of its own authority, one that its administrator gave it, or one
//! that an ACME server signed.
//!
//! They are below `DIR/tls`, readable for nobody else: `authority.*` is made at the first start and stays, `server.*` is made anew
//! when the box's names change and before it ends, `given.*` is the administrator's, `acme.*` is asked for and renewed ([`acme`]).
//! Connections that begin after a change get the new one; nobody has to restart anything.

mod acme;
mod authority;
mod current;
mod pair;

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, UdpSocket};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicI32, Ordering};
use std::sync::{Arc, OnceLock};

use anyhow::{Context, Result, anyhow};
use api::certificate::{AcmeOrder, Trouble};
use rustls::ServerConfig;
use rustls::crypto::ring::default_provider;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use store::certificate::Record;
use store::journal::Entry;
use store::{Item, Journal, Timestamp, private_file};

use crate::clock;
use crate::data_folder::{self, DataFolder};
use crate::options::tls::Tls;
use acme::{Desk, Wish};
use authority::Authority;
pub use authority::Names;
use current::Current;
use pair::Pair;

/// The certificates of a data folder.
pub struct Certificates {
    folder: PathBuf,
    authority: Authority,
    names: Names,
    // By the clock, when it was looked at last.
    made_in: AtomicI32,
    current: Arc<Current>,
    desk: Arc<Desk>,
    /// Where it is written down that something has changed.
    journal: OnceLock<Journal>,
}

impl Certificates {
    /// Those of a data folder, where TLS is spoken anywhere.
    pub fn of(tls: &Tls, folder: &DataFolder) -> Result<Option<Certificates>> {
        let listening: Vec<IpAddr> = [tls.https, tls.sips].into_iter().flatten().map(|address| address.ip()).collect();
        if listening.is_empty() {
            return Ok(None);
        }
        let names = Names { names: tls.host_names.clone(), addresses: addresses(&listening) };
        Certificates::open((folder.path(), &folder.tls()), names, year()).map(Some)
    }

    /// Opens the folder within the data folder, makes what is not there yet. `year` is the one that the clock says.
    pub fn open((data, folder): (&Path, &Path), names: Names, year: i32) -> Result<Certificates> {
        data_folder::make(folder).with_context(|| format!("cannot make the folder {}", folder.display()))?;
        let authority = Authority::open(folder)?;
        let given = Pair::read(folder, GIVEN).unwrap_or_else(|error| {
            tracing::error!(%error, "the certificate that was given is no use; the box shows its own");
            None
        });
        let current = Arc::new(Current::new(own(folder, &authority, &names, year)?, given));
        let desk = Arc::new(Desk::open(data, folder, current.clone())?);
        let (folder, made_in, journal) = (folder.to_path_buf(), AtomicI32::new(year), OnceLock::new());
        Ok(Certificates { folder, authority, names, made_in, current, desk, journal })
    }

    /// Begins to ask for what is wanted of an ACME server; what changes is written down from now on.
    pub fn start(self: &Arc<Certificates>, journal: &Journal) -> Result<()> {
        // Whoever starts it a second time is not listened to.
        let _ = self.journal.set(journal.clone());
        let told = Arc::downgrade(self);
        self.desk.start(Box::new(move || told.upgrade().iter().for_each(|certificates| certificates.tell())))
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
        if self.made_in.swap(year, Ordering::Relaxed) != year {
            self.current.show_own(own(&self.folder, &self.authority, &self.names, year)?);
            self.tell();
        }
        Ok(())
    }

    /// Writes down what is shown now.
    fn tell(&self) {
        use api::certificate::Certificates as _;
        let Some(journal) = self.journal.get() else { return };
        let item = Item::Certificate(Box::new(self.record()), now());
        if journal.submit(Entry { items: vec![item], done: None }).is_err() {
            tracing::error!("that another certificate is shown could not be written down");
        }
    }

    /// What came of a change, which is told where there was one.
    fn changed(&self, result: Result<()>) -> Result<(), Trouble> {
        result.map_err(|error| Trouble::Disk(format!("{error:#}")))?;
        self.tell();
        Ok(())
    }
}

/// The name of what the administrator gave, as files.
const GIVEN: &str = "given";
/// The name of the box's own.
const OWN: &str = "server";

impl api::certificate::Certificates for Certificates {
    fn authority(&self) -> String {
        self.authority.certificate.clone()
    }

    fn record(&self) -> Record {
        let authority = CertificateDer::from_pem_slice(self.authority.certificate.as_bytes());
        let authority_fingerprint = authority.map(|it| pair::fingerprint(&it)).unwrap_or_default();
        Record { acme: self.desk.state(), authority_fingerprint, ..self.current.record() }
    }

    fn give(&self, chain: &str, key: &str) -> Result<(), Trouble> {
        let given = Pair::new(chain, key)?;
        if given.life().1 <= now() {
            return Err(Trouble::Field("certificate", "has expired"));
        }
        let kept = given.write(&self.folder, GIVEN);
        if kept.is_ok() {
            self.current.show_given(Some(given));
        }
        self.changed(kept)
    }

    fn take_back(&self) -> Result<(), Trouble> {
        let taken = Pair::remove(&self.folder, GIVEN);
        if taken.is_ok() {
            self.current.show_given(None);
        }
        self.changed(taken)
    }

    fn order(&self, order: AcmeOrder) -> Result<(), Trouble> {
        let wish = Wish::read(order)?;
        self.changed(self.desk.order(wish))
    }

    fn cancel_order(&self) -> Result<(), Trouble> {
        self.changed(self.desk.cancel())
    }

    fn token(&self, token: &str) -> Option<String> {
        self.desk.token(token)
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
fn own(folder: &Path, authority: &Authority, names: &Names, year: i32) -> Result<Pair> {
    // What the one in the folder was made for stands beside it.
    let made_for = format!("{year}\n{names:?}\n");
    let note = folder.join("server.for");
    if private_file::read_text(&note)?.as_deref() == Some(&made_for)
        && let Ok(Some(known)) = Pair::read(folder, OWN)
    {
        return Ok(known);
    }
    let (chain, key) = authority.sign(names, year)?;
    let made = Pair::new(&chain, &key).map_err(|trouble| anyhow!("{trouble:?}"))?;
    private_file::remove(&note)?;
    made.write(folder, OWN)?;
    private_file::write(&note, made_for.as_bytes())?;
    Ok(made)
}

/// The time by the clock, as records have it.
fn now() -> Timestamp {
    Timestamp(clock::unix().as_micros() as i64)
}

#[cfg(test)]
mod tests;
