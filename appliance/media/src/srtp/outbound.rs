//! What we send: packets made secret and signed, each index once.

use std::fmt;

use crate::rtp::header;
use crate::srtp::derivation::Purpose;
use crate::srtp::index;
use crate::srtp::sources::Sources;
use crate::srtp::transform::{Number, RTCP_HEADER, Transform};
use crate::srtp::{MasterKey, SrtpError};

/// The sending direction of a stream.
pub struct Outbound {
    rtp: Transform,
    rtcp: Transform,
    sources: Sources,
}

impl Outbound {
    /// Nothing was sent under the key yet.
    pub fn new(key: &MasterKey) -> Outbound {
        Outbound {
            rtp: Transform::new(key, Purpose::Rtp),
            rtcp: Transform::new(key, Purpose::Rtcp),
            sources: Sources::default(),
        }
    }

    /// Protects the RTP packet that the first `len` octets of `buffer` are. Returns its new length, at most
    /// [`RTP_OVERHEAD`](crate::srtp::RTP_OVERHEAD) more. On an error the packet is as it was.
    pub fn protect(&mut self, buffer: &mut [u8], len: usize) -> Result<usize, SrtpError> {
        let packet = buffer.get(..len).ok_or(SrtpError::NoRoom)?;
        let header = header::length(packet).ok_or(SrtpError::Malformed)?;
        let (ssrc, sequence) = header::identity(packet).ok_or(SrtpError::Malformed)?;
        let source = self.sources.find(ssrc);
        if source.is_none() && self.sources.is_full() {
            return Err(SrtpError::TooManySources);
        }
        let window = source.map(|source| source.rtp).unwrap_or_default();
        let index = match window.highest() {
            None => u64::from(sequence),
            Some(highest) => index::nearest(highest, sequence).ok_or(match highest >> 16 == index::RTP_MAX >> 16 {
                true => SrtpError::Exhausted,
                false => SrtpError::Reused,
            })?,
        };
        if !window.is_fresh(index) {
            return Err(SrtpError::Reused);
        }
        if buffer.len() - len < self.rtp.rtp_growth() {
            return Err(SrtpError::NoRoom);
        }
        self.sources.hear(ssrc).rtp.take(index);
        Ok(self.rtp.protect_rtp(buffer, header, len, Number { ssrc, index }))
    }

    /// Protects the RTCP packet that the first `len` octets of `buffer` are. Returns its new length, at most
    /// [`RTCP_OVERHEAD`](crate::srtp::RTCP_OVERHEAD) more. On an error the packet is as it was.
    pub fn protect_rtcp(&mut self, buffer: &mut [u8], len: usize) -> Result<usize, SrtpError> {
        let packet = buffer.get(..len).ok_or(SrtpError::NoRoom)?;
        let ssrc = rtcp_source(packet).ok_or(SrtpError::Malformed)?;
        let source = self.sources.find(ssrc);
        if source.is_none() && self.sources.is_full() {
            return Err(SrtpError::TooManySources);
        }
        let highest = source.and_then(|source| source.rtcp.highest());
        let index = highest.map_or(0, |highest| highest + 1);
        if index > index::RTCP_MAX {
            return Err(SrtpError::Exhausted);
        }
        if buffer.len() - len < self.rtcp.rtcp_growth() {
            return Err(SrtpError::NoRoom);
        }
        self.sources.hear(ssrc).rtcp.take(index);
        Ok(self.rtcp.protect_rtcp(buffer, len, Number { ssrc, index }))
    }

    /// Whether the sequence numbers of a source of ours have wrapped under this key.
    pub fn has_rolled_over(&self, ssrc: u32) -> bool {
        self.sources.find(ssrc).and_then(|source| source.rtp.highest()).is_some_and(|highest| highest >> 16 != 0)
    }
}

/// Who sends an RTCP packet. `None`: it is none.
pub(super) fn rtcp_source(packet: &[u8]) -> Option<u32> {
    let header = packet.first_chunk::<RTCP_HEADER>().filter(|header| header[0] >> 6 == 2)?;
    Some(u32::from_be_bytes([header[4], header[5], header[6], header[7]]))
}

impl fmt::Debug for Outbound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outbound").field("sources", &self.sources).finish_non_exhaustive()
    }
}
