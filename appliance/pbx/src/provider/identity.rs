//! Providers over TLS: who has to be at the other end (RFC 5922), over which connection, and what was wrong.
//!
//! Each provider has a connection of its own, which the daemon opens when something is to be sent and keeps: what the provider
//! sends comes back along it (RFC 5923), so that it is known by its certificate and needs no address.

use sip::transport::ConnectionId;
use sip::{Flow, Transport};
use uuid::Uuid;

use super::registration::{self, Link};
use super::{Links, tell};
use crate::context::Context;
use crate::exchange::Output;
use crate::names::Place;

/// Who has to be at the other end of a connection, and who vouches for that.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// The name that was asked for: not that of a server to which it led.
    pub name: String,
    /// The certificates that vouch for it (PEM); empty: those whom browsers trust.
    pub roots: String,
}

impl Links {
    /// Names a new connection.
    pub(super) fn new_connection(&mut self) -> ConnectionId {
        self.named += 1;
        ConnectionId::named(self.named)
    }

    /// The way to one of a provider's places.
    pub fn flow(&self, id: Uuid, place: &Place) -> Flow {
        let connection = self.links.get(&id).map(|link| link.connection);
        Flow { connection: connection.filter(|_| place.transport == Transport::Tls), ..place.flow() }
    }

    /// Why there is no connection to a provider; empty: nothing is known to be wrong.
    pub fn trouble(&self, id: Uuid) -> &str {
        self.links.get(&id).map_or("", |link| &link.state.trouble)
    }

    fn at(&mut self, flow: &Flow) -> Option<&mut Link> {
        let named = flow.connection.filter(|connection| connection.is_named())?;
        self.links.values_mut().find(|link| link.connection == named)
    }
}

/// Tells the daemon who has to be at the other end.
pub(super) fn introduce(ctx: &mut Context, id: Uuid) {
    let Some(link) = ctx.links.links.get(&id) else { return };
    let (connection, identity) = (link.connection, Box::new(link.data.identity()));
    ctx.output(Output::Connection(connection, Some(identity)));
}

/// Nothing is sent there any more.
pub(super) fn dismiss(ctx: &mut Context, link: &Link) {
    ctx.output(Output::Connection(link.connection, None));
}

/// The provider that has proved who it is on this connection.
pub(super) fn proved(ctx: &Context, flow: &Flow) -> Option<Uuid> {
    let named = flow.connection.filter(|connection| connection.is_named())?;
    ctx.links.links.values().find(|link| link.connection == named).map(|link| link.id)
}

/// A connection could not be opened, or whoever is there is not who it has to be.
pub fn note_trouble(ctx: &mut Context, flow: &Flow, why: String) {
    let Some(link) = ctx.links.at(flow).filter(|link| link.state.trouble != why) else { return };
    link.state.trouble = why;
    let id = link.id;
    tell(ctx, id);
}

/// Something was heard on a connection: nothing is wrong with it.
pub(super) fn note_sound(ctx: &mut Context, flow: &Flow) {
    let Some(link) = ctx.links.at(flow).filter(|link| !link.state.trouble.is_empty()) else { return };
    link.state.trouble.clear();
    let id = link.id;
    tell(ctx, id);
}

/// A connection ended: where we are registered over it, the provider does not find us any more.
pub fn note_closed(ctx: &mut Context, flow: &Flow) {
    let Some(id) = ctx.links.at(flow).map(|link| link.id) else { return };
    registration::renew_soon(ctx, id);
}
