//! The speech service that ships as an example: a process of its own, which speaks by flite over HTTP.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};

use crate::child::Child;
use crate::wait;

/// The key that it wants to see.
pub const KEY: &str = "sk-only-for-this-test-0123456789";

/// A running service.
pub struct SpeechService {
    /// The process.
    pub process: Child,
    /// Its URL.
    pub url: String,
}

impl SpeechService {
    /// Starts one that thinks for so many seconds before it speaks.
    pub fn start(thinks: u32) -> Result<SpeechService> {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/speech_service.py");
        let mut command = Command::new("python3");
        command.arg(script).args(["--port=0", "--voice=rms"]).arg(format!("--wait={thinks}")).env("SPEECH_KEY", KEY);
        let mut process = Child::start(&mut command)?;
        let address = wait::until("the speech service to listen", || {
            let gone = !process.is_running();
            let said = process.said();
            let address = said.iter().find_map(|line| line.strip_prefix("listening on ").map(str::to_string));
            if gone { Some(None) } else { address.map(Some) }
        })?;
        let address = address.with_context(|| format!("it ended at once: {}", process.said().join("\n")))?;
        Ok(SpeechService { process, url: format!("http://{address}/v1/audio/speech") })
    }
}
