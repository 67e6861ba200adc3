//! What the flash has to take: octets written to the disk for a call, and in an hour in which nobody calls.

use std::time::Duration;

use anyhow::Result;

use crate::phones::{PAIRS, Phones};
use crate::print;
use crate::server::Prepared;

/// Calls, each alone, so that none shares a commit with another: the worst that a call can cost.
const CALLS: usize = 40;
/// How long nobody calls, of which an hour is reckoned.
const IDLE: Duration = Duration::from_secs(60);
/// Until what registrations and the first start brought is written, and copied.
const SETTLED: Duration = Duration::from_secs(12);

/// Octets that reach the disk, as the kernel counts them for the process (`write_bytes` of proc(5)).
pub fn measure(prepared: &Prepared) -> Result<()> {
    let server = prepared.start()?;
    let mut phones = Phones::register(server.sip, PAIRS)?;
    phones.brief = false;
    std::thread::sleep(SETTLED);
    let before = server.usage()?.written;
    for pair in 0..CALLS {
        phones.bring_up(pair..pair + 1, |_| None)?;
        phones.hang_up()?;
        while !phones.idle() {
            phones.turn(Duration::from_millis(20))?;
        }
        std::thread::sleep(Duration::from_millis(150));
    }
    std::thread::sleep(SETTLED);
    let after = server.usage()?.written;
    print("written_per_call", (after - before) as f64 / 1_024.0 / CALLS as f64, "KiB");
    std::thread::sleep(IDLE);
    let idle = (server.usage()?.written - after) as f64 * 3_600.0 / IDLE.as_secs_f64();
    print("written_per_idle_hour", idle / 1_048_576.0, "MiB");
    Ok(())
}
