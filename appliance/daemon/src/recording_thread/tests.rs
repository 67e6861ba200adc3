//! The thread with real files: what is on the disk while a recording grows, when it ends, and when it cannot go on.

mod bench;
mod disaster;

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use media::sound::SoundReader;

use super::*;
use bench::{BUFFER, Bench, ID, program, samples_of};

/// What `soxi` says of a file: channels, samples a second, samples of each channel.
fn soxi(path: &Path) -> (u32, u32, u64) {
    let number = |option: &str| {
        let output = Command::new("soxi").arg(option).arg(path).output().expect("sox is installed by tests/setup.sh");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).trim().parse::<u64>().expect("soxi prints numbers")
    };
    (number("-c") as u32, number("-r") as u32, number("-s"))
}

fn ramp(from: usize, len: usize) -> Vec<i16> {
    (from..from + len).map(|at| (at as i16).wrapping_mul(3)).collect()
}

#[test]
fn what_is_recorded_is_what_sox_reads() {
    let mut bench = Bench::new(program("false", &[]));
    bench.start("2026/11/call.wav", Layout::Stereo, SampleRate::Khz16);
    let pcm = ramp(0, 2 * 16_000 + 600);
    bench.write(&pcm);
    let Report::Written { recording: ID, file: Some(file) } = bench.report() else { panic!("it is over") };
    assert_eq!((file.path.to_str(), file.octets), (Some("2026/11/call.wav"), 80 + 2 * pcm.len() as u64));
    assert_eq!(file.duration, Duration::from_micros(pcm.len() as u64 / 2 * 1_000 / 16));
    let path = bench.path("2026/11/call.wav");
    assert_eq!(soxi(&path), (2, 16_000, pcm.len() as u64 / 2));
    assert!(samples_of(&path) == pcm);
    assert_eq!(bench.thread().counters.recordings.load(Ordering::Relaxed), 0);
    bench.quit();
}

#[test]
fn the_file_is_whole_while_it_grows() {
    let mut bench = Bench::new(program("false", &[]));
    bench.start("call.wav", Layout::Mono, SampleRate::Khz8);
    let path = bench.path("call.wav");
    let mut written = 0;
    for _ in 0..3 {
        bench.write_some(&ramp(written, BUFFER));
        written += BUFFER;
        // Within two seconds the head says so, and the samples are there.
        let seen = bench.wait(Duration::from_secs(2), || {
            let length = u32::from_le_bytes(fs::read(&path).ok()?.get(76..80)?.try_into().ok()?);
            (length as usize == written * 2).then_some(written)
        });
        assert_eq!(seen, Some(written));
        let mut reader =
            SoundReader::open(fs::File::open(&path).expect("it is there"), SampleRate::Khz8).expect("a WAV");
        let mut pcm = vec![0; written + 1];
        assert_eq!(reader.read(&mut pcm).expect("it is whole"), written);
        assert!(pcm[..written] == ramp(0, written));
    }
    // The engine is gone, and with it the last buffer.
    bench.order(Order::Stop { recording: ID });
    assert!(matches!(bench.report(), Report::Written { file: Some(_), .. }));
    bench.quit();
}

#[test]
fn an_mp3_takes_the_place_of_its_wav_when_it_is_good() {
    // What converts is somebody else's business: to copy will do.
    let mut bench = Bench::new(program("/bin/cp", &["--"]));
    bench.start("a/b.mp3", Layout::Mono, SampleRate::Khz8);
    bench.write(&ramp(0, 8_000));
    let Report::Written { file: Some(file), .. } = bench.report() else { panic!("it is over") };
    assert_eq!(file.path, Path::new("a/b.mp3.wav"));
    let converted = RecordedFile { path: "a/b.mp3".into(), ..file };
    assert_eq!(bench.report(), Report::Converted { file: converted });
    assert_eq!(bench.files(), ["a/b.mp3"]);
    bench.quit();
}

