//! The files of recordings, as programs of others see them: fetched by their links, looked at by ffprobe, decoded by
//! ffmpeg.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

use crate::sound::{self, Sound};
use crate::{Api, wait};

/// What ffprobe says of a file.
#[derive(Debug, Clone, PartialEq)]
pub struct Looked {
    /// The codec: `pcm_s16le`, `mp3`.
    pub codec: String,
    /// Channels.
    pub channels: u64,
    /// Bits a second.
    pub bit_rate: u64,
    /// How long it plays, in seconds.
    pub seconds: f64,
}

/// Has ffprobe look at a file.
pub fn look(path: &Path) -> Result<Looked> {
    let mut command = Command::new("ffprobe");
    command.args(["-v", "error", "-show_streams", "-of", "json"]).arg(path);
    let output = command.output().context("ffprobe is installed by tests/setup.sh")?;
    ensure!(output.status.success(), "ffprobe cannot read it: {}", String::from_utf8_lossy(&output.stderr));
    let said: Value = serde_json::from_slice(&output.stdout)?;
    let stream = &said["streams"][0];
    let text = |name: &str| stream[name].as_str().with_context(|| format!("no {name} in {said}"));
    Ok(Looked {
        codec: text("codec_name")?.to_owned(),
        channels: stream["channels"].as_u64().context("no channels")?,
        bit_rate: text("bit_rate")?.parse()?,
        seconds: text("duration")?.parse()?,
    })
}

/// The sound of a file of any kind, channel by channel.
pub fn channels(path: &Path) -> Result<Vec<Sound>> {
    let folder = tempfile::tempdir()?;
    let wav = folder.path().join("decoded.wav");
    let mut command = Command::new("ffmpeg");
    command.args(["-v", "error", "-i"]).arg(path).args(["-c:a", "pcm_s16le"]).arg(&wav);
    let output = command.output().context("ffmpeg is installed by tests/setup.sh")?;
    ensure!(output.status.success(), "ffmpeg cannot decode it: {}", String::from_utf8_lossy(&output.stderr));
    (0..look(path)?.channels).map(|channel| sound::read_channel(&wav, channel as usize)).collect()
}

/// A file that was fetched by its link.
pub struct Fetched {
    // The file lives in it.
    _folder: tempfile::TempDir,
    /// Where the file is.
    pub path: PathBuf,
    /// What ffprobe says of it.
    pub looked: Looked,
    /// What is in it, channel by channel.
    pub channels: Vec<Sound>,
}

impl Api {
    /// Begins to record a call, and gives the recording's id.
    pub fn record(&self, call: &str, options: Value) -> Result<String> {
        let started = self.post(&format!("/v1.0/calls/{call}/recording_start"), options)?;
        Ok(started["recording_id"].as_str().with_context(|| format!("no recording in {started}"))?.to_owned())
    }

    /// Ends, pauses or resumes the recording of a call: `stop`, `pause`, `resume`.
    pub fn steer_recording(&self, call: &str, order: &str) -> Result<Value> {
        self.post(&format!("/v1.0/calls/{call}/recording_{order}"), Value::Null)
    }

    /// Waits until a recording is as wanted.
    pub fn await_recording(&self, id: &str, what: &str, wanted: impl Fn(&Value) -> bool) -> Result<Value> {
        let mut seen = Value::Null;
        let found = wait::until(&format!("recording {id} {what}"), || {
            seen = self.get(&format!("/v1.0/recordings/{id}")).ok()?;
            wanted(&seen).then(|| seen.clone())
        });
        found.with_context(|| format!("it is {seen}"))
    }

    /// Waits for the end of a recording.
    pub fn await_ended(&self, id: &str) -> Result<Value> {
        self.await_recording(id, "to be ended", |recording| recording["status"] == "ended")
    }

    /// Fetches the file of a recording by its link, without a login.
    pub fn fetch_recording(&self, recording: &Value) -> Result<Fetched> {
        let url = recording["url"].as_str().filter(|url| !url.is_empty());
        let url = url.with_context(|| format!("no link in {recording}"))?;
        let mut answer = ureq::get(url).call()?;
        let octets = answer.body_mut().with_config().limit(64 << 20).read_to_vec()?;
        if Some(octets.len() as u64) != recording["metadata"]["octets"].as_u64() {
            bail!("{} octets came of {recording}", octets.len());
        }
        let folder = tempfile::tempdir()?;
        let path = folder.path().join(format!("recording.{}", recording["format"].as_str().unwrap_or_default()));
        std::fs::write(&path, octets)?;
        let (looked, channels) = (look(&path)?, channels(&path)?);
        Ok(Fetched { _folder: folder, path, looked, channels })
    }
}
