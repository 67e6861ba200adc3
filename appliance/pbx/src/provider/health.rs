//! Whether providers are there: OPTIONS now and then, to which any answer will do.

use std::time::Duration;

use sip::endpoint::OutgoingRequest;
use sip::header::NameAddr;
use sip::{Method, Uri};
use uuid::Uuid;

use super::{Health, tell};
use crate::context::Context;
use crate::index::Asked;
use crate::limits;
use crate::names::{self, Located, Waiter};
use crate::timers::Timer;

/// Asks from now on; soon for the first time.
pub fn begin(ctx: &mut Context, id: Uuid) {
    let soon = Duration::from_millis(1_000 + ctx.random_below(2_000));
    arm(ctx, id, soon);
}

/// It is time to ask.
pub fn ask(ctx: &mut Context, id: Uuid) {
    let spread = limits::HEALTH_INTERVAL.as_millis() as u64 / 10;
    let next = limits::HEALTH_INTERVAL + Duration::from_millis(ctx.random_below(spread));
    arm(ctx, id, next);
    let Some(link) = ctx.links.links.get(&id).filter(|link| !link.asks_health) else { return };
    let data = link.data.clone();
    match names::locate(ctx, &data.question(), Waiter::Provider(id)) {
        Located::At(places) => {
            let flow = ctx.links.flow(id, &places[0]);
            let Ok(uri) = Uri::parse(format!("sip:{}", data.host_and_port()).as_bytes()) else { return };
            let (host, port) = ctx.host_of(&flow);
            let from = NameAddr::new(Uri::sip(Some("tandem"), host, port));
            let outgoing = OutgoingRequest::new(Method::Options, uri.clone(), flow, (from, NameAddr::new(uri)));
            let client = ctx.sip.request(ctx.now, outgoing);
            ctx.index.clients.insert(client, Asked::Health(id));
            if let Some(link) = ctx.links.links.get_mut(&id) {
                link.asks_health = true;
            }
        }
        Located::Nowhere(_) => note(ctx, id, Health::Unhealthy),
        Located::Asked => {}
    }
}

/// What came of it.
pub fn note(ctx: &mut Context, id: Uuid, health: Health) {
    let at = ctx.unix();
    if health == Health::Healthy
        && let Some(link) = ctx.links.links.get_mut(&id)
        && !std::mem::take(&mut link.state.trouble).is_empty()
    {
        tell(ctx, id);
    }
    let Some(link) = ctx.links.links.get_mut(&id) else { return };
    link.asks_health = false;
    link.state.checked = Some(at);
    if std::mem::replace(&mut link.state.health, health) != health {
        tell(ctx, id);
    }
}

fn arm(ctx: &mut Context, id: Uuid, after: Duration) {
    let timer = ctx.arm(after, Timer::Health(id));
    match ctx.links.links.get_mut(&id) {
        Some(link) => {
            let before = link.health_timer.replace(timer);
            if let Some(before) = before {
                ctx.timers.cancel(before);
            }
        }
        None => ctx.timers.cancel(timer),
    }
}
