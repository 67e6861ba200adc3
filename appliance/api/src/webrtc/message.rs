//! What a page and the box tell each other in JSON, instead of SIP.

use pbx::call::HangupReason;
use serde::{Deserialize, Serialize};
use store::address::AddressType;

use crate::limits;

/// What a page says.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Said {
    /// Somebody is to be called.
    Call {
        /// The page's own name for the call.
        id: String,
        /// The extension that calls; without it, the agent's first one.
        extension: Option<String>,
        /// Who is called.
        destination: Destination,
        /// The offer.
        sdp: String,
    },
    /// The answer to an offer of the box: a call comes in, or is described anew.
    Answer {
        /// Which call.
        id: String,
        /// The answer.
        sdp: String,
    },
    /// A call is described anew: it is held, or goes on elsewhere.
    Offer {
        /// Which call.
        id: String,
        /// The offer.
        sdp: String,
    },
    /// Where the page may be reached.
    Candidate {
        /// Which call.
        id: String,
        /// As the browser gives it; empty or `null`: that was all.
        candidate: Option<String>,
    },
    /// A key.
    Digit {
        /// Which call.
        id: String,
        /// Which key.
        digit: char,
        /// For how long it was pressed, in milliseconds.
        duration: Option<u32>,
    },
    /// It is over, or not wanted.
    Hangup {
        /// Which call.
        id: String,
        /// Why one that came in is not wanted; `busy` unless it is said.
        reason: Option<Unwanted>,
    },
}

/// Who is called.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Destination {
    /// What the target is.
    #[serde(rename = "type")]
    pub kind: DestinationType,
    /// An extension, a telephone number, or the id of a conference.
    pub target: String,
}

/// What can be called.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DestinationType {
    /// An extension.
    Extension,
    /// A number.
    Tel,
    /// A conference.
    Conference,
}

/// Why a call that came in is not wanted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unwanted {
    /// Not now.
    #[default]
    Busy,
    /// Not at all.
    Declined,
}

/// What the box says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "type", content = "data", rename_all = "snake_case")]
pub enum Told {
    /// Calls to this extension ring here from now on.
    Registered {
        /// Its number.
        extension: String,
    },
    /// Somebody calls.
    Call {
        /// The box's name for the call.
        id: String,
        /// The extension that is called.
        extension: String,
        /// Who calls.
        source: Party,
        /// The offer.
        sdp: String,
    },
    /// It rings there.
    Ringing {
        /// Which call.
        id: String,
    },
    /// The answer to the page's offer.
    Answer {
        /// Which call.
        id: String,
        /// The answer.
        sdp: String,
    },
    /// Somebody has answered.
    Progressing {
        /// Which call.
        id: String,
        /// The Call-ID that the record of the call has.
        sip_call_id: String,
    },
    /// The box describes the call anew, and waits for an answer.
    Offer {
        /// Which call.
        id: String,
        /// The offer.
        sdp: String,
    },
    /// The call is over.
    Hangup {
        /// Which call.
        id: String,
        /// Why, as records say it.
        reason: &'static str,
        /// The status of SIP that says it closer, if there is one.
        #[serde(skip_serializing_if = "Option::is_none")]
        status: Option<u16>,
    },
    /// What was said could not be done.
    Error {
        /// Of which call.
        #[serde(skip_serializing_if = "Option::is_none")]
        id: Option<String>,
        /// In a word for programs.
        reason: &'static str,
        /// In words for people.
        message: String,
    },
}

/// Who calls.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Party {
    /// What the target is.
    #[serde(rename = "type")]
    pub kind: AddressType,
    /// The extension, or the number.
    pub target: String,
    /// The name that is shown.
    pub target_name: String,
}

/// Why what a page said is not done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// In a word.
    pub reason: &'static str,
    /// In words.
    pub message: String,
}

impl Refusal {
    /// With its words.
    pub fn new(reason: &'static str, message: impl Into<String>) -> Refusal {
        Refusal { reason, message: message.into() }
    }

    fn argument(message: impl Into<String>) -> Refusal {
        Refusal::new("INVALID_ARGUMENT", message)
    }
}

impl Told {
    /// The end of a call.
    pub fn hangup(id: &str, reason: HangupReason, status: Option<u16>) -> Told {
        Told::Hangup { id: id.to_owned(), reason: reason.name(), status }
    }

