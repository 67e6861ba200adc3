//! Whom a connection that we open over TLS has to lead to: the name that was asked for, vouched for by those whom the administrator
//! trusts; and what is wrong, in words.

use std::io;
use std::sync::{Arc, OnceLock};

use anyhow::{Context, Result};
use pbx::provider::Identity;
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::ring::default_provider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme};
use store::Timestamp;
use x509_parser::extensions::GeneralName;

/// What a connection is opened by.
#[derive(Debug, Clone)]
pub struct Expected {
    /// Who has to be there.
    pub name: ServerName<'static>,
    /// How that is seen.
    pub config: Arc<ClientConfig>,
}

impl Expected {
    /// Reads an identity; fails where its name can be in no certificate, or its roots cannot be read.
    pub fn new(identity: &Identity) -> Result<Expected> {
        let host = identity.name.trim_end_matches('.').to_owned();
        let name = ServerName::try_from(host).context("its name can be in no certificate")?;
        let config = if identity.roots.is_empty() { of_browsers()? } else { trusting(roots(&identity.roots)?)? };
        Ok(Expected { name, config })
    }
}

/// Those who need no roots of their own share one.
fn of_browsers() -> Result<Arc<ClientConfig>> {
    static SHARED: OnceLock<Arc<ClientConfig>> = OnceLock::new();
    if let Some(known) = SHARED.get() {
        return Ok(known.clone());
    }
    let made = trusting(RootCertStore::from_iter(webpki_roots::TLS_SERVER_ROOTS.iter().cloned()))?;
    Ok(SHARED.get_or_init(|| made).clone())
}

fn roots(pem: &str) -> Result<RootCertStore> {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(pem.as_bytes()) {
        roots.add(certificate.context("its tls_roots cannot be read")?).context("its tls_roots cannot be read")?;
    }
    Ok(roots)
}

fn trusting(roots: RootCertStore) -> Result<Arc<ClientConfig>> {
    let provider = Arc::new(default_provider());
    let usual = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider.clone()).build()?;
    let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
    let builder = builder.dangerous().with_custom_certificate_verifier(Arc::new(Verifier { usual }));
    Ok(Arc::new(builder.with_no_client_auth()))
}

/// Asks of a certificate all that HTTPS asks, and takes its name as `sip:` URI as well (RFC 5922 §7.1).
#[derive(Debug)]
struct Verifier {
    usual: Arc<WebPkiServerVerifier>,
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        between: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let judged = self.usual.verify_server_cert(certificate, between, name, ocsp, now);
        match &judged {
            // The name is looked at when all else was found to be right.
            Err(Error::InvalidCertificate(
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
            )) if is_for_domain(certificate, name) => Ok(ServerCertVerified::assertion()),
            _ => judged,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.usual.verify_tls12_signature(message, certificate, signed)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.usual.verify_tls13_signature(message, certificate, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.usual.supported_verify_schemes()
    }
}

/// Whether a certificate is for a SIP domain: a URI without a user, and never one with a wildcard.
fn is_for_domain(certificate: &CertificateDer<'_>, name: &ServerName<'_>) -> bool {
    let ServerName::DnsName(name) = name else { return false };
    let Ok((_, read)) = x509_parser::parse_x509_certificate(certificate) else { return false };
    let Ok(Some(alternatives)) = read.subject_alternative_name() else { return false };
    alternatives.value.general_names.iter().any(|alternative| match alternative {
        GeneralName::URI(uri) => {
            uri.strip_prefix("sip:").is_some_and(|domain| domain.eq_ignore_ascii_case(name.as_ref()))
        }
        _ => false,
    })
}

/// Why a connection did not come about, in words.
pub fn in_words(error: &io::Error) -> String {
    match error.get_ref().and_then(|inner| inner.downcast_ref::<Error>()) {
        Some(error) => of_tls(error),
        None => match error.kind() {
            io::ErrorKind::ConnectionRefused => "nobody listens for TLS there".into(),
            io::ErrorKind::UnexpectedEof | io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe => ENDED.into(),
            _ => format!("no connection: {error}"),
        },
    }
}

/// Whoever speaks no TLS at all hangs up when it hears some.
pub const ENDED: &str = "it ended the connection while TLS was agreed on";

fn of_tls(error: &Error) -> String {
    let day = |time: &UnixTime| {
        let micros = i64::try_from(time.as_secs()).unwrap_or(i64::MAX).saturating_mul(1_000_000);
        Timestamp(micros).to_string().chars().take(10).collect::<String>()
    };
    match error {
        Error::InvalidCertificate(wrong) => match wrong {
            CertificateError::Expired => "its certificate has expired".into(),
            CertificateError::ExpiredContext { not_after, .. } => {
                format!("its certificate has expired on {}", day(not_after))
            }
            CertificateError::NotValidYet => "its certificate does not count yet".into(),
            CertificateError::NotValidYetContext { time, not_before } => {
                format!("its certificate does not count before {}; here it is {}", day(not_before), day(time))
            }
            CertificateError::UnknownIssuer => "nobody who is trusted has signed its certificate".into(),
            CertificateError::NotValidForNameContext { expected, presented } => {
                format!("its certificate is not for {}, but for {}", expected.to_str(), presented.join(", "))
            }
            other => format!("its certificate cannot be trusted: {other}"),
        },
        Error::InvalidMessage(_) | Error::InappropriateMessage { .. } => "what answers there is not TLS".into(),
        Error::AlertReceived(alert) => format!("it refuses TLS with us: {alert:?}"),
        Error::PeerIncompatible(why) => format!("it speaks no TLS that we speak: {why:?}"),
        other => format!("TLS failed: {other}"),
    }
}
