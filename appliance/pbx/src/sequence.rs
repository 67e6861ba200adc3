//! The ladder of a call: every message of every leg and every internal step, with its time, as it really happened.

use uuid::Uuid;

use crate::UnixMicros;
use crate::limits;

/// What happened in one call, with those it happened between.
#[derive(Debug, Clone, PartialEq)]
pub struct Sequence {
    /// The leg that came in; the ladder is that of the whole call.
    pub call_id: Uuid,
    /// Columns, left to right: caller, the inner parts that took part, the called phones.
    pub participants: Vec<Participant>,
    /// Arrows, in the order of time.
    pub steps: Vec<Step>,
    /// Steps beyond the limit that were counted but not kept.
    pub omitted: u32,
}

/// A column of the ladder.
#[derive(Debug, Clone, PartialEq)]
pub struct Participant {
    /// What it is.
    pub role: Role,
    /// What stands on top of it: an extension's number, or the part's name.
    pub name: String,
    /// A second line: the peer's address, or nothing.
    pub detail: String,
}

/// What a column stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// A phone, with the id of its leg.
    Phone(Uuid),
    /// The SIP endpoint: transactions, dialogs, digest.
    Sip,
    /// The directory and the registrar.
    Registrar,
    /// The call itself: the back-to-back user agent.
    Call,
    /// The media engine.
    Media,
}

/// An arrow of the ladder.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    /// When.
    pub at: UnixMicros,
    /// From which column, as an index into [`Sequence::participants`].
    pub from: u8,
    /// To which column; the same as `from` for something a part does by itself.
    pub to: u8,
    /// How it is drawn.
    pub kind: StepKind,
    /// What stands on the arrow: `INVITE`, `200 OK`, `Open port 30000`.
    pub label: String,
    /// What a click shows: the whole message with credentials masked, or a sentence.
    pub detail: String,
}

/// How a step is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StepKind {
    /// A SIP message on the wire.
    Sip,
    /// Something within the exchange.
    Internal,
    /// Audio begins, changes or ends.
    Media,
    /// An event that left through the event log.
    Event,
}

impl StepKind {
    /// The API's word.
    pub fn name(self) -> &'static str {
        match self {
            StepKind::Sip => "sip",
            StepKind::Internal => "internal",
            StepKind::Media => "media",
            StepKind::Event => "event",
        }
    }
}

impl Sequence {
    /// Adds a step, or counts it where [`limits::SEQUENCE_STEPS`] is reached.
    pub fn push(&mut self, step: Step) {
        if self.steps.len() < limits::SEQUENCE_STEPS {
            self.steps.push(step);
        } else {
            self.omitted += 1;
        }
    }
}
