//! A wall clock that shows what a test wants, and jumps when it wants: libfaketime, loaded into the exchange. Only the wall clock
//! is false; the time since the boot goes on as it does.

use std::path::{Path, PathBuf};

use anyhow::{Result, ensure};

use crate::exchange::Plan;

/// The clock of one exchange, and of those that are started on its data after it.
pub struct FalseClock {
    file: PathBuf,
    library: PathBuf,
}

impl FalseClock {
    /// A clock that shows so many days more than it should, or fewer. Its file is in a folder that outlives the exchange.
    pub fn off_by(days: i64, folder: &Path) -> Result<FalseClock> {
        let folders =
            std::fs::read_dir("/usr/lib")?.flatten().map(|entry| entry.path().join("faketime/libfaketimeMT.so.1"));
        let found: Vec<PathBuf> = folders.filter(|path| path.exists()).collect();
        ensure!(found.len() == 1, "libfaketime is missing: tests/setup.sh installs it");
        let clock = FalseClock { file: folder.join("clock"), library: found[0].clone() };
        clock.set(days)?;
        Ok(clock)
    }

    /// Has an exchange go by it.
    pub fn give_to(&self, plan: &mut Plan) {
        for (name, value) in [
            ("LD_PRELOAD", self.library.display().to_string()),
            ("FAKETIME_TIMESTAMP_FILE", self.file.display().to_string()),
            ("FAKETIME_NO_CACHE", "1".into()),
            ("FAKETIME_DONT_FAKE_MONOTONIC", "1".into()),
            ("DONT_FAKE_MONOTONIC", "1".into()),
            ("NO_FAKE_STAT", "1".into()),
        ] {
            plan.variables.push((name.into(), value));
        }
    }

    /// Sets it.
    pub fn set(&self, days: i64) -> Result<()> {
        // Whoever reads it in between must not find half of it.
        let new = self.file.with_extension("new");
        std::fs::write(&new, format!("{days:+}d\n"))?;
        Ok(std::fs::rename(&new, &self.file)?)
    }
}
