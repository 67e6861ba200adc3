//! Login tokens: JSON Web Tokens (RFC 7519) signed with HMAC-SHA-256, and with nothing else.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use store::Timestamp;
use uuid::Uuid;

use crate::limits;

/// What a token says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Claims {
    /// The agent.
    pub sub: Uuid,
    /// Its customer.
    pub customer_id: Uuid,
    /// When it was given, in seconds since 1970.
    pub iat: i64,
    /// Until when it counts, in seconds since 1970.
    pub exp: i64,
}

/// `{"alg":"HS256","typ":"JWT"}`. The token's own word for its algorithm is never read: there is only one.
const HEADER: &str = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9";
/// Longer than any token of ours.
const LONGEST: usize = 1024;

impl Claims {
    pub(super) fn new(agent: &store::agent::Record, now: Timestamp) -> Claims {
        let iat = now.0 / 1_000_000;
        Claims { sub: agent.id, customer_id: agent.customer_id, iat, exp: iat + limits::TOKEN_AGE.as_secs() as i64 }
    }

    /// The token.
    pub(super) fn sign(&self, key: &[u8; 32]) -> String {
        let json = serde_json::to_vec(self).expect("ids and numbers can be written as JSON");
        let signed = format!("{HEADER}.{}", URL_SAFE_NO_PAD.encode(json));
        let signature = URL_SAFE_NO_PAD.encode(mac(key, &signed).finalize().into_bytes());
        format!("{signed}.{signature}")
    }

    /// What a token says, if it is ours and not expired.
    pub(super) fn verify(token: &str, key: &[u8; 32], now: Timestamp) -> Option<Claims> {
        if token.len() > LONGEST {
            return None;
        }
        let (signed, signature) = token.rsplit_once('.')?;
        let signature = URL_SAFE_NO_PAD.decode(signature).ok()?;
        mac(key, signed).verify_slice(&signature).ok()?;
        let payload = signed.strip_prefix(HEADER)?.strip_prefix('.')?;
        let claims: Claims = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).ok()?).ok()?;
        // One from the future was given before the clock was set back: by its end nobody knows when it was.
        let now = now.0 / 1_000_000;
        (now < claims.exp && claims.iat <= now + limits::TOKEN_AGE.as_secs() as i64).then_some(claims)
    }
}

fn mac(key: &[u8; 32], signed: &str) -> Hmac<Sha256> {
    Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes a key of any length").chain_update(signed)
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: [u8; 32] = [7; 32];
    const NOW: Timestamp = Timestamp(1_795_342_560_000_000);

    fn claims() -> Claims {
        Claims { sub: Uuid::from_u128(1), customer_id: Uuid::from_u128(2), iat: 1_795_342_560, exp: 1_795_342_660 }
    }

    #[test]
    fn a_token_counts_until_it_expires() {
        let token = claims().sign(&KEY);
        assert_eq!(Claims::verify(&token, &KEY, NOW), Some(claims()));
        assert_eq!(Claims::verify(&token, &KEY, Timestamp(NOW.0 + 99_999_999)), Some(claims()));
        assert_eq!(Claims::verify(&token, &KEY, Timestamp(NOW.0 + 100_000_000)), None);
        assert_eq!(Claims::verify(&token, &[8; 32], NOW), None);
        assert_eq!(Claims::verify(&token, &KEY, Timestamp(0)), None, "the clock begins in 1970 again");
    }

    #[test]
    fn the_example_of_rfc_7515_has_its_signature() {
        // RFC 7515 A.1.1 with its key, which is longer than ours.
        let key = URL_SAFE_NO_PAD
            .decode("AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow")
            .expect("base64");
        let signed = "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";
        let mac = Hmac::<Sha256>::new_from_slice(&key).expect("any length").chain_update(signed);
        assert_eq!(URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes()), "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk");
    }

    #[test]
    fn no_change_to_a_token_goes_unnoticed() {
        let token = claims().sign(&KEY);
        for at in 0..token.len() {
            let mut changed = token.clone().into_bytes();
            changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
            let changed = String::from_utf8(changed).expect("ASCII");
            // The last letter of a signature has two bits that mean nothing; base64 refuses them where they are set.
            assert_eq!(Claims::verify(&changed, &KEY, NOW), None, "at {at}");
        }
    }

    #[test]
    fn a_token_without_signature_or_with_another_header_is_none() {
        let payload = claims().sign(&KEY).split('.').nth(1).expect("three parts").to_owned();
        let none = URL_SAFE_NO_PAD.encode(r#"{"alg":"none"}"#);
        let signed = format!("{none}.{payload}");
        let signature = URL_SAFE_NO_PAD.encode(mac(&KEY, &signed).finalize().into_bytes());
        for token in [format!("{signed}."), format!("{signed}.{signature}"), String::new(), "..".into(), "a.b.c".into()]
        {
            assert_eq!(Claims::verify(&token, &KEY, NOW), None, "{token}");
        }
    }
}
