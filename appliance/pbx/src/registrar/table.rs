//! The bindings in memory: at most a few for each extension, each with its timers.

use rustc_hash::FxHashMap;
use sip::{Flow, Transport, Uri};
use uuid::Uuid;

use super::{Binding, BindingKey};
use crate::context::Context;
use crate::correction::Correction;
use crate::event::EventKind;
use crate::timers::{Timer, TimerId};
use crate::{UnixMicros, limits};

/// A binding with what the exchange needs besides.
#[derive(Debug)]
pub struct Entry {
    /// Its name within the exchange.
    pub key: BindingKey,
    /// What the world sees of it.
    pub binding: Binding,
    /// Its contact, parsed.
    pub uri: Uri,
    /// Until it expires.
    pub expiry: Option<TimerId>,
    /// Until the next keep-alive.
    pub keepalive: Option<TimerId>,
}

/// All bindings.
#[derive(Debug, Default)]
pub struct Registrar {
    by_extension: FxHashMap<Uuid, Vec<Entry>>,
    by_key: FxHashMap<BindingKey, Uuid>,
    made: u64,
}

impl Registrar {
    /// How many bindings there are.
    pub fn len(&self) -> usize {
        self.by_key.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.by_key.is_empty()
    }

    /// The bindings of an extension.
    pub fn entries(&self, extension: Uuid) -> &[Entry] {
        self.by_extension.get(&extension).map_or(&[], Vec::as_slice)
    }

    /// The contacts to ring, best first.
    pub fn contacts(&self, extension: Uuid, at: UnixMicros) -> Vec<Binding> {
        let live = self.entries(extension).iter().filter(|entry| entry.binding.expires > at);
        let mut contacts: Vec<Binding> = live.map(|entry| entry.binding.clone()).collect();
        contacts.sort_by_key(|binding| std::cmp::Reverse(binding.q));
        contacts
    }

    /// The bindings of one extension or of all, as the API lists them.
    pub fn list(&self, extension: Option<Uuid>) -> Vec<Binding> {
        match extension {
            Some(id) => self.entries(id).iter().map(|entry| entry.binding.clone()).collect(),
            None => {
                let mut all: Vec<&Entry> = self.by_extension.values().flatten().collect();
                all.sort_by_key(|entry| entry.key);
                all.into_iter().map(|entry| entry.binding.clone()).collect()
            }
        }
    }

    /// Whether a phone of an extension is at the other end of a flow.
    pub fn is_at(&self, flow: &Flow) -> bool {
        let same = |own: &Flow| own.transport == flow.transport && own.remote == flow.remote;
        self.by_extension.values().flatten().any(|entry| same(&entry.binding.flow))
    }

    /// The entry of a key.
    pub fn get(&self, key: BindingKey) -> Option<&Entry> {
        let extension = self.by_key.get(&key)?;
        self.by_extension.get(extension)?.iter().find(|entry| entry.key == key)
    }

    /// The entry of a key, to be changed.
    pub fn get_mut(&mut self, key: BindingKey) -> Option<&mut Entry> {
        let extension = self.by_key.get(&key)?;
        self.by_extension.get_mut(extension)?.iter_mut().find(|entry| entry.key == key)
    }

    /// The binding of an extension that a contact names: the same instance and registration (RFC 5626 §6), else an equivalent URI.
    pub fn find(&self, extension: Uuid, uri: &Uri, outbound: Option<(&str, u32)>) -> Option<BindingKey> {
        let same = |entry: &&Entry| match (outbound, &entry.binding.instance, entry.binding.reg_id) {
            (Some((instance, reg_id)), Some(known), Some(id)) => known == instance && id == reg_id,
            _ => entry.uri.equivalent(uri),
        };
        self.entries(extension).iter().find(same).map(|entry| entry.key)
    }

    /// Adds a binding; where the extension has as many as it may, the one that was refreshed least recently gives way.
    pub fn add(&mut self, ctx: &mut Context, binding: Binding, uri: Uri) -> BindingKey {
        let extension = binding.extension_id;
        while self.entries(extension).len() >= limits::CONTACTS_PER_EXTENSION {
            let stalest =
                self.entries(extension).iter().min_by_key(|entry| entry.binding.expires).map(|entry| entry.key);
            let Some(stalest) = stalest else { break };
            self.remove(ctx, stalest);
        }
        self.made += 1;
        let key = BindingKey(self.made);
        self.by_key.insert(key, extension);
        let entry = Entry { key, binding, uri, expiry: None, keepalive: None };
        self.by_extension.entry(extension).or_default().push(entry);
        self.arm(ctx, key);
        key
    }

