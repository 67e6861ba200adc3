//! Whatever a new slot is like, the box ends with an exchange that runs: in the new one if it is good, else in the old one.
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use anyhow::{Result, ensure};
use hal::slot::{BootState, Reason, Slot};
use qemu::{Disk, Firmware, Machine, Part, Replacement, Root, Setup};
use tempfile::TempDir;

/// More than a trial may take on a host that is busy.
const LIMIT: Duration = Duration::from_secs(180);
/// No build of the image is as new as this one.
const NEWER: u64 = 9_000_000_000;

/// A disk with a new slot B, which is tried at the next start.
fn updated(root: Option<&Root>) -> Result<Disk> {
    let disk = Disk::fresh()?;
    disk.fill(Slot::B, NEWER, root)?;
    disk.change_state(|state| state.begin_trial(1))?;
    Ok(disk)
}

fn boot(disk: &Disk) -> Result<Machine> {
    Machine::boot(&Setup::new(disk)?.firmware(Firmware::UBoot))
}

/// For a slot that will never be healthy: it does not get all the time that one on a slow box may need.
fn boot_impatiently(disk: &Disk) -> Result<Machine> {
    Machine::boot(&Setup::new(disk)?.firmware(Firmware::UBoot).word("tandem.trial=15"))
}

/// Waits until the old slot runs its exchange again, and says so in its state.
fn falls_back(machine: &mut Machine, disk: &Disk, reason: Reason) -> Result<()> {
    machine.wait_for(&format!("boot: slot b was given up: {}", reason.name()), LIMIT)?;
    runs_in(machine, Slot::A)?;
    let state = disk.state()?;
    ensure!((state.permanent(), state.on_trial()) == (Slot::A, None), "{state:?}");
    remembers(&state, reason)
}

/// Holds that the state says why slot B was given up, unless the exchange has told that by an event already.
fn remembers(state: &BootState, reason: Reason) -> Result<()> {
    let failure = state.failure().map(|failure| (failure.slot, failure.reason));
    ensure!(failure.is_none_or(|failure| failure == (Slot::B, reason)), "{state:?}");
    Ok(())
}

fn runs_in(machine: &mut Machine, slot: Slot) -> Result<()> {
    machine.wait_for(&format!("init: slot {slot}"), LIMIT)?;
    machine.wait_for("tandem answers", LIMIT)?;
    qemu::first_register(machine.sip(), LIMIT)
}

/// A static program for the board, from some C.
fn program(source: &str) -> Result<(TempDir, PathBuf)> {
    let folder = tempfile::tempdir()?;
    let (input, output) = (folder.path().join("program.c"), folder.path().join("program"));
    std::fs::write(&input, source)?;
    let status = Command::new("aarch64-linux-gnu-gcc").args(["-static", "-o"]).arg(&output).arg(&input).status()?;
    ensure!(status.success(), "the compiler ends with {status}");
    Ok((folder, output))
}

/// A root whose exchange is this program.
fn root_with(source: &str) -> Result<Root> {
    let (_folder, program) = program(source)?;
    Root::with(&Replacement { path: "bin/tandem", with: program })
}

#[test]
fn a_good_slot_becomes_permanent() -> Result<()> {
    let disk = updated(None)?;
    let mut machine = boot(&disk)?;
    machine.wait_for("boot: slot b, on trial", LIMIT)?;
    machine.wait_for(&format!("boot: version test {NEWER}, build {NEWER}"), LIMIT)?;
    machine.wait_for("init: slot b, on trial", LIMIT)?;
    machine.wait_for("tandem answers", LIMIT)?;
    machine.wait_for("slot b is healthy and made permanent", LIMIT)?;
    machine.power_button()?;
    machine.wait_off(LIMIT)?;
    let state = disk.state()?;
    ensure!((state.permanent(), state.on_trial(), state.failure()) == (Slot::B, None, None), "{state:?}");
    runs_in(&mut boot(&disk)?, Slot::B)
}

#[test]
fn a_kernel_that_is_damaged_is_not_started() -> Result<()> {
    let disk = updated(None)?;
    disk.damage(Slot::B, Part::Kernel)?;
    let mut machine = boot(&disk)?;
    machine.wait_for("boot: the kernel is not the one that was written", LIMIT)?;
    machine.wait_for("boot: slot b cannot be started: damaged", LIMIT)?;
    runs_in(&mut machine, Slot::A)?;
    ensure!(machine.console().contains("slot b was given up: damaged"), "{}", machine.console());
    remembers(&disk.state()?, Reason::Damaged)
}

