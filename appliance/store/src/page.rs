//! Pages of a list: by key, newest first, so that a page costs the same however far down it is.

use rusqlite::{CachedStatement, Row, params};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{Error, limits};

/// Which page is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PageRequest {
    size: u32,
    before: i64,
}

/// One page of a list.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Page<T> {
    /// The rows, newest first.
    pub result: Vec<T>,
    /// What to pass as `page_token` for the next page; empty where there is none.
    pub next_page_token: String,
}

impl Default for PageRequest {
    fn default() -> Self {
        PageRequest { size: limits::PAGE, before: i64::MAX }
    }
}

impl PageRequest {
    /// A page of `size` rows (between 1 and [`limits::PAGE`]) after the page that gave this token; an empty token is
    /// the first page. `None` where the token is none of ours.
    pub fn new(size: u32, token: &str) -> Option<PageRequest> {
        let before = if token.is_empty() { i64::MAX } else { i64::from_str_radix(token, 16).ok()? };
        Some(PageRequest { size: size.clamp(1, limits::PAGE), before })
    }

    /// Runs a statement whose first parameter is the key below which rows are wanted, whose second is how many, and
    /// whose first column is the key.
    pub(crate) fn collect<T>(
        self,
        statement: &mut CachedStatement<'_>,
        read: impl Fn(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Page<T>, Error> {
        self.gather(statement, self.size + 1, |row| read(row).map(Some))
    }

    /// The same, of a resource of which there are few: rows that are read as `None` are left out, and the second
    /// parameter is no limit.
    pub(crate) fn collect_some<T>(
        self,
        statement: &mut CachedStatement<'_>,
        read: impl Fn(&Row<'_>) -> rusqlite::Result<Option<T>>,
    ) -> Result<Page<T>, Error> {
        self.gather(statement, u32::MAX, read)
    }

    fn gather<T>(
        self,
        statement: &mut CachedStatement<'_>,
        limit: u32,
        read: impl Fn(&Row<'_>) -> rusqlite::Result<Option<T>>,
    ) -> Result<Page<T>, Error> {
        let mut rows = statement.query(params![self.before, limit])?;
        let mut page = Page { result: Vec::new(), next_page_token: String::new() };
        let mut last = 0i64;
        while let Some(row) = rows.next()? {
            let Some(record) = read(row)? else { continue };
            if page.result.len() == self.size as usize {
                page.next_page_token = format!("{last:x}");
                break;
            }
            last = row.get(0)?;
            page.result.push(record);
        }
        Ok(page)
    }
}
