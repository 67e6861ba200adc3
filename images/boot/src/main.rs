//! What the firmware starts: picks a slot by the boot state, and starts its kernel.
//!
//! A slot on trial is started only after its try has been written down, so that whatever happens then is undone at the next
//! start. A slot whose kernel cannot be started gives way to the other one. When neither can, this program says so and returns
//! to the firmware: there is nothing it could try again.
#![no_std]
#![no_main]

extern crate alloc;

mod disk;
mod kernel;

use alloc::format;
use alloc::string::String;

use hal::slot::{BootState, Reason, STATE_PARTITION, Slot, load, save};
use uefi::boot;
use uefi::fs::FileSystem;
use uefi::{Status, cstr16, entry, println};

use disk::{Disk, Window};

/// The longest command line the kernel takes.
const LONGEST_COMMAND_LINE: usize = 2048;
/// What the kernel needs when nobody says more.
const COMMAND_LINE: &str = "rootfstype=squashfs ro init=/bin/tandem-init panic=1";

#[entry]
fn main() -> Status {
    if uefi::helpers::init().is_err() {
        return Status::UNSUPPORTED;
    }
    let wrong = match Disk::own() {
        Ok(mut disk) => run(&mut disk),
        Err(wrong) => wrong,
    };
    println!("boot: the box cannot be started: {wrong}");
    Status::LOAD_ERROR
}

/// Starts a slot, else the other one; returns only if neither can be started.
fn run(disk: &mut Disk) -> &'static str {
    let mut state = current(disk);
    let before = state.generation();
    let mut slot = state.start();
    if let Some(failure) = state.failure() {
        println!("boot: slot {} was given up: {}", failure.slot, failure.reason.name());
    }
    if state.generation() != before && !remember(disk, &state) && state.on_trial() == Some(slot) {
        slot = state.fall_back(Reason::NotStarted);
    }
    for _ in Slot::ALL {
        let trial = if state.on_trial() == Some(slot) { ", on trial" } else { "" };
        println!("boot: slot {slot}{trial}");
        let reason = start(disk, slot);
        println!("boot: slot {slot} cannot be started: {}", reason.name());
        slot = if state.on_trial() == Some(slot) { state.fall_back(reason) } else { state.swap(reason) };
        remember(disk, &state);
    }
    "neither slot holds an image that runs; write one to the disk"
}

/// The state as it stands on the disk, or one made up from what the slots hold.
fn current(disk: &mut Disk) -> BootState {
    let known = disk.partition(STATE_PARTITION).ok();
    if let Some(state) = known.and_then(|partition| load(&mut Window { disk, partition })) {
        return state;
    }
    println!("boot: the boot state is lost, and rebuilt from the slots");
    let builds = Slot::ALL.map(|slot| {
        let partition = disk.partition(slot.partition()).ok()?;
        kernel::trailer(&mut Window { disk, partition }).ok().map(|trailer| trailer.build)
    });
    let state = BootState::rebuilt(builds);
    remember(disk, &state);
    state
}

/// Writes the state; says so where that fails, since the box can be started all the same.
fn remember(disk: &mut Disk, state: &BootState) -> bool {
    let saved = disk.partition(STATE_PARTITION).and_then(|partition| save(&mut Window { disk, partition }, state));
    if let Err(error) = &saved {
        println!("boot: the boot state cannot be written: {error}");
    }
    saved.is_ok()
}

/// Starts this slot; returns only if that fails.
fn start(disk: &mut Disk, slot: Slot) -> Reason {
    let Ok(partition) = disk.partition(slot.partition()) else { return Reason::Damaged };
    let mut window = Window { disk, partition };
    let kernel = kernel::trailer(&mut window).and_then(|trailer| {
        println!("boot: version {}, build {}", trailer.version, trailer.build);
        kernel::read(&mut window, &trailer.kernel)
    });
    match kernel {
        Ok(kernel) => kernel::start(kernel, &command_line(slot)),
        Err(reason) => reason,
    }
}

/// What the kernel is told: the words of the boot partition, then which slot it is in.
fn command_line(slot: Slot) -> String {
    let words = boot::get_image_file_system(boot::image_handle()).ok().and_then(|file_system| {
        let octets = FileSystem::new(file_system).read(cstr16!("\\cmdline.txt")).ok()?;
        let words = String::from_utf8(octets).ok()?;
        (words.len() <= LONGEST_COMMAND_LINE).then_some(words)
    });
    let words = words.unwrap_or_else(|| {
        println!("boot: cmdline.txt cannot be used");
        String::from(COMMAND_LINE)
    });
    format!("{} root=PARTLABEL={} tandem.slot={slot}", words.trim(), slot.partition())
}