    /// Arms the expiry and, where a NAT is to be kept open, the keep-alive.
    pub fn arm(&mut self, ctx: &mut Context, key: BindingKey) {
        let now = ctx.unix();
        let jitter = ctx.random_below(1000);
        let Some(entry) = self.get_mut(key) else { return };
        ctx.cancel(&mut entry.expiry);
        let left = (entry.binding.expires.0 - now.0).max(0) as u64;
        entry.expiry = Some(ctx.arm(std::time::Duration::from_micros(left), Timer::BindingExpires(key)));
        if entry.binding.behind_nat && entry.binding.flow.transport == Transport::Udp && entry.keepalive.is_none() {
            let wait = ctx.settings.nat_keepalive + std::time::Duration::from_millis(jitter);
            entry.keepalive = Some(ctx.arm(wait, Timer::NatKeepalive(key)));
        }
    }

    /// Removes a binding and says so.
    pub fn remove(&mut self, ctx: &mut Context, key: BindingKey) -> Option<Binding> {
        let extension = self.by_key.remove(&key)?;
        let entries = self.by_extension.get_mut(&extension)?;
        let position = entries.iter().position(|entry| entry.key == key)?;
        let mut entry = entries.remove(position);
        if entries.is_empty() {
            self.by_extension.remove(&extension);
        }
        ctx.cancel(&mut entry.expiry);
        ctx.cancel(&mut entry.keepalive);
        ctx.event(EventKind::ExtensionUnregistered(Box::new(entry.binding.clone())));
        Some(entry.binding)
    }

    /// Removes all bindings of an extension.
    pub fn remove_all(&mut self, ctx: &mut Context, extension: Uuid) {
        let keys: Vec<BindingKey> = self.entries(extension).iter().map(|entry| entry.key).collect();
        for key in keys {
            self.remove(ctx, key);
        }
    }

    /// The wall clock was set: each binding lasts as long as it was granted. Returns all of them as they are now.
    pub fn redate(&mut self, correction: &Correction) -> Vec<Binding> {
        let redated = |entry: &mut Entry| {
            correction.redate(&mut entry.binding.registered);
            correction.shift(&mut entry.binding.expires);
            entry.binding.clone()
        };
        let mut bindings: Vec<Binding> = self.by_extension.values_mut().flatten().map(redated).collect();
        bindings.sort_by(|a, b| (a.extension_id, &a.contact).cmp(&(b.extension_id, &b.contact)));
        bindings
    }

    /// Takes up what the store remembers: what has not expired. Connections did not survive; the contact's own address is called instead.
    pub fn restore(&mut self, ctx: &mut Context, bindings: Vec<Binding>) {
        let (now, (_, _, most)) = (ctx.unix(), ctx.settings.expires);
        for mut binding in bindings {
            let Ok(uri) = Uri::parse(binding.contact.as_bytes()) else { continue };
            if binding.expires <= now {
                continue;
            }
            if binding.flow.transport.is_websocket() {
                ctx.event(EventKind::ExtensionUnregistered(Box::new(binding)));
                continue;
            }
            // By a clock that starts in 1970 a phone would be there for ever.
            binding.expires = binding.expires.min(ctx.unix_at(ctx.now + most));
            disconnect(&mut binding, &uri);
            self.add(ctx, binding, uri);
        }
    }

    /// A connection is gone: its phones are reached at their contact's own address from now on, if at all. Nobody can open a
    /// WebSocket to a browser, so that what it registered along one ends with it (RFC 5626 §5.3).
    pub fn handle_closed(&mut self, ctx: &mut Context, flow: &Flow) {
        if flow.connection.is_none() {
            return;
        }
        if flow.transport.is_websocket() {
            let entries = self.by_extension.values().flatten();
            let along = entries.filter(|entry| entry.binding.flow.connection == flow.connection);
            let mut keys: Vec<BindingKey> = along.map(|entry| entry.key).collect();
            keys.sort();
            keys.into_iter().for_each(|key| drop(self.remove(ctx, key)));
            return;
        }
        for entry in self.by_extension.values_mut().flatten() {
            if entry.binding.flow.connection == flow.connection {
                disconnect(&mut entry.binding, &entry.uri);
            }
        }
    }
}

fn disconnect(binding: &mut Binding, uri: &Uri) {
    if binding.flow.transport == Transport::Udp {
        return;
    }
    binding.flow.connection = None;
    if let Some(address) = uri.host().and_then(sip::uri::Host::ip) {
        binding.flow.remote = (address, uri.port().unwrap_or(5060)).into();
    }
}
