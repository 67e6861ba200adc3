//! Registrations: where the phones of an extension are. They survive a restart.

use std::net::SocketAddr;

use pbx::registrar::Binding;
use rusqlite::{Connection, Row, params};
use serde::Serialize;
use sip::{Flow, Transport};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::timestamp::Timestamp;
use crate::{Error, ids};

/// One registered contact as the API shows it.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[schema(as = Registration)]
pub struct Record {
    /// Of which extension.
    pub extension_id: Uuid,
    /// Its number.
    pub extension: String,
    /// The contact URI as the phone gave it.
    pub contact: String,
    /// Where the phone is reached: address and port as the box sees them.
    pub address: String,
    /// `udp`, `tcp`, `tls`, `ws` or `wss`.
    pub transport: String,
    /// What the phone calls itself.
    pub user_agent: String,
    /// Whether the phone is behind a NAT: its contact differs from where it sends from.
    pub behind_nat: bool,
    /// Preference among several contacts, 0 to 1.
    pub q: f32,
    /// When it registered first.
    pub tm_register: Timestamp,
    /// When it expires.
    pub tm_expire: Timestamp,
}

impl From<&Binding> for Record {
    fn from(binding: &Binding) -> Record {
        Record {
            extension_id: binding.extension_id,
            extension: binding.extension.clone(),
            contact: binding.contact.clone(),
            address: binding.flow.remote.to_string(),
            transport: binding.flow.transport.name().to_ascii_lowercase(),
            user_agent: binding.user_agent.clone(),
            behind_nat: binding.behind_nat,
            q: f32::from(binding.q) / 1000.0,
            tm_register: binding.registered.into(),
            tm_expire: binding.expires.into(),
        }
    }
}

pub(crate) fn save(connection: &Connection, binding: &Binding) -> Result<(), Error> {
    let sql = "INSERT OR REPLACE INTO registration (extension_id, contact, extension, transport, local, remote, path, \
         instance, reg_id, q, call_id, cseq, user_agent, behind_nat, registered, expires) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16)";
    connection.prepare_cached(sql)?.execute(params![
        binding.extension_id.as_bytes(),
        binding.contact,
        binding.extension,
        binding.flow.transport.name(),
        binding.flow.local.to_string(),
        binding.flow.remote.to_string(),
        serde_json::to_string(&binding.path)?,
        binding.instance,
        binding.reg_id,
        binding.q,
        binding.call_id,
        binding.cseq,
        binding.user_agent,
        binding.behind_nat,
        binding.registered.0,
        binding.expires.0,
    ])?;
    Ok(())
}

pub(crate) fn remove(connection: &Connection, extension_id: Uuid, contact: &str) -> Result<(), Error> {
    let sql = "DELETE FROM registration WHERE extension_id = ?1 AND contact = ?2";
    connection.prepare_cached(sql)?.execute(params![extension_id.as_bytes(), contact])?;
    Ok(())
}

pub(crate) fn remove_all(connection: &Connection, extension_id: Uuid) -> Result<(), Error> {
    connection
        .prepare_cached("DELETE FROM registration WHERE extension_id = ?1")?
        .execute([extension_id.as_bytes()])?;
    Ok(())
}

/// The contacts of one extension that have not expired.
pub(crate) fn of_extension(connection: &Connection, id: Uuid, now: Timestamp) -> Result<Vec<Record>, Error> {
    let sql =
        format!("SELECT {COLUMNS} FROM registration WHERE extension_id = ?1 AND expires > ?2 ORDER BY registered");
    let mut statement = connection.prepare_cached(&sql)?;
    let mut rows = statement.query(params![id.as_bytes(), now])?;
    let mut records = Vec::new();
    while let Some(row) = rows.next()? {
        records.push(Record::from(&read(row)?));
    }
    Ok(records)
}

/// All contacts, of all extensions, also those that expired while the box was off: the exchange tells so in an event.
/// A connection does not survive a restart, so none of them has one.
pub(crate) fn all(connection: &Connection) -> Result<Vec<Binding>, Error> {
    let mut statement = connection.prepare(&format!("SELECT {COLUMNS} FROM registration ORDER BY registered"))?;
    let mut rows = statement.query([])?;
    let mut bindings = Vec::new();
    while let Some(row) = rows.next()? {
        bindings.push(read(row)?);
    }
    Ok(bindings)
}

const COLUMNS: &str = "extension_id, contact, extension, transport, local, remote, path, instance, reg_id, q, call_id, \
     cseq, user_agent, behind_nat, registered, expires";

fn read(row: &Row<'_>) -> Result<Binding, Error> {
    let address = |at: usize| -> Result<SocketAddr, Error> {
        row.get_ref(at)?.as_str().ok().and_then(|text| text.parse().ok()).ok_or(Error::Value("socket address"))
    };
    let word: String = row.get(3)?;
    let transport = [Transport::Udp, Transport::Tcp, Transport::Tls, Transport::Ws, Transport::Wss]
        .into_iter()
        .find(|transport| transport.name() == word)
        .ok_or(Error::Value("transport"))?;
    Ok(Binding {
        extension_id: ids::get(row, 0)?,
        contact: row.get(1)?,
        extension: row.get(2)?,
        flow: Flow { transport, local: address(4)?, remote: address(5)?, connection: None },
        path: serde_json::from_str(&row.get::<_, String>(6)?)?,
        instance: row.get(7)?,
        reg_id: row.get(8)?,
        q: row.get(9)?,
        call_id: row.get(10)?,
        cseq: row.get(11)?,
        user_agent: row.get(12)?,
        behind_nat: row.get(13)?,
        registered: pbx::UnixMicros(row.get(14)?),
        expires: pbx::UnixMicros(row.get(15)?),
    })
}
