//! What a web server is told, and what it answers.

use std::time::Duration;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use store::activeflow::WebhookMethod;
use store::event_log::{EventDialect, Record};

/// A request to a web server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Letter {
    /// Where.
    pub uri: String,
    /// How.
    pub method: WebhookMethod,
    /// The header `X-Tandem-Event-Id`: the idempotency key.
    pub event_id: i64,
    /// The header `X-VoIPBIN-Signature`, where there is a secret.
    pub signature: Option<String>,
    /// The envelope: `{"type": …, "data": …}`.
    pub body: String,
}

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The status that the server answered; 0 where it did not.
    pub status: u16,
    /// What went wrong, in words; empty where nothing did.
    pub reason: String,
    /// How long it took.
    pub took: Duration,
    /// How long the server wants to be left alone.
    pub retry_after: Option<Duration>,
}

/// Brings letters to web servers; each call waits for the answer, [`crate::limits::WEBHOOK_ANSWER`] at most.
pub trait Carrier: Send + Sync {
    /// Brings one.
    fn carry(&self, letter: &Letter) -> Answer;
}

impl Answer {
    /// Whether the server has it now.
    pub fn is_taken(&self) -> bool {
        (200..300).contains(&self.status)
    }
}

impl Letter {
    /// What is told of an event.
    pub fn new((uri, method): (&str, WebhookMethod), event: &Record, dialect: EventDialect) -> Letter {
        // Names of events are our own words, which need no escaping.
        let body = format!(r#"{{"type":"{}","data":{}}}"#, event.name_in(dialect), event.data.get());
        Letter { uri: uri.to_owned(), method, event_id: event.seq, signature: None, body }
    }

    /// The same, signed.
    pub fn signed(self, secret: &str) -> Letter {
        let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("HMAC takes keys of any length");
        mac.update(self.body.as_bytes());
        Letter { signature: Some(format!("sha256={}", hex::encode(mac.finalize().into_bytes()))), ..self }
    }
}

#[cfg(test)]
mod tests {
    use store::Timestamp;
    use uuid::Uuid;

    use super::*;

    #[test]
    fn the_envelope_is_signed_as_a_whole() {
        let data = serde_json::value::RawValue::from_string(r#"{"id":"7"}"#.into()).expect("JSON");
        let kind = "call_hungup".to_owned();
        let event = Record { kind, data, seq: 12, tm: Timestamp(0), resource_id: Uuid::nil(), moment: None };
        let plain = Letter::new(("http://192.0.2.1/", WebhookMethod::Post), &event, EventDialect::Ours);
        assert_eq!((plain.body.as_str(), &plain.signature), (r#"{"type":"call_hungup","data":{"id":"7"}}"#, &None));
        // printf '…' | openssl dgst -sha256 -hmac key
        let signature = "sha256=70269198d1989b66c73b3f896c0a627c7be7cf1b355d6a6d77624e0dc2914de5";
        assert_eq!(plain.signed("key").signature.as_deref(), Some(signature));
        let later = Letter::new(("http://192.0.2.1/", WebhookMethod::Post), &event, EventDialect::Later);
        assert!(later.body.starts_with(r#"{"type":"call_hangup","#));
    }
}
