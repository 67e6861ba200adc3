//! The time that passes whatever the wall clock shows: which boot of the box, and how long it had been up.
//!
//! A board without a battery begins in 1970; one with a bad battery, anywhere. When somebody tells it the time, what it
//! noted before can be put right, because the time since the boot goes on. And whatever is kept for so many days must not
//! go because a clock jumped: a clock that moves ahead by more than a day of anything that was known before is doubted
//! until it has stood for a day.

use rusqlite::{Connection, OptionalExtension, params};
use uuid::Uuid;

use crate::timestamp::Timestamp;
use crate::{Error, ids, limits};

/// The box at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Boot {
    /// What the kernel calls this boot.
    pub id: Uuid,
    /// Microseconds since then.
    pub uptime: i64,
    /// What the wall clock shows.
    pub now: Timestamp,
}

/// When an event happened, by what is known of the time by now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment {
    /// In which boot.
    pub boot_id: Uuid,
    /// Microseconds since then.
    pub uptime: i64,
    /// What the wall clock would have shown, had it been right.
    pub corrected: Timestamp,
}

/// This boot, as the writer knows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Timeline {
    number: i64,
    /// What the wall clock showed, or should have, at the boot.
    zero: i64,
    /// What that was before the clock was set the last time.
    earlier: Option<i64>,
    /// When this process began, and the last event happened, since the boot.
    began: i64,
    last: i64,
    /// The last moment of which it is written down that the box was up.
    seen: i64,
    /// The latest that a clock ever showed that nobody doubts.
    known: i64,
    /// When the clock began to show what nobody would have thought, since the boot.
    doubted: Option<i64>,
}

const DAY: i64 = limits::CLOCK_DOUBT.as_micros() as i64;
const HOUR: i64 = 3_600_000_000;
const MINUTE: u64 = 60_000_000;

/// Columns by which days are counted, and how long something lasted.
const DATED: [(&str, &[&str]); 2] = [
    ("call", &["created", "updated", "ringing", "progressing", "hungup"]),
    ("recording", &["created", "updated", "started", "ended", "uploaded"]),
];

impl Timeline {
    /// Takes up this boot, new or after a restart of the process.
    pub(crate) fn begin(connection: &Connection, boot: Boot) -> Result<Timeline, Error> {
        let Boot { id, uptime, now } = boot;
        let sql = "SELECT max(zero + seen) FROM boot WHERE doubted IS NULL";
        let known: Option<i64> = connection.query_row(sql, [], |row| row.get(0))?;
        let sql = "SELECT number, zero, doubted FROM boot WHERE id = ?1";
        let row = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get(1)?, row.get(2)?));
        let found: Option<(i64, i64, Option<i64>)> = connection.query_row(sql, [id.as_bytes()], row).optional()?;
        let mut timeline = Timeline {
            number: 0,
            zero: now.0 - uptime,
            earlier: None,
            began: uptime,
            last: uptime,
            seen: uptime,
            known: known.unwrap_or(now.0),
            doubted: None,
        };
        if let Some((number, zero, doubted)) = found {
            (timeline.number, timeline.zero, timeline.doubted) = (number, zero, doubted);
            let would = Timestamp(zero + uptime);
            if would.0.abs_diff(now.0) >= 1_000_000 {
                timeline.correct(connection, would, now)?;
            }
            timeline.save(connection)?;
            return Ok(timeline);
        }
        timeline.doubt(now);
        let sql = "INSERT INTO boot (id, zero, seen, doubted) VALUES (?1, ?2, ?3, ?4)";
        connection.execute(sql, params![id.as_bytes(), timeline.zero, uptime, timeline.doubted])?;
        timeline.number = connection.last_insert_rowid();
        let sql = "DELETE FROM boot WHERE number <= ?1 - ?2";
        connection.execute(sql, params![timeline.number, limits::BOOTS])?;
        Ok(timeline)
    }

    /// This boot's number, and how long after it a moment was that the wall clock showed. What was noted just before the
    /// clock was set may come after that.
    pub(crate) fn place(&mut self, at: Timestamp) -> (i64, i64) {
        let off = |zero: i64| (at.0 - zero).abs_diff(self.last);
        let zero = match self.earlier {
            Some(earlier) if off(self.zero) > MINUTE && off(earlier) < off(self.zero) => earlier,
            _ => self.zero,
        };
        let uptime = (at.0 - zero).max(0);
        self.last = self.last.max(uptime);
        (self.number, uptime)
    }

    /// The wall clock was set: what this boot has noted is dated anew.
    pub(crate) fn correct(&mut self, connection: &Connection, from: Timestamp, to: Timestamp) -> Result<(), Error> {
        let by = to.0.saturating_sub(from.0);
        let began = self.zero;
        if self.doubted.is_none() {
            self.known = self.known.max(from.0);
        }
        (self.earlier, self.zero) = (Some(began), self.zero.saturating_add(by));
        self.last = to.0 - self.zero;
        self.doubt(to);
        self.save(connection)?;
        for (table, columns) in DATED {
            for column in columns {
                // The newest rows are those of this boot; a table of a million is not read through for it.
                let sql = format!(
                    "UPDATE {table} SET {column} = {column} + ?1 WHERE {column} BETWEEN ?2 AND ?3 \
                     AND number > (SELECT max(number) FROM {table}) - ?4"
                );
                connection.execute(&sql, params![by, began, from, limits::REDATED])?;
            }
        }
        Ok(())
    }

    /// Whether days may be counted by the clock; says now and then that the box was up.
    pub(crate) fn trusts(&mut self, connection: &Connection, now: Timestamp) -> Result<bool, Error> {
        let uptime = now.0 - self.zero;
        if self.doubted.is_some_and(|doubted| uptime - doubted >= DAY) {
            (self.doubted, self.known, self.seen) = (None, now.0, uptime);
            self.save(connection)?;
        } else if uptime - self.seen >= HOUR {
            self.seen = uptime;
            self.save(connection)?;
        }
        Ok(self.doubted.is_none())
    }

    fn doubt(&mut self, now: Timestamp) {
        let uptime = now.0 - self.zero;
        self.doubted = (now.0 > self.known.saturating_add(DAY)).then_some(uptime);
        self.seen = uptime;
    }

    fn save(&self, connection: &Connection) -> Result<(), Error> {
        let sql = "UPDATE boot SET zero = ?2, seen = ?3, doubted = ?4 WHERE number = ?1";
        connection.execute(sql, params![self.number, self.zero, self.seen, self.doubted])?;
        Ok(())
    }
}

/// Whether the clock shows what nobody would have thought, and has not for long.
pub(crate) fn is_doubted(connection: &Connection) -> Result<bool, Error> {
    let sql = "SELECT doubted IS NOT NULL FROM boot ORDER BY number DESC LIMIT 1";
    Ok(connection.prepare_cached(sql)?.query_row([], |row| row.get(0)).optional()?.unwrap_or(false))
}

/// What stands in three columns, if anything does: the boot's id, the time since then, and the boot's moment.
pub(crate) fn read(row: &rusqlite::Row<'_>, at: usize) -> rusqlite::Result<Option<Moment>> {
    let (uptime, zero): (Option<i64>, Option<i64>) = (row.get(at + 1)?, row.get(at + 2)?);
    let (Some(uptime), Some(zero), Some(boot_id)) = (uptime, zero, ids::get_optional(row, at)?) else {
        return Ok(None);
    };
    Ok(Some(Moment { boot_id, uptime, corrected: Timestamp(zero.saturating_add(uptime)) }))
}
