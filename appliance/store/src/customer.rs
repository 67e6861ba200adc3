//! The one customer of the box: who it is, and where its events go.

use rusqlite::{Connection, OptionalExtension, params};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::event_log::EventDialect;
use crate::setting::Identity;
use crate::timestamp::Timestamp;
use crate::word::words;
use crate::{Error, billing};

words! {
    /// The HTTP method by which events are told; empty: they are not.
    WebhookMethod as "CustomerWebhookMethod" {
        Unset = "", Post = "POST", Get = "GET", Put = "PUT", Delete = "DELETE",
    }
}

words! {
    /// Whether the customer uses the box: always.
    CustomerStatus as "CustomerStatus" { Active = "active" }
}

/// What the exchange knows of the customer beyond VoIPBIN's fields.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = CustomerMetadata)]
pub struct Metadata {
    /// Whether RTP is to be looked at closely.
    #[serde(default)]
    pub rtp_debug: bool,
    /// What events are called where they are told.
    #[serde(default)]
    pub event_dialect: EventDialect,
    /// Whether what is told is signed: there is a secret, which is never shown.
    #[serde(default, skip_deserializing)]
    pub webhook_signed: bool,
}

/// The customer as the API shows it and events carry it.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[schema(as = Customer)]
pub struct Record {
    /// Its id, made at the first start.
    pub id: Uuid,
    /// Its name.
    pub name: String,
    /// A remark.
    pub detail: String,
    /// Where it is written to.
    pub email: String,
    /// Where it is called.
    pub phone_number: String,
    /// Where it lives.
    pub address: String,
    /// By which method its events are told.
    pub webhook_method: WebhookMethod,
    /// Where its events are told; empty: nowhere.
    pub webhook_uri: String,
    /// The billing account.
    pub billing_account_id: Uuid,
    /// What the exchange knows beyond that.
    pub metadata: Metadata,
    /// Whether VoIPBIN's cloud has checked the address: never.
    pub email_verified: bool,
    /// Whether it uses the box.
    pub status: CustomerStatus,
    /// When it is going to be deleted: never.
    pub tm_deletion_scheduled: Option<Timestamp>,
    /// When the box made its first agent.
    pub tm_create: Timestamp,
    /// When it was last changed.
    pub tm_update: Timestamp,
    /// When it was deleted: never.
    pub tm_delete: Option<Timestamp>,
}

/// What changes of the customer; `None` leaves as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Change {
    /// A new name.
    pub name: Option<String>,
    /// A new remark.
    pub detail: Option<String>,
    /// Where it is written to.
    pub email: Option<String>,
    /// Where it is called.
    pub phone_number: Option<String>,
    /// Where it lives.
    pub address: Option<String>,
    /// By which method its events are told.
    pub webhook_method: Option<WebhookMethod>,
    /// Where its events are told.
    pub webhook_uri: Option<String>,
    /// What the exchange knows beyond that.
    pub metadata: Option<Metadata>,
    /// What its events are signed with, encrypted by the box's own key; empty: with nothing.
    pub webhook_secret: Option<Vec<u8>>,
}

/// Where the customer's events are told, and how.
#[derive(Clone, PartialEq, Eq)]
pub struct Webhook {
    /// Where; empty: nowhere.
    pub uri: String,
    /// By which method; unset: they are not.
    pub method: WebhookMethod,
    /// What they are called.
    pub dialect: EventDialect,
    /// What they are signed with, encrypted by the box's own key; empty: with nothing.
    pub secret: Vec<u8>,
}

impl std::fmt::Debug for Webhook {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Webhook").field("uri", &self.uri).field("method", &self.method).finish_non_exhaustive()
    }
}

impl Webhook {
    /// Whether anybody is told.
    pub fn is_on(&self) -> bool {
        !self.uri.is_empty() && self.method != WebhookMethod::Unset
    }
}

impl Record {
    /// Whether anybody is told of the customer's events.
    pub(crate) fn is_told(&self) -> bool {
        !self.webhook_uri.is_empty() && self.webhook_method != WebhookMethod::Unset
    }

