//! When nothing else can help, the watchdog resets the box.
use std::time::Duration;

use anyhow::Result;
use qemu::{Disk, Machine, Setup};

const LIMIT: Duration = Duration::from_secs(60);

#[test]
fn a_box_whose_processor_hangs_is_reset_and_comes_back() -> Result<()> {
    let disk = Disk::fresh()?;
    let mut machine = Machine::boot(&Setup::new(&disk)?.word("tandem.watchdog=10"))?;
    machine.wait_for("tandem answers", LIMIT)?;
    machine.hang_processor()?;
    machine.wait_for_event("WATCHDOG", LIMIT)?;
    machine.wait_for_event("RESET", LIMIT)?;
    machine.wait_for("tandem answers", LIMIT)?;
    Ok(())
}

#[test]
fn a_box_whose_exchange_cannot_be_kept_alive_is_reset() -> Result<()> {
    let disk = Disk::fresh()?;
    let setup = Setup::new(&disk)?.word("tandem.watchdog=10").word("tandem.patience=3").word("tandem.rescue=1");
    let setup = setup.word("tandem.sip=nowhere");
    let mut machine = Machine::boot(&setup)?;
    machine.wait_for("tandem has ended", LIMIT)?;
    machine.wait_for("tandem has ended", LIMIT)?;
    machine.wait_for("the watchdog is no longer petted", LIMIT)?;
    machine.wait_for_event("WATCHDOG", LIMIT)?;
    machine.wait_for_event("RESET", LIMIT)?;
    Ok(())
}
