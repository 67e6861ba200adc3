//! What a process has used, from /proc.

use std::io;
use std::time::Duration;

use anyhow::{Context, Result};

/// Processor time, memory and writing of a process at a moment.
#[derive(Debug, Clone, Copy)]
pub struct Usage {
    /// Processor time of all its threads, those that have ended as well.
    pub cpu: Duration,
    /// Resident memory in KiB.
    pub resident_kib: u64,
    /// Octets that it had written to the disk.
    pub written: u64,
}

impl Usage {
    /// Reads it.
    pub fn of(pid: u32) -> Result<Usage> {
        let cpu = cpu(pid).context("the process is gone")?;
        let status = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("no VmRSS")?;
        let resident_kib = line.trim().trim_end_matches(" kB").parse().context("VmRSS is a number")?;
        let io = std::fs::read_to_string(format!("/proc/{pid}/io"))?;
        let line = io.lines().find_map(|line| line.strip_prefix("write_bytes:")).context("no write_bytes")?;
        let written = line.trim().parse().context("write_bytes is a number")?;
        Ok(Usage { cpu, resident_kib, written })
    }
}

/// What the calling process has had of processor time.
pub fn own_cpu() -> io::Result<Duration> {
    cpu(std::process::id())
}

/// What the clock of the process `pid` shows, which runs while it does.
fn cpu(pid: u32) -> io::Result<Duration> {
    let mut clock: libc::clockid_t = 0;
    // SAFETY: both structures outlive the calls that fill them.
    let (error, time) = unsafe {
        let mut time: libc::timespec = std::mem::zeroed();
        let error = match libc::clock_getcpuclockid(pid as libc::pid_t, &mut clock) {
            0 if libc::clock_gettime(clock, &mut time) == 0 => 0,
            0 => return Err(io::Error::last_os_error()),
            error => error,
        };
        (error, time)
    };
    match error {
        0 => Ok(Duration::new(time.tv_sec as u64, time.tv_nsec as u32)),
        error => Err(io::Error::from_raw_os_error(error)),
    }
}

/// Has the calling process, or thread, run on one core only.
pub fn pin_to(core: usize) -> io::Result<()> {
    // SAFETY: the set is made before it is used and outlives the call; 0 is the caller.
    let result = unsafe {
        let mut set: libc::cpu_set_t = std::mem::zeroed();
        libc::CPU_SET(core, &mut set);
        libc::sched_setaffinity(0, std::mem::size_of::<libc::cpu_set_t>(), &set)
    };
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// Allows the calling process as many descriptors as it may have.
pub fn allow_descriptors() {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: the structure outlives both calls. Where they fail, sockets that lack will tell.
    unsafe {
        if libc::getrlimit(libc::RLIMIT_NOFILE, &mut limit) == 0 {
            limit.rlim_cur = limit.rlim_max;
            libc::setrlimit(libc::RLIMIT_NOFILE, &limit);
        }
    }
}
