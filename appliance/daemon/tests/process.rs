//! The real process: how it starts, what it says when it cannot, and how it ends.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use media::SampleRate;
use media::sound::SoundReader;
use media::sound::wav_writer::WavWriter;

/// A hundred ports that no other test has.
fn free_ports() -> String {
    let first = ports::free(100);
    format!("127.0.0.1:{first}-{}", first + 99)
}

/// The binary with nothing but `data` and ports of its own, by variables, so that a flag wins over them.
fn tandem(data: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tandem"));
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("TANDEM_")) {
        command.env_remove(name);
    }
    command.env("TANDEM_DATA", data).env("TANDEM_RTP", free_ports());
    command.env("TANDEM_SIP", "127.0.0.1:0").env("TANDEM_HTTP", "127.0.0.1:0").stdin(Stdio::null());
    command
}

/// A process that said that it is ready.
struct Running {
    child: Child,
    said: Vec<String>,
}

impl Running {
    fn start(mut command: Command) -> Running {
        let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the binary is there");
        let mut running = Running { child, said: Vec::new() };
        let out = running.child.stdout.take().expect("it is piped");
        for line in BufReader::new(out).lines() {
            running.said.push(line.expect("it speaks UTF-8"));
            if running.said.last().is_some_and(|line| line.starts_with("tandem is ready")) {
                return running;
            }
        }
        let mut complaint = String::new();
        let err = running.child.stderr.take().expect("it is piped");
        BufReader::new(err).read_to_string(&mut complaint).expect("it speaks UTF-8");
        panic!("it ended with {:?} instead, after {:?}: {complaint}", running.child.wait(), running.said);
    }

    fn http(&self) -> String {
        let line = self.said.last().expect("it said that it is ready");
        line.split("http://").nth(1).and_then(|rest| rest.split(',').next()).expect("with its address").to_owned()
    }

    fn signal(&self, signal: i32) {
        // SAFETY: the process is ours and was not waited for, so that the id is still its own.
        assert_eq!(unsafe { libc::kill(self.child.id() as i32, signal) }, 0);
    }

