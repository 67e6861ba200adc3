//! What web servers are told of events, and what came of it: one row for each event and each server.
//!
//! Of the customer's own server there is a row from the first try on: what it was not told of yet lies in the log, behind
//! the cursor [`CURSOR`]. For the server of an activeflow the row is written with the event, in one transaction.

use rusqlite::types::Type;
use rusqlite::{Connection, OptionalExtension, Row, params};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::activeflow::WebhookMethod;
use crate::page::{Page, PageRequest};
use crate::setting::Identity;
use crate::timestamp::Timestamp;
use crate::word::words;
use crate::{Error, event_log, ids, limits};

/// The name of the reader that tells the customer's web server.
pub const CURSOR: &str = "webhook";

words! {
    /// What came of it.
    DeliveryStatus as "WebhookDeliveryStatus" { Waiting = "waiting", Delivered = "delivered", Failed = "failed" }
}

/// One time that a web server was told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = WebhookDeliveryTry)]
pub struct Try {
    /// When it began.
    pub tm: Timestamp,
    /// What the server answered; 0 where it did not.
    pub status_code: u16,
    /// What went wrong, in words; empty where nothing did.
    pub reason: String,
    /// How long it took, in milliseconds.
    pub duration_ms: u64,
}

/// A delivery as the API shows it.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[schema(as = WebhookDelivery)]
pub struct Record {
    /// Its id, for ever.
    pub id: Uuid,
    /// The box's customer.
    pub customer_id: Uuid,
    /// The activeflow whose web server is told; nil: the customer's is.
    pub activeflow_id: Uuid,
    /// The event's number: its idempotency key, in the header `X-Tandem-Event-Id`.
    pub event_id: i64,
    /// What happened.
    pub event_type: String,
    /// Who is told, at the last try.
    pub webhook_uri: String,
    /// How.
    pub webhook_method: WebhookMethod,
    /// What came of it.
    pub status: DeliveryStatus,
    /// What was tried, the latest last: ten at most.
    pub tries: Vec<Try>,
    /// When it is tried again, where it was tried already.
    pub tm_next_try: Option<Timestamp>,
    /// When it was first to be told.
    pub tm_create: Timestamp,
    /// When it changed last.
    pub tm_update: Timestamp,
    /// How many tries are left until it is given up.
    #[serde(skip)]
    pub tries_left: u32,
    /// What is told where that is no event of the log.
    #[serde(skip)]
    pub data: Option<String>,
}

/// Whose web server it is.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Endpoint {
    /// The customer's.
    Customer,
    /// One that activeflows named.
    Uri(String),
}

impl Record {
    /// A delivery that nobody tried yet.
    pub fn new(identity: &Identity, activeflow: Option<Uuid>, event: (i64, &str), at: Timestamp) -> Record {
        let (event_id, event_type) = event;
        Record {
            id: id(identity.customer_id, activeflow.is_some(), event_id),
            customer_id: identity.customer_id,
            activeflow_id: activeflow.unwrap_or_default(),
            event_id,
            event_type: event_type.to_owned(),
            webhook_uri: String::new(),
            webhook_method: WebhookMethod::Unset,
            status: DeliveryStatus::Waiting,
            tries: Vec::new(),
            tm_next_try: None,
            tm_create: at,
            tm_update: at,
            tries_left: limits::TRIES,
            data: None,
        }
    }

    /// Writes down what one try came to.
    pub fn tried(&mut self, once: Try) {
        self.tries.push(once);
        let beyond = self.tries.len().saturating_sub(limits::TRIES_TOLD);
        self.tries.drain(..beyond);
    }

    /// Lets it be tried anew, as if it had not been.
    pub(crate) fn renew(&mut self, at: Timestamp) {
        self.status = DeliveryStatus::Waiting;
        (self.tries_left, self.tm_next_try, self.tm_update) = (limits::TRIES, None, at);
    }
}

/// The same for the same event and endpoint (RFC 9562, version 8): what is told once more after a crash is the same delivery. An
/// event belongs to one activeflow at most.
fn id(customer: Uuid, is_of_activeflow: bool, event_id: i64) -> Uuid {
    let mut bytes = customer.into_bytes();
    bytes[7] = is_of_activeflow.into();
    bytes[8..].copy_from_slice(&event_id.to_be_bytes());
    uuid::Builder::from_custom_bytes(bytes).into_uuid()
}

const COLUMNS: &str = "number, id, activeflow_id, event_seq, event_type, webhook_uri, webhook_method, status, tries, \
     tries_left, next_try, created, updated, data";

fn read(row: &Row<'_>, identity: &Identity) -> rusqlite::Result<Record> {
    let tries: String = row.get(8)?;
    let tries = serde_json::from_str(&tries)
        .map_err(|error| rusqlite::Error::FromSqlConversionFailure(8, Type::Text, Box::new(error)))?;
    Ok(Record {
        id: ids::get(row, 1)?,
        customer_id: identity.customer_id,
        activeflow_id: ids::get_or_nil(row, 2)?,
        event_id: row.get(3)?,
        event_type: row.get(4)?,
        webhook_uri: row.get(5)?,
        webhook_method: row.get(6)?,
        status: row.get(7)?,
        tries,
        tries_left: row.get(9)?,
        tm_next_try: row.get(10)?,
        tm_create: row.get(11)?,
        tm_update: row.get(12)?,
        data: row.get(13)?,
    })
}

