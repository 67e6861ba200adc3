//! Both directions of a stream.

use crate::srtp::{Inbound, MasterKey, Outbound, SrtpError};

/// The keys that were agreed on for a stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Keys {
    /// Ours, for what we send.
    pub send: MasterKey,
    /// The phone's, for what it sends.
    pub receive: MasterKey,
    /// Octets of the key id (MKI) in each packet of the phone.
    pub receive_key_id_len: u8,
}

/// An encrypted stream.
#[derive(Debug)]
pub struct Session {
    keys: Keys,
    outbound: Outbound,
    inbound: Inbound,
}

impl Session {
    /// A session in which nothing was said yet.
    pub fn new(keys: Keys) -> Session {
        let outbound = Outbound::new(&keys.send);
        let inbound = Inbound::new(&keys.receive, keys.receive_key_id_len);
        Session { keys, outbound, inbound }
    }

    /// What was agreed on anew: a direction whose key stays goes on, one with another key begins again.
    pub fn renew(&mut self, keys: Keys) {
        if keys.send != self.keys.send {
            self.outbound = Outbound::new(&keys.send);
        }
        if (&keys.receive, keys.receive_key_id_len) != (&self.keys.receive, self.keys.receive_key_id_len) {
            self.inbound.renew(&keys.receive, keys.receive_key_id_len);
        }
        self.keys = keys;
    }

    /// The present keys.
    pub fn keys(&self) -> &Keys {
        &self.keys
    }

    /// See [`Outbound::protect`].
    #[inline(never)]
    pub fn protect(&mut self, buffer: &mut [u8], len: usize) -> Result<usize, SrtpError> {
        self.outbound.protect(buffer, len)
    }

    /// See [`Outbound::protect_rtcp`].
    pub fn protect_rtcp(&mut self, buffer: &mut [u8], len: usize) -> Result<usize, SrtpError> {
        self.outbound.protect_rtcp(buffer, len)
    }

    /// See [`Inbound::unprotect`].
    pub fn unprotect(&mut self, packet: &mut [u8]) -> Result<usize, SrtpError> {
        self.inbound.unprotect(packet)
    }

    /// See [`Inbound::unprotect_rtcp`].
    pub fn unprotect_rtcp(&mut self, packet: &mut [u8]) -> Result<usize, SrtpError> {
        self.inbound.unprotect_rtcp(packet)
    }

    /// See [`Outbound::has_rolled_over`].
    pub fn has_rolled_over(&self, ssrc: u32) -> bool {
        self.outbound.has_rolled_over(ssrc)
    }
}
