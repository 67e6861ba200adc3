//! `/v1.0/system/logs`: the last lines that the process wrote to its log.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use axum::Json;
use axum::extract::State as Shared;
use serde::{Deserialize, Serialize};
use store::Timestamp;
use utoipa::{IntoParams, ToSchema};

use super::redaction;
use crate::failure::{ErrorEnvelope, Failure};
use crate::limits;
use crate::parameters::Parameters;
use crate::state::State;

/// How much a line matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = LogLevel)]
pub enum Level {
    /// An operator must act.
    Error,
    /// Odd, but it works.
    Warn,
    /// Something is another way now.
    Info,
    /// A message.
    Debug,
    /// A packet.
    Trace,
}

/// A line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = LogLine)]
pub struct Line {
    /// Its number since the process started, from 1 on.
    pub number: u64,
    /// When.
    pub tm: Timestamp,
    /// How much it matters.
    pub level: Level,
    /// The part of the program that wrote it.
    pub target: String,
    /// What it says, without secrets.
    pub text: String,
}

/// The last lines, in memory.
#[derive(Debug, Default)]
pub struct Ring {
    kept: Mutex<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    lines: VecDeque<Line>,
    octets: usize,
    count: u64,
}

impl Ring {
    /// Keeps a line, and lets the oldest go where there are too many.
    pub fn push(&self, tm: Timestamp, level: Level, (target, text): (&str, &str)) {
        let mut text = redaction::text(text);
        if text.len() > limits::LOG_LINE {
            text.truncate(text.floor_char_boundary(limits::LOG_LINE));
            text.push('…');
        }
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.count += 1;
        kept.octets += text.len();
        let line = Line { number: kept.count, tm, level, target: target.to_owned(), text };
        kept.lines.push_back(line);
        while kept.lines.len() > limits::LOG_LINES || kept.octets > limits::LOG_OCTETS {
            let Some(oldest) = kept.lines.pop_front() else { break };
            kept.octets -= oldest.text.len();
        }
    }

    /// Those after a number that matter at least so much, the oldest first, and the number of the last one there is.
    pub(crate) fn after(&self, number: u64, level: Level) -> (Vec<Line>, u64) {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let wanted = kept.lines.iter().filter(|line| line.number > number && line.level <= level);
        (wanted.cloned().collect(), kept.count)
    }
}

/// Which lines.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(default)]
pub(crate) struct Wanted {
    /// Those that matter at least so much.
    level: Level,
    /// Those after this number.
    after: u64,
}

impl Default for Wanted {
    fn default() -> Wanted {
        Wanted { level: Level::Trace, after: 0 }
    }
}

/// The last lines.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Logs)]
pub(crate) struct Logs {
    /// The oldest first.
    result: Vec<Line>,
    /// The number of the last line there is: what to ask for the next ones with.
    last: u64,
}

/// Gives the last lines of the process's log, 2,000 or half a megabyte of them at most. They are in memory: those of before the
/// process started are gone.
#[utoipa::path(
    get,
    path = "/v1.0/system/logs",
    params(Wanted),
    responses(
        (status = 200, body = Logs),
        (status = 400, body = ErrorEnvelope, description = "INVALID_ARGUMENT"),
        (status = 401, body = ErrorEnvelope),
        (status = 403, body = ErrorEnvelope),
    ),
    tag = "system"
)]
pub(crate) async fn list(
    Shared(state): Shared<State>,
    Parameters(wanted): Parameters<Wanted>,
) -> Result<Json<Logs>, Failure> {
    let (result, last) = state.log().after(wanted.after, wanted.level);
    Ok(Json(Logs { result, last }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_lines_stay_within_both_limits() {
        let ring = Ring::default();
        for number in 0..limits::LOG_LINES as u64 + 10 {
            ring.push(Timestamp(0), Level::Info, ("daemon", &format!("line {number} password=hunter2")));
        }
        let (lines, last) = ring.after(0, Level::Trace);
        assert_eq!((lines.len(), last), (limits::LOG_LINES, limits::LOG_LINES as u64 + 10));
        assert_eq!(lines[0].text, "line 10 password=[removed]");
        assert_eq!(ring.after(last - 1, Level::Trace).0.len(), 1);
        assert_eq!(ring.after(0, Level::Warn).0.len(), 0, "none matters as much");
        let long = "ä".repeat(limits::LOG_LINE);
        for _ in 0..1_000 {
            ring.push(Timestamp(0), Level::Error, ("daemon", &long));
        }
        let octets: usize = ring.after(0, Level::Trace).0.iter().map(|line| line.text.len()).sum();
        assert!(octets <= limits::LOG_OCTETS, "{octets}");
    }
}
