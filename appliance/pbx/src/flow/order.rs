//! What somebody has to carry out for a flow, and what may come of it.

use std::time::Duration;

use uuid::Uuid;

use crate::call::controls::MuteDirection;
use crate::call::{Address, HangupReason};
use crate::flow::action::Action;
use crate::flow::digits::Until;
use crate::recording::RecordingOptions;

/// What a flow asks for. The activeflow waits until [`crate::flow::Activeflow::resume`] says what came of it.
#[derive(Debug, Clone, PartialEq)]
pub enum Order {
    /// Answer the call.
    Answer,
    /// End the call.
    Hangup {
        /// Why.
        reason: HangupReason,
        /// The call whose reason is passed on instead.
        like: Option<Uuid>,
    },
    /// Play sounds, one after the other.
    Play {
        /// Where they are.
        urls: Vec<String>,
    },
    /// Say something.
    Talk(Box<Talk>),
    /// A short tone.
    Beep,
    /// Nothing for a while.
    Sleep(Duration),
    /// Nothing until somebody says so.
    Block,
    /// Let the phone hear itself for a while.
    Echo(Duration),
    /// Wait for digits.
    ReceiveDigits(Until),
    /// Send digits.
    SendDigits(Box<Digits>),
    /// Mute the call from now on.
    Mute(MuteDirection),
    /// Ring somebody and bring the two together.
    Connect(Box<Connect>),
    /// Make a call of its own.
    Call(Box<NewCall>),
    /// Go into a conference, through the flows that are set before and after it.
    JoinConference(Uuid),
    /// Go into a conference at once.
    JoinConfbridge(Uuid),
    /// Record the call from now on.
    StartRecording(Box<RecordingOptions>),
    /// Record it no longer.
    StopRecording,
    /// Find out whether a machine answered.
    DetectMachine {
        /// Whether a machine is hung up on.
        hang_up: bool,
        /// Whether the flow goes on meanwhile.
        meanwhile: bool,
    },
    /// Send audio to a program, and play what it sends.
    StartExternalMedia(Box<ExternalMedia>),
    /// No longer.
    StopExternalMedia,
    /// Ask a web server for actions.
    Fetch {
        /// Where.
        url: String,
        /// How.
        method: Method,
    },
    /// Run the actions of another flow here.
    FetchFlow(Uuid),
    /// Tell a web server.
    SendWebhook(Box<Webhook>),
    /// Send a SIP MESSAGE.
    SendMessage(Box<Message>),
    /// Send an e-mail.
    SendEmail(Box<Email>),
    /// Something that this box has not: its name.
    Unavailable(&'static str),
}

/// What came of an order.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// It is done.
    Done,
    /// It could not be done; why, in words.
    Failed(String),
    /// These actions come next, and then what comes after the one that asked for them.
    Actions(Vec<Action>),
    /// These variables have new values.
    Told(Vec<(&'static str, String)>),
}

/// Something to be said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Talk {
    /// The words.
    pub text: String,
    /// As `en-US`.
    pub language: String,
    /// Who speaks; empty: whom the box has.
    pub provider: String,
    /// With which voice.
    pub voice: String,
    /// Whether the first digit ends it.
    pub until_digit: bool,
    /// Whether the flow goes on meanwhile.
    pub meanwhile: bool,
}

/// Digits to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Digits {
    /// Which.
    pub digits: String,
    /// How long each is.
    pub duration: Duration,
    /// How long the pauses are.
    pub interval: Duration,
}

/// Whom to ring for a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Connect {
    /// Who they see calling; nobody: who calls.
    pub source: Option<Address>,
    /// All of them ring at once.
    pub destinations: Vec<Address>,
    /// Whether the caller hears what they send before they answer.
    pub early_media: bool,
    /// Whether the call ends for the reason that their leg ended for.
    pub relay_reason: bool,
    /// Whether they may not see who calls.
    pub anonymous: bool,
}

/// A call to be made.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct NewCall {
    /// Who calls.
    pub source: Option<Address>,
    /// Whom.
    pub destinations: Vec<Address>,
    /// What it goes through.
    pub flow: Option<Uuid>,
    /// What it goes through, if no flow is named.
    pub actions: Vec<Action>,
    /// Variables that its flow begins with.
    pub variables: Vec<(String, String)>,
    /// Whether it ends with the call that asked for it.
    pub chained: bool,
    /// Whether its flow begins when it rings.
    pub early_execution: bool,
    /// Whether they may not see who calls.
    pub anonymous: bool,
}

/// A program that hears a call and speaks into it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExternalMedia {
    /// `host:port`.
    pub host: String,
    /// How the audio is wrapped.
    pub encapsulation: Encapsulation,
    /// As `ulaw`.
    pub format: String,
    /// Which way it listens: the option's word.
    pub listens: String,
    /// Which way it speaks.
    pub speaks: String,
    /// What is sent to it at the beginning.
    pub data: String,
}

/// How audio is wrapped on its way to a program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Encapsulation {
    Rtp,
    AudioSocket,
}

/// An HTTP method.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Method {
    Post,
    Get,
    Put,
    Delete,
}

impl Method {
    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Method::Post => "POST",
            Method::Get => "GET",
            Method::Put => "PUT",
            Method::Delete => "DELETE",
        }
    }
}

/// What a web server is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Webhook {
    /// Where.
    pub url: String,
    /// How.
    pub method: Method,
    /// The content type.
    pub data_type: String,
    /// The body.
    pub data: String,
    /// Whether the flow waits for the answer.
    pub waits: bool,
}

/// A SIP MESSAGE.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// Who sends it.
    pub source: Option<Address>,
    /// Who gets it.
    pub destinations: Vec<Address>,
    /// What it says.
    pub text: String,
}

/// An e-mail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Email {
    /// Who gets it.
    pub destinations: Vec<String>,
    /// What it is about.
    pub subject: String,
    /// What it says.
    pub content: String,
    /// The recordings that go with it.
    pub recordings: Vec<Uuid>,
}
