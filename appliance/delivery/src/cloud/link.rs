//! The way to the cloud: one request at a time, and what its answer means.

use std::sync::Arc;
use std::time::Duration;

use ureq::Agent;
use ureq::http::Response;
use uuid::Uuid;

use super::batch::{Acknowledgement, Batch};
use crate::{Pace, limits};

/// A way to the cloud.
pub trait Way: std::fmt::Debug + Send {
    /// Sends records, and gives how far the cloud has everything for good.
    fn send(&mut self, batch: &Batch<'_>) -> Result<i64, Error>;
}

/// The way by HTTPS.
#[derive(Clone)]
pub struct Link {
    url: String,
    token: Option<String>,
    agent: Agent,
    pace: Arc<Pace>,
}

/// Why records were not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// There is no answer, or half of one.
    #[error("the cloud cannot be reached: {0}")]
    Unreachable(String),
    /// The answer is no; it may say when to come again.
    #[error("the cloud answers {status}: {said}")]
    Refused {
        /// The status of HTTP.
        status: u16,
        /// What it says, in brief.
        said: String,
        /// How long it wants to be left alone.
        wait: Option<Duration>,
    },
    /// The answer makes no sense.
    #[error("the cloud answers what cannot be understood: {0}")]
    Odd(String),
    /// There is no memory for it.
    #[error("the records cannot be packed: {0}")]
    Packing(String),
    /// Nobody at the exchange of RabbitMQ takes it.
    #[error("no queue of the exchange takes what is published as {0}")]
    Unrouted(String),
    /// RabbitMQ says that it could not keep it.
    #[error("RabbitMQ could not keep {0}")]
    NotKept(String),
}

impl std::fmt::Debug for Link {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Link({})", self.url)
    }
}

impl Link {
    /// The link of one box to the cloud at `url`; why not, where that is no address.
    pub fn new(url: &str, appliance_id: Uuid, token: Option<String>, agent: Agent) -> Result<Link, String> {
        let is_address = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"));
        if is_address.is_none_or(|rest| rest.is_empty() || rest.starts_with('/') || rest.contains(['?', '#', ' '])) {
            return Err(format!("“{url}” is no address of a cloud: https://host, and a path where there is one"));
        }
        let url = format!("{}/v1.0/appliances/{appliance_id}/records", url.trim_end_matches('/'));
        Ok(Link { url, token, agent, pace: Arc::new(Pace::new(None)) })
    }

    /// The same, sending no faster than this.
    pub fn paced(self, pace: Arc<Pace>) -> Link {
        Link { pace, ..self }
    }

    /// Where records go.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Sends a compressed body.
    fn post(&self, body: &[u8]) -> Result<i64, Error> {
        let mut request = self.agent.post(&self.url);
        request = request.header("Content-Type", "application/json").header("Content-Encoding", "gzip");
        if let Some(token) = &self.token {
            request = request.header("Authorization", format!("Bearer {token}"));
        }
        let request = request.header("Content-Length", body.len().to_string());
        let mut response =
            self.pace.send(body, |body| request.send(body)).map_err(|error| Error::Unreachable(error.to_string()))?;
        let status = response.status();
        let wait = wait_of(&response);
        let said = response.body_mut().with_config().limit(limits::CLOUD_ANSWER).read_to_string();
        if !status.is_success() {
            let said = said.unwrap_or_default().chars().take(limits::REASON).collect();
            return Err(Error::Refused { status: status.as_u16(), said, wait });
        }
        let said = said.map_err(|error| Error::Unreachable(error.to_string()))?;
        let acknowledged: Result<Acknowledgement, _> = serde_json::from_str(&said);
        acknowledged.map(|answer| answer.cursor).map_err(|error| Error::Odd(error.to_string()))
    }
}

impl Way for Link {
    fn send(&mut self, batch: &Batch<'_>) -> Result<i64, Error> {
        self.post(&batch.packed().map_err(|error| Error::Packing(error.to_string()))?)
    }
}

/// How long a server wants to be left alone (RFC 9110 §10.2.3, in seconds), within reason.
pub(super) fn wait_of<B>(response: &Response<B>) -> Option<Duration> {
    let seconds: u64 = response.headers().get("retry-after")?.to_str().ok()?.parse().ok()?;
    Some(Duration::from_secs(seconds).min(limits::LAST_WAIT))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_one_or_is_refused() {
        let link = |url| Link::new(url, Uuid::from_u128(7), None, Agent::new_with_defaults());
        let records = "v1.0/appliances/00000000-0000-0000-0000-000000000007/records";
        for (url, whole) in
            [("https://cloud.example.org", "https://cloud.example.org/"), ("http://[::1]:80/a/", "http://[::1]:80/a/")]
        {
            assert_eq!(link(url).expect("an address").url(), format!("{whole}{records}"));
        }
        for wrong in ["", "cloud.example.org", "https://", "https:///x", "https://a?b", "ftp://a"] {
            assert!(link(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_server_that_wants_to_be_left_alone_is() {
        let asked = |text: &str| {
            let response = Response::builder().header("retry-after", text).body(()).expect("a response");
            wait_of(&response)
        };
        assert_eq!(asked("7"), Some(Duration::from_secs(7)));
        assert_eq!(asked("99999999"), Some(limits::LAST_WAIT), "but not for ever");
        assert_eq!(asked("soon"), None);
    }
}
