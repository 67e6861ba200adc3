//! What a phone sends: believed when its tag is right, and each packet once.

use std::fmt;

use crate::rtp::header;
use crate::srtp::derivation::Purpose;
use crate::srtp::index;
use crate::srtp::outbound::rtcp_source;
use crate::srtp::sources::Sources;
use crate::srtp::transform::{Number, Transform};
use crate::srtp::{MasterKey, SrtpError};

/// The receiving direction of a stream.
pub struct Inbound {
    rtp: Transform,
    rtcp: Transform,
    /// Octets of the key id (MKI) in each packet.
    key_id: usize,
    sources: Sources,
    /// The direction under the key before, until the present one was used.
    former: Option<Box<Inbound>>,
}

impl Inbound {
    /// Nothing was received under the key yet. `key_id_len`: octets of the key id (MKI) that the phone puts into each
    /// packet; nearly always none.
    pub fn new(key: &MasterKey, key_id_len: u8) -> Inbound {
        Inbound {
            rtp: Transform::new(key, Purpose::Rtp),
            rtcp: Transform::new(key, Purpose::Rtcp),
            key_id: key_id_len.into(),
            sources: Sources::default(),
            former: None,
        }
    }

    /// The phone has a new key. Packets under the one before, which are still on their way, stay good until the first under
    /// the new one.
    pub fn renew(&mut self, key: &MasterKey, key_id_len: u8) {
        let mut before = std::mem::replace(self, Inbound::new(key, key_id_len));
        // A key that was never used knows nothing of the phone: the one before it is kept instead.
        self.former = Some(before.former.take().unwrap_or_else(|| Box::new(before)));
    }

    /// Checks and decrypts an RTP packet in place. Returns its new length. On an error the packet is as it was.
    pub fn unprotect(&mut self, packet: &mut [u8]) -> Result<usize, SrtpError> {
        let header = header::length(packet).ok_or(SrtpError::Malformed)?;
        let (ssrc, sequence) = header::identity(packet).ok_or(SrtpError::Malformed)?;
        let window = self.sources.find(ssrc).map(|source| source.rtp).unwrap_or_default();
        let index = match window.highest() {
            None => u64::from(sequence),
            Some(highest) => index::nearest(highest, sequence).ok_or(SrtpError::Replayed)?,
        };
        let opened = match window.is_fresh(index) {
            true => self.open(packet, header, Number { ssrc, index }),
            false => Err(SrtpError::Replayed),
        };
        match opened {
            Err(SrtpError::NotAuthentic) if self.former.is_some() => self.unprotect_anew(packet, header, sequence),
            opened => opened,
        }
    }

    /// Checks and decrypts an RTCP packet in place. Returns its new length. On an error the packet is as it was.
    pub fn unprotect_rtcp(&mut self, packet: &mut [u8]) -> Result<usize, SrtpError> {
        let ssrc = rtcp_source(packet).ok_or(SrtpError::Malformed)?;
        let trailer = self.rtcp.trailer(packet, self.key_id).ok_or(SrtpError::Malformed)?;
        let number = Number { ssrc, index: trailer.index };
        let window = self.sources.find(ssrc).map(|source| source.rtcp).unwrap_or_default();
        if !window.is_fresh(number.index) {
            return Err(SrtpError::Replayed);
        }
        match (self.rtcp.unprotect_rtcp(packet, trailer, number), &mut self.former) {
            (Err(SrtpError::NotAuthentic), Some(former)) => former.unprotect_rtcp(packet),
            (opened, _) => {
                let len = opened?;
                self.sources.hear(ssrc).rtcp.take(number.index);
                Ok(len)
            }
        }
    }

    fn open(&mut self, packet: &mut [u8], header: usize, number: Number) -> Result<usize, SrtpError> {
        if packet.len() < header + self.key_id + self.rtp.rtp_growth() {
            return Err(SrtpError::Malformed);
        }
        let len = self.rtp.unprotect_rtp(packet, header, self.key_id, number)?;
        self.sources.hear(number.ssrc).rtp.take(number.index);
        self.former = None;
        Ok(len)
    }

    /// Where the new key does not fit: the counter may go on from the old key's, or the packet may be under the old key.
    #[cold]
    fn unprotect_anew(&mut self, packet: &mut [u8], header: usize, sequence: u16) -> Result<usize, SrtpError> {
        let Some(mut former) = self.former.take() else { return Err(SrtpError::NotAuthentic) };
        let (ssrc, _) = header::identity(packet).ok_or(SrtpError::Malformed)?;
        let counted = former.sources.find(ssrc).and_then(|source| source.rtp.highest());
        if let Some(index) = counted.and_then(|highest| index::nearest(highest, sequence))
            && let Ok(len) = self.open(packet, header, Number { ssrc, index })
        {
            return Ok(len);
        }
        let opened = former.unprotect(packet);
        self.former = Some(former);
        opened
    }
}

impl fmt::Debug for Inbound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let former = self.former.is_some();
        f.debug_struct("Inbound").field("sources", &self.sources).field("former", &former).finish_non_exhaustive()
    }
}