    fn end(mut self) -> Option<i32> {
        let start = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().expect("it is our child") {
                return status.code();
            }
            if start.elapsed() > Duration::from_secs(10) {
                self.child.kill().expect("it is our child");
                panic!("it did not end");
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

fn failure(output: &Output) -> String {
    let text = String::from_utf8(output.stderr.clone()).expect("it speaks UTF-8");
    assert!(!output.status.success(), "it should have failed: {text}");
    assert_eq!(text.lines().count(), 1, "one line: {text}");
    assert!(text.starts_with("tandem: "), "{text}");
    text
}

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().expect("the temporary folder is writable")
}

#[test]
fn it_starts_serves_and_ends_when_asked() {
    let folder = folder();
    let first = Running::start(tandem(folder.path()));
    assert!(first.said.iter().any(|line| line.contains("password  ")), "{:?}", first.said);
    let mut http = TcpStream::connect(first.http()).expect("it listens");
    http.write_all(b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").expect("it reads");
    let mut answer = String::new();
    http.read_to_string(&mut answer).expect("it answers");
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    first.signal(libc::SIGTERM);
    assert_eq!(first.end(), Some(0));
    let second = Running::start(tandem(folder.path()));
    assert_eq!(second.said.len(), 1, "the password is shown once: {:?}", second.said);
    second.signal(libc::SIGINT);
    assert_eq!(second.end(), Some(0));
}

#[test]
fn the_given_password_is_not_shown() {
    let folder = folder();
    let mut command = tandem(folder.path());
    command.env("TANDEM_ADMIN_PASSWORD", "correct horse");
    let running = Running::start(command);
    assert_eq!(running.said.len(), 1, "{:?}", running.said);
    running.signal(libc::SIGTERM);
    assert_eq!(running.end(), Some(0));
    let output = tandem(folder.path()).env("TANDEM_LOG", "nonsense=[").output().expect("the binary is there");
    assert!(failure(&output).contains("TANDEM_LOG"));
}

#[test]
fn music_that_cannot_be_played_is_one_line() {
    for (music, word) in [("/nowhere/music.mp3", "No such file"), ("/proc/version", "/proc/version")] {
        let folder = folder();
        let output = tandem(folder.path()).args(["--music-on-hold", music]).output().expect("the binary is there");
        let said = failure(&output);
        assert!(said.contains("the music on hold cannot be played") && said.contains(word), "{said}");
    }
}

#[test]
fn a_taken_port_is_one_line() {
    let udp = UdpSocket::bind("127.0.0.1:0").expect("a free port");
    let tcp = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let (udp_address, tcp_address) = (udp.local_addr().expect("it is bound"), tcp.local_addr().expect("it is bound"));
    for (flag, address, word) in
        [("--sip", udp_address, "UDP"), ("--sip", tcp_address, "TCP"), ("--http", tcp_address, "TCP")]
    {
        let folder = folder();
        let output = tandem(folder.path()).args([flag, &address.to_string()]).output().expect("the binary is there");
        let said = failure(&output);
        assert!(said.contains(&address.to_string()) && said.contains(word) && said.contains("in use"), "{said}");
    }
}

#[test]
fn a_folder_that_cannot_be_written_is_one_line() {
    let file = tempfile::NamedTempFile::new().expect("the temporary folder is writable");
    for data in [file.path(), &file.path().join("inside"), Path::new("/proc/tandem")] {
        let said = failure(&tandem(data).output().expect("the binary is there"));
        assert!(said.contains("data folder"), "{said}");
    }
}

#[test]
fn a_second_process_on_the_same_folder_is_one_line() {
    let folder = folder();
    let first = Running::start(tandem(folder.path()));
    let said = failure(&tandem(folder.path()).output().expect("the binary is there"));
    assert!(said.contains(&format!("in use by process {}", first.child.id())), "{said}");
    // Even a process that is killed leaves the folder free.
    first.signal(libc::SIGKILL);
    assert_eq!(first.end(), None);
    let next = Running::start(tandem(folder.path()));
    next.signal(libc::SIGTERM);
    assert_eq!(next.end(), Some(0));
}

#[test]
fn wrong_settings_are_one_line() {
    let folder = folder();
    let config = folder.path().join("tandem.toml");
    std::fs::write(&config, "realm = \"house\"\nspi = \"127.0.0.1:5060\"\n").expect("the folder is writable");
    let output = tandem(folder.path()).arg("--config").arg(&config).output().expect("the binary is there");
    let said = failure(&output);
    assert!(said.contains("tandem.toml:2: unknown field `spi`"), "{said}");
    let output = tandem(folder.path()).env("TANDEM_ADVERTISE", "here").output().expect("the binary is there");
    assert!(failure(&output).contains("'here' for '--advertise"));
    let output = tandem(folder.path()).arg("--loud").output().expect("the binary is there");
    assert!(failure(&output).contains("'--loud'"));
    let output = tandem(folder.path()).args(["--rtp", "192.0.2.1:20000-20099"]).output().expect("the binary is there");
    assert!(failure(&output).contains("192.0.2.1 for audio"));
}

#[test]
fn help_and_version_are_no_errors() {
    for flag in ["--help", "--version"] {
        let output = Command::new(env!("CARGO_BIN_EXE_tandem")).arg(flag).output().expect("the binary is there");
        assert!(output.status.success() && output.stderr.is_empty() && !output.stdout.is_empty(), "{flag}");
    }
}

/// What the exchange starts itself as, to make an MP3 of a recording.
fn convert(wav: &Path, mp3: &Path) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tandem"));
    command.arg("convert-recording").arg(wav).arg(mp3).env_clear().output().expect("the binary is there")
}

#[test]
fn it_converts_a_recording_or_says_why_not() {
    let home = tempfile::tempdir().expect("the temporary folder is writable");
    let (wav, mp3) = (home.path().join("a.mp3.wav"), home.path().join("a.mp3.part"));
    let pcm: Vec<i16> = (0..16_000).map(|at| ((f64::from(at) * 0.3).sin() * 8_000.0) as i16).collect();
    let file = std::fs::File::create(&wav).expect("it is writable");
    let mut writer = WavWriter::new(file, 8_000, 1).expect("it is writable");
    writer.write(&pcm).and_then(|()| writer.checkpoint()).expect("it is writable");

    let converted = convert(&wav, &mp3);
    assert!(converted.status.success() && converted.stderr.is_empty(), "{converted:?}");
    let decoded = SoundReader::open(std::fs::File::open(&mp3).expect("it was made"), SampleRate::Khz8);
    let count = decoded.and_then(|mut decoded| decoded.read(&mut vec![0; 20_000]));
    assert_eq!(count.expect("it is an MP3"), 16_000);

    for (wav, reason) in
        [("none.wav", "cannot open the WAV file: No such file"), ("a.mp3.part", "cannot read the WAV file")]
    {
        let refused = convert(&home.path().join(wav), &home.path().join("b.mp3.part"));
        let said = String::from_utf8_lossy(&refused.stderr);
        assert!(refused.status.code() == Some(1) && said.starts_with(reason), "{said}");
    }
}
