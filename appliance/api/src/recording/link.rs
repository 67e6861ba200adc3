//! Links to files that count for an hour without a login, signed with HMAC-SHA-256.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use store::Timestamp;
use uuid::Uuid;

use crate::limits;

/// A link to the file of a recording.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Link {
    /// The recording.
    pub id: Uuid,
    /// Until when it counts, in seconds since 1970.
    pub expires: i64,
}

impl Link {
    /// A link that counts from now on.
    pub(super) fn new(id: Uuid, now: Timestamp) -> Link {
        Link { id, expires: now.0 / 1_000_000 + limits::LINK_AGE.as_secs() as i64 }
    }

    /// Where it leads.
    pub(super) fn path(&self, key: &[u8; 32]) -> String {
        let Link { id, expires } = self;
        let signature = URL_SAFE_NO_PAD.encode(self.mac(key).finalize().into_bytes());
        format!("/v1.0/recordingfiles/{id}/content?expires={expires}&signature={signature}")
    }

    /// Whether the signature is ours, and the time has not come.
    pub(super) fn is_signed_by(&self, signature: &str, key: &[u8; 32], now: Timestamp) -> bool {
        let octets = URL_SAFE_NO_PAD.decode(signature).unwrap_or_default();
        let (now, longest) = (now.0 / 1_000_000, limits::LINK_AGE.as_secs() as i64);
        // One that counts for longer than any was given before the clock was set back.
        self.mac(key).verify_slice(&octets).is_ok() && (now + 1..=now + 2 * longest).contains(&self.expires)
    }

    /// Login tokens are signed with the same key; what is signed begins otherwise, so that neither can pass for the other.
    fn mac(&self, key: &[u8; 32]) -> Hmac<Sha256> {
        let signed = format!("recordingfile {} {}", self.id, self.expires);
        Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes a key of any length").chain_update(signed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: [u8; 32] = [7; 32];
    const NOW: Timestamp = Timestamp(1_795_342_560_000_000);

    #[test]
    fn a_link_counts_for_an_hour_and_only_as_it_is() {
        let link = Link::new(Uuid::from_u128(1), NOW);
        let path = link.path(&KEY);
        let signature = path.rsplit_once('=').expect("a signature").1;
        let later = |seconds: i64| Timestamp(NOW.0 + seconds * 1_000_000);
        assert!(link.is_signed_by(signature, &KEY, NOW) && link.is_signed_by(signature, &KEY, later(3_599)));
        assert!(!link.is_signed_by(signature, &KEY, later(3_600)));
        assert!(!link.is_signed_by(signature, &KEY, later(-7_200)), "the clock was set back");
        assert!(!link.is_signed_by(signature, &[8; 32], NOW) && !link.is_signed_by("", &KEY, NOW));
        assert!(!link.is_signed_by(&signature[1..], &KEY, NOW) && !link.is_signed_by("%%%", &KEY, NOW));
        assert!(!Link { expires: link.expires + 1, ..link }.is_signed_by(signature, &KEY, NOW));
        assert!(!Link { id: Uuid::from_u128(2), ..link }.is_signed_by(signature, &KEY, NOW));
    }
}
