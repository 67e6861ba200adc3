//! VoIPBIN's address: who calls, and who is called.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::word::words;

words! {
    /// What an address's `target` is.
    AddressType as "AddressType" {
        Unset = "", Agent = "agent", Conference = "conference", Email = "email", Extension = "extension",
        Line = "line", Sip = "sip", Tel = "tel", WebSession = "web_session",
    }
}

/// An address.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Address {
    /// What `target` is.
    #[serde(rename = "type")]
    pub kind: AddressType,
    /// The number, URI or id.
    pub target: String,
    /// The name shown for it.
    #[serde(default)]
    pub target_name: String,
    /// A name given to it by whoever made it; mostly empty.
    #[serde(default)]
    pub name: String,
    /// A remark; mostly empty.
    #[serde(default)]
    pub detail: String,
}

impl From<pbx::call::record::AddressKind> for AddressType {
    fn from(kind: pbx::call::record::AddressKind) -> AddressType {
        use pbx::call::record::AddressKind;
        match kind {
            AddressKind::Extension => AddressType::Extension,
            AddressKind::Sip => AddressType::Sip,
            AddressKind::Tel => AddressType::Tel,
            AddressKind::Conference => AddressType::Conference,
            AddressKind::Agent => AddressType::Agent,
        }
    }
}

impl From<&pbx::call::Address> for Address {
    fn from(address: &pbx::call::Address) -> Address {
        Address {
            kind: address.kind.into(),
            target: address.target.clone(),
            target_name: address.target_name.clone(),
            name: String::new(),
            detail: String::new(),
        }
    }
}
