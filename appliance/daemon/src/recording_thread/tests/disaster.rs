//! Processes that are killed, disks that are full, and what an earlier run left behind.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use super::bench::{BUFFER, Bench, program, samples_of};
use super::{ramp, soxi};
use crate::recording_thread::*;

/// Tells a process that is started by a test what its folder is.
const FOLDER: &str = "TANDEM_TEST_RECORDING_FOLDER";

/// This program, to run nothing but one of its tests, with a folder.
fn ourselves(test: &str, folder: &Path) -> Vec<String> {
    let program = std::env::current_exe().expect("a process knows its program");
    let test = format!("recording_thread::tests::disaster::{test}");
    let folder = format!("{FOLDER}={}", folder.display());
    ["env", &folder, &program.to_string_lossy(), "--exact", &test, "--nocapture"].map(String::from).to_vec()
}

/// Records in real time until it is killed, and says after each buffer how many samples it has handed over. Without a folder, which
/// only [`a_killed_process_leaves_everything_but_two_seconds`] gives it, it has nothing to do.
#[test]
fn records_until_it_is_killed() {
    let Ok(folder) = std::env::var(FOLDER) else { return };
    let mut bench = Bench::at(Path::new(&folder), program("false", &[]), 0);
    bench.start("call.mp3", Layout::Mono, SampleRate::Khz8);
    let start = Instant::now();
    for turn in 0.. {
        // A buffer is handed over when it is full.
        std::thread::sleep((start + limits::RECORDING_BUFFER * (turn + 1)).saturating_duration_since(Instant::now()));
        bench.write_some(&ramp(turn as usize * BUFFER, BUFFER));
        println!("recorded {}", (turn as usize + 1) * BUFFER);
    }
}

#[test]
fn a_killed_process_leaves_everything_but_two_seconds() {
    let home = tempfile::tempdir().expect("the temporary folder is writable");
    let command = ourselves("records_until_it_is_killed", home.path());
    let child = Command::new(&command[0]).args(&command[1..]).stdout(Stdio::piped()).spawn();
    let mut child = child.expect("this program can be started");
    let lines = BufReader::new(child.stdout.take().expect("it was asked for")).lines();
    let recorded = lines.map_while(Result::ok).filter_map(|line| line.strip_prefix("recorded ")?.parse::<u64>().ok());
    // Not right behind a sync, as far as that can be known: each takes another moment of the second.
    let recorded = recorded.take(14).last().expect("it records");
    child.kill().and_then(|()| child.wait()).expect("it runs until it is killed");

    let path = home.path().join("call.mp3.wav");
    let (channels, rate, seen) = soxi(&path);
    assert_eq!((channels, rate, recorded), (1, 8_000, 14 * BUFFER as u64));
    assert!(seen + 2 * 8_000 >= recorded, "{seen} of {recorded} samples can be played");
    let on_disk = samples_of(&path);
    assert!(on_disk == ramp(0, on_disk.len()) && (on_disk.len() + BUFFER) as u64 >= recorded, "{}", on_disk.len());

    // The next start finds it, and nothing of it is lost.
    let mut bench = Bench::in_folder(home, program("/bin/cp", &["--"]), 0);
    let file = match bench.report() {
        Report::Recovered { file } => file,
        other => panic!("{other:?}"),
    };
    let duration = Duration::from_micros(on_disk.len() as u64 * 125);
    assert_eq!((file.path.to_str(), file.duration), (Some("call.mp3.wav"), duration));
    assert!(matches!(bench.report(), Report::Converted { file } if file.duration == duration));
    assert_eq!(soxi_of_wav(&bench.path("call.mp3")), on_disk.len() as u64);
    bench.quit();
}

/// The copy that stands for an MP3 here is a WAV file.
fn soxi_of_wav(path: &Path) -> u64 {
    let copy = path.with_extension("copy.wav");
    fs::copy(path, &copy).expect("it can be copied");
    soxi(&copy).2
}

