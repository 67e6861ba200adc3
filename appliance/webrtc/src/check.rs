//! Checks of connectivity (RFC 8445 §7.3): STUN requests that are answered by who is in the lite role, and nothing else.

use std::net::SocketAddr;

use hmac::{Hmac, KeyInit, Mac};
use is::stun::{Class, Method, StunMessage};
use sha1::Sha1;

/// A message that is well formed. Whether it is authentic, [`Check::is_by`] says.
pub struct Check<'a> {
    message: StunMessage<'a>,
}

impl<'a> Check<'a> {
    /// Reads a datagram. `None`: it is no message, or none that is for us.
    pub fn read(datagram: &'a [u8]) -> Option<Check<'a>> {
        let message = StunMessage::parse(datagram).ok().filter(|message| message.method() == Method::Binding)?;
        let is_ours = match message.class() {
            Class::Request => message.split_username().is_some() && message.prio().is_some(),
            Class::Indication => true,
            _ => false,
        };
        is_ours.then_some(Check { message })
    }

    /// Whether it is only a sign of life, which wants no answer (RFC 8445 §11).
    pub fn is_indication(&self) -> bool {
        self.message.class() == Class::Indication
    }

    /// Whom it is for: our name and that of the browser.
    pub fn names(&self) -> (&str, &str) {
        self.message.split_username().unwrap_or_default()
    }

    /// Whether it was made by who knows the password.
    pub fn is_by(&self, password: &str) -> bool {
        self.message.verify(password.as_bytes(), digest)
    }

    /// How the browser rates the way.
    pub fn priority(&self) -> u32 {
        self.message.prio().unwrap_or_default()
    }

    /// Whether the browser chooses the way.
    pub fn chooses(&self) -> bool {
        self.message.use_candidate()
    }

    /// Whether the browser believes that it is us who choose. We never do.
    pub fn mistakes_roles(&self) -> bool {
        self.message.ice_controlled().is_some()
    }

    /// The answer: it was heard, and came from there. To who mistakes the roles: that it has to choose (§7.3.1.1).
    pub fn answer(&self, from: SocketAddr, password: &str) -> Vec<u8> {
        let transaction = self.message.trans_id();
        let reply = if self.mistakes_roles() {
            StunMessage::binding_role_conflict_reply(transaction)
        } else {
            StunMessage::binding_reply(transaction, from)
        };
        let mut octets = vec![0; 256];
        let len = reply.to_bytes(Some(password.as_bytes()), &mut octets, digest).unwrap_or_default();
        octets.truncate(len);
        octets
    }
}

fn digest(key: &[u8], parts: &[&[u8]]) -> [u8; 20] {
    let mut mac = Hmac::<Sha1>::new_from_slice(key).expect("any length is a key");
    parts.iter().for_each(|part| mac.update(part));
    mac.finalize().into_bytes().into()
}