pub(crate) fn save(connection: &Connection, record: &Record) -> Result<(), Error> {
    let sql = "INSERT INTO webhook_delivery (id, activeflow_id, event_seq, event_type, webhook_uri, webhook_method, \
         status, tries, tries_left, next_try, created, updated, data) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13) ON CONFLICT (id) DO UPDATE SET \
         webhook_uri = ?5, webhook_method = ?6, status = ?7, tries = ?8, tries_left = ?9, next_try = ?10, updated = ?12";
    connection.prepare_cached(sql)?.execute(params![
        record.id.as_bytes(),
        ids::unless_nil(&record.activeflow_id),
        record.event_id,
        record.event_type,
        record.webhook_uri,
        record.webhook_method,
        record.status,
        serde_json::to_string(&record.tries)?,
        record.tries_left,
        record.tm_next_try,
        record.tm_create,
        record.tm_update,
        record.data,
    ])?;
    Ok(())
}

/// One delivery.
pub(crate) fn get(connection: &Connection, identity: &Identity, id: Uuid) -> Result<Option<Record>, Error> {
    let sql = format!("SELECT {COLUMNS} FROM webhook_delivery WHERE id = ?1");
    Ok(connection.prepare_cached(&sql)?.query_row([id.as_bytes()], |row| read(row, identity)).optional()?)
}

/// A page of deliveries, the newest first; of one status, where it is given.
pub(crate) fn list(
    connection: &Connection,
    identity: &Identity,
    (status, page): (Option<DeliveryStatus>, PageRequest),
) -> Result<Page<Record>, Error> {
    // The word is one of ours.
    let which = status.map_or_else(String::new, |status| format!("AND status = '{}'", status.word()));
    let sql = format!("SELECT {COLUMNS} FROM webhook_delivery WHERE number < ?1 {which} ORDER BY number DESC LIMIT ?2");
    page.collect(&mut connection.prepare_cached(&sql)?, |row| read(row, identity))
}

/// What waits for an endpoint, in the order of the events; at most `limit`.
pub(crate) fn waiting(
    connection: &Connection,
    identity: &Identity,
    (endpoint, limit): (&Endpoint, u32),
) -> Result<Vec<Record>, Error> {
    let (which, uri) = match endpoint {
        Endpoint::Customer => ("activeflow_id IS NULL AND ?1 = ''", ""),
        Endpoint::Uri(uri) => ("activeflow_id IS NOT NULL AND webhook_uri = ?1", uri.as_str()),
    };
    let sql = format!(
        "SELECT {COLUMNS} FROM webhook_delivery WHERE status = 'waiting' AND {which} ORDER BY event_seq LIMIT ?2"
    );
    let mut statement = connection.prepare_cached(&sql)?;
    let rows = statement.query_map(params![uri, limit], |row| read(row, identity))?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// The web servers of activeflows that something waits for: from one to the next, however much waits for each.
pub(crate) fn endpoints(connection: &Connection) -> Result<Vec<String>, Error> {
    let sql = "SELECT min(webhook_uri) FROM webhook_delivery \
         WHERE status = 'waiting' AND activeflow_id IS NOT NULL AND webhook_uri > ?1";
    let mut statement = connection.prepare_cached(sql)?;
    let (mut found, mut last) = (Vec::new(), String::new());
    while let Some(next) = statement.query_row([&last], |row| row.get::<_, Option<String>>(0))? {
        found.push(next.clone());
        last = next;
    }
    Ok(found)
}

/// What is told: the event, or what lies with the delivery; `None` where the log has it no more.
pub(crate) fn content(connection: &Connection, record: &Record) -> Result<Option<event_log::Record>, Error> {
    match &record.data {
        None => event_log::get(connection, record.event_id),
        Some(data) => Ok(Some(event_log::Record {
            kind: record.event_type.clone(),
            data: RawValue::from_string(data.clone())?,
            seq: record.event_id,
            tm: record.tm_create,
            resource_id: Uuid::nil(),
            moment: None,
        })),
    }
}

/// Deletes the oldest of those that came to an end, where there are more than are kept; returns how many went.
pub(crate) fn trim(connection: &Connection, step: i64) -> Result<usize, Error> {
    let delivered = trim_beyond(connection, ("status = 'delivered'", limits::DELIVERIES), step)?;
    Ok(delivered + trim_beyond(connection, ("status <> 'waiting'", limits::DELIVERIES_FAILED), step)?)
}

fn trim_beyond(connection: &Connection, (which, keep): (&str, i64), step: i64) -> Result<usize, Error> {
    let sql = format!(
        "DELETE FROM webhook_delivery WHERE number IN (SELECT number FROM webhook_delivery \
         WHERE number <= (SELECT max(number) FROM webhook_delivery) - ?1 AND {which} ORDER BY number LIMIT ?2)"
    );
    Ok(connection.prepare_cached(&sql)?.execute(params![keep, step])?)
}