    /// Takes a change.
    pub(crate) fn apply(&mut self, change: &Change, at: Timestamp) {
        let texts = [
            (&mut self.name, &change.name),
            (&mut self.detail, &change.detail),
            (&mut self.email, &change.email),
            (&mut self.phone_number, &change.phone_number),
            (&mut self.address, &change.address),
            (&mut self.webhook_uri, &change.webhook_uri),
        ];
        for (text, wanted) in texts {
            if let Some(wanted) = wanted {
                text.clone_from(wanted);
            }
        }
        self.webhook_method = change.webhook_method.unwrap_or(self.webhook_method);
        let signed = change.webhook_secret.as_ref().map_or(self.metadata.webhook_signed, |secret| !secret.is_empty());
        self.metadata = Metadata { webhook_signed: signed, ..change.metadata.unwrap_or(self.metadata) };
        self.tm_update = at;
    }
}

/// The customer.
pub(crate) fn get(connection: &Connection, identity: &Identity) -> Result<Record, Error> {
    let created = "SELECT min(created) FROM agent";
    let created: Option<Timestamp> = connection.prepare_cached(created)?.query_row([], |row| row.get(0))?;
    let created = created.unwrap_or(Timestamp(0));
    let sql = "SELECT name, detail, email, phone_number, address, webhook_method, webhook_uri, rtp_debug, updated, \
         event_dialect, webhook_secret <> x'' FROM customer";
    let mut record = Record {
        id: identity.customer_id,
        name: String::new(),
        detail: String::new(),
        email: String::new(),
        phone_number: String::new(),
        address: String::new(),
        webhook_method: WebhookMethod::Unset,
        webhook_uri: String::new(),
        billing_account_id: billing::account_id(identity),
        metadata: Metadata::default(),
        email_verified: false,
        status: CustomerStatus::Active,
        tm_deletion_scheduled: None,
        tm_create: created,
        tm_update: created,
        tm_delete: None,
    };
    let read = |row: &rusqlite::Row<'_>| {
        record.name = row.get(0)?;
        record.detail = row.get(1)?;
        record.email = row.get(2)?;
        record.phone_number = row.get(3)?;
        record.address = row.get(4)?;
        record.webhook_method = row.get(5)?;
        record.webhook_uri = row.get(6)?;
        record.metadata.rtp_debug = row.get(7)?;
        record.tm_update = row.get(8)?;
        record.metadata.event_dialect = row.get(9)?;
        record.metadata.webhook_signed = row.get(10)?;
        Ok(())
    };
    connection.prepare_cached(sql)?.query_row([], read).optional()?;
    Ok(record)
}

/// Writes the row; the secret stays as it is where there is no new one.
pub(crate) fn save(connection: &Connection, record: &Record, secret: Option<&[u8]>) -> Result<(), Error> {
    let sql = "INSERT INTO customer (number, name, detail, email, phone_number, address, webhook_method, webhook_uri, \
         rtp_debug, updated, event_dialect, webhook_secret) \
         VALUES (1, ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, coalesce(?11, x'')) ON CONFLICT (number) DO UPDATE SET \
         name = ?1, detail = ?2, email = ?3, phone_number = ?4, address = ?5, webhook_method = ?6, webhook_uri = ?7, \
         rtp_debug = ?8, updated = ?9, event_dialect = ?10, webhook_secret = coalesce(?11, webhook_secret)";
    connection.prepare_cached(sql)?.execute(params![
        record.name,
        record.detail,
        record.email,
        record.phone_number,
        record.address,
        record.webhook_method,
        record.webhook_uri,
        record.metadata.rtp_debug,
        record.tm_update,
        record.metadata.event_dialect,
        secret,
    ])?;
    Ok(())
}

/// Where events are told.
pub(crate) fn webhook(connection: &Connection) -> Result<Webhook, Error> {
    let sql = "SELECT webhook_uri, webhook_method, event_dialect, webhook_secret FROM customer";
    let read = |row: &rusqlite::Row<'_>| {
        Ok(Webhook { uri: row.get(0)?, method: row.get(1)?, dialect: row.get(2)?, secret: row.get(3)? })
    };
    let found = connection.prepare_cached(sql)?.query_row([], read).optional()?;
    let (method, dialect) = (WebhookMethod::Unset, EventDialect::Ours);
    Ok(found.unwrap_or(Webhook { uri: String::new(), method, dialect, secret: Vec::new() }))
}
