//! From one stream to the stream it is connected with.
//!
//! Packets are forwarded at once by a [`ForwardingRule`], which is what two legs get that share a codec. While the other leg
//! hears what a [room](crate::engine::room) makes (transcoded, mixed or played), its packets come from there instead.

use crate::datagram::Datagram;
use crate::engine::ingress::Incoming;
use crate::engine::stream::{Agreed, Stream};
use crate::forwarding_rule::{ForwardingRule, payload_rules};
use crate::rtp::header::LENGTH;
use crate::rtp::sender::Feeder;
use crate::rtp::sequence_map::SequenceMap;
use crate::socket::Socket;
use crate::{Dropped, Forward, Time};

/// Why a packet that was accepted does not go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NotForwarded {
    /// The other leg did not negotiate it.
    NotNegotiated,
    /// The other leg is on hold.
    Direction,
    /// The other leg has no address.
    Unreachable,
    /// It belongs before the begin of what the other leg hears.
    TooLate,
    /// One does not speak, or the other does not hear.
    Muted,
    /// The other leg hears what we make.
    Spoken,
    /// It cannot be encrypted for the other leg.
    NotProtected,
}

impl NotForwarded {
    pub(super) fn count(self, dropped: &mut Dropped) {
        let counter = match self {
            // It was decoded.
            NotForwarded::Spoken => return,
            NotForwarded::Muted => &mut dropped.muted,
            NotForwarded::NotNegotiated => &mut dropped.not_negotiated,
            NotForwarded::Direction => &mut dropped.direction,
            NotForwarded::Unreachable => &mut dropped.unreachable,
            NotForwarded::TooLate => &mut dropped.sequence,
            NotForwarded::NotProtected => &mut dropped.not_protected,
        };
        *counter += 1;
    }
}

/// Rewrites `packet`, which `from` has accepted, for `to`, and encrypts it where `to` wants that.
pub(super) fn forward(
    now: Time,
    (from, to): (&mut Stream, &mut Stream),
    packet: &mut Datagram<'_>,
    incoming: &Incoming,
) -> Result<Forward, NotForwarded> {
    if to.seat.as_ref().is_some_and(|seat| seat.speaks) {
        return Err(NotForwarded::Spoken);
    }
    if from.route.stale || from.route.rule.is_none() {
        // Where no rule can be made now, the next one begins a new talk spurt.
        let last = from.route.rule.take();
        from.route.rule = Some(make_rule(now, (from, to), last, incoming)?);
        from.route.stale = false;
    }
    let rule = from.route.rule.as_mut().ok_or(NotForwarded::Unreachable)?;
    let Some(payload) = rule.payloads.get(incoming.payload).copied().flatten().filter(|rule| rule.to.is_some()) else {
        if incoming.newest {
            rule.sequence.skip(incoming.extended);
        }
        return Err(NotForwarded::NotNegotiated);
    };
    let rewritten =
        rule.apply(packet.octets_mut(), &incoming.header, incoming.extended, payload).ok_or(NotForwarded::TooLate)?;
    let len = to.protect(packet.buffer_mut(), rewritten.len).map_err(|_| NotForwarded::NotProtected)?;
    to.sender.record(now, rewritten.sequence, rewritten.timestamp, rewritten.len - LENGTH);
    Ok(Forward { at: rule.to, to: rule.destination, len })
}

/// The rule for packets of the present source of `from` to `to`. It goes on with the numbers of `last` where nothing
/// else was sent to `to` since, and otherwise right behind what was.
fn make_rule(
    now: Time,
    (from, to): (&Stream, &mut Stream),
    last: Option<ForwardingRule>,
    incoming: &Incoming,
) -> Result<ForwardingRule, NotForwarded> {
    let (Some(ours), Some(theirs)) = (&from.agreed, &to.agreed) else { return Err(NotForwarded::Unreachable) };
    if from.mute.said || to.mute.heard {
        return Err(NotForwarded::Muted);
    }
    if !theirs.direction.sends() {
        return Err(NotForwarded::Direction);
    }
    let destination = theirs.latching.rtp_destination().ok_or(NotForwarded::Unreachable)?;
    let feeder = Feeder { stream: from.id, ssrc: incoming.header.ssrc };
    let last = last.filter(|last| last.source_ssrc == feeder.ssrc && to.sender.feeder == Some(feeder));
    let (sequence, timestamp_offset, mark_next) = match last {
        Some(last) => (last.sequence, last.timestamp_offset, last.mark_next),
        None => begin(now, theirs, to, incoming),
    };
    to.sender.feeder = Some(feeder);
    Ok(ForwardingRule {
        from: Socket::rtp(from.id),
        source: incoming.source,
        source_ssrc: feeder.ssrc,
        to: Socket::rtp(to.id),
        destination,
        ssrc: to.sender.ssrc,
        sequence,
        timestamp_offset,
        mark_next,
        payloads: payload_rules(&ours.format, Some(&theirs.format)),
    })
}

/// The numbers of a new talk spurt to `to` that begins with this packet.
fn begin(now: Time, theirs: &Agreed, to: &Stream, incoming: &Incoming) -> (SequenceMap, u32, bool) {
    let (sequence, timestamp) = to.sender.next(now, theirs.format.clock_rate(), theirs.ptime());
    let offset = timestamp.wrapping_sub(incoming.header.timestamp);
    (SequenceMap::starting(incoming.extended, sequence), offset, true)
}
