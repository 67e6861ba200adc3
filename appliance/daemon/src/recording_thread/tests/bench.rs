//! A recording thread, and everything that it talks to.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use media::sound::wav_writer::HEAD;

use crate::recording_thread::*;

/// The recording of every test.
pub const ID: RecordingId = RecordingId(3);

/// Samples of one channel at 8 kHz in a buffer.
pub const BUFFER: usize = limits::RECORDING_BUFFER.as_millis() as usize * SampleRate::Khz8.per_ms();

pub struct Bench {
    thread: Option<RecordingThread>,
    home: Option<tempfile::TempDir>,
    deliveries: Queue<Delivery>,
    reports: Queue<Report>,
    poll: Poll,
    empty: VecDeque<Box<[i16]>>,
    failures: VecDeque<String>,
    told: VecDeque<Report>,
}

/// A program that is started instead of a conversion.
pub fn program(path: &str, arguments: &[&str]) -> Program {
    Program { path: path.into(), arguments: arguments.iter().map(Into::into).collect() }
}

/// The samples in a file of ours, whatever its head says.
pub fn samples_of(path: &Path) -> Vec<i16> {
    let octets = fs::read(path).expect("the file is there");
    octets[HEAD as usize..].chunks_exact(2).map(|octets| i16::from_le_bytes([octets[0], octets[1]])).collect()
}

impl Bench {
    pub fn new(program: Program) -> Bench {
        Bench::with_reserve(program, 0)
    }

    pub fn with_reserve(program: Program, reserve: u64) -> Bench {
        Bench::in_folder(tempfile::tempdir().expect("the temporary folder is writable"), program, reserve)
    }

    pub fn in_folder(home: tempfile::TempDir, program: Program, reserve: u64) -> Bench {
        let mut bench = Bench::at(home.path(), program, reserve);
        bench.home = Some(home);
        bench
    }

    /// In a folder that somebody else looks after.
    pub fn at(folder: &Path, program: Program, reserve: u64) -> Bench {
        let poll = Poll::new().expect("the kernel has epoll");
        let bell = Bell::new(Waker::new(poll.registry(), BELL).expect("the kernel has eventfd"));
        let (deliveries, reports) = (Queue::new(100, bell.clone()), Queue::new(100, bell));
        let around = Surroundings {
            folder: folder.to_owned(),
            reserve,
            program,
            clock: Clock::start(),
            deliveries: deliveries.clone().into(),
            reports: reports.clone(),
        };
        let thread = Some(RecordingThread::start(around).expect("it can be started"));
        let (empty, failures, told) = (VecDeque::new(), VecDeque::new(), VecDeque::new());
        Bench { thread, home: None, deliveries, reports, poll, empty, failures, told }
    }

    pub fn thread(&self) -> &RecordingThread {
        self.thread.as_ref().expect("it runs")
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.home.as_ref().expect("the folder is ours").path().join(name)
    }

    /// All files in the folder, in the order of their names.
    pub fn files(&self) -> Vec<String> {
        let mut files = Vec::new();
        let mut folders = vec![self.path("")];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).expect("it is a folder").flatten() {
                match entry.path() {
                    path if path.is_dir() => folders.push(path),
                    path => {
                        let name = path.strip_prefix(self.path("")).expect("it is within");
                        files.push(name.to_str().expect("names are plain").to_owned());
                    }
                }
            }
        }
        files.sort();
        files
    }

    pub fn order(&self, order: Order) {
        self.thread().orders.push_always(order);
        self.thread().orders.ring();
    }

    pub fn order_start(&self, path: &str, layout: Layout, rate: SampleRate) {
        self.order(Order::Start { recording: ID, path: path.into(), layout, rate });
    }

    /// Starts a recording and waits for its buffers.
    pub fn start(&mut self, path: &str, layout: Layout, rate: SampleRate) {
        self.empty.clear();
        self.order_start(path, layout, rate);
        let recording = ID;
        assert_eq!(self.report(), Report::Begun { recording });
        for _ in 0..limits::RECORDING_BUFFERS {
            let buffer = self.until(|bench| bench.empty.pop_front());
            assert_eq!(buffer.len() * SampleRate::Khz8.per_ms(), BUFFER * rate.per_ms() * layout.channels());
            self.empty.push_back(buffer);
        }
    }

    /// Records samples as the engine does, in the buffers that come back, to the end.
    pub fn write(&mut self, pcm: &[i16]) {
        let mut pieces: Vec<&[i16]> = pcm.chunks(self.empty.front().map_or(1, |buffer| buffer.len())).collect();
        let last = pieces.pop().unwrap_or_default();
        pieces.into_iter().for_each(|piece| self.write_some(piece));
        self.write_buffer(last, true);
    }

    /// Records some samples.
    pub fn write_some(&mut self, pcm: &[i16]) {
        self.write_buffer(pcm, false);
    }

    fn write_buffer(&mut self, samples: &[i16], last: bool) {
        let mut pcm = self.until(|bench| bench.empty.pop_front());
        pcm[..samples.len()].copy_from_slice(samples);
        self.order(Order::Write { recording: ID, buffer: RecordedBuffer { pcm, len: samples.len(), last } });
    }

    /// The next report.
    pub fn report(&mut self) -> Report {
        self.until(|bench| bench.told.pop_front())
    }

    /// Why the recording cannot go on.
    pub fn failure(&mut self) -> String {
        self.until(|bench| bench.failures.pop_front())
    }

    /// Whether it comes true in time.
    pub fn wait<T>(&mut self, limit: Duration, mut wanted: impl FnMut() -> Option<T>) -> Option<T> {
        let start = Instant::now();
        while start.elapsed() < limit {
            if let Some(found) = wanted() {
                return Some(found);
            }
            self.hear(Duration::from_millis(20));
        }
        wanted()
    }

    fn until<T>(&mut self, mut wanted: impl FnMut(&mut Bench) -> Option<T>) -> T {
        let start = Instant::now();
        while start.elapsed() < Duration::from_secs(30) {
            if let Some(found) = wanted(self) {
                return found;
            }
            self.hear(Duration::from_millis(50));
        }
        panic!("it never came: {:?} {:?}", self.told, self.failures);
    }

    fn hear(&mut self, limit: Duration) {
        let (mut deliveries, mut reports) = (VecDeque::new(), VecDeque::new());
        self.deliveries.take(&mut deliveries);
        for delivery in deliveries {
            match delivery {
                Delivery::Empty { recording, pcm } => {
                    assert_eq!(recording, ID);
                    self.empty.push_back(pcm);
                }
                Delivery::Failed { recording, reason } => {
                    assert_eq!(recording, ID);
                    self.failures.push_back(reason);
                }
            }
        }
        self.reports.take(&mut reports);
        if reports.is_empty() {
            self.poll.poll(&mut Events::with_capacity(4), Some(limit)).expect("nothing interrupts");
        }
        self.told.append(&mut reports);
    }

    /// Ends the thread; the folder, and what was still told.
    pub fn quit(mut self) -> (tempfile::TempDir, Vec<Report>) {
        self.thread.take().expect("it runs").stop();
        self.hear(Duration::ZERO);
        (self.home.take().expect("the folder is ours"), self.told.into())
    }
}
