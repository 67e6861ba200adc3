//! What goes on between us and each provider: whether we are registered there ([`registration`]), whether it is there at all
//! ([`health`]), and how we answer when it asks for a password ([`challenge`]).

pub mod challenge;
pub mod health;
mod identity;
pub mod registration;

use std::net::{IpAddr, SocketAddr};

use rustc_hash::FxHashMap;
use sip::Flow;
use uuid::Uuid;

use crate::UnixMicros;
use crate::context::Context;
use crate::correction::Correction;
use crate::directory::Provider;
use crate::event::EventKind;
pub use identity::{Identity, note_closed, note_trouble};
use registration::Link;

/// Whether we are registered with a provider.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Standing {
    /// It is not wanted.
    #[default]
    Unregistered,
    /// The first attempt is under way.
    Registering,
    /// It knows where we are.
    Registered,
    /// It refused, or did not answer; it is tried again.
    Failing,
}

/// Whether a provider is there.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Health {
    /// It was not asked yet.
    #[default]
    Unknown,
    /// It answered, whatever.
    Healthy,
    /// It did not.
    Unhealthy,
}

/// How things stand with a provider.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct State {
    /// Whether we are registered.
    pub standing: Standing,
    /// What it last said about that, or why it said nothing.
    pub answer: String,
    /// Until when we are registered.
    pub until: Option<UnixMicros>,
    /// Where it says that our requests come from.
    pub seen_at: Option<SocketAddr>,
    /// Whether it is there.
    pub health: Health,
    /// When it was last asked that.
    pub checked: Option<UnixMicros>,
    /// Why there is no connection to it, where it speaks TLS: what is wrong with its certificate, or that nobody is there.
    pub trouble: String,
}

/// A provider, and how things stand with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProviderRecord {
    /// What was set.
    pub provider: Provider,
    /// How things stand.
    pub state: State,
}

/// What goes on, by provider.
#[derive(Debug, Default)]
pub struct Links {
    links: FxHashMap<Uuid, Link>,
    named: u64,
}

impl Links {
    /// How things stand with a provider.
    pub fn state(&self, id: Uuid) -> State {
        self.links.get(&id).map(|link| link.state.clone()).unwrap_or_default()
    }

    /// The wall clock was set: registrations last as long as they were granted.
    pub fn redate(&mut self, correction: &Correction) {
        for Link { state, .. } in self.links.values_mut() {
            state.until.iter_mut().for_each(|until| correction.shift(until));
            state.checked.iter_mut().for_each(|checked| correction.redate(checked));
        }
    }

    /// How many registrations stand.
    pub fn registered(&self) -> usize {
        self.links.values().filter(|link| link.state.standing == Standing::Registered).count()
    }

    /// The registrar at this address, where we are registered with it.
    fn registrar_at(&self, address: IpAddr) -> Option<Uuid> {
        let is_it = |link: &&Link| {
            link.state.standing == Standing::Registered && link.registrar.is_some_and(|at| at.ip() == address)
        };
        self.links.values().filter(is_it).map(|link| link.id).min()
    }
}

/// A provider with its state.
pub fn record(ctx: &Context, provider: &Provider) -> ProviderRecord {
    ProviderRecord { provider: provider.clone(), state: ctx.links.state(provider.id) }
}

/// The provider that calls us: over a connection on which it has proved who it is, or from an address at which we are registered.
pub fn calling_from(ctx: &Context, flow: &Flow) -> Option<Uuid> {
    if let Some(id) = identity::proved(ctx, flow) {
        return Some(id);
    }
    let address = flow.remote.ip();
    let elsewhere = || {
        let is_it = |provider: &&Provider| {
            let stands = ctx.links.state(provider.id).standing == Standing::Registered;
            let question = provider.data.question();
            let mut places = ctx.names.places(&question);
            stands && places.any(|place| place.remote.ip() == address)
        };
        ctx.providers.iter().filter(is_it).map(|provider| provider.id).min()
    };
    ctx.links.registrar_at(address).or_else(elsewhere)
}

/// States that things stand otherwise now.
fn tell(ctx: &mut Context, id: Uuid) {
    let Some(provider) = ctx.providers.get(id) else { return };
    let record = Box::new(record(ctx, provider));
    ctx.event(EventKind::ProviderUpdated(record));
}
