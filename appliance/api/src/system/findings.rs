//! What is wrong with the box, in words for who looks after it.

use serde::Serialize;
use utoipa::ToSchema;

use super::Record;

/// Free room of the disk, in hundredths, below which there is something to say, and something to do.
const ROOM: (u64, u64) = (15, 5);
/// The same for memory.
const MEMORY: (u64, u64) = (15, 5);
/// Degrees Celsius: most boards slow down at 80, and switch off at 100 or below.
const HEAT: (f64, f64) = (75.0, 85.0);
/// Hundredths of a flash's life.
const WEAR: (u8, u8) = (80, 100);
/// How many want each processor.
const LOAD: f64 = 2.0;

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = SystemSeverity)]
pub enum Severity {
    /// Somebody must do something now.
    Error,
    /// Somebody should look, the days to come.
    Warning,
}

/// Something that is wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = SystemFinding)]
pub struct Finding {
    /// How bad it is.
    pub severity: Severity,
    /// Which, for programs: `DISK_FULL`, `MEMORY_LOW`, `HOT`, `FLASH_WORN`, `BUSY`, `STORE_FAILING`, `STORE_LOST`, `CLOUD_WAITING`.
    pub reason: &'static str,
    /// Which, for people.
    pub message: String,
}

/// All that is wrong, the worst first.
pub(super) fn of(record: &Record) -> Vec<Finding> {
    let mut found = Vec::new();
    let mut say = |severity: Option<Severity>, reason, message: String| {
        found.extend(severity.map(|severity| Finding { severity, reason, message }));
    };
    if let Some(reason) = &record.store.failing {
        let message =
            format!("Nothing can be written to the disk: {reason}. Calls go on, but what happens is not kept.");
        say(Some(Severity::Error), "STORE_FAILING", message);
    }
    if record.store.lost > 0 {
        let message = format!("{} facts could not be written and are lost.", record.store.lost);
        say(Some(Severity::Error), "STORE_LOST", message);
    }
    if let Some(disk) = record.disk {
        let left = share(disk.free, disk.total);
        let message =
            format!("The disk is nearly full: {left} % are free. Delete recordings, or have them brought to a bucket.");
        say(below(left, ROOM), "DISK_FULL", message);
    }
    if let Some(memory) = record.machine.memory {
        let left = share(memory.available, memory.total);
        say(below(left, MEMORY), "MEMORY_LOW", format!("The box is short of memory: {left} % are left."));
    }
    for sensor in &record.machine.temperatures {
        let message = format!("The box is hot: {} shows {:.0} °C. Give it air.", sensor.name, sensor.celsius);
        say(above(sensor.celsius, HEAT), "HOT", message);
    }
    for flash in &record.machine.flash {
        let used = flash.life_used.unwrap_or(0).max(if flash.spare == Some("urgent") { WEAR.1 } else { 0 });
        let used = used.max(if flash.spare == Some("warning") { WEAR.0 } else { 0 });
        let message = format!("The flash {} is worn out. Make a backup, and replace it.", flash.device);
        say(above(used, WEAR), "FLASH_WORN", message);
    }
    if let (Some([_, _, load]), Some(processors)) = (record.machine.load, record.machine.processors) {
        let busy = load > LOAD * processors as f64;
        let message =
            format!("The box has been busy for a quarter of an hour: {load:.1} want {processors} processors.");
        say(busy.then_some(Severity::Warning), "BUSY", message);
    }
    for reader in &record.readers {
        if let Some(failure) = &reader.failure {
            let message = format!("{} records wait for the {}: {failure}.", reader.waiting, reader.name);
            say(Some(Severity::Warning), "CLOUD_WAITING", message);
        }
    }
    found.sort_by_key(|finding| finding.severity);
    found
}

/// Hundredths.
fn share(part: u64, whole: u64) -> u64 {
    (u128::from(part) * 100).checked_div(u128::from(whole)).unwrap_or(0) as u64
}

fn below(value: u64, (warning, error): (u64, u64)) -> Option<Severity> {
    if value < error { Some(Severity::Error) } else { (value < warning).then_some(Severity::Warning) }
}

fn above<T: PartialOrd>(value: T, (warning, error): (T, T)) -> Option<Severity> {
    if value >= error { Some(Severity::Error) } else { (value >= warning).then_some(Severity::Warning) }
}

#[cfg(test)]
mod tests {
    use store::Timestamp;

    use super::super::{Disk, Flash, Keeping, Machine, Memory, Process, Reading, Temperature};
    use super::*;

    fn well() -> Record {
        Record {
            version: "1",
            build: None,
            tm_start: Timestamp(0),
            tm_now: Timestamp(0),
            uptime: 0,
            process: Process::default(),
            machine: Machine::default(),
            disk: None,
            store: Keeping { bytes: 0, waiting: 0, lost: 0, failing: None, latest_event: 0 },
            readers: Vec::new(),
            findings: Vec::new(),
        }
    }

    #[test]
    fn a_box_that_tells_nothing_is_well() {
        assert_eq!(of(&well()), []);
    }

    #[test]
    fn everything_that_is_wrong_is_said_the_worst_first() {
        let mut bad = well();
        bad.machine = Machine {
            processors: Some(2),
            load: Some([9.0, 9.0, 4.5]),
            memory: Some(Memory { total: 100, available: 10 }),
            temperatures: vec![Temperature { name: "cpu".into(), celsius: 90.0 }],
            flash: vec![Flash { device: "mmcblk0".into(), life_used: Some(20), spare: Some("warning") }],
            ..Machine::default()
        };
        bad.disk = Some(Disk { total: 1_000, free: 49 });
        bad.store.failing = Some("disk full".into());
        bad.readers = vec![Reading { name: "cloud", waiting: 7, failure: Some("it does not answer".into()) }];
        let found = of(&bad);
        let reasons: Vec<_> = found.iter().map(|finding| finding.reason).collect();
        let wanted = ["STORE_FAILING", "DISK_FULL", "HOT", "MEMORY_LOW", "FLASH_WORN", "BUSY", "CLOUD_WAITING"];
        assert_eq!(reasons, wanted);
        assert_eq!(found.iter().filter(|finding| finding.severity == Severity::Error).count(), 3);
    }
}
