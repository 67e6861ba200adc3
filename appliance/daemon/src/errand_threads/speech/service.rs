//! A web service that speaks, in the shape of OpenAI's `/v1/audio/speech`.

use std::fs::File;
use std::io;
use std::path::Path;

use pbx::errand::Speech;
use ureq::Agent;
use ureq::http::Request;

use crate::limits;
use crate::web::{self, Reach};

/// How the service is reached.
#[derive(Clone, PartialEq, Eq)]
pub struct Account {
    /// Its URL, to the end: `https://api.openai.com/v1/audio/speech`.
    pub url: String,
    /// As `tts-1`.
    pub model: String,
    /// The voice where a flow names none.
    pub voice: String,
    /// The key, if it wants one.
    pub key: Option<String>,
}

/// The key is nobody's business.
impl std::fmt::Debug for Account {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Account").field("url", &self.url).field("model", &self.model).finish_non_exhaustive()
    }
}

/// The service.
#[derive(Debug)]
pub struct Service {
    account: Account,
    agent: Agent,
}

impl Service {
    /// The one that the administrator named; it may be on this box.
    pub fn new(account: Account) -> Service {
        Service { account, agent: web::agent(Reach::Anywhere, limits::SPEECH_SERVICE) }
    }

    /// Who speaks, for the name of what is kept: another model or service sounds different.
    pub fn voice_for(&self, speech: &Speech) -> String {
        format!("{} {} {}", self.account.url, self.account.model, self.voice(speech))
    }

    fn voice<'a>(&'a self, speech: &'a Speech) -> &'a str {
        if speech.voice.is_empty() { &self.account.voice } else { &speech.voice }
    }

    /// Speaks into a file.
    pub fn speak(&self, speech: &Speech, part: &Path) -> Result<(), String> {
        let body = serde_json::json!({
            "model": self.account.model,
            "input": speech.text,
            "voice": self.voice(speech),
            "response_format": "wav",
        });
        let mut request = Request::post(&self.account.url).header("Content-Type", "application/json");
        if let Some(key) = &self.account.key {
            request = request.header("Authorization", format!("Bearer {key}"));
        }
        let request = request.body(body.to_string()).map_err(|error| error.to_string())?;
        let answer = self.agent.run(request).map_err(web::in_words)?;
        if answer.status() != 200 {
            return Err(format!("it answers {}", answer.status().as_u16()));
        }
        let mut file = File::create(part).map_err(|error| error.to_string())?;
        let mut body = answer.into_body().into_with_config().limit(limits::SPEECH_FILE).reader();
        io::copy(&mut body, &mut file).map_err(|error| format!("it broke off: {error}"))?;
        drop(file);
        // Whatever it calls sound, we must be able to play it.
        let file = io::BufReader::new(File::open(part).map_err(|error| error.to_string())?);
        media::sound::SoundReader::open(file, media::SampleRate::Khz8).map_err(|error| error.to_string())?;
        Ok(())
    }
}
