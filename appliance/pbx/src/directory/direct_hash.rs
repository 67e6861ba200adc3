//! Direct hashes: what whoever has no password calls to reach one thing of the box, and nothing else of it.

use rustc_hash::FxHashMap;
use uuid::Uuid;

use crate::event::EventKind;

/// What stands before the hash in an address: `sip:direct.<hash>@…`.
pub const PREFIX: &str = "direct.";

/// What a direct hash leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Direct {
    /// The phones of an extension.
    Extension(Uuid),
    /// Wherever an agent is reached.
    Agent(Uuid),
    /// A conference.
    Conference(Uuid),
    /// A flow.
    Flow(Uuid),
}

impl Direct {
    /// The resource's id.
    pub fn id(self) -> Uuid {
        match self {
            Direct::Extension(id) | Direct::Agent(id) | Direct::Conference(id) | Direct::Flow(id) => id,
        }
    }

    /// The resource's name.
    pub fn kind(self) -> &'static str {
        match self {
            Direct::Extension(_) => "extension",
            Direct::Agent(_) => "agent",
            Direct::Conference(_) => "conference",
            Direct::Flow(_) => "flow",
        }
    }

    /// The resource of this name with this id; `None` where none of that name has a direct hash.
    pub fn named(kind: &str, id: Uuid) -> Option<Direct> {
        match kind {
            "extension" => Some(Direct::Extension(id)),
            "agent" => Some(Direct::Agent(id)),
            "conference" => Some(Direct::Conference(id)),
            "flow" => Some(Direct::Flow(id)),
            _ => None,
        }
    }

    /// The resource that is gone after an event, if one is.
    fn gone(kind: &EventKind) -> Option<Direct> {
        match kind {
            EventKind::ExtensionDeleted(extension) => Some(Direct::Extension(extension.id)),
            EventKind::AgentDeleted(agent) => Some(Direct::Agent(agent.id)),
            EventKind::ConferenceDeleted(conference) => Some(Direct::Conference(conference.id)),
            EventKind::FlowDeleted(flow) => Some(Direct::Flow(flow.id)),
            _ => None,
        }
    }
}

/// A direct hash that was made, or ended. What it is must be shown to nobody but those who may read the resource.
#[derive(Clone, PartialEq, Eq)]
pub struct DirectHash {
    /// What it leads to.
    pub to: Direct,
    /// The hash; `None`: there is none any more.
    pub hash: Option<String>,
}

impl std::fmt::Debug for DirectHash {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DirectHash").field("to", &self.to).field("is_there", &self.hash.is_some()).finish()
    }
}

/// The direct hashes: at most one of each resource, so that there are no more of them than of those.
#[derive(Default)]
pub struct DirectHashes {
    by_hash: FxHashMap<String, Direct>,
    hashes: FxHashMap<Direct, String>,
}

impl DirectHashes {
    /// What a hash leads to.
    pub fn get(&self, hash: &str) -> Option<Direct> {
        self.by_hash.get(hash).copied()
    }

    /// Whether a resource has one.
    pub fn has(&self, to: Direct) -> bool {
        self.hashes.contains_key(&to)
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.hashes.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.hashes.is_empty()
    }

    /// Gives a resource its hash, in the place of the one that it had.
    pub fn set(&mut self, to: Direct, hash: String) {
        self.remove(to);
        self.by_hash.insert(hash.clone(), to);
        self.hashes.insert(to, hash);
    }

    /// Takes the hash from a resource, which may have none.
    pub fn remove(&mut self, to: Direct) {
        if let Some(hash) = self.hashes.remove(&to) {
            self.by_hash.remove(&hash);
        }
    }

    /// Whatever is deleted is reached no more.
    pub fn observe(&mut self, kind: &EventKind) {
        if let Some(gone) = Direct::gone(kind).filter(|_| !self.is_empty()) {
            self.remove(gone);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_hash_ends_the_one_before() {
        let (mut hashes, to) = (DirectHashes::default(), Direct::Flow(Uuid::from_u128(1)));
        hashes.set(to, "a".into());
        hashes.set(to, "b".into());
        assert_eq!((hashes.get("a"), hashes.get("b"), hashes.len()), (None, Some(to), 1));
        hashes.remove(to);
        hashes.remove(to);
        assert!(hashes.get("b").is_none() && hashes.is_empty() && hashes.by_hash.is_empty());
    }

    #[test]
    fn a_hash_is_not_shown() {
        let made = DirectHash { to: Direct::Flow(Uuid::nil()), hash: Some("5ec4e7".into()) };
        assert!(!format!("{made:?}").contains("5ec4e7"));
    }
}
