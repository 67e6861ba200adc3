//! The thread that has recordings converted, one after another, when nobody else needs the processor.
//!
//! The work itself is done by a process of its own ([`to_mp3`](super::to_mp3)): whatever its encoder does, the exchange goes on.

use std::collections::VecDeque;
use std::ffi::OsString;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::{Context, Result};

use super::recordings_folder::{RecordingsFolder, mp3_of, part_of};
use super::recovery::{self, Found};
use super::{RecordedFile, Report, to_mp3};
use crate::limits;
use crate::queue::Queue;

/// What is started for each conversion; the WAV file and the MP3 to be made come behind its arguments.
#[derive(Debug, Clone)]
pub struct Program {
    /// The program.
    pub path: PathBuf,
    /// What it is told first.
    pub arguments: Vec<OsString>,
}

impl Program {
    /// This program itself.
    pub fn ourselves() -> Program {
        // The link leads to what runs, even if an update has put another file in its place.
        Program { path: "/proc/self/exe".into(), arguments: vec![to_mp3::WORD.into()] }
    }
}

/// How often it is looked whether a conversion is over.
const LOOK: Duration = Duration::from_millis(100);

#[derive(Debug)]
enum Job {
    /// A WAV file of this run.
    Convert(PathBuf),
    /// The files of earlier runs.
    Recover(Vec<PathBuf>),
}

/// The way to the converter.
#[derive(Debug, Clone)]
pub struct Conversions {
    jobs: Sender<Job>,
}

impl Conversions {
    /// Has a WAV file become what its name says.
    pub fn convert(&self, wav: PathBuf) {
        // A converter that is gone does it at the next start.
        let _ = self.jobs.send(Job::Convert(wav));
    }
}

/// A converter that runs.
#[derive(Debug)]
pub struct Converter {
    conversions: Conversions,
    running: Arc<Running>,
    thread: JoinHandle<()>,
}

/// The process that converts now, and whether there shall be another.
#[derive(Debug, Default)]
struct Running {
    stopping: AtomicBool,
    child: Mutex<Option<Child>>,
}

impl Converter {
    /// Starts the thread.
    pub fn start(folder: RecordingsFolder, program: Program, reports: Queue<Report>) -> Result<Converter> {
        let (jobs, waiting) = mpsc::channel();
        let running = Arc::new(Running::default());
        let work = Work { folder, program, reports, running: running.clone(), later: VecDeque::new() };
        let thread = std::thread::Builder::new()
            .name("converter".into())
            .stack_size(256 * 1_024)
            .spawn(move || work.run(&waiting))
            .context("cannot start the converter thread")?;
        Ok(Converter { conversions: Conversions { jobs }, running, thread })
    }

    /// The way to it.
    pub fn conversions(&self) -> Conversions {
        self.conversions.clone()
    }

    /// Looks after files of earlier runs.
    pub fn recover(&self, left: Vec<PathBuf>) {
        let _ = self.conversions.jobs.send(Job::Recover(left));
    }

    /// Ends the thread; what is converted now, and what waits, is left for the next start.
    pub fn stop(self) {
        self.running.stopping.store(true, Ordering::Release);
        if let Some(child) = self.running.child().as_mut() {
            let _ = child.kill();
        }
        drop(self.conversions);
        if self.thread.join().is_err() {
            tracing::error!("the converter thread panicked");
        }
    }
}

impl Running {
    fn child(&self) -> MutexGuard<'_, Option<Child>> {
        // Nothing in here panics half way.
        self.child.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::Acquire)
    }
}

/// The thread's own values.
struct Work {
    folder: RecordingsFolder,
    program: Program,
    reports: Queue<Report>,
    running: Arc<Running>,
    // WAV files of earlier runs: those of this one come first.
    later: VecDeque<PathBuf>,
}

