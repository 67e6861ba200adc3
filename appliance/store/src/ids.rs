//! UUIDs in columns: 16 bytes; a list is those bytes one after the other.

use rusqlite::Row;
use rusqlite::types::{FromSqlError, Type};
use uuid::Uuid;

pub(crate) fn get(row: &Row<'_>, at: usize) -> rusqlite::Result<Uuid> {
    row.get::<_, [u8; 16]>(at).map(Uuid::from_bytes)
}

pub(crate) fn get_or_nil(row: &Row<'_>, at: usize) -> rusqlite::Result<Uuid> {
    get_optional(row, at).map(Option::unwrap_or_default)
}

pub(crate) fn get_optional(row: &Row<'_>, at: usize) -> rusqlite::Result<Option<Uuid>> {
    Ok(row.get::<_, Option<[u8; 16]>>(at)?.map(Uuid::from_bytes))
}

pub(crate) fn get_list(row: &Row<'_>, at: usize) -> rusqlite::Result<Vec<Uuid>> {
    let bytes = row.get_ref(at)?.as_blob()?;
    let (ids, rest) = bytes.as_chunks::<16>();
    if !rest.is_empty() {
        let size = FromSqlError::InvalidBlobSize { expected_size: ids.len() * 16, blob_size: bytes.len() };
        return Err(rusqlite::Error::FromSqlConversionFailure(at, Type::Blob, Box::new(size)));
    }
    Ok(ids.iter().map(|id| Uuid::from_bytes(*id)).collect())
}

pub(crate) fn unless_nil(id: &Uuid) -> Option<&[u8; 16]> {
    (!id.is_nil()).then(|| id.as_bytes())
}

pub(crate) fn list(ids: &[Uuid]) -> Vec<u8> {
    ids.iter().flat_map(|id| *id.as_bytes()).collect()
}
