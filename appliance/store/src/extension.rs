//! Extensions: a number, a password, and the phones that register with them.

use pbx::UnixMicros;
use pbx::directory::{Direct, Extension};
use rusqlite::{Connection, OptionalExtension, Row, params};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::encryption::Encryption;
use crate::page::{Page, PageRequest};
use crate::registration;
use crate::setting::Identity;
use crate::timestamp::Timestamp;
use crate::{Error, direct_hash, ids};

/// An extension as the API shows it and events carry it.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[schema(as = Extension)]
pub struct Record {
    /// Its id, for ever.
    pub id: Uuid,
    /// The box's customer.
    pub customer_id: Uuid,
    /// The name shown to those who are called.
    pub name: String,
    /// A remark.
    pub detail: String,
    /// The number one dials.
    pub extension: String,
    /// The domain a phone registers at.
    pub domain_name: String,
    /// The SIP user name: the number.
    pub username: String,
    /// The SIP password; shown to administrators and managers only, never in an event.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub password: Option<String>,
    /// Whether its audio is encrypted: `off`, `optional`, `required`; empty: as the box is set.
    pub encryption: Encryption,
    /// The phones that are registered; shown by the API, not in events.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub registrations: Option<Vec<registration::Record>>,
    /// What whoever has no password calls, as `sip:direct.<hash>@…`; not there until one is made, and never in events.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub direct_hash: Option<String>,
    /// When it was made.
    pub tm_create: Timestamp,
    /// When it was last changed.
    pub tm_update: Timestamp,
    /// When it was deleted.
    pub tm_delete: Option<Timestamp>,
}

impl Record {
    /// The public form, with the password and without registrations.
    pub fn new(extension: &Extension, identity: &Identity) -> Record {
        Record {
            id: extension.id,
            customer_id: identity.customer_id,
            name: extension.name.clone(),
            detail: extension.detail.clone(),
            extension: extension.extension.clone(),
            domain_name: identity.domain.clone(),
            username: extension.extension.clone(),
            password: Some(extension.password.clone()),
            encryption: extension.encryption.into(),
            registrations: None,
            direct_hash: None,
            tm_create: extension.created.into(),
            tm_update: extension.updated.into(),
            tm_delete: extension.deleted.map(Into::into),
        }
    }

    /// The same without its password.
    pub fn without_password(self) -> Record {
        Record { password: None, ..self }
    }
}

const COLUMNS: &str = "number, id, extension, unseal(password), name, detail, created, updated, deleted, encryption";

fn read(row: &Row<'_>) -> rusqlite::Result<Extension> {
    Ok(Extension {
        id: ids::get(row, 1)?,
        extension: row.get(2)?,
        password: row.get(3)?,
        name: row.get(4)?,
        detail: row.get(5)?,
        created: UnixMicros(row.get(6)?),
        updated: UnixMicros(row.get(7)?),
        deleted: row.get::<_, Option<i64>>(8)?.map(UnixMicros),
        encryption: row.get::<_, Encryption>(9)?.into(),
    })
}

pub(crate) fn save(connection: &Connection, extension: &Extension) -> Result<(), Error> {
    let sql = "INSERT INTO extension (id, extension, password, name, detail, created, updated, deleted, encryption) \
         VALUES (?1, ?2, seal(?3), ?4, ?5, ?6, ?7, ?8, ?9) ON CONFLICT (id) DO UPDATE SET \
         extension = ?2, password = excluded.password, name = ?4, detail = ?5, updated = ?7, deleted = ?8, encryption = ?9";
    connection.prepare_cached(sql)?.execute(params![
        extension.id.as_bytes(),
        extension.extension,
        extension.password,
        extension.name,
        extension.detail,
        extension.created.0,
        extension.updated.0,
        extension.deleted.map(|moment| moment.0),
        Encryption::from(extension.encryption),
    ])?;
    Ok(())
}

/// The extension with this id, unless it is deleted.
pub(crate) fn get(connection: &Connection, id: Uuid) -> Result<Option<Extension>, Error> {
    let sql = format!("SELECT {COLUMNS} FROM extension WHERE id = ?1 AND deleted IS NULL");
    Ok(connection.prepare_cached(&sql)?.query_row([id.as_bytes()], read).optional()?)
}

/// The extension with this id, even where it is deleted.
pub(crate) fn get_even_deleted(connection: &Connection, id: Uuid) -> Result<Option<Extension>, Error> {
    let sql = format!("SELECT {COLUMNS} FROM extension WHERE id = ?1");
    Ok(connection.prepare_cached(&sql)?.query_row([id.as_bytes()], read).optional()?)
}

/// The number and the name of each extension that is named, by its number or by its id; each once, in this order.
pub(crate) fn named(connection: &Connection, names: &[String]) -> Result<Vec<(String, String)>, Error> {
    let sql = "SELECT extension, name FROM extension WHERE (extension = ?1 OR id = ?2) AND deleted IS NULL";
    let mut statement = connection.prepare_cached(sql)?;
    let mut found = Vec::new();
    for name in names {
        let id = Uuid::try_parse(name).ok().map(|id| id.as_bytes().to_vec());
        let one = statement.query_row(params![name, id], |row| Ok((row.get(0)?, row.get(1)?))).optional()?;
        found.extend(one.filter(|one| !found.contains(one)));
    }
    Ok(found)
}

/// A page of extensions, the newest first.
pub(crate) fn list(
    connection: &Connection,
    identity: &Identity,
    now: Timestamp,
    page: PageRequest,
) -> Result<Page<Record>, Error> {
    let sql =
        format!("SELECT {COLUMNS} FROM extension WHERE number < ?1 AND deleted IS NULL ORDER BY number DESC LIMIT ?2");
    let mut page = page.collect(&mut connection.prepare_cached(&sql)?, |row| Ok(Record::new(&read(row)?, identity)))?;
    for record in &mut page.result {
        record.registrations = Some(registration::of_extension(connection, record.id, now)?);
        record.direct_hash = direct_hash::get(connection, Direct::Extension(record.id))?;
    }
    Ok(page)
}

/// All extensions that are not deleted.
pub(crate) fn all(connection: &Connection) -> Result<Vec<Extension>, Error> {
    let sql = format!("SELECT {COLUMNS} FROM extension WHERE deleted IS NULL ORDER BY number");
    let mut statement = connection.prepare(&sql)?;
    let rows = statement.query_map([], read)?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}
