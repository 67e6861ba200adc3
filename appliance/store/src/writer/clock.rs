//! What the writer is told of the time and of the room there is.

use rusqlite::TransactionBehavior;
use serde::Serialize;
use uuid::Uuid;

use super::{Batch, Writer};
use crate::Error;
use crate::event_log::LogLimits;
use crate::timeline::{Boot, Timeline};
use crate::timestamp::Timestamp;

impl Writer {
    /// From here on events carry the time since the boot. To be called first.
    pub fn begin_boot(&mut self, boot: Boot) -> Result<(), Error> {
        let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let timeline = Timeline::begin(&transaction, boot)?;
        transaction.commit()?;
        self.timeline = Some(timeline);
        Ok(())
    }

    /// Says how long the log may become; without it, as far as the disk goes while somebody is to have what is in it.
    pub fn limit_log(&mut self, limits: LogLimits) {
        self.bounds.limits = limits;
    }
}

impl Batch<'_> {
    /// The wall clock was set.
    pub(super) fn clock_corrected(&mut self, name: &str, from: Timestamp, to: Timestamp) -> Result<(), Error> {
        // What was stated before it has to be there before it is dated anew.
        self.finish()?;
        if let Some(timeline) = &mut self.timeline {
            timeline.correct(self.connection, from, to)?;
        }
        self.append(to, name, Uuid::nil(), &ClockCorrected { from, to })
    }

    /// For a while nothing could be written.
    pub(super) fn delayed(&mut self, from: Timestamp, to: Timestamp, reason: &str) -> Result<(), Error> {
        self.append(to, "database_delayed", Uuid::nil(), &Delayed { from, to, reason })
    }
}

/// What `clock_corrected` carries: what the clock would show, had nobody set it, and what it shows.
#[derive(Serialize)]
struct ClockCorrected {
    from: Timestamp,
    to: Timestamp,
}

/// What `database_delayed` carries.
#[derive(Serialize)]
struct Delayed<'a> {
    from: Timestamp,
    to: Timestamp,
    reason: &'a str,
}
