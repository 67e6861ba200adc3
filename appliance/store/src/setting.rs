//! What the box has to remember of itself: its customer and its keys, made at the first start.

use rusqlite::{Connection, OptionalExtension, params};
use uuid::Uuid;

use crate::Error;

/// Random bytes that the first start makes the customer's id and the keys from; a later start does not use them.
pub type Entropy = [u8; 64];

/// Who the box is: fixed while the process runs.
#[derive(Clone, PartialEq, Eq)]
pub struct Identity {
    /// The one customer; part of every object.
    pub customer_id: Uuid,
    /// The domain phones register at; part of every extension.
    pub domain: String,
    /// The key that login tokens are signed with.
    pub token_key: [u8; 32],
}

impl std::fmt::Debug for Identity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Identity")
            .field("customer_id", &self.customer_id)
            .field("domain", &self.domain)
            .finish_non_exhaustive()
    }
}

impl Identity {
    /// Reads it, or makes it where this is the first start.
    pub(crate) fn load(connection: &Connection, domain: &str, entropy: &Entropy) -> Result<Identity, Error> {
        let (id, key) = entropy.split_at(32);
        let fresh = uuid::Builder::from_random_bytes(*id.first_chunk().expect("32 bytes hold 16")).into_uuid();
        let customer = read_or(connection, "customer_id", fresh.as_bytes())?;
        let key = read_or(connection, "token_key", key)?;
        Ok(Identity {
            customer_id: Uuid::from_slice(&customer).map_err(|_| Error::Value("customer_id"))?,
            domain: domain.to_owned(),
            token_key: key.try_into().map_err(|_| Error::Value("token_key"))?,
        })
    }
}

/// A setting's value, if it was ever set.
pub(crate) fn read(connection: &Connection, name: &str) -> Result<Option<Vec<u8>>, Error> {
    let mut statement = connection.prepare_cached("SELECT value FROM setting WHERE name = ?1")?;
    Ok(statement.query_row([name], |row| row.get(0)).optional()?)
}

pub(crate) fn write(connection: &Connection, name: &str, value: &[u8]) -> Result<(), Error> {
    let sql = "INSERT INTO setting (name, value) VALUES (?1, ?2) ON CONFLICT (name) DO UPDATE SET value = ?2";
    connection.prepare_cached(sql)?.execute(params![name, value])?;
    Ok(())
}

fn read_or(connection: &Connection, name: &str, default: &[u8]) -> Result<Vec<u8>, Error> {
    if let Some(value) = read(connection, name)? {
        return Ok(value);
    }
    write(connection, name, default)?;
    Ok(default.to_vec())
}
