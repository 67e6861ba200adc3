//! What a bridged call needs in memory, and what it needs once it is recorded.

use std::time::Duration;

use anyhow::{Result, ensure};

use crate::audio::Stage;
use crate::print;
use crate::server::Prepared;

/// Calls, whose legs are as many as a page of the API has.
const CALLS: usize = 50;
/// Calls that are made, and recorded, first: what is needed once is there then.
const FIRST: usize = 10;
/// Until the first buffers are full and on their way.
const TALK: Duration = Duration::from_secs(2);

/// KiB that so many calls which talk need beside their phones' registrations; and the calls.
fn talking(prepared: &Prepared, calls: usize) -> Result<(f64, Stage)> {
    let mut stage = Stage::bridged(prepared, calls, |_| 0)?;
    let legs = stage.legs.clone();
    stage.crowd.talk(&legs, TALK)?;
    let more = stage.server.usage()?.resident_kib.saturating_sub(stage.registered.resident_kib);
    Ok((more as f64, stage))
}

/// Resident memory of a recorded call, while it talks: both phones on two channels, written to the disk.
pub fn measure(prepared: &Prepared) -> Result<()> {
    let (once, stage) = talking(prepared, FIRST)?;
    stage.end()?;
    let (all, mut stage) = talking(prepared, CALLS)?;
    let each = (all - once) / (CALLS - FIRST) as f64;
    let legs = stage.legs.clone();
    let mut api = stage.server.log_in()?;
    let calls = api.callers_up()?;
    ensure!(calls.len() == CALLS, "{} of {CALLS} calls are up", calls.len());
    let (first, rest) = calls.split_at(FIRST);
    let mut record = |calls: &[String]| {
        calls.iter().try_for_each(|call| api.record(call))?;
        stage.crowd.talk(&legs, TALK)?;
        stage.server.usage()
    };
    let (few, all) = (record(first)?, record(rest)?);
    let more = all.resident_kib.saturating_sub(few.resident_kib) as f64 / rest.len() as f64;
    print("memory_per_talking_call", each, "KiB");
    print("memory_per_recorded_call", each + more, "KiB");
    stage.end()
}
