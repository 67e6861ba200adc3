//! Who waits for what: from the numbers of the layers below to the leg, the contact or the request that they belong to.
//!
//! Keys are numbers given by ourselves, but for SIP Call-IDs, which enter only after a digest was right; so a fast hash
//! serves.

use bytes::Bytes;
use media::{PlaybackId, StreamId};
use rustc_hash::FxHashMap;
use sip::dialog::DialogId;
use sip::endpoint::{ClientId, ServerId};
use uuid::Uuid;

use crate::call::cause::Cause;
use crate::call::{CallKey, LegKey};
use crate::registrar::BindingKey;

/// What a request of ours was for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asked {
    /// The first INVITE of a leg.
    Invite(LegKey),
    /// An INVITE or UPDATE within the leg's dialog that keeps the session alive.
    Refresh(LegKey),
    /// An INFO of another leg, passed on; its answer is the answer to that.
    Info(LegKey, ServerId),
    /// OPTIONS to a contact behind a NAT.
    Keepalive(BindingKey),
    /// REGISTER to a provider.
    Register(Uuid),
    /// OPTIONS to a provider.
    Health(Uuid),
    /// A text of a flow, by its number.
    Message(u64),
    /// BYE in a dialog with a provider, who may ask for our password.
    Bye(DialogId, Uuid),
}

/// The lookups.
#[derive(Debug, Default)]
pub struct Index {
    /// Requests of ours without a final answer.
    pub clients: FxHashMap<ClientId, Asked>,
    /// INVITEs that made a leg and are not answered.
    pub servers: FxHashMap<ServerId, LegKey>,
    /// Dialogs.
    pub dialogs: FxHashMap<DialogId, LegKey>,
    /// Streams.
    pub streams: FxHashMap<StreamId, LegKey>,
    /// SIP Call-IDs, for the ladder.
    pub sip_call_ids: FxHashMap<Bytes, LegKey>,
    /// Records.
    pub records: FxHashMap<Uuid, LegKey>,
    /// Flows that run.
    pub activeflows: FxHashMap<Uuid, CallKey>,
    /// Dialogs whose legs ended between our 200 and its ACK: BYE has to wait for that (RFC 3261 §15).
    pub farewells: FxHashMap<DialogId, Cause>,
    opened: u32,
    played: u32,
}

impl Index {
    /// Names a new stream of a leg.
    pub fn new_stream(&mut self, leg: LegKey) -> StreamId {
        self.opened = self.opened.wrapping_add(1);
        let stream = StreamId(self.opened);
        self.streams.insert(stream, leg);
        stream
    }

    /// Names a new playback.
    pub fn new_playback(&mut self) -> PlaybackId {
        self.played = self.played.wrapping_add(1);
        PlaybackId(self.played)
    }

    /// How many entries there are in all; none when no call is up and nothing was asked.
    pub fn len(&self) -> usize {
        let layers = self.clients.len() + self.servers.len() + self.dialogs.len() + self.streams.len();
        layers + self.sip_call_ids.len() + self.records.len() + self.farewells.len() + self.activeflows.len()
    }

    /// Whether nothing is waited for.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Gives memory back after a burst.
    pub fn shrink(&mut self) {
        shrink(&mut self.clients);
        shrink(&mut self.servers);
        shrink(&mut self.dialogs);
        shrink(&mut self.streams);
        shrink(&mut self.sip_call_ids);
        shrink(&mut self.records);
        shrink(&mut self.farewells);
        shrink(&mut self.activeflows);
    }
}

/// Gives memory back where a map is much larger than what it holds.
pub fn shrink<K: std::hash::Hash + Eq, V>(map: &mut FxHashMap<K, V>) {
    if map.capacity() > 128 && map.len() * 8 < map.capacity() {
        map.shrink_to(map.len() * 2);
    }
}
