//! Which source is the phone, and where we send to it (RFC 4961, RFC 7362).
//!
//! A phone behind NAT names an address in its SDP that nobody outside can reach. So its packets tell where it is. The same
//! mechanism, done carelessly, gives a call to whoever guesses our port (RFC 7362 §5). The rule:
//!
//! 1. After the first Configure the first packet that is valid RTP with a negotiated payload type decides: its address
//!    and port are the phone. With [`Latch::Signalled`] only packets from the host that the SDP names count at all.
//! 2. Once decided, packets from any other address are a third party's: counted and dropped. One exception: their SSRC
//!    differs from the phone's, and either their address and port are exactly those of the SDP (the phone's own word), or
//!    the phone has been silent for [`RELATCH_SILENCE`](crate::limits::RELATCH_SILENCE) (it moved, and began anew).
//!    An address that carries on with the SSRC of the phone is never believed: it may have read it off the wire.
//! 3. A new SSRC from the decided address is the same phone with a new source, accepted at once.
//! 4. When a re-INVITE names another address, the phone has said itself (and was authenticated) that it moves. For
//!    [`MOVE_WINDOW`](crate::limits::MOVE_WINDOW) the first packet from any address but the old one decides anew; the old one
//!    stays good until then, because packets are still on their way. After the window everything is as before.
//! 5. We send to the decided address (RFC 4961: it is also where the phone receives), before that to the one of the SDP.
//!    While a phone moves that was where its SDP said, we send where its new SDP says. With [`Latch::Signalled`] always so.
//! 6. RTCP is believed from the host that was decided for RTP, or from the address that the SDP names for it, and is then tied to that
//!    address and port until RTP is decided anew.

use std::net::{IpAddr, SocketAddr};

use crate::Time;
use crate::command::{Latch, Remote};
use crate::limits;

/// What a packet's source is to us.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// The phone, as before.
    Known,
    /// The first packet ever.
    First,
    /// The phone's address with a new SSRC.
    NewSource,
    /// The phone has moved to this address.
    Moved,
    /// Not the phone.
    ThirdParty,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Source {
    Open,
    Latched { at: SocketAddr, ssrc: u32 },
    Moving { at: SocketAddr, ssrc: u32, until: Time, behind_nat: bool },
}

/// The addresses of a phone: what its SDP says and what its packets say.
#[derive(Debug)]
pub struct Latching {
    mode: Latch,
    /// The last real addresses of the SDP.
    remote: Remote,
    /// Whether the present SDP names no address at all (hold as in RFC 2543).
    nowhere: bool,
    source: Source,
    /// Whether there ever was a source.
    started: bool,
    rtcp: Option<SocketAddr>,
}

impl Latching {
    /// The state after the first Configure.
    pub fn new(mode: Latch, remote: Remote) -> Latching {
        let nowhere = !is_somewhere(remote.rtp);
        Latching { mode, remote, nowhere, source: Source::Open, started: false, rtcp: None }
    }

    /// The state after another Configure.
    pub fn configure(&mut self, now: Time, mode: Latch, remote: Remote) {
        self.mode = mode;
        self.nowhere = !is_somewhere(remote.rtp);
        if is_somewhere(remote.rtcp) && !same(remote.rtcp, self.remote.rtcp) {
            self.remote.rtcp = remote.rtcp;
            self.rtcp = None;
        }
        // An address that says "nowhere" (hold) does not make us forget where the phone was.
        if self.nowhere || same(remote.rtp, self.remote.rtp) {
            return;
        }
        let behind_nat = self.latched().is_some_and(|(at, _)| !same(at, self.remote.rtp));
        self.remote.rtp = remote.rtp;
        if let Some((at, ssrc)) = self.latched()
            && !same(at, remote.rtp)
        {
            let until = now.saturating_add(limits::MOVE_WINDOW);
            self.source = match mode {
                Latch::Symmetric => Source::Moving { at, ssrc, until, behind_nat },
                Latch::Signalled | Latch::Nominated => Source::Open,
            };
        }
    }

