//! What a process has used, from /proc.

use std::time::Duration;

use anyhow::{Context, Result};

/// Processor time and memory of a process at a moment.
#[derive(Debug, Clone, Copy)]
pub struct Usage {
    /// Processor time of all its threads since they started.
    pub cpu: Duration,
    /// Resident memory in KiB.
    pub resident_kib: u64,
}

impl Usage {
    /// Reads it. Threads that have ended are not counted, so compare moments between which none ends.
    pub fn of(pid: u32) -> Result<Usage> {
        let mut cpu = 0;
        for task in std::fs::read_dir(format!("/proc/{pid}/task")).context("the process is gone")? {
            let path = task?.path().join("schedstat");
            let text = std::fs::read_to_string(path).unwrap_or_default();
            cpu += text.split(' ').next().and_then(|ran| ran.parse::<u64>().ok()).unwrap_or_default();
        }
        let status = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("no VmRSS")?;
        let resident_kib = line.trim().trim_end_matches(" kB").parse().context("VmRSS is a number")?;
        Ok(Usage { cpu: Duration::from_nanos(cpu), resident_kib })
    }
}

/// Has the calling process, or thread, run on one core only.
pub fn pin_to(core: usize) -> std::io::Result<()> {
    // SAFETY: the set is made before it is used and outlives the call; 0 is the caller.
    let result = unsafe {
        let mut set: libc::cpu_set_t = std::mem::zeroed();
        libc::CPU_SET(core, &mut set);
        libc::sched_setaffinity(0, std::mem::size_of::<libc::cpu_set_t>(), &set)
    };
    if result == 0 { Ok(()) } else { Err(std::io::Error::last_os_error()) }
}
