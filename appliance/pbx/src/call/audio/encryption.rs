//! Whether a leg's audio is encrypted and by which keys of ours, and the same in the words of the media engine.
//!
//! Keys are drawn from the exchange's own randomness for each leg, stay as long as the phone's stay, and are never shown: neither
//! by `Debug` nor in the ladder.

use media::srtp::{Keys, MasterKey, Profile};
use sip::Transport;
use sip::sdp::{
    Capabilities, Crypto, CryptoKey, CryptoSuite, Encryption, Negotiated, NegotiatedCrypto, Refusal, SessionDescription,
};
use smallvec::SmallVec;

use super::Audio;
use crate::context::Context;

/// What we offer, best first: what costs least where the processor has AES, then what every phone that encrypts can do.
const OFFERED: [CryptoSuite; 2] = [CryptoSuite::AeadAes128Gcm, CryptoSuite::AesCm128HmacSha1_80];

/// Whether the audio of a leg has to be encrypted.
#[derive(Debug, Clone, Copy, Default)]
pub struct Secrecy {
    /// What is set of who is at the other end.
    set: Option<Encryption>,
    /// Whether it refused an offer that left it the choice.
    insists: bool,
    /// What our latest description followed.
    current: Encryption,
}

impl Secrecy {
    /// As it is set of somebody.
    pub fn of(set: Option<Encryption>) -> Secrecy {
        Secrecy { set, ..Secrecy::default() }
    }

    /// Whether somebody who refused this offer may take one that insists: it offered keys, and left the choice.
    pub fn may_insist(&self, offer: &SessionDescription) -> bool {
        self.current == Encryption::Optional && !offer.is_secure() && offer.cryptos().next().is_some()
    }

    /// From now on every offer insists.
    pub fn insist(&mut self) {
        self.insists = true;
    }

    /// Whether what the other side made of an offer is encrypted as it has to be.
    pub fn check(&self, negotiated: &Negotiated) -> Result<(), Refusal> {
        let is_encrypted = negotiated.crypto.is_some() || negotiated.webrtc.is_some();
        let is_open = self.current == Encryption::Required && !is_encrypted;
        if is_open { Err(Refusal::NotEncrypted) } else { Ok(()) }
    }
}

/// Adds to what we can do for a leg how it is encrypted. `offer`: what is to be answered; `None` for an offer of ours.
pub fn add(
    ctx: &mut Context,
    audio: &mut Audio,
    (transport, offer): (Transport, Option<&SessionDescription>),
    to: &mut Capabilities,
) {
    // What once insisted on encryption never goes on without.
    let insists = audio.secrecy.insists || audio.local.as_ref().is_some_and(SessionDescription::is_secure);
    let set = audio.secrecy.set;
    to.encryption = if insists { Encryption::Required } else { ctx.settings.encryption_over(transport, set) };
    audio.secrecy.current = to.encryption;
    if to.encryption == Encryption::Off {
        return;
    }
    let agreed = audio.negotiated.as_ref();
    let kept = agreed.and_then(|agreed| agreed.crypto.as_deref()).filter(|crypto| match offer {
        Some(offer) => crypto.goes_on_in(offer),
        None => true,
    });
    to.cryptos = match (kept, offer) {
        (Some(kept), _) => vec![kept.ours()],
        (None, Some(offer)) => draw(ctx, suites_of(offer)),
        // A phone that has agreed on plain audio is not asked again in every offer.
        (None, None) if agreed.is_some() && to.encryption == Encryption::Optional => Vec::new(),
        (None, None) => draw(ctx, OFFERED),
    };
}

/// The suites in an offer, each once.
fn suites_of(offer: &SessionDescription) -> SmallVec<[CryptoSuite; 6]> {
    let mut suites = SmallVec::new();
    for crypto in offer.cryptos() {
        if !suites.contains(&crypto.suite) {
            suites.push(crypto.suite);
        }
    }
    suites
}

fn draw(ctx: &mut Context, suites: impl IntoIterator<Item = CryptoSuite>) -> Vec<Crypto> {
    let crypto = |(tag, suite)| {
        let key = CryptoKey::draw(suite, |octets| ctx.fill(octets));
        Crypto { tag, suite, key, key_id_len: 0 }
    };
    (1..).zip(suites).map(crypto).collect()
}

/// The keys that the media engine is told. `None`: the audio is not encrypted.
pub fn keys_of(negotiated: &Negotiated) -> Option<Box<Keys>> {
    let NegotiatedCrypto { suite, send, receive, receive_key_id_len, .. } = &**negotiated.crypto.as_ref()?;
    let master = |key: &CryptoKey| {
        MasterKey::new(profile_of(*suite), key.octets())
            .expect("a key is as long as its suite says, and so says its profile")
    };
    Some(Box::new(Keys { send: master(send), receive: master(receive), receive_key_id_len: *receive_key_id_len }))
}

fn profile_of(suite: CryptoSuite) -> Profile {
    match suite {
        CryptoSuite::AesCm128HmacSha1_80 => Profile::AesCm128HmacSha1_80,
        CryptoSuite::AesCm128HmacSha1_32 => Profile::AesCm128HmacSha1_32,
        CryptoSuite::Aes256CmHmacSha1_80 => Profile::AesCm256HmacSha1_80,
        CryptoSuite::Aes256CmHmacSha1_32 => Profile::AesCm256HmacSha1_32,
        CryptoSuite::AeadAes128Gcm => Profile::AeadAes128Gcm,
        CryptoSuite::AeadAes256Gcm => Profile::AeadAes256Gcm,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_as_long_for_the_engine_as_in_a_description() {
        for suite in CryptoSuite::ALL {
            let profile = profile_of(suite);
            assert_eq!(suite.key_len(), profile.key_len() + profile.salt_len(), "{suite:?}");
        }
    }
}
