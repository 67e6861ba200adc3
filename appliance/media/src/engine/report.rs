//! RTCP: what phones report, and what we report to them (RFC 3550 §6).
//!
//! The interval is 5 s by default, drawn anew each time from half to one and a half times that (RFC 3550 §6.2, §6.3.1). The
//! timer reconsideration of §6.3.3, and the factor that compensates for it, serve large groups; here two talk. Reports of
//! phones are taken in and not forwarded: each leg is an RTP session of its own.

use std::net::SocketAddr;
use std::time::Duration;

use rand_chacha::rand_core::Rng;

use crate::datagram::Datagram;
use crate::engine::Engine;
use crate::engine::stream::Stream;
use crate::engine::streams::Slot;
use crate::rtcp::wall_clock::WallClock;
use crate::rtcp::write::{BlockInfo, SenderInfo};
use crate::rtcp::{read, write};
use crate::socket::{Component, Socket};
use crate::{Time, Transmit};

impl Engine {
    pub(super) fn receive_rtcp(
        &mut self,
        now: Time,
        (slot, component): (Slot, Component),
        from: SocketAddr,
        mut packet: Datagram<'_>,
    ) {
        let Some(stream) = self.streams.at_mut(slot) else { return };
        if stream.unprotect(Component::Rtcp, &mut packet).is_none() {
            return;
        }
        let Some(agreed) = &mut stream.agreed else {
            stream.dropped.early += 1;
            return;
        };
        let Ok(heard) = read::read(packet.octets(), stream.sender.ssrc) else {
            stream.dropped.malformed += 1;
            return;
        };
        let from_the_phone = match component {
            Component::Rtcp => agreed.latching.judge_rtcp(from),
            // Some phones multiplex both without asking (RFC 5761). Heard, but no reason to answer there.
            Component::Rtp => agreed.latching.is_at(from),
        };
        if !from_the_phone {
            stream.dropped.third_party += 1;
            return;
        }
        stream.reporting.hear(now, &heard);
    }

    /// Sends a report to a stream's phone, with a BYE when it is the last.
    pub(super) fn send_report(&mut self, now: Time, slot: Slot, bye: bool) {
        let Some(stream) = self.streams.at_mut(slot) else { return };
        if let Some(report) = stream.make_report(now, self.clock, &self.cname, bye) {
            self.outbox.transmit(report);
        }
    }

    /// The time until the next report.
    pub(super) fn report_interval(&mut self) -> Duration {
        let mean = self.config.rtcp_interval;
        mean / 2 + mean.mul_f64(f64::from(self.random.next_u32()) / f64::from(u32::MAX))
    }
}

impl Stream {
    fn make_report(&mut self, now: Time, clock: WallClock, cname: &str, bye: bool) -> Option<Transmit> {
        let destination = self.agreed.as_ref()?.latching.rtcp_destination()?;
        let mut transmit = Transmit::new(Socket::rtcp(self.id), destination);
        let packets = self.sender.packets();
        let ntp = Some(clock.ntp(now)).filter(|_| self.reporting.is_sender(packets));
        let sender = ntp.map(|ntp| SenderInfo {
            ntp,
            timestamp: self.sender.timestamp_at(now, self.clock_rate()),
            packets: packets as u32,
            octets: self.sender.octets() as u32,
        });
        let (last_sender_report, delay) = self.reporting.last_sender_report(now);
        let block = self.reception.report().map(|reception| BlockInfo { reception, last_sender_report, delay });
        write::report(&mut transmit, self.sender.ssrc, sender, block);
        write::source_description(&mut transmit, self.sender.ssrc, cname);
        if bye {
            write::bye(&mut transmit, self.sender.ssrc);
        }
        self.reporting.transmit(now, ntp, packets);
        self.protect_report(transmit)
    }
}
