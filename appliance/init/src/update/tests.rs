//! Bundles written into files that stand for partitions, and onto disks that lose their power.
use std::fs;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use bundle::{Manifest, Part, PartName, PrivateKey, sign};
use hal::Error;
use hal::slot::{BootState, Slot, Trailer, load, save};
use hal::storage::Storage;
use sha2::{Digest, Sha256};

use super::*;

/// The build of bundles here; what runs is older.
pub const BUILD: u64 = 1_790_000_000;
/// Octets of a slot.
const SLOT: u64 = 2 << 20;
const KERNEL: &[u8] = &[0x4b; 5_000];

fn key() -> PrivateKey {
    PrivateKey::from_seed(&[1; 32])
}

fn trusted() -> Trusted {
    Trusted::new(vec![key().public()])
}

/// A bundle with a root of so many octets.
pub fn bundle(build: u64, root: usize) -> Vec<u8> {
    let root: Vec<u8> = (0..root).map(|at| (at / 7) as u8).collect();
    let part = |name, octets: &[u8]| Part { name, size: octets.len() as u64, sha256: Sha256::digest(octets).into() };
    let parts = vec![part(PartName::Root, &root), part(PartName::Kernel, KERNEL)];
    let manifest = Manifest { board: "qemu_virt".into(), build, version: "0.2.0".into(), floor: 0, parts };
    [&sign(&manifest, &[key()]).expect("it is a good manifest")[..], &root, KERNEL].concat()
}

/// Files that stand for the partitions of a box whose slot A runs.
pub struct Disks {
    folder: tempfile::TempDir,
}

impl Disks {
    pub fn new() -> Disks {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let disks = Disks { folder };
        for (name, length) in [("slot_a", SLOT), ("slot_b", SLOT), ("boot_state", 1 << 20)] {
            let file = File::create(disks.at(name)).expect("the folder is ours");
            file.set_len(length).expect("the disk has room");
        }
        let mut state = open(&disks.at("boot_state")).expect("it was just made");
        save(&mut state, &BootState::new(Slot::A)).expect("the folder is ours");
        disks
    }