/// Records until the disk is full. Without a folder, which only [`a_full_disk_ends_the_recording_and_spoils_nothing`] gives it, it has
/// nothing to do.
#[test]
fn records_until_the_disk_is_full() {
    let Ok(folder) = std::env::var(FOLDER) else { return };
    let folder = Path::new(&folder);
    let mut bench = Bench::at(folder, program("false", &[]), 0);
    bench.start("call.wav", Layout::Stereo, SampleRate::Khz8);
    // One MiB is 32 s of this.
    const TURNS: usize = 500_000 / 2 / BUFFER;
    for turn in 0..TURNS {
        bench.write_some(&ramp(turn * 2 * BUFFER, 2 * BUFFER));
    }
    let more = RecordedBuffer { pcm: vec![0; 64_000].into(), len: 64_000, last: false };
    bench.order(Order::Write { recording: super::bench::ID, buffer: more });
    assert_eq!(bench.failure(), "the disk is full");
    assert!(matches!(bench.report(), Report::Failed { reason, .. } if reason == "the disk is full"));
    let Report::Written { file: Some(file), .. } = bench.report() else { panic!("it is over") };
    let path = folder.join("call.wav");
    let on_disk = samples_of(&path);
    assert!(on_disk.len() > 900_000 / 2, "{}", on_disk.len());
    assert_eq!(soxi(&path), (2, 8_000, file.duration.as_micros() as u64 / 125));
    assert_eq!(file.octets, fs::metadata(&path).expect("it is there").len());
    let whole = on_disk.len().min(TURNS * 2 * BUFFER);
    assert!(on_disk[..whole] == ramp(0, whole));
    println!("the disk was full");
}

#[test]
fn a_full_disk_ends_the_recording_and_spoils_nothing() {
    // A disk of one MiB in a namespace of its own needs no root.
    let home = tempfile::tempdir().expect("the temporary folder is writable");
    let place = home.path().display().to_string();
    let mount = "mount -t tmpfs -o size=1m,mode=700 none \"$1\" && shift && exec \"$@\"";
    let command = ourselves("records_until_the_disk_is_full", home.path());
    let output = Command::new("unshare")
        .args(["--map-root-user", "--mount", "sh", "-c", mount, "sh", &place])
        .args(command)
        .output()
        .expect("unshare is part of every system");
    let said = String::from_utf8_lossy(&output.stdout);
    let complained = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && said.contains("the disk was full"), "{said}\n{complained}");
}

#[test]
fn what_an_earlier_run_left_is_looked_after() {
    let home = tempfile::tempdir().expect("the temporary folder is writable");
    let put = |name: &str, octets: &[u8]| {
        let path = home.path().join(name);
        fs::create_dir_all(path.parent().expect("it has a folder")).expect("it is writable");
        fs::write(path, octets).expect("it is writable");
    };
    let whole = {
        let mut bench = Bench::new(program("false", &[]));
        bench.start("whole.wav", Layout::Mono, SampleRate::Khz8);
        bench.write(&ramp(0, 800));
        bench.report();
        fs::read(bench.path("whole.wav")).expect("it was written")
    };
    let mut unfinished = whole.clone();
    unfinished[76..80].fill(0);
    put("whole.wav", &whole);
    put("2026/unfinished.wav", &unfinished);
    put("2026/cut.mp3.wav", &unfinished[..unfinished.len() - 401]);
    put("2026/empty.mp3.wav", &[]);
    put("2026/head.mp3.wav", &whole[..80]);
    put("half.mp3.part", b"half");
    put("half.mp3.wav", &whole);
    put("done.mp3", b"good");
    put("done.mp3.wav", &whole);
    put("foreign.wav", b"RIFF....WAVEnothing of ours");
    put("foreign.part", b"nothing of ours");

    let mut bench = Bench::in_folder(home, program("/bin/cp", &["--"]), 0);
    let file = |name: &str, moments: u64, octets: u64| RecordedFile {
        path: name.into(),
        duration: Duration::from_micros(moments * 125),
        octets,
    };
    assert_eq!(bench.report(), Report::Recovered { file: file("2026/cut.mp3.wav", 599, 80 + 1_199) });
    assert_eq!(bench.report(), Report::Recovered { file: file("2026/unfinished.wav", 800, 80 + 1_600) });
    assert_eq!(bench.report(), Report::Converted { file: file("2026/cut.mp3", 599, 80 + 1_199) });
    assert_eq!(bench.report(), Report::Converted { file: file("half.mp3", 800, 80 + 1_600) });
    assert_eq!(
        bench.files(),
        ["2026/cut.mp3", "2026/unfinished.wav", "done.mp3", "foreign.part", "foreign.wav", "half.mp3", "whole.wav"]
    );
    assert!(fs::read(bench.path("2026/unfinished.wav")).expect("it is there") == whole);
    let (_, reports) = bench.quit();
    assert_eq!(reports, []);
}
