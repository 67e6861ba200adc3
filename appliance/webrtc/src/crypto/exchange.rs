//! The key exchange: a secret that both sides come to know and nobody else.

use std::fmt;

use dimpl::crypto::{ActiveKeyExchange, Buf, NamedGroup, SupportedKxGroup};
use dimpl::{CryptoError, CryptoOperation};
use ring::agreement::{self, ECDH_P256, ECDH_P384, EphemeralPrivateKey, UnparsedPublicKey, X25519};
use ring::rand::SystemRandom;

use super::failed;

/// Best first.
pub static GROUPS: &[&dyn SupportedKxGroup] =
    &[&Group(NamedGroup::X25519), &Group(NamedGroup::Secp256r1), &Group(NamedGroup::Secp384r1)];

#[derive(Debug)]
struct Group(NamedGroup);

fn algorithm(group: NamedGroup) -> &'static agreement::Algorithm {
    match group {
        NamedGroup::Secp256r1 => &ECDH_P256,
        NamedGroup::Secp384r1 => &ECDH_P384,
        _ => &X25519,
    }
}

impl SupportedKxGroup for Group {
    fn name(&self) -> NamedGroup {
        self.0
    }

    fn start_exchange(&self, mut public: Buf) -> Result<Box<dyn ActiveKeyExchange>, CryptoError> {
        let private = EphemeralPrivateKey::generate(algorithm(self.0), &SystemRandom::new())
            .map_err(|_| failed(CryptoOperation::GenerateEphemeralKey))?;
        let ours = private.compute_public_key().map_err(|_| failed(CryptoOperation::ComputePublicKey))?;
        public.clear();
        public.extend_from_slice(ours.as_ref());
        Ok(Box::new(Exchange { group: self.0, private, public }))
    }
}

struct Exchange {
    group: NamedGroup,
    private: EphemeralPrivateKey,
    public: Buf,
}

impl fmt::Debug for Exchange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Exchange({:?}, …)", self.group)
    }
}

impl ActiveKeyExchange for Exchange {
    fn pub_key(&self) -> &[u8] {
        &self.public
    }

    fn complete(self: Box<Self>, theirs: &[u8], out: &mut Buf) -> Result<(), CryptoError> {
        let theirs = UnparsedPublicKey::new(algorithm(self.group), theirs);
        agreement::agree_ephemeral(self.private, &theirs, |secret| {
            out.clear();
            out.extend_from_slice(secret);
        })
        .map_err(|_| CryptoError::InvalidPublicKey(self.group))
    }

    fn group(&self) -> NamedGroup {
        self.group
    }
}
