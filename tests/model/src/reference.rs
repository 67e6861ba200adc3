//! What must be true, in the simplest terms: a list of phones and a list of pairs.

use crate::act::{Act, Reaction};

/// One phone as the model sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// Its extension.
    pub number: &'static str,
    /// Whether it has power.
    pub is_on: bool,
    /// Whether the exchange has its contact.
    pub is_registered: bool,
    /// With which phone it talks.
    pub talks_with: Option<usize>,
    /// Whether it holds the call.
    pub holds: bool,
    /// The status that its last call ended with before anybody answered, or 200.
    pub last_status: Option<u16>,
}

/// The state of everything.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reference {
    /// The phones.
    pub phones: Vec<Seen>,
}

impl Reference {
    /// Phones of these extensions, switched on, not registered.
    pub fn new(numbers: &[&'static str]) -> Reference {
        let phone = |number: &&'static str| Seen {
            number,
            is_on: true,
            is_registered: false,
            talks_with: None,
            holds: false,
            last_status: None,
        };
        Reference { phones: numbers.iter().map(phone).collect() }
    }

    /// The phones that ring when that one calls a number.
    pub fn contacts(&self, caller: usize, number: &str) -> Vec<usize> {
        let rings = |phone: &usize| *phone != caller && self.phones[*phone].number == number;
        (0..self.phones.len()).filter(rings).filter(|phone| self.phones[*phone].is_registered).collect()
    }

    /// How many calls are up.
    pub fn calls(&self) -> usize {
        self.phones.iter().filter(|phone| phone.talks_with.is_some()).count() / 2
    }

    /// How many contacts the exchange has.
    pub fn bindings(&self) -> usize {
        self.phones.iter().filter(|phone| phone.is_registered).count()
    }

    /// Whether one hears the other.
    pub fn hears(&self, listener: usize, speaker: usize) -> bool {
        self.phones[listener].talks_with == Some(speaker) && !self.phones[listener].holds
    }

    /// Does what somebody did.
    pub fn perform(&mut self, act: &Act) {
        match act {
            Act::Register(phone) => self.phones[*phone].is_registered = true,
            Act::Unregister(phone) => self.phones[*phone].is_registered = false,
            Act::Call { caller, number, reactions } => self.call(*caller, number, reactions),
            Act::HangUp(phone) => self.part(*phone),
            Act::Hold(phone) => self.phones[*phone].holds = true,
            Act::Resume(phone) => self.phones[*phone].holds = false,
            Act::LosePower(phone) => {
                self.part(*phone);
                self.phones[*phone].is_on = false;
            }
            Act::GetPower(phone) => {
                self.phones[*phone].is_on = true;
                self.phones[*phone].is_registered = true;
            }
            Act::Nudge(_) => {}
        }
    }

    fn call(&mut self, caller: usize, number: &str, reactions: &[(usize, Reaction)]) {
        let can_answer = |(phone, reaction): &&(usize, Reaction)| {
            matches!(reaction, Reaction::Answer | Reaction::AnswerLater) && self.phones[*phone].is_on
        };
        let answering = reactions.iter().find(can_answer).map(|(phone, _)| *phone);
        if let Some(called) = answering {
            self.phones[caller].talks_with = Some(called);
            self.phones[called].talks_with = Some(caller);
            self.phones[caller].last_status = Some(200);
            return;
        }
        let is_ringing = |(phone, reaction): &(usize, Reaction)| {
            *reaction == Reaction::RingUntilCancelled && self.phones[*phone].is_on
        };
        let is_refusing =
            |(phone, reaction): &(usize, Reaction)| *reaction == Reaction::Refuse && self.phones[*phone].is_on;
        let exists = self.phones.iter().any(|phone| phone.number == number);
        self.phones[caller].last_status = Some(match () {
            _ if !exists => 404,
            _ if reactions.iter().any(is_ringing) => 487,
            _ if !reactions.is_empty() && reactions.iter().all(is_refusing) => 486,
            // A phone that refused and one without power: either may be told.
            _ if reactions.iter().any(is_refusing) => return self.phones[caller].last_status = None,
            _ => 480,
        });
    }

    fn part(&mut self, phone: usize) {
        if let Some(other) = self.phones[phone].talks_with.take() {
            self.phones[other].talks_with = None;
            self.phones[other].holds = false;
            self.phones[phone].holds = false;
        }
    }
}