#[test]
fn a_wav_that_cannot_be_converted_stays() {
    let mut bench = Bench::new(program("/bin/sh", &["-c", "echo half > \"$2\"; echo no luck >&2; exit 3", "sh"]));
    bench.start("a.mp3", Layout::Mono, SampleRate::Khz8);
    bench.write(&ramp(0, 8_000));
    assert!(matches!(bench.report(), Report::Written { .. }));
    let reason = "no luck (exit status: 3)".to_owned();
    assert_eq!(bench.report(), Report::NotConverted { path: "a.mp3.wav".into(), reason });
    assert_eq!(bench.files(), ["a.mp3.wav"]);
    bench.quit();
}

#[test]
fn nothing_recorded_leaves_no_file() {
    let mut bench = Bench::new(program("false", &[]));
    bench.start("silent.mp3", Layout::Mono, SampleRate::Khz8);
    bench.write(&[]);
    assert_eq!(bench.report(), Report::Written { recording: ID, file: None });
    assert!(bench.files().is_empty());
    // What the engine still gives out is dropped.
    let buffer = RecordedBuffer { pcm: Box::new([1; 10]), len: 10, last: true };
    bench.order(Order::Write { recording: ID, buffer });
    bench.quit();
}

#[test]
fn what_cannot_be_recorded_is_named() {
    let mut bench = Bench::new(program("false", &[]));
    fs::write(bench.path("taken.wav"), "something").expect("it is writable");
    for (name, reason) in [
        ("taken.wav", "cannot write the recording “taken.wav”: entity already exists"),
        ("../out.wav", "the name “../out.wav” leads out of the folder of recordings"),
        ("call.ogg", "the recording “call.ogg” is neither a .wav nor an .mp3"),
        ("taken.wav/call.wav", "cannot write the recording “taken.wav/call.wav”: File exists (os error 17)"),
    ] {
        bench.order_start(name, Layout::Mono, SampleRate::Khz8);
        assert_eq!(bench.failure(), reason);
        assert_eq!(bench.report(), Report::Refused { recording: ID, reason: reason.into() });
    }
    assert_eq!(fs::read(bench.path("taken.wav")).expect("it is there"), b"something");
    bench.quit();

    let mut bench = Bench::with_reserve(program("false", &[]), u64::MAX);
    bench.order_start("call.wav", Layout::Mono, SampleRate::Khz8);
    let reason = bench.failure();
    assert!(reason.starts_with("the disk is full but for "), "{reason}");
    assert!(bench.files().is_empty());
    bench.quit();
}

#[test]
fn the_end_of_the_process_ends_recordings_and_conversions() {
    let mut bench = Bench::new(program("/bin/sh", &["-c", "exec sleep 1000", "sh"]));
    bench.start("first.mp3", Layout::Mono, SampleRate::Khz8);
    bench.write(&ramp(0, 4_000));
    assert!(matches!(bench.report(), Report::Written { .. }));
    bench.start("second.mp3", Layout::Mono, SampleRate::Khz8);
    bench.write_some(&ramp(0, BUFFER));
    let (home, reports) = bench.quit();
    assert!(
        matches!(&reports[..], [Report::Written { file: Some(file), .. }] if file.path == Path::new("second.mp3.wav"))
    );

    // The next start makes both of them what they should be.
    let mut bench = Bench::in_folder(home, program("/bin/cp", &["--"]), 0);
    let mut converted = [bench.report(), bench.report()].map(|report| match report {
        Report::Converted { file } => (file.path, file.duration),
        other => panic!("{other:?}"),
    });
    converted.sort();
    assert_eq!(
        converted,
        [
            (PathBuf::from("first.mp3"), limits::RECORDING_BUFFER * 2),
            (PathBuf::from("second.mp3"), limits::RECORDING_BUFFER)
        ]
    );
    assert_eq!(bench.files(), ["first.mp3", "second.mp3"]);
    bench.quit();
}
