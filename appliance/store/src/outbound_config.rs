//! What counts for every call beyond the box: the customer's one configuration of it.

use pbx::UnixMicros;
use pbx::directory::OutboundConfig;
use pbx::directory::provider::{codec_names, read_codecs};
use rusqlite::{Connection, OptionalExtension, params};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::Error;
use crate::customer;
use crate::setting::Identity;
use crate::timestamp::Timestamp;

/// The configuration as the API shows it and events carry it.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[schema(as = OutboundConfig)]
pub struct Record {
    /// Its id: the customer's, which has one.
    pub id: Uuid,
    /// The box's customer.
    pub customer_id: Uuid,
    /// Its name.
    pub name: String,
    /// A remark.
    pub detail: String,
    /// What the numbers that may be called begin with, as `+49`; empty: any number may.
    pub destination_whitelist: Vec<String>,
    /// The codecs that are offered where a provider does not say which, as `pcma,pcmu`; empty: those of the exchange.
    pub codecs: String,
    /// The number that calls come from whose caller has none, where a provider does not say which; nil: none.
    pub default_outgoing_source_number_id: Uuid,
    /// When the box made its first agent.
    pub tm_create: Timestamp,
    /// When it was last changed.
    pub tm_update: Timestamp,
    /// When it was deleted: never.
    pub tm_delete: Option<Timestamp>,
}

/// The configuration as it lies in the database.
#[derive(Serialize, Deserialize)]
struct Row {
    name: String,
    detail: String,
    destination_whitelist: Vec<String>,
    codecs: String,
    default_outgoing_source_number_id: Option<Uuid>,
}

impl From<&OutboundConfig> for Row {
    fn from(config: &OutboundConfig) -> Row {
        Row {
            name: config.name.clone(),
            detail: config.detail.clone(),
            destination_whitelist: config.destination_whitelist.clone(),
            codecs: codec_names(&config.codecs),
            default_outgoing_source_number_id: config.default_outgoing_source_number_id,
        }
    }
}

pub(crate) fn save(connection: &Connection, config: &OutboundConfig) -> Result<(), Error> {
    let sql = "INSERT INTO outbound_config (number, data, updated) VALUES (1, ?1, ?2) \
         ON CONFLICT (number) DO UPDATE SET data = ?1, updated = ?2";
    let data = serde_json::to_string(&Row::from(config))
        .map_err(|error| rusqlite::Error::ToSqlConversionFailure(Box::new(error)))?;
    connection.prepare_cached(sql)?.execute(params![data, config.updated.unwrap_or(UnixMicros(0)).0])?;
    Ok(())
}

/// What the exchange gets back at its start.
pub(crate) fn restored(connection: &Connection) -> Result<OutboundConfig, Error> {
    let sql = "SELECT data, updated FROM outbound_config";
    let read = |row: &rusqlite::Row<'_>| Ok((row.get::<_, String>(0)?, row.get(1)?));
    let Some((data, updated)) = connection.prepare_cached(sql)?.query_row([], read).optional()? else {
        return Ok(OutboundConfig::default());
    };
    let row: Row = serde_json::from_str(&data)?;
    Ok(OutboundConfig {
        name: row.name,
        detail: row.detail,
        destination_whitelist: row.destination_whitelist,
        codecs: read_codecs(&row.codecs).unwrap_or_default(),
        default_outgoing_source_number_id: row.default_outgoing_source_number_id,
        updated: Some(UnixMicros(updated)),
    })
}

/// The configuration.
pub(crate) fn get(connection: &Connection, identity: &Identity) -> Result<Record, Error> {
    let config = restored(connection)?;
    let created = customer::get(connection, identity)?.tm_create;
    Ok(Record {
        id: identity.customer_id,
        customer_id: identity.customer_id,
        name: config.name,
        detail: config.detail,
        destination_whitelist: config.destination_whitelist,
        codecs: codec_names(&config.codecs),
        default_outgoing_source_number_id: config.default_outgoing_source_number_id.unwrap_or_default(),
        tm_create: created,
        tm_update: config.updated.map_or(created, Into::into),
        tm_delete: None,
    })
}