    /// Whether a packet comes from the present source. The quick form of [`Latching::judge`].
    pub fn is_known(&self, from: SocketAddr, ssrc: u32) -> bool {
        match self.source {
            Source::Latched { at, ssrc: known } | Source::Moving { at, ssrc: known, .. } => at == from && ssrc == known,
            Source::Open => false,
        }
    }

    /// Judges a valid RTP packet, and takes its source as the phone's where the rule says so. `silent_since` is when the
    /// present source was last heard.
    pub fn judge(&mut self, now: Time, from: SocketAddr, ssrc: u32, silent_since: Time) -> Verdict {
        let verdict = self.verdict(now, from, ssrc, silent_since);
        match verdict {
            Verdict::Known | Verdict::ThirdParty => {}
            // RTCP stays with its host when only the SSRC changed.
            Verdict::NewSource => match &mut self.source {
                Source::Latched { ssrc: known, .. } | Source::Moving { ssrc: known, .. } => *known = ssrc,
                Source::Open => {}
            },
            Verdict::First | Verdict::Moved => {
                self.source = Source::Latched { at: from, ssrc };
                self.started = true;
                self.rtcp = None;
            }
        }
        verdict
    }

    /// Judges an RTCP packet, and ties RTCP to its source where the rule says so.
    pub fn judge_rtcp(&mut self, from: SocketAddr) -> bool {
        if let Some(known) = self.rtcp {
            return known == from;
        }
        let from_the_phone = self.latched().is_some_and(|(at, _)| host(at) == host(from));
        if from_the_phone || same(from, self.remote.rtcp) {
            self.rtcp = Some(from);
            return true;
        }
        false
    }

    /// Whether somebody else says where the phone is, and nobody but that is believed.
    pub fn is_nominated(&self) -> bool {
        self.mode == Latch::Nominated
    }

    /// Where it is, if somebody has said so.
    pub fn nominated(&self) -> Option<SocketAddr> {
        Some(self.remote.rtp).filter(|at| self.is_nominated() && is_somewhere(*at))
    }

    /// Where audio goes to. `None`: nowhere yet.
    pub fn rtp_destination(&self) -> Option<SocketAddr> {
        if self.nowhere {
            return None;
        }
        match (self.mode, self.source) {
            (Latch::Symmetric, Source::Latched { at, .. } | Source::Moving { at, behind_nat: true, .. }) => Some(at),
            _ => Some(self.remote.rtp),
        }
    }

    /// Where reports go to. `None`: nowhere yet.
    pub fn rtcp_destination(&self) -> Option<SocketAddr> {
        let signalled = Some(self.remote.rtcp).filter(|address| is_somewhere(*address));
        match (self.mode, self.latched()) {
            (Latch::Symmetric, Some((at, _))) => self.rtcp.or_else(|| {
                // Behind NAT the address of the SDP leads nowhere; the port after the one we see is the best guess.
                let behind_nat = host(at) != host(self.remote.rtp);
                if behind_nat { at.port().checked_add(1).map(|port| SocketAddr::new(at.ip(), port)) } else { signalled }
            }),
            _ => signalled,
        }
    }

    /// Whether a source was accepted.
    pub fn is_latched(&self) -> bool {
        self.latched().is_some()
    }

    /// Whether `from` is the address of the accepted source.
    pub fn is_at(&self, from: SocketAddr) -> bool {
        self.latched().is_some_and(|(at, _)| at == from)
    }

    fn latched(&self) -> Option<(SocketAddr, u32)> {
        match self.source {
            Source::Open => None,
            Source::Latched { at, ssrc } | Source::Moving { at, ssrc, .. } => Some((at, ssrc)),
        }
    }

    fn verdict(&self, now: Time, from: SocketAddr, ssrc: u32, silent_since: Time) -> Verdict {
        let allowed = self.mode == Latch::Symmetric || host(from) == host(self.remote.rtp);
        let (at, known) = match self.source {
            Source::Open if !allowed => return Verdict::ThirdParty,
            Source::Open if self.started => return Verdict::Moved,
            Source::Open => return Verdict::First,
            Source::Moving { at, until, .. } if at != from && now < until => return Verdict::Moved,
            Source::Latched { at, ssrc } | Source::Moving { at, ssrc, .. } => (at, ssrc),
        };
        let silent = now.saturating_sub(silent_since) >= limits::RELATCH_SILENCE;
        match (at == from, known == ssrc) {
            (true, true) => Verdict::Known,
            (true, false) => Verdict::NewSource,
            (false, false) if allowed && (silent || same(from, self.remote.rtp)) => Verdict::Moved,
            (false, _) => Verdict::ThirdParty,
        }
    }
}

