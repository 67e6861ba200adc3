//! What was asked of the box as such, and what came of it: for the event log.

use serde::Serialize;

use crate::backup::Manifest;

/// Something that happened to the box.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Record {
    /// Somebody has it restart, logged as `system_reboot`.
    Reboot(Asked),
    /// Somebody has it switched off, logged as `system_power_off`.
    PowerOff(Asked),
    /// Somebody has everything erased, logged as `system_factory_reset`.
    FactoryReset(Asked),
    /// A backup was made, logged as `backup_created`.
    Backup(Made),
}

/// Who asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Asked {
    /// The user name of the agent.
    pub agent: String,
}

/// A backup.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Made {
    /// The user name of who asked for it.
    pub agent: String,
    /// What it says of itself.
    pub backup: Manifest,
}

impl Record {
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Record::Reboot(_) => "system_reboot",
            Record::PowerOff(_) => "system_power_off",
            Record::FactoryReset(_) => "system_factory_reset",
            Record::Backup(_) => "backup_created",
        }
    }
}
