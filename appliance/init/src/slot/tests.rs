//! A state and a slot in files that stand for partitions.
use super::*;

fn running(folder: &Path, state: BootState) -> Running {
    let state_partition = folder.join("state");
    File::create(&state_partition).and_then(|file| file.set_len(1 << 20)).expect("the folder is ours");
    save(&mut open(&state_partition).expect("it was just made"), &state).expect("it is a file");
    Running { slot: Slot::B, partition: folder.join("slot"), state_partition, state }
}

fn on_trial() -> BootState {
    let mut state = BootState::new(Slot::A);
    state.begin_trial(1);
    assert_eq!(state.start(), Slot::B);
    state
}

#[test]
fn the_end_of_a_trial_is_written_down() {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let mut proven = running(folder.path(), on_trial());
    assert!(proven.is_on_trial());
    proven.change(|state| state.make_permanent(0));
    assert!(!proven.is_on_trial());
    let read = load(&mut open(&proven.state_partition).expect("it is there")).expect("it is whole");
    assert_eq!((read.permanent(), read.on_trial()), (Slot::B, None));

    let mut failed = running(folder.path(), on_trial());
    failed.change(|state| state.fall_back(Reason::NotHealthy));
    let read = load(&mut open(&failed.state_partition).expect("it is there")).expect("it is whole");
    assert_eq!((read.permanent(), read.failure().map(|failure| failure.slot)), (Slot::A, Some(Slot::B)));
}

#[test]
fn a_state_that_is_gone_leaves_the_trial_to_its_tries() {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let mut running = running(folder.path(), on_trial());
    fs::remove_file(&running.state_partition).expect("it was just made");
    running.change(|state| state.make_permanent(0));
    assert!(running.is_on_trial());
}

#[test]
fn a_system_on_which_nothing_answers_fails_and_is_restarted() {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let running = running(folder.path(), on_trial());
    let state_partition = running.state_partition.clone();
    let (port, sip) = (ports::free(1), ports::free(1));
    let words = format!("tandem.http=127.0.0.1:{port} tandem.sip=127.0.0.1:{sip} tandem.trial=1");
    let (settings, complaints) = Settings::parse(&words);
    assert!(complaints.is_empty(), "{complaints:?}");
    let (sender, events) = smol::channel::unbounded();
    let long_ago = Instant::now() - Duration::from_secs(2);
    smol::block_on(running.examine(settings, long_ago, sender));
    assert!(matches!(events.try_recv(), Ok(Event::Wish(Wish::Restart))));
    let read = load(&mut open(&state_partition).expect("it is there")).expect("it is whole");
    assert_eq!(read.failure().map(|failure| failure.reason), Some(Reason::NotHealthy));
}

#[test]
fn a_trailer_is_read_from_the_end() {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let path = folder.path().join("slot");
    let part = |offset| hal::slot::Part { offset, length: 1, sha256: [0; 32] };
    let version = "0.1.0".try_into().expect("it is short");
    let written = Trailer { build: 7, version, kernel: part(4096), root: part(0) };
    let mut file = File::create_new(&path).expect("the folder is ours");
    file.set_len(16384).expect("the folder is ours");
    file.write_at(12288, &written.encode()).expect("the folder is ours");
    assert_eq!(trailer(&path).expect("it is whole"), written);
    file.write_at(12288, &[0]).expect("the folder is ours");
    assert!(trailer(&path).is_err());
    file.set_len(100).expect("the folder is ours");
    assert!(trailer(&path).is_err());
}
