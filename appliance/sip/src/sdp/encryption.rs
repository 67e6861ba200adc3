//! Whether a stream is encrypted, and by which keys: the part of offer and answer that RFC 4568 §5 and §7 add.
//!
//! A stream is offered encrypted as `RTP/SAVP`, which leaves the other side no choice, or as `RTP/AVP` with keys, which does
//! (opportunistic SRTP, RFC 8643). The answer takes the first line it can use, under its number, with a key of its own. Keys
//! are drawn by the caller; a session that goes on keeps them.

use super::crypto::{Crypto, CryptoKey, CryptoSuite};
use super::offer_answer::{Capabilities, Refusal};
use super::{Line, Media, SessionDescription};

/// Whether audio is encrypted by keys in the description.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Encryption {
    /// Never; an offer that insists on it is refused.
    #[default]
    Off,
    /// Where the other side wants it too.
    Optional,
    /// Always; what is not encrypted is refused.
    Required,
}

impl Encryption {
    /// Whether one of the streams of audio in an offer could be answered, as far as encryption goes.
    pub fn can_answer(self, offer: &SessionDescription) -> Result<(), Refusal> {
        let mut refusal = Refusal::NoAudio;
        for media in offer.media.iter().filter(|media| media.is_audio()) {
            match self.judge(Profile::of(media)?, media.cryptos().flatten().next().is_some()) {
                Ok(_) => return Ok(()),
                Err(other) => refusal = other,
            }
        }
        Err(refusal)
    }

    /// Whether a stream that has, or has not, a line of keys that can be used will be encrypted.
    fn judge(self, profile: Profile, has_keys: bool) -> Result<bool, Refusal> {
        match (profile, self, has_keys) {
            (Profile::Plain, Encryption::Off, _) => Ok(false),
            (Profile::Secure, Encryption::Off, _) => Err(Refusal::Transport),
            (_, _, true) => Ok(true),
            (Profile::Secure, _, false) => Err(Refusal::NoCommonCrypto),
            (Profile::Plain, Encryption::Required, false) => Err(Refusal::NotEncrypted),
            (Profile::Plain, Encryption::Optional, false) => Ok(false),
        }
    }
}

impl SessionDescription {
    /// Whether its audio insists on encryption: its profile is one of `RTP/SAVP`, or one with a handshake.
    pub fn is_secure(&self) -> bool {
        let audio = self.media.iter().find(|media| media.is_audio() && media.port != 0);
        audio.is_some_and(|media| media.has_handshake() || Profile::of(media) == Ok(Profile::Secure))
    }

    /// The lines of keys that can be used in its audio, in their order.
    pub fn cryptos(&self) -> impl Iterator<Item = Crypto> + '_ {
        self.media.iter().filter(|media| media.is_audio()).flat_map(Media::cryptos).flatten()
    }
}

/// By which keys a stream is encrypted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NegotiatedCrypto {
    /// The number of the lines that made it.
    pub tag: u32,
    /// The suite, both ways.
    pub suite: CryptoSuite,
    /// Our key, for what we send.
    pub send: CryptoKey,
    /// The other side's key, for what it sends.
    pub receive: CryptoKey,
    /// Octets of the key id (MKI) in each of its packets.
    pub receive_key_id_len: u8,
}

impl NegotiatedCrypto {
    fn new(ours: &Crypto, theirs: Crypto) -> Box<NegotiatedCrypto> {
        Box::new(NegotiatedCrypto {
            tag: theirs.tag,
            suite: theirs.suite,
            send: ours.key.clone(),
            receive: theirs.key,
            receive_key_id_len: theirs.key_id_len,
        })
    }

    /// Our line, to offer or to answer with once more.
    pub fn ours(&self) -> Crypto {
        Crypto { tag: self.tag, suite: self.suite, key: self.send.clone(), key_id_len: 0 }
    }

    /// Whether the other side goes on under its key in a new offer. Where it does not, it begins to count anew, and does not
    /// know where we are in our counting: we need a new key as well (RFC 4568 §7.1.4).
    pub fn goes_on_in(&self, offer: &SessionDescription) -> bool {
        offer.cryptos().any(|theirs| theirs.suite == self.suite && theirs.key == self.receive)
    }
}

/// What RTP profile a stream has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Profile {
    Plain,
    Secure,
}

impl Profile {
    fn of(media: &Media) -> Result<Profile, Refusal> {
        let is = |proto: &str| media.proto.eq_ignore_ascii_case(proto);
        if is("RTP/AVP") || is("RTP/AVPF") {
            Ok(Profile::Plain)
        } else if is("RTP/SAVP") || is("RTP/SAVPF") {
            Ok(Profile::Secure)
        } else {
            Err(Refusal::Transport)
        }
    }
}

/// The profile of our first offer.
pub(super) fn proto(encryption: Encryption) -> &'static str {
    if encryption == Encryption::Required { "RTP/SAVP" } else { "RTP/AVP" }
}

/// Our lines in an offer.
pub(super) fn offer(capabilities: &Capabilities) -> impl Iterator<Item = Line> {
    let offered = capabilities.cryptos.iter().filter(|_| capabilities.encryption != Encryption::Off);
    offered.map(Crypto::to_line)
}

/// By which keys an offered stream can be answered; `None`: by none.
pub(super) fn choose(offered: &Media, capabilities: &Capabilities) -> Result<Option<Box<NegotiatedCrypto>>, Refusal> {
    let chosen = offered.cryptos().flatten().find_map(|theirs| {
        let ours = capabilities.cryptos.iter().find(|ours| ours.suite == theirs.suite)?;
        Some(NegotiatedCrypto::new(ours, theirs))
    });
    let is_encrypted = capabilities.encryption.judge(Profile::of(offered)?, chosen.is_some())?;
    Ok(chosen.filter(|_| is_encrypted))
}

/// What the answer makes of the keys in our offer.
pub(super) fn accept(ours: &Media, theirs: &Media) -> Result<Option<Box<NegotiatedCrypto>>, Refusal> {
    let mut offered = ours.cryptos().flatten().peekable();
    if offered.peek().is_none() {
        return Ok(None);
    }
    match (theirs.cryptos().next(), Profile::of(ours)?) {
        (None, Profile::Plain) => Ok(None),
        (None, Profile::Secure) | (Some(Err(_)), _) => Err(Refusal::NoCommonCrypto),
        (Some(Ok(theirs)), _) => {
            let ours = offered.find(|ours| ours.tag == theirs.tag && ours.suite == theirs.suite);
            ours.map(|ours| Some(NegotiatedCrypto::new(&ours, theirs))).ok_or(Refusal::NoCommonCrypto)
        }
    }
}

#[cfg(test)]
mod tests;
