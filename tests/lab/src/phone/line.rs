//! The encryption of a phone's audio, by an implementation that is not ours: keys in the description (RFC 4568), SRTP by `webrtc-srtp`.

use std::sync::{Arc, Mutex};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use webrtc_srtp::context::Context;
use webrtc_srtp::protection_profile::ProtectionProfile;

/// How a phone encrypts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Secrecy {
    /// Its suite, as `a=crypto` names it.
    pub suite: &'static str,
    /// Whether it insists (`RTP/SAVP`), or would also talk without.
    pub insists: bool,
}

/// AES-128 in counter mode, the tag of 80 bits: without it nothing.
pub const SECRET: Secrecy = Secrecy { suite: "AES_CM_128_HMAC_SHA1_80", insists: true };
/// AES-128 in Galois/counter mode, where the peer wants it too.
pub const DISCREET: Secrecy = Secrecy { suite: "AEAD_AES_128_GCM", insists: false };

/// A line of keys: how its writer encrypts what it sends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyLine {
    /// Its number.
    pub tag: u32,
    /// The suite.
    pub suite: String,
    /// Key and salt.
    pub key: Vec<u8>,
}

impl KeyLine {
    /// The value of `a=crypto:`.
    pub fn write(&self) -> String {
        format!("{} {} inline:{}", self.tag, self.suite, STANDARD.encode(&self.key))
    }

    /// Reads it, strictly: the exchange writes nothing but a number, a suite and one key.
    pub fn read(value: &str) -> Option<KeyLine> {
        let words: Vec<&str> = value.split(' ').collect();
        let [tag, suite, key] = words[..] else { return None };
        let key = STANDARD.decode(key.strip_prefix("inline:")?).ok()?;
        Some(KeyLine { tag: tag.parse().ok()?, suite: suite.into(), key })
    }

    fn context(&self) -> Result<Context, String> {
        let (profile, key_len, salt_len) = match self.suite.as_str() {
            "AES_CM_128_HMAC_SHA1_80" => (ProtectionProfile::Aes128CmHmacSha1_80, 16, 14),
            "AES_CM_128_HMAC_SHA1_32" => (ProtectionProfile::Aes128CmHmacSha1_32, 16, 14),
            "AEAD_AES_128_GCM" => (ProtectionProfile::AeadAes128Gcm, 16, 12),
            "AEAD_AES_256_GCM" => (ProtectionProfile::AeadAes256Gcm, 32, 12),
            other => return Err(format!("unknown suite {other}")),
        };
        if self.key.len() != key_len + salt_len {
            return Err(format!("{} octets of key for {}", self.key.len(), self.suite));
        }
        let (key, salt) = self.key.split_at(key_len);
        Context::new(key, salt, profile, None, None).map_err(|error| error.to_string())
    }
}

/// Both directions under the keys that were agreed on.
#[derive(Clone)]
pub struct Line {
    ours: KeyLine,
    theirs: KeyLine,
    contexts: Arc<Mutex<(Context, Context)>>,
}

impl std::fmt::Debug for Line {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Line").field("suite", &self.ours.suite).finish_non_exhaustive()
    }
}

impl Line {
    /// The line that these keys make; the one that was there where they are the same, since its counters go on.
    pub fn agree(before: Option<Line>, ours: KeyLine, theirs: KeyLine) -> Result<Line, String> {
        if ours.suite != theirs.suite {
            return Err(format!("{} was offered, {} is answered", ours.suite, theirs.suite));
        }
        if ours.key == theirs.key {
            return Err("the peer encrypts by our own key".into());
        }
        match before.filter(|before| before.ours.key == ours.key && before.theirs.key == theirs.key) {
            Some(same) => Ok(same),
            None => {
                let contexts = Arc::new(Mutex::new((ours.context()?, theirs.context()?)));
                Ok(Line { ours, theirs, contexts })
            }
        }
    }

    /// Encrypts a packet of audio.
    pub fn protect(&self, packet: &[u8]) -> Vec<u8> {
        let mut contexts = self.contexts.lock().expect("nobody panics while holding it");
        contexts.0.encrypt_rtp(packet).expect("a whole packet can be encrypted").to_vec()
    }

    /// Decrypts a packet of audio.
    pub fn unprotect(&self, packet: &[u8]) -> Result<Vec<u8>, String> {
        let mut contexts = self.contexts.lock().expect("nobody panics while holding it");
        contexts.1.decrypt_rtp(packet).map(|plain| plain.to_vec()).map_err(|error| format!("srtp: {error}"))
    }

    /// Decrypts a report.
    pub fn unprotect_report(&self, packet: &[u8]) -> Result<Vec<u8>, String> {
        let mut contexts = self.contexts.lock().expect("nobody panics while holding it");
        contexts.1.decrypt_rtcp(packet).map(|plain| plain.to_vec()).map_err(|error| format!("srtcp: {error}"))
    }
}