    /// As it goes to the page.
    pub fn json(&self) -> String {
        serde_json::to_string(self).expect("text and numbers can be written as JSON")
    }
}

impl Said {
    /// Which call it is about.
    pub fn id(&self) -> &str {
        match self {
            Said::Call { id, .. }
            | Said::Answer { id, .. }
            | Said::Offer { id, .. }
            | Said::Candidate { id, .. }
            | Said::Digit { id, .. }
            | Said::Hangup { id, .. } => id,
        }
    }

    /// Whether it is said as it has to be.
    pub fn check(&self) -> Result<(), Refusal> {
        let id = self.id();
        if id.is_empty() || id.len() > limits::WEBRTC_ID || !id.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(Refusal::argument("id: must be 1 to 64 visible ASCII characters"));
        }
        match self {
            Said::Call { destination, sdp, .. } => destination.check().and_then(|()| check_sdp(sdp)),
            Said::Answer { sdp, .. } | Said::Offer { sdp, .. } => check_sdp(sdp),
            Said::Candidate { candidate, .. } => candidate.as_deref().map_or(Ok(()), check_candidate),
            Said::Digit { digit, duration, .. } => check_digit(*digit, *duration),
            Said::Hangup { .. } => Ok(()),
        }
    }
}

impl Destination {
    fn check(&self) -> Result<(), Refusal> {
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"+*#.-_".contains(&byte);
        match !self.target.is_empty() && self.target.len() <= limits::WEBRTC_ID && self.target.bytes().all(is_plain) {
            true => Ok(()),
            false => Err(Refusal::argument("destination.target: must be 1 to 64 letters, digits and + * # . - _")),
        }
    }

    /// The part of a SIP URI before the host.
    pub fn user(&self) -> String {
        match self.kind {
            DestinationType::Conference => format!("conference:{}", self.target),
            DestinationType::Extension | DestinationType::Tel => self.target.replace('#', "%23"),
        }
    }
}

fn check_sdp(sdp: &str) -> Result<(), Refusal> {
    if sdp.len() > limits::WEBRTC_SDP {
        return Err(Refusal::argument(format!("sdp: may have {} octets", limits::WEBRTC_SDP)));
    }
    let parsed = sip::sdp::SessionDescription::parse(sdp.as_bytes());
    parsed.map(drop).map_err(|error| Refusal::new("INVALID_SDP", format!("sdp: {error}")))
}

/// `candidate:<foundation> <component> <transport> <priority> <address> <port> typ <type> …` (RFC 8839 §5.1). The address may be a
/// name of mDNS: the box never looks there, it answers whoever proves that it knows the call.
fn check_candidate(candidate: &str) -> Result<(), Refusal> {
    let text = candidate.strip_prefix("a=").unwrap_or(candidate);
    if text.is_empty() {
        return Ok(());
    }
    let words: Vec<&str> = text.strip_prefix("candidate:").unwrap_or_default().split(' ').collect();
    let is_one = candidate.len() <= limits::WEBRTC_CANDIDATE
        && candidate.bytes().all(|byte| (b' '..=b'~').contains(&byte))
        && matches!(
            words[..],
            [foundation, component, transport, priority, address, port, "typ", kind, ..]
                if !foundation.is_empty()
                    && foundation.len() <= 32
                    && matches!(component, "1" | "2")
                    && matches!(transport.to_ascii_lowercase().as_str(), "udp" | "tcp")
                    && priority.parse::<u32>().is_ok()
                    && !address.is_empty()
                    && port.parse::<u16>().is_ok()
                    && matches!(kind, "host" | "srflx" | "prflx" | "relay")
        );
    let words = "candidate: must be as RFC 8839 §5.1 has it";
    if is_one { Ok(()) } else { Err(Refusal::argument(words)) }
}

fn check_digit(digit: char, duration: Option<u32>) -> Result<(), Refusal> {
    if !digit.is_ascii_digit() && !matches!(digit, 'A'..='D' | '*' | '#') {
        return Err(Refusal::argument("digit: must be one of 0-9, A-D, * and #"));
    }
    match duration.is_none_or(|duration| (40..=5_000).contains(&duration)) {
        true => Ok(()),
        false => Err(Refusal::argument("duration: must be 40 to 5000 ms")),
    }
}
