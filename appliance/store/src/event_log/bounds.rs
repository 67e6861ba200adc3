//! What may go from the log: what is too old, what is too much, and, before the disk is full of it, what is owed.

use rusqlite::{Connection, params};
use serde::Serialize;

use crate::timestamp::Timestamp;
use crate::{Error, cursor, limits, schema};

/// The name under which stands up to where only records are left.
const THINNED: &str = "thinned";

/// Records: what is written of a call, of a recording, of what is to be paid, and of what has gone. They go last.
const RECORDS: &str = "type IN ('call_hungup', 'call_recording', 'conference_recording', 'recording_deleted', \
                       'event_log_trimmed') OR type LIKE 'billing\\_%' ESCAPE '\\'";

/// How long the log may become.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LogLimits {
    /// Events; as many of the newest are there whatever happens.
    pub events: i64,
    /// Octets of the database beyond which also what is owed goes; see [`limits::DISK_SHARE`].
    pub octets: u64,
}

impl Default for LogLimits {
    fn default() -> LogLimits {
        LogLimits { events: limits::EVENTS, octets: u64::MAX }
    }
}

/// What a log begins with, and how long it may become.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bounds {
    /// The first number that is there.
    pub first: i64,
    /// Up to this number only records are left.
    pub thinned: i64,
    /// How long it may become.
    pub limits: LogLimits,
    /// The last number when that was looked at.
    looked: i64,
}

/// What `event_log_trimmed` tells: events that went before `cloud` or `billing` had read them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub(crate) struct Gone {
    /// The first and the last number between which they were.
    from: i64,
    to: i64,
    /// How many of them went.
    deleted: usize,
    /// Whether the records of calls, of recordings and of what is to be paid are still there.
    records_kept: bool,
}

impl Bounds {
    /// Those of the log as it is.
    pub fn of(connection: &Connection) -> Result<Bounds, Error> {
        let (first, latest) = super::range(connection)?;
        let thinned = cursor::read(connection, THINNED)?.max(first - 1);
        Ok(Bounds { first, thinned, limits: LogLimits::default(), looked: latest })
    }

    /// Deletes what is beyond the limit of number, a step of it. What had to go although somebody was to have it is returned.
    pub fn keep(&mut self, connection: &Connection, latest: i64) -> Result<Vec<Gone>, Error> {
        let events = self.limits.events;
        if latest - self.first < events + limits::EVENT_SLACK {
            return Ok(Vec::new());
        }
        let wanted = (latest - events + 1).min(self.first + limits::TRIM_STEP);
        let first = wanted.min(cursor::first_owed(connection)?).max(self.first);
        if first > self.first {
            trim_before(connection, first)?;
            (self.first, self.thinned) = (first, self.thinned.max(first - 1));
            return Ok(Vec::new());
        }
        if latest - self.looked < limits::EVENT_SLACK {
            return Ok(Vec::new());
        }
        self.looked = latest;
        let last = latest - events;
        let mut gone = Vec::new();
        if self.is_full(connection)? && self.thinned < last {
            gone.push(self.thin(connection, last)?);
        }
        if self.thinned >= last && self.is_full(connection)? {
            gone.push(self.give_up(connection, last)?);
        }
        gone.retain(|gone| gone.deleted > 0);
        if !gone.is_empty() {
            tracing::error!(?gone, "events went that somebody was to have: the disk is too full of them");
        }
        Ok(gone)
    }

    fn is_full(&self, connection: &Connection) -> Result<bool, Error> {
        Ok(used(connection)? > self.limits.octets)
    }

    /// Deletes a step of what is no record, up to `last`.
    fn thin(&mut self, connection: &Connection, last: i64) -> Result<Gone, Error> {
        let (from, to) = (self.thinned + 1, last.min(self.thinned + limits::TRIM_STEP));
        let sql = format!("DELETE FROM event_log WHERE seq BETWEEN ?1 AND ?2 AND NOT ({RECORDS})");
        let deleted = connection.execute(&sql, params![from, to])?;
        cursor::set(connection, THINNED, to)?;
        self.thinned = to;
        Ok(Gone { from, to, deleted, records_kept: true })
    }

    /// Deletes a step of all that is there, up to `last`.
    fn give_up(&mut self, connection: &Connection, last: i64) -> Result<Gone, Error> {
        let (from, to) = (self.first, last.min(self.first + limits::TRIM_STEP - 1));
        let deleted = trim_before(connection, to + 1)?;
        self.first = to + 1;
        Ok(Gone { from, to, deleted, records_kept: false })
    }
}

/// From which number on nothing is missing in the log.
pub(crate) fn whole_from(connection: &Connection) -> Result<i64, Error> {
    Ok(cursor::read(connection, THINNED)? + 1)
}

/// Deletes the events before `first`.
pub(crate) fn trim_before(connection: &Connection, first: i64) -> Result<usize, Error> {
    Ok(connection.prepare_cached("DELETE FROM event_log WHERE seq < ?1")?.execute([first])?)
}

/// The number of the first event that is not older than `cutoff`, looked for among the `step` oldest; the newest
/// event never counts as old, so that the numbers go on after it.
pub(crate) fn first_since(connection: &Connection, cutoff: Timestamp, step: i64) -> Result<i64, Error> {
    let sql = "SELECT max(seq), min(seq) FILTER (WHERE at >= ?2) FROM \
               (SELECT seq, coalesce(boot.zero + uptime, at) AS at FROM event_log \
                LEFT JOIN boot ON boot.number = event_log.boot ORDER BY seq LIMIT ?1)";
    let (looked, young): (Option<i64>, Option<i64>) =
        connection.query_row(sql, params![step, cutoff], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let (_, last) = super::range(connection)?;
    Ok(young.or(looked.map(|looked| looked + 1)).unwrap_or(0).min(last))
}

/// Octets of the database that hold something.
fn used(connection: &Connection) -> Result<u64, Error> {
    let pages = |name: &str| connection.query_row(&format!("PRAGMA {name}"), [], |row| row.get::<_, i64>(0));
    Ok((pages("page_count")? - pages("freelist_count")?).max(0) as u64 * u64::from(schema::PAGE))
}
