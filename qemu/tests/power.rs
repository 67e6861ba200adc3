//! The box comes up, answers, and goes down in good order.
use std::time::Duration;

use anyhow::Result;
use qemu::{Disk, Machine, Setup};

/// A machine without hardware help on a busy host is slow; what is measured elsewhere is not the point here.
const LIMIT: Duration = Duration::from_secs(60);

#[test]
fn it_answers_its_health_check_and_the_power_button_switches_it_off() -> Result<()> {
    let disk = Disk::fresh()?;
    let mut machine = Machine::boot(&Setup::new(&disk)?)?;
    machine.wait_for("eth0 has 10.0.2.15/24", LIMIT)?;
    machine.wait_for("tandem answers", LIMIT)?;
    assert_eq!(machine.request(("GET", "/healthz"), None, None)?.status, 200);
    machine.power_button()?;
    machine.wait_for("the power button was pressed", LIMIT)?;
    machine.wait_for("tandem has ended: exit status: 0", LIMIT)?;
    machine.wait_for("power off", LIMIT)?;
    machine.wait_off(LIMIT)?;
    assert!(!machine.console().contains("stays mounted"), "{}", machine.console());
    Ok(())
}

#[test]
fn it_gets_its_address_from_the_network() -> Result<()> {
    let disk = Disk::fresh()?;
    let mut machine = Machine::boot(&Setup::new(&disk)?.word("tandem.ip=dhcp"))?;
    machine.wait_for("eth0 has 10.0.2.15/24", LIMIT)?;
    machine.wait_for("tandem answers", LIMIT)?;
    assert_eq!(machine.request(("GET", "/healthz"), None, None)?.status, 200);
    Ok(())
}

#[test]
fn settings_that_make_no_sense_are_named_and_the_box_comes_up() -> Result<()> {
    let disk = Disk::fresh()?;
    let setup = Setup::new(&disk)?.word("tandem.watchdog=never").word("tandem.speed=11");
    let mut machine = Machine::boot(&setup)?;
    machine.wait_for("tandem.watchdog is ignored: \"never\" is not a number of seconds", LIMIT)?;
    machine.wait_for("tandem.speed is ignored: there is no such setting", LIMIT)?;
    machine.wait_for("tandem answers", LIMIT)?;
    Ok(())
}
