//! What is said to phones, spoken: by the box's own voice, or by a web service that speaks better.
//!
//! What was spoken once is kept, and spoken again only when it had to make room. A service that fails or is slow is no reason
//! for silence: then the box speaks itself.

pub mod flite;
pub mod service;

use std::path::{Path, PathBuf};
use std::time::Instant;

use pbx::errand::{Brought, Speech};

use super::Done;
use super::spoken::Spoken;
use flite::Flite;
use service::Service;

/// Those who can speak.
#[derive(Debug)]
pub struct Speakers {
    spoken: Spoken,
    flite: Flite,
    service: Option<Service>,
}

/// The name of the box's own voice, where a flow names a provider.
pub const OWN: &str = "flite";
/// The name of the web service.
pub const SERVICE: &str = "openai";

impl Speakers {
    /// What they spoke is kept in `spoken`.
    pub fn new(spoken: Spoken, program: Option<PathBuf>, service: Option<Service>) -> Speakers {
        Speakers { spoken, flite: Flite::new(program), service }
    }

    /// Has a text spoken.
    pub fn speak(&self, speech: &Speech, begun: Instant) -> Done {
        let mut words = String::new();
        let result = self.have_spoken(speech, &mut words);
        words += &format!(" in {} ms", begun.elapsed().as_millis());
        Done { words, result: result.map(Brought::Spoken) }
    }

    fn have_spoken(&self, speech: &Speech, words: &mut String) -> Result<String, String> {
        let service = match speech.provider.as_str() {
            OWN => None,
            "" | SERVICE => self.service.as_ref(),
            other => {
                *words = format!("nobody is called {other} here: ");
                self.service.as_ref()
            }
        };
        if speech.provider == SERVICE && service.is_none() {
            *words = format!("{SERVICE} is not set up here: ");
        }
        if let Some(service) = service {
            match self.once(service.voice_for(speech), speech, |part| service.speak(speech, part)) {
                Ok((sound, how)) => {
                    *words += &format!("{how} by {SERVICE}");
                    return Ok(sound);
                }
                Err(reason) => *words += &format!("{SERVICE} could not: {reason}; "),
            }
        }
        let voice = self.flite.voice_for(speech);
        let (sound, how) = self.once(format!("{OWN} {voice}"), speech, |part| self.flite.speak(speech, voice, part))?;
        *words += &format!("{how} by {OWN} ({voice})");
        Ok(sound)
    }

    /// The sound of a text in a voice, from the cache or newly made, and which of the two.
    fn once(
        &self,
        voice: String,
        speech: &Speech,
        make: impl FnOnce(&Path) -> Result<(), String>,
    ) -> Result<(String, &'static str), String> {
        let name = Spoken::name(&voice, &speech.language, &speech.text);
        if self.spoken.has(&name) {
            return Ok((name, "spoken before"));
        }
        self.spoken.keep(&name, make).map(|()| (name, "spoken"))
    }
}
