//! The box's own voice: `flite`, a program of its own, so that whatever a text does to it, calls go on.

use std::fs::File;
use std::io::Read;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use pbx::errand::Speech;

use crate::limits;

/// Where it may be.
const PLACES: [&str; 4] = ["/bin/flite", "/usr/bin/flite", "/usr/local/bin/flite", "/bin/flite_cmu_us_kal"];
/// What the name of a program begins with that has one voice: its end is the name of that.
const ONE_VOICE: &str = "flite_cmu_us_";
/// The voices it has. The first sounds best.
const VOICES: [&str; 5] = ["slt", "rms", "awb", "kal16", "kal"];
/// How often it is looked after.
const LOOK: Duration = Duration::from_millis(5);

/// The program.
#[derive(Debug)]
pub struct Flite {
    program: Option<PathBuf>,
}

impl Flite {
    /// This one, or where Debian puts it.
    pub fn new(program: Option<PathBuf>) -> Flite {
        Flite { program }
    }

    /// The voice that was asked for, if it is one of ours, else the best.
    pub fn voice_for(&self, speech: &Speech) -> &'static str {
        let name = self.program().and_then(|program| program.file_name()?.to_str().map(str::to_string));
        let only = name.as_deref().and_then(|name| name.strip_prefix(ONE_VOICE));
        let known = |wanted: &str| VOICES.into_iter().find(|voice| *voice == wanted);
        only.and_then(known).or(known(&speech.voice)).unwrap_or(VOICES[0])
    }

    fn program(&self) -> Option<PathBuf> {
        let found = || PLACES.iter().map(PathBuf::from).find(|place| place.exists());
        self.program.clone().or_else(found)
    }

    /// Speaks into a WAV file.
    pub fn speak(&self, speech: &Speech, voice: &str, part: &Path) -> Result<(), String> {
        let missing = || "there is nobody to speak on this box: flite is missing".to_string();
        let program = self.program().ok_or_else(missing)?;
        // Bells and line ends mean nothing when they are spoken.
        let text: String = speech.text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        let mut command = Command::new(program);
        command.args(["-voice", voice, "-t", &text, "-o"]).arg(part);
        command.current_dir("/").env_clear().stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        // SAFETY: between fork and exec it only makes system calls with values of its own.
        unsafe { command.pre_exec(bound) };
        let mut child = command.spawn().map_err(|error| format!("cannot start flite: {error}"))?;
        let status = wait(&mut child)?;
        if !status.success() {
            let mut said = String::new();
            let _ = child.stderr.take().map(|pipe| pipe.take(limits::COMPLAINT).read_to_string(&mut said));
            return Err(format!("flite failed ({status}) {}", said.lines().last().unwrap_or_default()));
        }
        check(part)
    }
}

/// Leaves the processor to the calls, ends with us, and takes neither all time nor all memory nor all of the disk.
fn bound() -> std::io::Result<()> {
    let set = |what, most: u64| {
        let limit = libc::rlimit { rlim_cur: most, rlim_max: most };
        // SAFETY: the structure outlives the call.
        unsafe { libc::setrlimit(what, &limit) };
    };
    // SAFETY: plain numbers; what is refused changes nothing.
    unsafe {
        libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL);
        libc::setpriority(libc::PRIO_PROCESS, 0, 15);
    }
    set(libc::RLIMIT_CPU, limits::SPEAKING.as_secs());
    set(libc::RLIMIT_FSIZE, limits::SPEECH_FILE);
    set(libc::RLIMIT_AS, limits::SPEAKING_MEMORY);
    set(libc::RLIMIT_CORE, 0);
    Ok(())
}

fn wait(child: &mut Child) -> Result<ExitStatus, String> {
    let begun = Instant::now();
    loop {
        match child.try_wait() {
            Ok(Some(status)) => return Ok(status),
            Ok(None) if begun.elapsed() < limits::SPEAKING => std::thread::sleep(LOOK),
            Ok(None) => {
                let _ = child.kill();
                let _ = child.wait();
                return Err(format!("flite took longer than {} s", limits::SPEAKING.as_secs()));
            }
            Err(error) => return Err(format!("flite cannot be waited for: {error}")),
        }
    }
}

/// Whether there is sound in it. flite ends well even where the disk was full.
fn check(part: &Path) -> Result<(), String> {
    let mut file = File::open(part).map_err(|error| format!("flite left nothing: {error}"))?;
    let octets = file.metadata().map_or(0, |about| about.len());
    let mut head = [0; 4];
    let read = file.read_exact(&mut head);
    match octets {
        _ if read.is_err() || head != *b"RIFF" => Err("flite left no sound".into()),
        octets if octets >= limits::SPEECH_FILE => Err("what flite spoke is too long".into()),
        _ => Ok(()),
    }
}
