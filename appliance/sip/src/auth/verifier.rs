//! The server's side: challenges, and the verdict on what comes back.

use std::{
    collections::hash_map::DefaultHasher,
    hash::{Hash, Hasher},
};

use super::{
    Algorithm, Challenge, Credentials, Ha1, Hashed,
    algorithm::response,
    nonce::{Mint, Nonce, Table},
};
use crate::{
    Request, Time,
    message::{HeaderName, Text},
};

/// What the server knows of a user's password.
#[derive(Debug, Clone, Copy)]
pub enum Secret<'a> {
    /// The password itself.
    Password(&'a str),
    /// Its hashes; faster.
    Ha1(&'a Ha1),
    /// There is no such user. Takes as long as a wrong password, and is always wrong.
    Unknown,
}

/// What came of the credentials.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Verdict {
    /// They are right and fresh.
    Accepted,
    /// They are right, but the nonce is too old, not ours (we restarted), or used already: challenge again with `stale=true`.
    Stale,
    /// The password is wrong, or there is no such user.
    Wrong,
    /// They cannot be checked: another realm, an algorithm or protection that was not offered, a count without digits.
    Malformed,
}

/// Checks credentials for one realm.
pub struct Verifier {
    realm: Text,
    algorithms: Vec<Algorithm>,
    lifetime: Time,
    mint: Mint,
    table: Table,
}

impl Verifier {
    /// Offers SHA-256 and MD5, in this order, with nonces that live five minutes.
    pub fn new(realm: impl Into<Text>, secret: [u8; 32]) -> Verifier {
        let realm = realm.into();
        let mint = Mint::new(&realm, &secret);
        let algorithms = vec![Algorithm::Sha256, Algorithm::Md5];
        Verifier { realm, algorithms, lifetime: Time::from_secs(300), mint, table: Table::default() }
    }

    /// The same with other algorithms, the preferred one first.
    #[must_use]
    pub fn with_algorithms(self, algorithms: Vec<Algorithm>) -> Verifier {
        Verifier { algorithms, ..self }
    }

    /// The same with another life of nonces.
    #[must_use]
    pub fn with_lifetime(self, lifetime: Time) -> Verifier {
        Verifier { lifetime, ..self }
    }

    /// The realm.
    pub fn realm(&self) -> &Text {
        &self.realm
    }

    /// How many nonces are remembered.
    pub fn nonces(&self) -> usize {
        self.table.len()
    }

    /// One challenge for each algorithm, in order of preference, all with one nonce; each goes into a header of its own (RFC 8760 §2.4).
    pub fn challenges(&mut self, now: Time, stale: bool) -> Vec<Challenge> {
        let nonce = self.mint.make(now);
        let challenge = |algorithm: &Algorithm| Challenge {
            realm: self.realm.clone(),
            nonce: nonce.clone(),
            opaque: None,
            stale,
            algorithm: Some(*algorithm),
            qop_auth: true,
            qop_other: false,
        };
        self.algorithms.iter().map(challenge).collect()
    }

    /// Whether the credentials of `request` are right, fresh and used for the first time. The same request once more is accepted again.
    pub fn check(&mut self, now: Time, request: &Request, credentials: &Credentials, secret: Secret<'_>) -> Verdict {
        let Some(algorithm) = self.offered(credentials) else {
            return Verdict::Malformed;
        };
        let count = match counted(credentials) {
            Ok(counted) => counted,
            Err(()) => return Verdict::Malformed,
        };
        let Some(ha1) = ha1(algorithm, credentials, secret) else {
            return Verdict::Wrong;
        };
        let expected = expected(algorithm, ha1, request, credentials);
        let right = Hashed::from_hex(&credentials.response).is_some_and(|response| response == expected);
        if !right || matches!(secret, Secret::Unknown) {
            return Verdict::Wrong;
        }
        match self.mint.recognise(&credentials.nonce) {
            Some(nonce) if self.is_alive(nonce, now) && self.note(nonce, count, request, now) => Verdict::Accepted,
            _ => Verdict::Stale,
        }
    }

    /// Forgets what is too old to matter; `check` does it as well.
    pub fn handle_timeout(&mut self, now: Time) {
        self.table.forget_old(now, self.lifetime);
    }

    fn offered(&self, credentials: &Credentials) -> Option<Algorithm> {
        let algorithm = credentials.algorithm?;
        (credentials.realm == self.realm && self.algorithms.contains(&algorithm)).then_some(algorithm)
    }

    fn is_alive(&self, nonce: Nonce, now: Time) -> bool {
        let made = Time::from_secs(u64::from(nonce.second));
        made <= now && now - made <= self.lifetime
    }

    fn note(&mut self, nonce: Nonce, count: u32, request: &Request, now: Time) -> bool {
        self.table.forget_old(now, self.lifetime);
        self.table.note(nonce, count, identity(request), now)
    }
}

/// The nonce count; 1 in the form of RFC 2069, which has none: each nonce is then good for one request.
fn counted(credentials: &Credentials) -> Result<u32, ()> {
    match &credentials.qop {
        None => Ok(1),
        Some(qop) if qop.eq_ignore_ascii_case(b"auth") && credentials.cnonce.is_some() => {
            credentials.nonce_count().filter(|&count| count > 0).ok_or(())
        }
        Some(_) => Err(()),
    }
}

fn ha1(algorithm: Algorithm, credentials: &Credentials, secret: Secret<'_>) -> Option<Hashed> {
    let hash = |password: &[u8]| algorithm.hash(&[&credentials.username, &credentials.realm, password]);
    match secret {
        Secret::Password(password) => Some(hash(password.as_bytes())),
        Secret::Ha1(ha1) => ha1.get(algorithm),
        Secret::Unknown => Some(hash(b"")),
    }
}

fn expected(algorithm: Algorithm, ha1: Hashed, request: &Request, credentials: &Credentials) -> Hashed {
    let ha2 = algorithm.hash(&[request.method.as_str().as_bytes(), &credentials.uri]);
    let counted: Option<[&[u8]; 3]> = match (&credentials.qop, &credentials.nc, &credentials.cnonce) {
        (Some(qop), Some(nc), Some(cnonce)) => Some([nc, cnonce, qop]),
        _ => None,
    };
    response(algorithm, ha1, &credentials.nonce, counted, ha2)
}

/// What makes a repeated request the same one: everything that says what it is about.
fn identity(request: &Request) -> u64 {
    let mut hasher = DefaultHasher::new();
    request.method.as_str().hash(&mut hasher);
    request.uri.as_bytes().hash(&mut hasher);
    for header in request.headers.iter() {
        use HeaderName::{CSeq, CallId, Contact, Expires, From, Path, Replaces, Route, To};
        if matches!(header.name, CSeq | CallId | Contact | Expires | From | Path | Replaces | Route | To) {
            header.name.as_bytes().hash(&mut hasher);
            header.value.hash(&mut hasher);
        }
    }
    request.body.hash(&mut hasher);
    hasher.finish()
}
