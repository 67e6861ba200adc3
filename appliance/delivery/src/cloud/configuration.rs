//! What comes down from the cloud: one document, asked for again and again, signed by the cloud's key.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ring::signature::{ED25519, UnparsedPublicKey};
use ureq::Agent;
use ureq::http::{HeaderMap, Response};
use uuid::Uuid;

use super::link::{Error, wait_of};
use crate::limits;

/// The header with the signature of the body.
const SIGNATURE: &str = "x-tandem-signature";
/// How the signature is made.
const KIND: &str = "ed25519=";

/// Where documents come from, and whose they have to be.
pub struct Source {
    url: String,
    token: Option<String>,
    agent: Agent,
    key: [u8; 32],
}

/// What the cloud says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Pulled {
    /// There is nothing new.
    Unchanged,
    /// There is none for this box.
    None,
    /// A document, which is the cloud's own.
    Document(Vec<u8>, Option<String>),
    /// A document of somebody else: its signature is wrong, or there is none.
    Foreign(Option<String>),
}

impl std::fmt::Debug for Source {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Source({})", self.url)
    }
}

impl Source {
    /// The documents of the cloud at `url` for one box, signed by this key.
    pub fn new(url: &str, appliance_id: Uuid, (token, key): (Option<String>, [u8; 32]), agent: Agent) -> Source {
        let url = format!("{}/v1.0/appliances/{appliance_id}/configuration", url.trim_end_matches('/'));
        Source { url, token, agent, key }
    }

    /// Asks for a document that is another than the one with this mark, and says when to ask again.
    pub fn pull(&self, etag: Option<&str>) -> Result<(Pulled, Duration), Error> {
        let mut request = self.agent.get(&self.url).header("Accept", "application/json");
        if let Some(token) = &self.token {
            request = request.header("Authorization", format!("Bearer {token}"));
        }
        if let Some(etag) = etag {
            request = request.header("If-None-Match", etag);
        }
        let mut response = request.call().map_err(|error| Error::Unreachable(error.to_string()))?;
        let (status, wait, next) = (response.status().as_u16(), wait_of(&response), next_of(&response));
        let body = response.body_mut().with_config().limit(limits::CONFIGURATION).read_to_vec();
        let text = |name: &str| response.headers().get(name).and_then(|value| value.to_str().ok());
        match status {
            200 => {
                let body = body.map_err(|error| Error::Unreachable(error.to_string()))?;
                let etag = text("etag").map(str::to_owned);
                let is_ours = is_signed(&body, text(SIGNATURE).unwrap_or_default(), &self.key);
                Ok((if is_ours { Pulled::Document(body, etag) } else { Pulled::Foreign(etag) }, next))
            }
            304 => Ok((Pulled::Unchanged, next)),
            404 => Ok((Pulled::None, next)),
            status => {
                let said = String::from_utf8_lossy(&body.unwrap_or_default()).chars().take(limits::REASON).collect();
                Err(Error::Refused { status, said, wait })
            }
        }
    }
}

/// Whether the body was signed by who has the other half of the key.
fn is_signed(body: &[u8], signature: &str, key: &[u8; 32]) -> bool {
    let octets = signature.strip_prefix(KIND).and_then(|text| STANDARD.decode(text).ok());
    octets.is_some_and(|octets| UnparsedPublicKey::new(&ED25519, key).verify(body, &octets).is_ok())
}

/// When the cloud wants to be asked again (RFC 9111 §5.2.2.1), within reason.
fn next_of<B>(response: &Response<B>) -> Duration {
    max_age(response.headers()).map_or(limits::CONFIGURATION_PULL, |seconds| {
        Duration::from_secs(seconds).clamp(limits::FIRST_DELAY, limits::LAST_WAIT)
    })
}

fn max_age(headers: &HeaderMap) -> Option<u64> {
    let words = headers.get("cache-control")?.to_str().ok()?.split(',');
    words.map(str::trim).find_map(|word| word.strip_prefix("max-age="))?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    // RFC 8032 §7.1, TEST 2.
    const KEY: &str = "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c";
    const SIGNED: &str = "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da\
                          085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00";

    #[test]
    fn a_signature_counts_for_one_body_and_one_key() {
        let key: [u8; 32] = hex::decode(KEY).expect("hexadecimal").try_into().expect("32 octets");
        let signature = format!("ed25519={}", STANDARD.encode(hex::decode(SIGNED).expect("hexadecimal")));
        assert!(is_signed(b"\x72", &signature, &key));
        assert!(!is_signed(b"\x73", &signature, &key), "another body");
        assert!(!is_signed(b"\x72", &signature, &[7; 32]), "another key");
        for wrong in ["", "ed25519=", "ed25519=%%", &signature[8..], "sha256=abc"] {
            assert!(!is_signed(b"\x72", wrong, &key), "{wrong}");
        }
    }

    #[test]
    fn the_cloud_says_when_to_come_again_within_reason() {
        let asked = |text: &str| {
            let response = Response::builder().header("cache-control", text).body(()).expect("a response");
            next_of(&response)
        };
        assert_eq!(asked("private, max-age=7"), Duration::from_secs(7));
        assert_eq!(asked("max-age=0"), limits::FIRST_DELAY);
        assert_eq!(asked("max-age=99999999"), limits::LAST_WAIT);
        assert_eq!(asked("no-store"), limits::CONFIGURATION_PULL);
    }
}