    fn at(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The updater of a box that runs from this slot.
    pub fn updater(&self, running: Slot) -> Updater {
        let partitions = Slot::ALL.map(|slot| self.at(slot.partition()));
        let slots = Slots { running, partitions, state: self.at("boot_state") };
        Updater::new((Ok(slots), "qemu_virt".to_owned()), 1_700_000_000, trusted())
    }

    /// What is started the next time.
    pub fn state(&self) -> BootState {
        load(&mut open(&self.at("boot_state")).expect("it is there")).expect("it is whole")
    }

    fn change_state(&self, how: impl FnOnce(&mut BootState)) {
        let mut state = self.state();
        how(&mut state);
        save(&mut open(&self.at("boot_state")).expect("it is there"), &state).expect("the folder is ours");
    }
}

fn install(updater: &Updater, bundle: &[u8]) -> Result<Content, Trouble> {
    let mut running = updater.begin()?;
    bundle.chunks(10_000).try_for_each(|octets| running.installation.handle(octets))?;
    running.finish(|_| {})
}

#[test]
fn a_bundle_ends_where_the_trailer_says() {
    let disks = Disks::new();
    let updater = disks.updater(Slot::A);
    let octets = bundle(BUILD, 1_000_001);
    let content = Content { build: BUILD, version: "0.2.0".into() };
    assert_eq!(install(&updater, &octets), Ok(content.clone()));
    let slot = fs::read(disks.at("slot_b")).expect("it is there");
    let last = slot.last_chunk::<TRAILER_LENGTH>().expect("a slot is long");
    let trailer = Trailer::decode(last, SLOT).expect("it is whole");
    for (part, end) in [(trailer.root, octets.len() - KERNEL.len()), (trailer.kernel, octets.len())] {
        let (at, length) = (part.offset as usize, part.length as usize);
        assert!(slot[at..at + length] == octets[end - length..end], "{part:?}");
        assert_eq!(part.sha256, Sha256::digest(&slot[at..at + length])[..]);
    }
    assert_eq!(trailer.kernel.offset % 4_096, 0);
    let standing = updater.standing().expect("it can be read");
    assert_eq!(
        (standing.of(Slot::B), standing.on_trial),
        (Some(&content), None),
        "it is not tried before somebody says so"
    );
    assert_eq!(updater.switch(), Ok(content));
    assert_eq!((disks.state().on_trial(), disks.state().tries_left()), (Some(Slot::B), Some(1)));
    assert!(
        fs::read(disks.at("slot_a")).expect("it is there").iter().all(|octet| *octet == 0),
        "what runs is left alone"
    );
}

#[test]
fn before_a_signature_was_found_good_nothing_is_touched() {
    let disks = Disks::new();
    let updater = disks.updater(Slot::A);
    install(&updater, &bundle(BUILD, 100_000)).expect("it is good");
    updater.switch().expect("it can be tried");
    let (slot, state) = (fs::read(disks.at("slot_b")).expect("it is there"), disks.state());
    let mut changed = bundle(BUILD + 1, 200_000);
    changed[50] ^= 1;
    let faults = [
        (changed, "WRONG_SIGNATURE"),
        (bundle(1_699_999_999, 200_000), "BELOW_FLOOR"),
        (bundle(BUILD, SLOT as usize), "TOO_LARGE"),
        (b"no bundle at all, nor like one".to_vec(), "NO_BUNDLE"),
    ];
    for (octets, reason) in faults {
        assert_eq!(install(&updater, &octets).expect_err(reason).reason, reason);
        assert!(fs::read(disks.at("slot_b")).expect("it is there") == slot && disks.state() == state, "{reason}");
    }
}

#[test]
fn one_that_breaks_off_or_is_damaged_leaves_an_empty_slot_that_is_not_started() {
    let disks = Disks::new();
    let updater = disks.updater(Slot::A);
    let good = bundle(BUILD, 600_000);
    let mut damaged = good.clone();
    damaged[500_000] ^= 1;
    for (octets, reason) in
        [(&good[..300_000], "TRUNCATED"), (&damaged, "WRONG_HASH"), (&[&good[..], b"x"].concat(), "TOO_LONG")]
    {
        install(&updater, &good).expect("it is good");
        updater.switch().expect("it can be tried");
        assert_eq!(install(&updater, octets).expect_err(reason).reason, reason);
        let standing = updater.standing().expect("it can be read");
        assert_eq!((standing.of(Slot::B), standing.on_trial, standing.failure), (None, None, None), "{reason}");
        assert_eq!(updater.switch().expect_err("there is nothing").reason, "EMPTY_SLOT");
    }
}

#[test]
fn one_at_a_time_and_none_from_a_version_on_trial() {
    let disks = Disks::new();
    let updater = disks.updater(Slot::A);
    let first = updater.begin().expect("nobody else does");
    assert_eq!(updater.clone().begin().err().map(|trouble| trouble.reason), Some("BUSY"));
    assert_eq!(updater.switch().expect_err("one is being written").reason, "BUSY");
    drop(first);
    install(&updater, &bundle(BUILD, 1_000)).expect("the place is free again");
    disks.change_state(|state| {
        state.begin_trial(1);
        state.start();
    });
    let tried = disks.updater(Slot::B);
    assert_eq!(tried.begin().err().map(|trouble| trouble.reason), Some("ON_TRIAL"));
    disks.change_state(|state| state.make_permanent(BUILD));
    assert_eq!(install(&tried, &bundle(BUILD - 1, 1_000)).expect_err("the floor has risen").reason, "BELOW_FLOOR");
    install(&tried, &bundle(BUILD + 5, 1_000)).expect("the other slot is free");
}

#[test]
fn a_version_below_the_floor_is_not_gone_back_to() {
    let disks = Disks::new();
    install(&disks.updater(Slot::A), &bundle(BUILD, 1_000)).expect("it is good");
    disks.change_state(|state| {
        state.begin_trial(1);
        state.make_permanent(BUILD);
    });
    install(&disks.updater(Slot::B), &bundle(BUILD + 1, 1_000)).expect("it is good");
    disks.change_state(|state| {
        state.begin_trial(1);
        state.make_permanent(BUILD + 1);
    });
    let trouble = disks.updater(Slot::A).switch().expect_err("slot B holds the older one");
    assert_eq!(trouble.reason, "BELOW_FLOOR", "{trouble}");
}

#[test]
fn a_box_without_slots_says_so() {
    let none = Slots::find("console=ttyAMA0 tandem.slot=a", Path::new("/nowhere"));
    let updater = Updater::new((none, "qemu_virt".to_owned()), 0, trusted());
    for trouble in [updater.begin().err(), updater.standing().err(), updater.switch().err()] {
        assert_eq!(trouble.map(|trouble| trouble.reason), Some("NO_SLOTS"));
    }
    assert!(Slots::find("quiet", Path::new("/sys/class/block")).is_err());
}

/// A disk that loses its power after so many octets; or keeps an octet badly.
struct Disk<'a> {
    octets: &'a Mutex<Vec<u8>>,
    power: &'a Mutex<u64>,
    worn: Option<usize>,
}