impl Work {
    fn run(mut self, jobs: &Receiver<Job>) {
        while !self.running.is_stopping() {
            let job = match self.later.is_empty() {
                true => jobs.recv().ok(),
                false => match jobs.try_recv() {
                    Err(mpsc::TryRecvError::Empty) => self.later.pop_front().map(Job::Convert),
                    received => received.ok(),
                },
            };
            match job {
                Some(Job::Convert(wav)) => self.convert(&wav),
                Some(Job::Recover(left)) => left.iter().for_each(|name| self.look_after(name)),
                None => return,
            }
            self.reports.ring();
        }
    }

    fn look_after(&mut self, name: &Path) {
        match recovery::look_after(&self.folder, name) {
            Ok(Found::Nothing) => {}
            Ok(Found::Recovered(file)) => self.recovered(file),
            Ok(Found::ToConvert(file, was_wrong)) => {
                self.later.push_back(file.path.clone());
                if was_wrong {
                    self.recovered(file);
                }
            }
            Err(error) => tracing::error!(%error, path = %name.display(), "a recording cannot be looked after"),
        }
    }

    fn recovered(&self, file: RecordedFile) {
        tracing::warn!(path = %file.path.display(), duration = ?file.duration, "a recording was left unfinished");
        self.reports.push_always(Report::Recovered { file });
    }

    fn convert(&mut self, wav: &Path) {
        let Some(mp3) = mp3_of(wav) else { return };
        let report = match self.make(wav, &mp3) {
            Ok(file) => Report::Converted { file },
            Err(_) if self.running.is_stopping() => return,
            Err(reason) => {
                let _ = std::fs::remove_file(self.folder.path().join(part_of(&mp3)));
                tracing::error!(reason, path = %wav.display(), "a recording stays a WAV file");
                Report::NotConverted { path: wav.to_owned(), reason }
            }
        };
        self.reports.push_always(report);
    }

    fn make(&self, wav: &Path, mp3: &Path) -> Result<RecordedFile, String> {
        let source = self.folder.path().join(wav);
        let duration = recovery::duration(&source).map_err(|error| format!("cannot read the WAV file: {error}"))?;
        self.have_it_made(&source, &self.folder.path().join(part_of(mp3)))?;
        let in_words = |error| format!("cannot put the MP3 in its place: {error}");
        if !source.exists() {
            return Err("it was deleted meanwhile".into());
        }
        recovery::replace(&self.folder, wav, mp3).map_err(in_words)?;
        let octets = std::fs::metadata(self.folder.path().join(mp3)).map_err(in_words)?.len();
        Ok(RecordedFile { path: mp3.to_owned(), duration, octets })
    }

    /// Starts the process that converts, and waits for its end.
    fn have_it_made(&self, wav: &Path, part: &Path) -> Result<(), String> {
        let mut command = Command::new(&self.program.path);
        command.args(&self.program.arguments).arg(wav).arg(part).current_dir("/");
        let child = command.env_clear().stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn();
        let mut child = child.map_err(|error| format!("cannot start the conversion: {error}"))?;
        let complaint = child.stderr.take();
        *self.running.child() = Some(child);
        let status = self.wait()?;
        let mut said = String::new();
        let _ = complaint.map(|pipe| pipe.take(limits::COMPLAINT).read_to_string(&mut said));
        match status.success() {
            true => Ok(()),
            false => Err(format!("{} ({status})", said.lines().last().unwrap_or("the conversion said nothing"))),
        }
    }

    fn wait(&self) -> Result<ExitStatus, String> {
        loop {
            // Whoever wants us to stop may have looked before the child was there.
            let mut running = self.running.child();
            let Some(child) = running.as_mut() else { return Err("the conversion is gone".into()) };
            if self.running.is_stopping() {
                let _ = child.kill();
            }
            match child.try_wait() {
                Ok(Some(status)) => {
                    *running = None;
                    return Ok(status);
                }
                Ok(None) => {}
                Err(error) => return Err(format!("the conversion cannot be waited for: {error}")),
            }
            drop(running);
            std::thread::sleep(LOOK);
        }
    }
}
