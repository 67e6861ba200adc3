//! Who belongs to the exchange: the extensions, in memory, by id and by number.

pub mod agent;
pub mod direct_hash;
pub mod extension;
pub mod number;
pub mod outbound_config;
pub mod provider;
pub mod route;
pub mod table;
pub mod tag;
pub mod trunk;

use rustc_hash::FxHashMap;
use uuid::Uuid;

pub use agent::{
    Agent, AgentAddress, AgentChange, AgentStatus, Agents, Author, NewAgent, PasswordHash, Permission, RingMethod,
};
pub use direct_hash::{Direct, DirectHash, DirectHashes};
pub use sip::sdp::Encryption;

pub use extension::{Extension, ExtensionChange, NewExtension};
pub use number::{NewNumber, Number, NumberChange, NumberKind, Numbers};
pub use outbound_config::{OutboundConfig, OutboundConfigChange};
pub use provider::{Provider, ProviderData, ProviderSetup, Providers, Register};
pub use route::{Route, RouteData, Routes};
pub use tag::{NewTag, Tag, TagChange, Tags};
pub use trunk::{Network, Trunk, TrunkData, Trunks};

use crate::command::Rejection;
use crate::{UnixMicros, limits};

/// The extensions. Lookups are by what the network sends, entries only by an administrator.
#[derive(Debug, Default)]
pub struct Directory {
    by_id: FxHashMap<Uuid, Extension>,
    by_number: FxHashMap<String, Uuid>,
}

impl Directory {
    /// The extension with this id.
    pub fn get(&self, id: Uuid) -> Option<&Extension> {
        self.by_id.get(&id)
    }

    /// The extension with this number.
    pub fn by_number(&self, number: &str) -> Option<&Extension> {
        self.by_number.get(number).and_then(|id| self.by_id.get(id))
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.by_id.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.by_id.is_empty()
    }

    /// Takes up what the store remembers; deleted extensions stay outside.
    pub fn restore(&mut self, extensions: Vec<Extension>) {
        for extension in extensions.into_iter().filter(|e| e.deleted.is_none()) {
            self.by_number.insert(extension.extension.clone(), extension.id);
            self.by_id.insert(extension.id, extension);
        }
    }

    /// Makes an extension.
    pub fn create(&mut self, id: Uuid, new: NewExtension, at: UnixMicros) -> Result<Extension, Rejection> {
        new.validate()?;
        if self.by_number.contains_key(&new.extension) {
            return Err(Rejection::AlreadyExists("extension"));
        }
        if self.by_id.len() >= limits::EXTENSIONS {
            return Err(Rejection::Exhausted("there are as many extensions as the exchange can hold"));
        }
        let NewExtension { extension, password, name, detail, encryption } = new;
        let (created, updated, deleted) = (at, at, None);
        let made = Extension { id, extension, password, name, detail, encryption, created, updated, deleted };
        self.by_number.insert(made.extension.clone(), id);
        self.by_id.insert(id, made.clone());
        Ok(made)
    }

    /// Changes an extension.
    pub fn update(&mut self, id: Uuid, change: ExtensionChange, at: UnixMicros) -> Result<Extension, Rejection> {
        let extension = self.by_id.get_mut(&id).ok_or(Rejection::NotFound("extension"))?;
        change.validate()?;
        if let Some(password) = change.password {
            extension.password = password;
        }
        if let Some(name) = change.name {
            extension.name = name;
        }
        if let Some(detail) = change.detail {
            extension.detail = detail;
        }
        extension.encryption = change.encryption.unwrap_or(extension.encryption);
        extension.updated = at;
        Ok(extension.clone())
    }

    /// Removes an extension; what is returned carries the time of its deletion.
    pub fn delete(&mut self, id: Uuid, at: UnixMicros) -> Result<Extension, Rejection> {
        let mut extension = self.by_id.remove(&id).ok_or(Rejection::NotFound("extension"))?;
        self.by_number.remove(&extension.extension);
        extension.updated = at;
        extension.deleted = Some(at);
        Ok(extension)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn new(number: &str) -> NewExtension {
        let (name, detail) = (String::new(), String::new());
        NewExtension { extension: number.into(), password: "correct horse".into(), name, detail, encryption: None }
    }

    #[test]
    fn a_number_is_given_once_and_free_again_after_deletion() {
        let mut directory = Directory::default();
        let (a, b, at) = (Uuid::from_u128(1), Uuid::from_u128(2), UnixMicros(7));
        directory.create(a, new("1001"), at).expect("1001 is free");
        assert_eq!(directory.create(b, new("1001"), at), Err(Rejection::AlreadyExists("extension")));
        assert_eq!(directory.delete(a, UnixMicros(9)).map(|e| e.deleted), Ok(Some(UnixMicros(9))));
        assert!(directory.by_number("1001").is_none());
        directory.create(b, new("1001"), at).expect("1001 is free again");
    }

    #[test]
    fn a_bad_field_is_named_and_nothing_is_made() {
        let mut directory = Directory::default();
        for number in ["", "a b", "1001@x", "☎", &"1".repeat(33)] {
            let refused = directory.create(Uuid::from_u128(1), new(number), UnixMicros(0));
            assert!(matches!(refused, Err(Rejection::Invalid { field: "extension", .. })), "{number:?}: {refused:?}");
        }
        let weak = NewExtension { password: "1001".into(), ..new("1001") };
        let refused = directory.create(Uuid::from_u128(1), weak, UnixMicros(0));
        assert!(matches!(refused, Err(Rejection::Invalid { field: "password", .. })));
        assert!(directory.is_empty());
    }
}