#[test]
fn a_kernel_that_panics_is_tried_once() -> Result<()> {
    let disk = updated(None)?;
    disk.damage(Slot::B, Part::Root)?;
    let mut machine = boot(&disk)?;
    machine.wait_for("boot: slot b, on trial", LIMIT)?;
    machine.wait_for("Kernel panic", LIMIT)?;
    falls_back(&mut machine, &disk, Reason::NotFinished)
}

#[test]
fn an_exchange_that_crashes_is_not_kept() -> Result<()> {
    let root = root_with("int main(void) { return *(volatile int *)0; }")?;
    let disk = updated(Some(&root))?;
    let mut machine = boot_impatiently(&disk)?;
    machine.wait_for("init: slot b, on trial", LIMIT)?;
    machine.wait_for("tandem has ended", LIMIT)?;
    machine.wait_for("slot b is not healthy in time", LIMIT)?;
    falls_back(&mut machine, &disk, Reason::NotHealthy)
}

#[test]
fn an_exchange_that_hangs_is_not_kept() -> Result<()> {
    let root = root_with("#include <unistd.h>\nint main(void) { for (;;) pause(); }")?;
    let disk = updated(Some(&root))?;
    let mut machine = boot_impatiently(&disk)?;
    machine.wait_for("tandem is started", LIMIT)?;
    machine.wait_for("slot b is not healthy in time", LIMIT)?;
    falls_back(&mut machine, &disk, Reason::NotHealthy)
}

#[test]
fn a_power_cut_in_a_trial_brings_the_old_slot_back() -> Result<()> {
    let disk = updated(None)?;
    let mut machine = boot(&disk)?;
    machine.wait_for("init: slot b, on trial", LIMIT)?;
    machine.kill()?;
    falls_back(&mut boot(&disk)?, &disk, Reason::NotFinished)
}

#[test]
fn a_damaged_copy_of_the_state_changes_nothing_and_without_both_the_slots_tell() -> Result<()> {
    let disk = Disk::fresh()?;
    disk.fill(Slot::B, NEWER, None)?;
    disk.change_state(|state| _ = state.swap(Reason::Ordered))?;
    for copy in [0, 1] {
        disk.damage_state(copy)?;
        let mut machine = boot(&disk)?;
        runs_in(&mut machine, Slot::B)?;
        machine.kill()?;
        disk.change_state(|state| state.forget_failure())?;
    }
    disk.damage_state(0)?;
    disk.damage_state(1)?;
    let mut machine = boot(&disk)?;
    machine.wait_for("boot: the boot state is lost", LIMIT)?;
    // The newer one has to prove itself again, as nobody knows whether it ever did.
    machine.wait_for("boot: slot b, on trial", LIMIT)?;
    machine.wait_for("slot b is healthy and made permanent", LIMIT)?;
    ensure!(disk.state()?.permanent() == Slot::B);
    Ok(())
}

#[test]
fn a_permanent_slot_that_is_worn_out_gives_way_to_the_other() -> Result<()> {
    let disk = Disk::fresh()?;
    disk.fill(Slot::B, 1, None)?;
    disk.damage(Slot::A, Part::Kernel)?;
    let mut machine = boot(&disk)?;
    machine.wait_for("boot: slot a cannot be started: damaged", LIMIT)?;
    runs_in(&mut machine, Slot::B)?;
    machine.kill()?;
    disk.damage(Slot::B, Part::Kernel)?;
    let mut machine = boot(&disk)?;
    machine.wait_for("boot: the box cannot be started: neither slot holds an image that runs", LIMIT).map(drop)
}

#[test]
fn edk_ii_starts_the_same_disk() -> Result<()> {
    let disk = updated(None)?;
    let setup = Setup::new(&disk)?.firmware(Firmware::Uefi);
    let mut machine = Machine::boot(&setup)?;
    machine.wait_for("boot: slot b, on trial", LIMIT)?;
    machine.wait_for("slot b is healthy and made permanent", LIMIT)?;
    qemu::first_register(machine.sip(), LIMIT)
}
