//! Who is rung, and how: all that an INVITE of ours needs to know, as plain data.

use std::net::SocketAddr;

use bytes::Bytes;
use media::Codec;
use sip::header::{NameAddr, Route, TypedHeader};
use sip::message::HeaderName;
use sip::sdp::Encryption;
use sip::uri::{Host, Scheme};
use sip::{Flow, Headers, Transport, Uri};
use uuid::Uuid;

use super::audio::{Audio, Preference};
use super::cause::Cause;
use super::leg::new_record;
use super::setup::describe;
use super::{Address, AddressKind, CALLER, Call, Direction, Leg, LegKey, Stage, invite};
use crate::context::Context;
use crate::directory::Extension;
use crate::event::EventKind;
use crate::index::Asked;
use crate::registrar::Binding;

/// Who is at the other end of a leg.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Peer {
    /// A phone of an extension.
    Extension(Uuid),
    /// A trunk: they call us.
    Trunk(Uuid),
    /// A provider: we call them, or they call us because we registered.
    Provider(Uuid),
    /// Somebody who called by a direct hash.
    Guest,
    /// Somebody of whom nothing is known but a SIP URI.
    Uri,
}

/// Where an INVITE goes.
#[derive(Debug, Clone, PartialEq)]
pub struct Target {
    /// The Request-URI.
    pub uri: Uri,
    /// The preloaded route set.
    pub route: Vec<NameAddr>,
}

/// Who is rung, and how. Whatever can be called is made one of these first.
#[derive(Debug, Clone)]
pub struct Callee {
    /// Whose phone it is.
    pub peer: Peer,
    /// What records show.
    pub address: Address,
    /// Where the INVITE goes.
    pub target: Target,
    /// The way it goes.
    pub flow: Flow,
    /// Who calls, as the callee is told; `None`: the caller's address, at our host.
    pub from: Option<NameAddr>,
    /// Who is called, as the callee is told; `None`: the address that records show, at our host.
    pub to: Option<NameAddr>,
    /// Further headers.
    pub headers: Headers,
    /// The codecs that it is offered, the preferred one first; empty: those of the exchange.
    pub codecs: Vec<Codec>,
    /// Whether its audio is encrypted; `None`: as the exchange does it.
    pub encryption: Option<Encryption>,
}

impl Target {
    /// The contact of a binding, along its path (RFC 3327); `None` where it cannot be read.
    fn of(binding: &Binding) -> Option<Target> {
        let uri = Uri::parse(binding.contact.as_bytes()).ok()?;
        let hops = binding.path.iter().filter_map(|hop| Route::parse(&Bytes::copy_from_slice(hop.as_bytes())).ok());
        Some(Target { uri, route: hops.map(|route| route.0).collect() })
    }
}

impl Callee {
    /// A phone that has registered. The cause says why it cannot be rung.
    pub fn of_contact(extension: &Extension, binding: &Binding) -> Result<Callee, Cause> {
        Ok(Callee {
            peer: Peer::Extension(extension.id),
            address: address_of(extension),
            target: Target::of(binding).ok_or(Cause::UNALLOCATED)?,
            flow: binding.flow,
            from: None,
            to: None,
            headers: Headers::new(),
            codecs: Vec::new(),
            encryption: extension.encryption,
        })
    }
}

impl Callee {
    /// Takes an answer to a challenge along, instead of the one before.
    pub(super) fn prove(&mut self, credentials: Headers) {
        self.headers.remove(&HeaderName::Authorization);
        self.headers.remove(&HeaderName::ProxyAuthorization);
        self.headers.extend(&credentials);
    }

    /// Whoever is at a SIP URI whose host is an address: no name has to be looked up.
    pub fn of_uri(ctx: &Context, address: &Address) -> Result<Callee, &'static str> {
        let text = address.target.as_str();
        let text = if text.starts_with("sip:") { text.to_owned() } else { format!("sip:{text}") };
        let uri = Uri::parse(text.as_bytes()).map_err(|_| "is not a SIP URI")?;
        if *uri.scheme() != Scheme::Sip {
            return Err("is not a sip: URI");
        }
        let Some(ip) = uri.host().and_then(Host::ip) else { return Err("has a host that is not an address") };
        if ip.is_unspecified() || ip.is_multicast() || uri.port() == Some(0) {
            return Err("has a host that nobody is at");
        }
        let transport = match uri.param("transport").map(str::to_ascii_lowercase).as_deref() {
            None | Some("udp") => Transport::Udp,
            Some("tcp") => Transport::Tcp,
            Some(_) => return Err("has a transport that this box has not"),
        };
        let local = ctx.settings.sip;
        if ip.is_ipv4() != local.ip().to_canonical().is_ipv4() {
            return Err("has an address of a family that this box has not");
        }
        let remote = SocketAddr::new(ip, uri.port().unwrap_or(5060));
        Ok(Callee {
            peer: Peer::Uri,
            address: address.clone(),
            target: Target { uri, route: Vec::new() },
            flow: Flow { transport, local, remote, connection: None },
            from: None,
            to: None,
            headers: Headers::new(),
            codecs: Vec::new(),
            encryption: None,
        })
    }
}

