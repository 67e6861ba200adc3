//! A certificate with those between it and its root, and the key by which it counts.

use std::net::IpAddr;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Result, anyhow};
use api::certificate::Trouble;
use rustls::crypto::ring::sign;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;
use sha2::{Digest, Sha256};
use store::certificate::{CertificateOrigin, Record};
use store::{Timestamp, private_file};
use x509_parser::extensions::GeneralName;
use x509_parser::time::ASN1Time;

/// A certificate that can be shown.
#[derive(Debug, Clone)]
pub struct Pair {
    /// As TLS shows it.
    pub key: Arc<CertifiedKey>,
    names: Arc<[String]>,
    issuer: String,
    life: (Timestamp, Timestamp),
    texts: Arc<(String, String)>,
}

impl Pair {
    /// Of two texts (PEM); or says which of them is no use, and why.
    pub fn new(chain: &str, key: &str) -> Result<Pair, Trouble> {
        let of_chain = |reason| Trouble::Field("certificate", reason);
        let of_key = |reason| Trouble::Field("private_key", reason);
        let texts = Arc::new((chain.to_owned(), key.to_owned()));
        let chain: Vec<CertificateDer<'static>> = CertificateDer::pem_slice_iter(chain.as_bytes())
            .collect::<Result<_, _>>()
            .map_err(|_| of_chain("is no PEM file of certificates"))?;
        let Some(first) = chain.first() else { return Err(of_chain("has no certificate in it")) };
        let (names, issuer, life) = read(first).ok_or(of_chain("cannot be read"))?;
        let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).map_err(|_| of_key("is no PEM file of a key"))?;
        let key = sign::any_supported_type(&key).map_err(|_| of_key("is of a kind that cannot be used"))?;
        let key = CertifiedKey::new(chain, key);
        match key.keys_match() {
            Ok(()) => Ok(Pair { key: Arc::new(key), names: names.into(), issuer, life, texts }),
            Err(rustls::Error::InvalidCertificate(_)) => Err(of_chain("cannot be read")),
            Err(_) => Err(of_key("does not belong to the certificate")),
        }
    }

    /// The one that lies in a folder under a name.
    pub fn read(folder: &Path, name: &str) -> Result<Option<Pair>> {
        let chain = private_file::read_text(&folder.join(format!("{name}.pem")))?;
        let key = private_file::read_text(&folder.join(format!("{name}.key")))?;
        match (chain, key) {
            (Some(chain), Some(key)) => Pair::new(&chain, &key).map(Some).map_err(|trouble| anyhow!("{trouble:?}")),
            _ => Ok(None),
        }
    }

    /// Lays it there.
    pub fn write(&self, folder: &Path, name: &str) -> Result<()> {
        private_file::write(&folder.join(format!("{name}.key")), self.texts.1.as_bytes())?;
        Ok(private_file::write(&folder.join(format!("{name}.pem")), self.texts.0.as_bytes())?)
    }

    /// Takes away what lies there.
    pub fn remove(folder: &Path, name: &str) -> Result<()> {
        private_file::remove(&folder.join(format!("{name}.pem")))?;
        Ok(private_file::remove(&folder.join(format!("{name}.key")))?)
    }

    /// Since when it counts, and until when.
    pub fn life(&self) -> (Timestamp, Timestamp) {
        self.life
    }

    /// Whether it is for who asks for this name, or, without a name, for one of its addresses.
    pub fn is_for(&self, name: Option<&str>) -> bool {
        let Some(name) = name else { return self.names.iter().any(|known| known.parse::<IpAddr>().is_ok()) };
        self.names.iter().any(|known| match known.strip_prefix("*.") {
            // A wildcard is one label.
            Some(rest) => {
                name.split_once('.').is_some_and(|(label, tail)| !label.is_empty() && tail.eq_ignore_ascii_case(rest))
            }
            None => known.eq_ignore_ascii_case(name),
        })
    }

    /// As the API shows it.
    pub fn record(&self, origin: CertificateOrigin) -> Record {
        let fingerprint = fingerprint(&self.key.cert[0]);
        let (begin, end) = self.life;
        Record {
            origin,
            names: self.names.to_vec(),
            issuer: self.issuer.clone(),
            fingerprint,
            authority_fingerprint: String::new(),
            tm_begin: Some(begin),
            tm_end: Some(end),
            acme: None,
        }
    }
}

/// As browsers show it, without colons.
pub fn fingerprint(certificate: &CertificateDer<'_>) -> String {
    Sha256::digest(certificate).iter().map(|octet| format!("{octet:02x}")).collect()
}

/// For whom a certificate counts, who signed it, since and until when.
fn read(certificate: &CertificateDer<'_>) -> Option<(Vec<String>, String, (Timestamp, Timestamp))> {
    let (_, read) = x509_parser::parse_x509_certificate(certificate).ok()?;
    let at = |time: ASN1Time| Timestamp(time.timestamp().saturating_mul(1_000_000));
    let alternatives = read.subject_alternative_name().ok().flatten();
    let name = |name: &GeneralName<'_>| match name {
        GeneralName::DNSName(name) => Some((*name).to_string()),
        GeneralName::IPAddress(octets) => match octets.len() {
            4 => <[u8; 4]>::try_from(*octets).ok().map(|octets| IpAddr::from(octets).to_string()),
            _ => <[u8; 16]>::try_from(*octets).ok().map(|octets| IpAddr::from(octets).to_string()),
        },
        _ => None,
    };
    let names = alternatives.map(|names| names.value.general_names.iter().filter_map(name).collect());
    let validity = read.validity();
    Some((names.unwrap_or_default(), read.issuer().to_string(), (at(validity.not_before), at(validity.not_after))))
}
