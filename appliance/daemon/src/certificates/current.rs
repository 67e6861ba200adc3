//! Which certificate is shown to whom: a server name (SNI) leads to the one that is for it, all else to the box's own.

use std::fmt;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};

use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use store::certificate::{CertificateOrigin, Record};

use super::pair::Pair;

/// Those that are shown now.
pub struct Current(RwLock<Shown>);

struct Shown {
    own: Pair,
    given: Option<Pair>,
    ordered: Option<Pair>,
}

impl Current {
    /// The box's own, and what the administrator gave it.
    pub fn new(own: Pair, given: Option<Pair>) -> Current {
        Current(RwLock::new(Shown { own, given, ordered: None }))
    }

    /// The box's own was made anew.
    pub fn show_own(&self, own: Pair) {
        self.0.write().unwrap_or_else(PoisonError::into_inner).own = own;
    }

    /// The administrator gives one, or takes it back.
    pub fn show_given(&self, given: Option<Pair>) {
        self.0.write().unwrap_or_else(PoisonError::into_inner).given = given;
    }

    /// An ACME server signed one, or there is none any more.
    pub fn show_ordered(&self, ordered: Option<Pair>) {
        self.0.write().unwrap_or_else(PoisonError::into_inner).ordered = ordered;
    }

    /// The one that counts for the box's name, as the API shows it.
    pub fn record(&self) -> Record {
        let shown = self.read();
        match (&shown.given, &shown.ordered) {
            (Some(given), _) => given.record(CertificateOrigin::Given),
            (None, Some(ordered)) => ordered.record(CertificateOrigin::Acme),
            (None, None) => shown.own.record(CertificateOrigin::Own),
        }
    }

    /// The one for who asks for this name; without one it came by an address.
    pub fn for_name(&self, name: Option<&str>) -> Arc<CertifiedKey> {
        let shown = self.read();
        let others = [&shown.given, &shown.ordered].into_iter().flatten();
        let found = others.into_iter().find(|pair| pair.is_for(name)).unwrap_or(&shown.own);
        found.key.clone()
    }

    fn read(&self) -> RwLockReadGuard<'_, Shown> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ResolvesServerCert for Current {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.for_name(hello.server_name()))
    }
}

impl fmt::Debug for Current {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Current").field("record", &self.record()).finish_non_exhaustive()
    }
}