/// Whether an SDP address means a place (RFC 3264 §8.4: 0.0.0.0 does not).
fn is_somewhere(address: SocketAddr) -> bool {
    !address.ip().is_unspecified() && address.port() != 0
}

/// The host of an address; the same for IPv4 and for IPv4 seen by an IPv6 socket.
fn host(address: SocketAddr) -> IpAddr {
    address.ip().to_canonical()
}

fn same(a: SocketAddr, b: SocketAddr) -> bool {
    host(a) == host(b) && a.port() == b.port()
}

#[cfg(test)]
mod tests {
    use super::*;

    const PHONE: &str = "198.51.100.7:40000";
    const INSIDE: &str = "192.168.1.5:4000";
    const STRANGER: &str = "203.0.113.66:6666";

    fn at(text: &str) -> SocketAddr {
        text.parse().unwrap()
    }

    fn remote(rtp: &str) -> Remote {
        let rtp = at(rtp);
        Remote { rtp, rtcp: SocketAddr::new(rtp.ip(), rtp.port() + 1) }
    }

    fn ms(milliseconds: u64) -> Time {
        Time::from_millis(milliseconds)
    }

    fn latched() -> Latching {
        let mut latching = Latching::new(Latch::Symmetric, remote(INSIDE));
        assert_eq!(latching.judge(ms(0), at(PHONE), 1, ms(0)), Verdict::First);
        latching
    }

    #[test]
    fn the_first_source_is_the_phone() {
        let latching = Latching::new(Latch::Symmetric, remote(INSIDE));
        assert_eq!(latching.rtp_destination(), Some(at(INSIDE)));
        assert_eq!(latching.rtcp_destination(), Some(at("192.168.1.5:4001")));
        let latching = latched();
        assert!(latching.is_known(at(PHONE), 1));
        assert_eq!(latching.rtp_destination(), Some(at(PHONE)));
        assert_eq!(latching.rtcp_destination(), Some(at("198.51.100.7:40001")));
    }

    #[test]
    fn nobody_takes_a_living_source_over() {
        let mut latching = latched();
        assert_eq!(latching.judge(ms(20), at(STRANGER), 1, ms(0)), Verdict::ThirdParty);
        assert_eq!(latching.judge(ms(20), at(STRANGER), 2, ms(0)), Verdict::ThirdParty);
        assert_eq!(latching.judge(ms(20), at("198.51.100.7:40002"), 2, ms(0)), Verdict::ThirdParty);
        assert_eq!(latching.judge(ms(20), at(PHONE), 1, ms(0)), Verdict::Known);
        assert_eq!(latching.rtp_destination(), Some(at(PHONE)));
    }

    #[test]
    fn a_silent_source_is_replaced_only_with_a_new_ssrc() {
        let mut latching = latched();
        let silence = limits::RELATCH_SILENCE;
        assert_eq!(latching.judge(silence, at(STRANGER), 1, ms(0)), Verdict::ThirdParty);
        assert_eq!(latching.judge(silence - ms(1), at(STRANGER), 2, ms(0)), Verdict::ThirdParty);
        assert_eq!(latching.judge(silence, at("198.51.100.9:5"), 2, ms(0)), Verdict::Moved);
        assert_eq!(latching.rtp_destination(), Some(at("198.51.100.9:5")));
    }

    #[test]
    fn the_address_of_the_sdp_takes_over_from_who_was_faster() {
        let mut latching = Latching::new(Latch::Symmetric, remote(PHONE));
        assert_eq!(latching.judge(ms(0), at(STRANGER), 1, ms(0)), Verdict::First);
        assert_eq!(latching.judge(ms(1), at(PHONE), 2, ms(0)), Verdict::Moved);
        assert_eq!(latching.judge(ms(2), at(STRANGER), 1, ms(1)), Verdict::ThirdParty);
    }

