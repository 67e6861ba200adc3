//! The box's own certification authority: made once, trusted by whoever was told of it, and the only one that signs for the box
//! as long as nobody gives it a certificate of another.

use std::net::IpAddr;
use std::path::Path;

use anyhow::{Context, Result};
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, SanType, date_time_ymd,
};
use sha2::{Digest, Sha256};
use store::private_file;

const CERTIFICATE: &str = "authority.pem";
const KEY: &str = "authority.key";

/// From when certificates count: long before any clock can be that a box without a battery wakes up with.
const FIRST_YEAR: i32 = 2020;
/// Until when those of the authority do.
const LAST_YEAR: i32 = 2050;
/// Years for which the box's own certificate counts. Browsers take no more than 825 days of an authority that was added by hand,
/// but for the first of these years, which may be a whole one.
const YEARS: i32 = 2;

/// The authority, ready to sign.
pub struct Authority {
    key: KeyPair,
    /// Its certificate, to be trusted (PEM).
    pub certificate: String,
}

/// What the box is called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Names {
    /// By name.
    pub names: Vec<String>,
    /// By address.
    pub addresses: Vec<IpAddr>,
}

impl Authority {
    /// The one in the folder; made if there is none.
    pub fn open(folder: &Path) -> Result<Authority> {
        let (certificate, key) = (folder.join(CERTIFICATE), folder.join(KEY));
        if let (Some(certificate), Some(key)) = (private_file::read_text(&certificate)?, private_file::read_text(&key)?)
        {
            let key = KeyPair::from_pem(&key).context("the key of the box's own authority cannot be read")?;
            return Ok(Authority { key, certificate });
        }
        let pair = KeyPair::generate().context("cannot make a key")?;
        let made = parameters(&pair).self_signed(&pair).context("cannot make an authority")?;
        let authority = Authority { certificate: made.pem(), key: pair };
        private_file::write(&key, authority.key.serialize_pem().as_bytes())?;
        private_file::write(&certificate, authority.certificate.as_bytes())?;
        Ok(authority)
    }

    /// A certificate for these, and its key (both PEM), which counts from `year` on.
    pub fn sign(&self, names: &Names, year: i32) -> Result<(String, String)> {
        let pair = KeyPair::generate().context("cannot make a key")?;
        let mut server = CertificateParams::new(names.names.clone()).context("a name that no certificate can have")?;
        server.subject_alt_names.extend(names.addresses.iter().copied().map(SanType::IpAddress));
        server.distinguished_name = DistinguishedName::new();
        let first = names.names.first().map_or("tandem", String::as_str);
        server.distinguished_name.push(DnType::CommonName, first);
        (server.not_before, server.not_after) = (date_time_ymd(year, 1, 1), date_time_ymd(year + YEARS, 1, 1));
        server.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        server.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        server.use_authority_key_identifier_extension = true;
        let own = parameters(&self.key);
        let issuer = Issuer::from_params(&own, &self.key);
        let made = server.signed_by(&pair, &issuer).context("cannot sign a certificate")?;
        Ok((made.pem() + &self.certificate, pair.serialize_pem()))
    }
}

/// What the authority is called follows from its key alone, so that it signs by the key and needs not read its own certificate.
fn parameters(key: &KeyPair) -> CertificateParams {
    let mut parameters = CertificateParams::default();
    let digest = Sha256::digest(key.public_key_raw());
    let mark: String = digest.iter().take(4).map(|octet| format!("{octet:02x}")).collect();
    parameters.distinguished_name = DistinguishedName::new();
    parameters.distinguished_name.push(DnType::CommonName, format!("Tandem {mark}"));
    parameters.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    parameters.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    (parameters.not_before, parameters.not_after) = (date_time_ymd(FIRST_YEAR, 1, 1), date_time_ymd(LAST_YEAR, 1, 1));
    parameters
}
