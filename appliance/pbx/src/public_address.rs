//! Where the world reaches us behind a translation of addresses: asked of a STUN server (RFC 8489), or taken from what
//! providers say that they see (RFC 3581). When it changes, registrations and the next offers follow.
//!
//! The question leaves from the socket of SIP, so that what is seen is the way back to it, and is repeated, so that the way
//! stays open. Audio leaves from ports of its own, for which there is no better guess than the same number.

use std::net::SocketAddr;
use std::time::Duration;

use sip::reached::is_inside;
use sip::stun::{self, Transaction};
use sip::{Flow, Reached, Transmit, Transport};

use crate::call::Affair;
use crate::context::Context;
use crate::exchange::Output;
use crate::limits;
use crate::names::{self, Located, Place, Question, Waiter};
use crate::provider::registration;
use crate::settings::Advertise;
use crate::timers::{Timer, TimerId};

/// What goes on between us and the STUN server.
#[derive(Debug, Default)]
pub struct PublicAddress {
    under_way: Option<UnderWay>,
    /// Servers that were asked in vain, one after the other.
    failures: usize,
    timer: Option<TimerId>,
}

/// A question that is not answered.
#[derive(Debug, Clone, Copy)]
struct UnderWay {
    transaction: Transaction,
    place: Place,
    sent: u32,
}

/// Begins to ask, where a server is set.
pub fn begin(ctx: &mut Context) {
    if matches!(ctx.settings.advertise, Advertise::Stun { .. }) {
        arm(ctx, Duration::ZERO);
    }
}

/// It is time to ask, or to ask once more.
pub fn handle_timer(ctx: &mut Context) {
    match ctx.public_address.under_way {
        Some(under_way) if under_way.sent < limits::STUN_TRIES => send(ctx, under_way),
        Some(_) => {
            // What was true is better than nothing: it stays until another answer comes.
            ctx.totals.stun_failures += 1;
            ctx.public_address.under_way = None;
            ctx.public_address.failures += 1;
            arm(ctx, limits::STUN_REST);
        }
        None => ask(ctx),
    }
}

fn ask(ctx: &mut Context) {
    let Advertise::Stun { host, port } = &ctx.settings.advertise else { return };
    let question =
        Question { host: host.clone(), port: Some(*port), transport: Some(Transport::Udp), may_be_tls: false };
    match names::locate(ctx, &question, Waiter::PublicAddress) {
        Located::At(places) => {
            let place = places[ctx.public_address.failures % places.len()];
            let mut transaction = Transaction::default();
            ctx.fill(&mut transaction);
            send(ctx, UnderWay { transaction, place, sent: 0 });
        }
        Located::Nowhere(_) => {
            ctx.totals.stun_failures += 1;
            arm(ctx, limits::STUN_REST);
        }
        Located::Asked => {}
    }
}

/// It is known now where the server is, or that it is nowhere.
pub fn handle_located(ctx: &mut Context) {
    if ctx.public_address.under_way.is_none() {
        ask(ctx);
    }
}

/// Sends a question, the first time or again (RFC 8489 §6.2.1).
fn send(ctx: &mut Context, under_way: UnderWay) {
    let bytes = stun::question(under_way.transaction);
    ctx.output(Output::Sip(Transmit { flow: under_way.place.flow(), bytes }));
    arm(ctx, limits::STUN_RETRY * (1 << under_way.sent.min(5)));
    ctx.public_address.under_way = Some(UnderWay { sent: under_way.sent + 1, ..under_way });
}

/// A datagram of STUN that is no question. Whether it was one.
pub fn handle_datagram(ctx: &mut Context, flow: &Flow, datagram: &[u8]) -> bool {
    let Some(answer) = stun::read_answer(datagram) else { return false };
    let asked = ctx.public_address.under_way;
    let is_awaited = |asked: &UnderWay| asked.transaction == answer.transaction && asked.place.remote == flow.remote;
    let Some(asked) = asked.filter(is_awaited) else { return true };
    // A refusal is no answer: the timer asks again, and then another server.
    if let Ok(seen) = answer.seen
        && seen.is_ipv4() == asked.place.local.is_ipv4()
    {
        (ctx.public_address.under_way, ctx.public_address.failures) = (None, 0);
        arm(ctx, ctx.settings.nat_keepalive);
        change(ctx, |reached| reached.set_beyond(seen));
    }
    true
}

/// A provider says that it sees our end of a flow there. What it says counts for itself, and for others of whom nothing is
/// known; where our own address means something to the world, nothing is translated.
pub fn note_received(ctx: &mut Context, flow: &Flow, seen: SocketAddr) {
    let is_sane = seen.is_ipv4() == flow.local.is_ipv4() && !seen.ip().is_unspecified() && seen.port() != 0;
    if ctx.settings.advertise != Advertise::Received || !is_sane || !is_inside(flow.local.ip()) {
        return;
    }
    change(ctx, |reached| {
        let is_news = reached.set_by_peer(flow, seen);
        if is_news && !is_inside(seen.ip()) {
            reached.set_beyond(seen);
        }
        is_news
    });
}

/// Where the world reaches us; `None`: at our own address, as far as one knows.
pub fn known(ctx: &Context) -> Option<SocketAddr> {
    match ctx.settings.advertise {
        Advertise::Address(address) => Some(SocketAddr::new(address, ctx.settings.sip.port())),
        Advertise::Nothing | Advertise::Stun { .. } | Advertise::Received => ctx.sip.reached().beyond(),
    }
}

fn change(ctx: &mut Context, change: impl FnOnce(&mut Reached) -> bool) {
    let mut reached = ctx.sip.reached().clone();
    if change(&mut reached) {
        ctx.sip.set_reached(reached);
        registration::follow(ctx);
        ctx.affairs.push_back(Affair::Moved);
    }
}

fn arm(ctx: &mut Context, after: Duration) {
    let mut before = ctx.public_address.timer.take();
    ctx.cancel(&mut before);
    ctx.public_address.timer = Some(ctx.arm(after, Timer::PublicAddress));
}