impl Storage for Disk<'_> {
    fn read_at(&mut self, offset: u64, octets: &mut [u8]) -> Result<(), Error> {
        let disk = self.octets.lock().unwrap_or_else(PoisonError::into_inner);
        octets.copy_from_slice(&disk[offset as usize..][..octets.len()]);
        Ok(())
    }

    fn write_at(&mut self, offset: u64, octets: &[u8]) -> Result<(), Error> {
        let mut power = self.power.lock().unwrap_or_else(PoisonError::into_inner);
        let length = (octets.len() as u64).min(*power);
        *power -= length;
        let mut disk = self.octets.lock().unwrap_or_else(PoisonError::into_inner);
        disk[offset as usize..][..length as usize].copy_from_slice(&octets[..length as usize]);
        if let Some(worn) = self.worn {
            disk[worn] = 0xee;
        }
        if length < octets.len() as u64 { Err(Error::Refused("disk", 5)) } else { Ok(()) }
    }

    fn flush(&mut self) -> Result<(), Error> {
        if *self.power.lock().unwrap_or_else(PoisonError::into_inner) == 0 {
            Err(Error::Refused("disk", 5))
        } else {
            Ok(())
        }
    }
}

impl Medium for Disk<'_> {
    fn forget(&mut self) {}

    fn rest(&mut self, _: Duration) {}
}

/// Installs onto such disks; what slot B and the boot state are then.
fn install_until(power: u64, worn: Option<usize>) -> (Result<Content, Trouble>, Option<Trailer>, BootState) {
    let (octets, boot) = (Mutex::new(vec![0; SLOT as usize]), Mutex::new(vec![0; 1 << 20]));
    let power = Mutex::new(power);
    let always = Mutex::new(u64::MAX);
    let mut before = BootState::new(Slot::A);
    before.begin_trial(1);
    save(&mut Disk { octets: &boot, power: &always, worn: None }, &before).expect("the power is on");
    let old = Trailer {
        build: 5,
        version: "old".try_into().expect("it is short"),
        kernel: hal::slot::Part { offset: 4_096, length: 1, sha256: [0; 32] },
        root: hal::slot::Part { offset: 0, length: 1, sha256: [0; 32] },
    };
    let trailer_at = SLOT as usize - TRAILER_LENGTH;
    octets.lock().unwrap_or_else(PoisonError::into_inner)[trailer_at..].copy_from_slice(&old.encode());
    let bundle = bundle(BUILD, 300_000);
    let install = || {
        let disk = |octets, worn| Disk { octets, power: &power, worn };
        let expected = Expected { board: "qemu_virt".into(), floor: 0, room: SLOT - TRAILER_LENGTH as u64 };
        let reader = Reader::new(trusted(), expected);
        let (slot, state) = ((disk(&octets, worn), SLOT), (disk(&boot, None), Slot::A));
        let mut installation = Installation::new(reader, slot, state);
        bundle.chunks(4_000).try_for_each(|octets| installation.handle(octets))?;
        installation.finish(|_| {})
    };
    let outcome = install();
    let disk = octets.lock().unwrap_or_else(PoisonError::into_inner);
    let trailer = Trailer::decode(disk.last_chunk().expect("a slot is long"), SLOT).ok();
    if let Some(trailer) = trailer.as_ref().filter(|trailer| trailer.build == BUILD) {
        for part in [&trailer.root, &trailer.kernel] {
            let content = &disk[part.offset as usize..][..part.length as usize];
            assert_eq!(Sha256::digest(content)[..], part.sha256, "a slot that calls itself whole is whole");
        }
    }
    drop(disk);
    let state = load(&mut Disk { octets: &boot, power: &always, worn: None }).expect("one copy is always whole");
    (outcome, trailer, state)
}

#[test]
fn wherever_the_power_is_cut_the_old_slot_is_started_and_no_half_one_calls_itself_whole() {
    let needed = 128 + TRAILER_LENGTH as u64 * 2 + 300_000 + KERNEL.len() as u64;
    let around = |at: u64| at.saturating_sub(3)..at + 3;
    let moments =
        around(0).chain(around(64)).chain(around(128)).chain(around(128 + 4_096)).chain(around(needed - 4_096));
    let mut whole = 0;
    for power in moments.chain((0..needed + 2_000).step_by(1_733)).chain([needed + 1]) {
        let (outcome, trailer, state) = install_until(power, None);
        assert_eq!(state.permanent(), Slot::A, "cut after {power} octets");
        match trailer.map(|trailer| trailer.build) {
            // Before the first octet of the slot was written all is as it was.
            Some(5) => assert!(power <= 128 + TRAILER_LENGTH as u64 && outcome.is_err(), "cut after {power} octets"),
            Some(build) => {
                assert!(build == BUILD && state.on_trial().is_none(), "cut after {power} octets");
                whole += 1;
            }
            None => assert!(outcome.is_err() && state.on_trial().is_none(), "cut after {power} octets"),
        }
    }
    assert!(whole > 0);
}

#[test]
fn a_flash_that_does_not_keep_what_is_written_is_found_out() {
    for worn in [0, 123_456, 304_000, SLOT as usize - 2_000] {
        let (outcome, trailer, _) = install_until(u64::MAX, Some(worn));
        assert_eq!(outcome.expect_err("an octet is wrong").reason, "READ_BACK", "{worn}");
        assert!(trailer.is_none_or(|trailer| trailer.build != BUILD), "{worn}");
    }
}
