//! The world that the exchange runs errands in: what it asks of web servers is answered as the story wants it.

use std::fmt;
use std::time::Duration;

use pbx::errand::{Brought, Errand, ErrandId, ErrandReport};

use super::Lab;
use super::carriage::Arrival;

/// What a web server, or whoever is asked, answers after a while.
pub type Answer = (Duration, Result<Brought, String>);

/// Everybody beyond the telephones.
pub struct Outside {
    /// What was asked, in order.
    pub asked: Vec<Errand>,
    /// What each answers.
    pub answers: Box<dyn FnMut(&Errand) -> Answer>,
}

impl Default for Outside {
    /// All that is asked is answered with little.
    fn default() -> Outside {
        let answers = |errand: &Errand| {
            let brought = match errand {
                Errand::Fetch { .. } => Brought::Actions(Vec::new()),
                Errand::Speak(speech) => Brought::Spoken(speech.text.clone()),
                Errand::Mail(_) => Brought::Nothing,
                Errand::Webhook(_) => Brought::Answer { status: 200, body: String::new() },
            };
            (Duration::from_millis(100), Ok(brought))
        };
        Outside { asked: Vec::new(), answers: Box::new(answers) }
    }
}

impl fmt::Debug for Outside {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outside").field("asked", &self.asked).finish_non_exhaustive()
    }
}

impl Lab {
    pub(super) fn run_errand(&mut self, id: ErrandId, errand: Errand) {
        let (after, result) = (self.outside.answers)(&errand);
        self.outside.asked.push(errand);
        let words = format!("{} ms", after.as_millis());
        self.post(after, Arrival::Errand(ErrandReport { id, words, result }));
    }
}
