//! OPTIONS to contacts behind a NAT, so that the NAT keeps the path open.

use sip::Method;
use sip::Uri;
use sip::endpoint::OutgoingRequest;
use sip::header::NameAddr;

use super::{BindingKey, Registrar};
use crate::context::Context;
use crate::index::Asked;
use crate::timers::Timer;

impl Registrar {
    /// It is time to send to a contact again.
    pub fn handle_keepalive(&mut self, ctx: &mut Context, key: BindingKey) {
        let Some(entry) = self.get_mut(key) else { return };
        let flow = entry.binding.flow;
        let (host, port) = ctx.host_of(&flow);
        let from = NameAddr::new(Uri::sip(Some("tandem"), host.clone(), port));
        let to = NameAddr::new(Uri::sip(Some(&entry.binding.extension), host, port));
        let outgoing = OutgoingRequest::new(Method::Options, entry.uri.clone(), flow, (from, to));
        let client = ctx.sip.request(ctx.now, outgoing);
        ctx.index.clients.insert(client, Asked::Keepalive(key));
        entry.keepalive = Some(ctx.arm(ctx.settings.nat_keepalive, Timer::NatKeepalive(key)));
    }
}