/// What those who are rung together share, and are told of who calls.
#[derive(Debug, Clone)]
pub struct Presented {
    /// The group.
    pub group: Uuid,
    /// Who calls, as they are told.
    pub source: Address,
    /// Whether they are not told.
    pub is_anonymous: bool,
}

impl Presented {
    /// The caller as it is. Who was called, and is now transferred, is who calls.
    pub fn of_caller(ctx: &mut Context, call: &Call) -> Presented {
        let caller = &call.legs[CALLER];
        let source = if call.transfer.is_some() { caller.party() } else { &caller.record.source }.clone();
        Presented { group: ctx.uuid(), source, is_anonymous: call.is_anonymous }
    }
}

/// Who calls, where that is not to be told (RFC 3323 §4.1.1.3).
pub fn anonymous() -> NameAddr {
    let host = sip::uri::Host::parse(&Bytes::from_static(b"anonymous.invalid"));
    let host = host.unwrap_or_else(|| std::net::IpAddr::from([0, 0, 0, 0]).into());
    NameAddr::new(Uri::sip(Some("anonymous"), host, None)).with_display_name("Anonymous")
}

impl Call {
    /// Rings one callee in a leg of its own.
    pub fn ring_callee(&mut self, ctx: &mut Context, callee: Callee, presented: &Presented) -> Result<(), Cause> {
        let place = self.add_leg(ctx, (callee.peer, callee.address.clone()), presented)?;
        let preference = self.preference_of_caller().limited_to(&callee.codecs);
        let hops = self.max_forwards.saturating_sub(1);
        let leg = &mut self.legs[place];
        leg.audio.begin_anew(ctx, callee.encryption);
        leg.audio.offer(ctx, &callee.flow, &preference);
        leg.flow = callee.flow;
        leg.record.peer = describe(&callee.flow);
        let from = presented.is_anonymous.then(anonymous);
        leg.callee = Some(Box::new(Callee { from: callee.from.or(from), ..callee }));
        if let Some(client) = invite::send(ctx, leg, hops, None) {
            leg.stage = Stage::Outgoing { client };
            ctx.index.clients.insert(client, Asked::Invite(leg.key));
        }
        let address = leg.record.peer.clone();
        self.ladder.set_address(place, address);
        self.state(ctx, place, EventKind::CallCreated);
        Ok(())
    }

    /// What somebody who is rung is offered.
    pub(super) fn preference_for(&self, place: usize) -> Preference {
        let codecs = self.legs[place].callee.as_ref().map_or(&[][..], |callee| &callee.codecs);
        let preference = if place == CALLER { Preference::default() } else { self.preference_of_caller() };
        preference.limited_to(codecs)
    }

    /// What the caller speaks, as far as it said so.
    pub(super) fn preference_of_caller(&self) -> Preference {
        match &self.offer {
            None => Preference::of_leg(&self.legs[CALLER].audio),
            offer => Preference::of_caller(offer.as_ref()),
        }
    }

    /// A leg that is to be rung, with a port of its own. Where it is rung is found out next.
    pub(super) fn add_leg(
        &mut self,
        ctx: &mut Context,
        (peer, address): (Peer, Address),
        presented: &Presented,
    ) -> Result<usize, Cause> {
        let place = self.legs.len();
        let key = LegKey { call: self.key, place: place as u8 };
        let mut audio = Audio::default();
        audio.open(ctx, key, self.lane)?;
        self.note_open(ctx, &audio, place);
        let name = address.target.clone();
        let mut record = new_record(ctx.uuid(), Direction::Outgoing, (presented.source.clone(), address), ctx.unix());
        record.master_call_id = Some(self.id());
        record.groupcall_id = Some(presented.group);
        record.sip_call_id = format!("{}@tandem", record.id.simple());
        let id = record.id;
        self.legs[CALLER].record.chained_call_ids.push(id);
        self.ladder.add_phone(id, name, String::new());
        ctx.index.records.insert(id, key);
        ctx.index.sip_call_ids.insert(Bytes::copy_from_slice(record.sip_call_id.as_bytes()), key);
        let flow = self.legs[CALLER].flow;
        self.legs.push(Leg { audio, ..Leg::new(key, record, (peer, flow), Stage::Locating) });
        Ok(place)
    }
}

/// What records show of an extension.
pub fn address_of(extension: &Extension) -> Address {
    Address { kind: AddressKind::Extension, target: extension.extension.clone(), target_name: extension.name.clone() }
}
