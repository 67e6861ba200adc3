//! The handshake (RFC 5763, RFC 5764): DTLS 1.2 or 1.3, of which nothing is used but the keys for audio.

use std::sync::Arc;
use std::time::{Duration, Instant};

use dimpl::crypto::SrtpProfile;
use dimpl::{Config, Dtls, DtlsCertificate, Output, ProtocolVersion};
use media::Time;
use media::srtp::{Keys, MasterKey, Profile};
use media::webrtc::{Fingerprint, Hash, Loss, Role};
use ring::digest;

use crate::crypto;

/// What all handshakes share: our certificate, and how it is done.
#[derive(Clone)]
pub struct Identity {
    config: Arc<Config>,
    certificate: DtlsCertificate,
    // Time zero. The handshake counts from a moment, we in time since the start.
    base: Instant,
}

impl Identity {
    /// With this certificate (DER), whose key (PKCS #8) is one of P-256. `base` is when [`Time`] was zero.
    pub fn new((certificate, private_key): (Vec<u8>, Vec<u8>), base: Instant) -> Result<Identity, dimpl::Error> {
        let config = Config::builder()
            .with_crypto_provider(crypto::provider())
            // Who has no certificate can be anybody.
            .require_client_certificate(true)
            // What this proves, a check has proved already: that the other side receives at its address.
            .use_server_cookie(false)
            .flight_start_rto(Duration::from_millis(250))
            .flight_retries(6)
            .handshake_timeout(crate::limits::SETUP)
            .build()?;
        let provider = config.crypto_provider().key_provider;
        provider.load_private_key(&private_key).map_err(dimpl::Error::CryptoError)?;
        Ok(Identity { config: Arc::new(config), certificate: DtlsCertificate { certificate, private_key }, base })
    }

    /// What our descriptions say of the certificate: its SHA-256.
    pub fn fingerprint(&self) -> [u8; 32] {
        let digest = digest::digest(&digest::SHA256, &self.certificate.certificate);
        digest.as_ref().try_into().expect("SHA-256 has 32 octets")
    }
}

/// One handshake.
pub struct Handshake {
    dtls: Dtls,
    role: Role,
    base: Instant,
    expected: Fingerprint,
    begun_at: Option<Time>,
    is_verified: bool,
    deadline: Option<Time>,
}

/// What a step of it brought.
#[derive(Debug)]
pub enum Step {
    /// To be sent.
    Send(Vec<u8>),
    /// It is over.
    Secured(Box<Secured>),
    /// The other side says that it is over.
    Closed,
}

/// What it was for.
#[derive(Debug)]
pub struct Secured {
    /// Ours and theirs.
    pub keys: Keys,
    /// Of DTLS.
    pub version: &'static str,
    /// How long it took.
    pub took: Duration,
}

impl Handshake {
    /// A handshake in which nothing was said yet, with somebody whose certificate has this fingerprint.
    pub fn new(now: Time, identity: &Identity, role: Role, expected: Fingerprint) -> Handshake {
        let (config, certificate, base) = (identity.config.clone(), identity.certificate.clone(), identity.base);
        let mut dtls = Dtls::new_auto(config, certificate, base + now);
        dtls.set_active(role == Role::Active);
        Handshake { dtls, role, base, expected, begun_at: None, is_verified: false, deadline: None }
    }

    /// Whether it is with the same one.
    pub fn is_with(&self, fingerprint: &Fingerprint, role: Role) -> bool {
        self.expected == *fingerprint && self.role == role
    }

    /// When [`Handshake::step`] is to be called, at the latest.
    pub fn deadline(&self) -> Option<Time> {
        self.deadline
    }

    /// Takes a datagram, if one came, and looks at the clock.
    pub fn step(&mut self, now: Time, datagram: Option<&[u8]>, steps: &mut Vec<Step>) -> Result<(), Loss> {
        if datagram.is_some() || self.role == Role::Active {
            self.begun_at.get_or_insert(now);
        }
        self.dtls.handle_timeout(self.base + now).map_err(|_| Loss::NotSecured)?;
        let taken = datagram.map_or(Ok(()), |datagram| self.dtls.handle_packet(datagram));
        // What it has to say, an alert perhaps, is said in any case.
        self.drain(now, steps)?;
        taken.map_err(|_| Loss::NotSecured)
    }

    /// Says goodbye.
    pub fn close(&mut self, now: Time, steps: &mut Vec<Step>) {
        if self.dtls.close().is_ok() {
            // It is over, whatever comes of it.
            let _ = self.drain(now, steps);
        }
    }

    fn drain(&mut self, now: Time, steps: &mut Vec<Step>) -> Result<(), Loss> {
        let mut buffer = [0; crate::limits::DATAGRAM];
        loop {
            match self.dtls.poll_output(&mut buffer) {
                Output::Packet(octets) => steps.push(Step::Send(octets.to_vec())),
                Output::PeerCert(certificate) => {
                    self.is_verified = is_of(certificate, &self.expected);
                    if !self.is_verified {
                        return Err(Loss::Fingerprint);
                    }
                }
                Output::KeyingMaterial(material, profile) => {
                    let keys = if self.is_verified { keys(self.role, &material, profile) } else { None };
                    let keys = keys.ok_or(Loss::NotSecured)?;
                    let (version, took) = (self.version(), now.saturating_sub(self.begun_at.unwrap_or(now)));
                    steps.push(Step::Secured(Box::new(Secured { keys, version, took })));
                }
                Output::CloseNotify => steps.push(Step::Closed),
                Output::Timeout(at) => {
                    self.deadline = Some(at.saturating_duration_since(self.base));
                    return Ok(());
                }
                // Nothing of ours is so long.
                Output::BufferTooSmall { .. } => return Err(Loss::NotSecured),
                // Nobody speaks of anything else here.
                _ => {}
            }
        }
    }

    fn version(&self) -> &'static str {
        if self.dtls.protocol_version() == Some(ProtocolVersion::DTLS1_3) { "1.3" } else { "1.2" }
    }
}

fn is_of(certificate: &[u8], fingerprint: &Fingerprint) -> bool {
    let algorithm = match fingerprint.hash {
        Hash::Sha256 => &digest::SHA256,
        Hash::Sha384 => &digest::SHA384,
        Hash::Sha512 => &digest::SHA512,
    };
    digest::digest(algorithm, certificate).as_ref() == &*fingerprint.octets
}

/// The active side is the client of the handshake, whoever called.
fn keys(role: Role, exported: &[u8], profile: SrtpProfile) -> Option<Keys> {
    let profile = match profile {
        SrtpProfile::AES128_CM_SHA1_80 => Profile::AesCm128HmacSha1_80,
        SrtpProfile::AEAD_AES_128_GCM => Profile::AeadAes128Gcm,
        SrtpProfile::AEAD_AES_256_GCM => Profile::AeadAes256Gcm,
        _ => return None,
    };
    let (client, server) = MasterKey::from_exported(profile, exported).ok()?;
    let (send, receive) = if role == Role::Active { (client, server) } else { (server, client) };
    Some(Keys { send, receive, receive_key_id_len: 0 })
}
