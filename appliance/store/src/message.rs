//! Texts that flows send: events only, no rows.

use pbx::message::record::{MessageRecord, Target};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::address::Address;
use crate::setting::Identity;
use crate::timestamp::Timestamp;

/// A text that a flow sends by SIP, as events carry it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = SipMessage)]
pub struct Record {
    /// Its id.
    pub id: Uuid,
    /// The box's customer.
    pub customer_id: Uuid,
    /// The activeflow that sends it.
    pub activeflow_id: Uuid,
    /// `sip`.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// Who sends it; without: the box itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<Address>,
    /// Who is to get it, each phone by itself, and what became of it there.
    pub targets: Vec<TargetRecord>,
    /// What it says.
    pub text: String,
    /// `outbound`.
    pub direction: &'static str,
    /// When it was sent.
    pub tm_create: Timestamp,
    /// When the last thing became known of it.
    pub tm_update: Timestamp,
}

/// One who is to get a text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = SipMessageTarget)]
pub struct TargetRecord {
    /// Who.
    pub destination: Address,
    /// `sending`, `sent` or `failed`.
    pub status: &'static str,
    /// Since when.
    pub tm_update: Timestamp,
}

impl Record {
    /// The public form.
    pub fn new(message: &MessageRecord, identity: &Identity) -> Record {
        Record {
            id: message.id,
            customer_id: identity.customer_id,
            activeflow_id: message.activeflow_id,
            kind: "sip",
            source: message.source.as_ref().map(Address::from),
            targets: message.targets.iter().map(TargetRecord::from).collect(),
            text: message.text.clone(),
            direction: "outbound",
            tm_create: message.created.into(),
            tm_update: message.updated.into(),
        }
    }
}

impl From<&Target> for TargetRecord {
    fn from(target: &Target) -> TargetRecord {
        TargetRecord {
            destination: Address::from(&target.destination),
            status: target.status.name(),
            tm_update: target.updated.into(),
        }
    }
}
