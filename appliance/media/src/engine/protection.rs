//! Where packets of an encrypted stream are opened and closed: first of all when they come, last of all when they go.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::Rng;

use crate::datagram::Datagram;
use crate::engine::stream::Stream;
use crate::socket::Component;
use crate::srtp::{Keys, Session, SrtpError};
use crate::transmit::Transmit;

impl Stream {
    /// What was agreed on: keys, or none. A direction whose key stays goes on.
    pub(super) fn agree_on_keys(&mut self, keys: Option<Box<Keys>>, random: &mut ChaCha8Rng) {
        let (Some(session), Some(keys)) = (&mut self.session, &keys) else {
            self.session = keys.map(|keys| Box::new(Session::new(*keys)));
            return;
        };
        let begins_anew = session.keys().send != keys.send && session.has_rolled_over(self.sender.ssrc);
        session.renew(Keys::clone(keys));
        if begins_anew {
            // Under a new key some phones go on with the rollover counter, and some begin anew. A new source has none yet.
            self.sender.change_source(random.next_u32(), random.next_u32() as u16 & 0x7FFF);
        }
    }

    /// Opens a packet that came, and is RTP or RTCP, whichever port it came to. `None`: it is dropped, and counted as such.
    #[inline]
    pub(super) fn unprotect(&mut self, kind: Component, packet: &mut Datagram<'_>) -> Option<()> {
        if self.session.is_some() { self.open(kind, packet) } else { Some(()) }
    }

    #[inline(never)]
    fn open(&mut self, kind: Component, packet: &mut Datagram<'_>) -> Option<()> {
        let session = self.session.as_mut()?;
        let opened = match kind {
            Component::Rtp => session.unprotect(packet.octets_mut()),
            Component::Rtcp => session.unprotect_rtcp(packet.octets_mut()),
        };
        let counter = match opened {
            Ok(len) => {
                packet.truncate(len);
                return Some(());
            }
            Err(SrtpError::Malformed) => &mut self.dropped.malformed,
            Err(SrtpError::Replayed) => &mut self.dropped.replayed,
            Err(_) => &mut self.dropped.not_authentic,
        };
        *counter += 1;
        None
    }

    /// Closes the packet that the first `len` octets of `buffer` are, which goes to the phone. Returns its new length.
    #[inline]
    pub(super) fn protect(&mut self, buffer: &mut [u8], len: usize) -> Result<usize, SrtpError> {
        match &mut self.session {
            None => Ok(len),
            Some(session) => session.protect(buffer, len),
        }
    }

    /// Closes a report. `None`: it cannot be sent, and is counted as such.
    pub(super) fn protect_report(&mut self, mut report: Transmit) -> Option<Transmit> {
        let Some(session) = &mut self.session else { return Some(report) };
        let protected = report.rewrite(|buffer, len| session.protect_rtcp(buffer, len));
        self.dropped.not_protected += u64::from(protected.is_err());
        protected.is_ok().then_some(report)
    }
}