    #[test]
    fn a_new_ssrc_from_the_same_address_is_the_same_phone() {
        let mut latching = latched();
        assert!(latching.judge_rtcp(at("198.51.100.7:40001")));
        assert_eq!(latching.judge(ms(20), at(PHONE), 2, ms(0)), Verdict::NewSource);
        assert!(latching.is_known(at(PHONE), 2));
        assert!(!latching.judge_rtcp(at("198.51.100.7:40003")));
    }

    #[test]
    fn a_new_sdp_address_opens_a_window_for_the_move() {
        let mut latching = latched();
        latching.configure(ms(1_000), Latch::Symmetric, remote("10.0.0.9:7000"));
        assert_eq!(latching.judge(ms(1_001), at(PHONE), 1, ms(1_000)), Verdict::Known);
        assert_eq!(latching.rtp_destination(), Some(at(PHONE)));
        assert_eq!(latching.judge(ms(1_002), at("100.64.0.9:7000"), 1, ms(1_001)), Verdict::Moved);
        assert_eq!(latching.judge(ms(1_003), at(PHONE), 1, ms(1_002)), Verdict::ThirdParty);
    }

    #[test]
    fn the_window_closes() {
        let mut latching = latched();
        latching.configure(ms(0), Latch::Symmetric, remote("10.0.0.9:7000"));
        let late = limits::MOVE_WINDOW;
        assert_eq!(latching.judge(late, at(STRANGER), 2, late), Verdict::ThirdParty);
        assert_eq!(latching.judge(late, at(PHONE), 1, late), Verdict::Known);
    }

    #[test]
    fn a_phone_without_nat_is_followed_to_where_its_sdp_says() {
        let mut latching = Latching::new(Latch::Symmetric, remote(PHONE));
        latching.judge(ms(0), at(PHONE), 1, ms(0));
        latching.configure(ms(0), Latch::Symmetric, remote("198.51.100.8:9000"));
        assert_eq!(latching.rtp_destination(), Some(at("198.51.100.8:9000")));
    }

    #[test]
    fn nowhere_is_no_destination_and_forgets_nothing() {
        let mut latching = latched();
        latching.configure(ms(0), Latch::Symmetric, Remote { rtp: at("0.0.0.0:9"), rtcp: at("0.0.0.0:10") });
        assert_eq!(latching.rtp_destination(), None);
        latching.configure(ms(0), Latch::Symmetric, remote(INSIDE));
        assert_eq!(latching.rtp_destination(), Some(at(PHONE)));
        assert!(latching.is_known(at(PHONE), 1));
    }

    #[test]
    fn signalled_hears_only_the_host_of_the_sdp() {
        let mut latching = Latching::new(Latch::Signalled, remote(PHONE));
        assert_eq!(latching.judge(ms(0), at(STRANGER), 1, ms(0)), Verdict::ThirdParty);
        assert_eq!(latching.judge(ms(0), at("[::ffff:198.51.100.7]:50000"), 1, ms(0)), Verdict::First);
        assert_eq!(latching.rtp_destination(), Some(at(PHONE)));
        assert_eq!(latching.judge(limits::RELATCH_SILENCE, at(STRANGER), 2, ms(0)), Verdict::ThirdParty);
        latching.configure(ms(0), Latch::Signalled, remote("198.51.100.8:9000"));
        assert_eq!(latching.judge(ms(1), at("198.51.100.8:9000"), 1, ms(0)), Verdict::Moved);
    }

    #[test]
    fn rtcp_comes_from_the_host_of_rtp_or_of_the_sdp() {
        let mut latching = Latching::new(Latch::Symmetric, remote(INSIDE));
        assert!(!latching.judge_rtcp(at(STRANGER)));
        assert!(latching.judge_rtcp(at("192.168.1.5:4001")));
        let mut latching = latched();
        assert!(!latching.judge_rtcp(at(STRANGER)));
        assert!(latching.judge_rtcp(at("198.51.100.7:41234")));
        assert!(!latching.judge_rtcp(at("198.51.100.7:41235")));
        assert_eq!(latching.rtcp_destination(), Some(at("198.51.100.7:41234")));
    }
}
