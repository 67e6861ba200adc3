//! Brings webhooks to web servers, with everything that the network puts in between.

mod location;

use std::io::Read;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use api::state::Webhooks;
use delivery::WebhookThreads;
use delivery::webhook::Surroundings;
use delivery::webhook::letter::{Answer, Carrier, Letter};
use store::activeflow::WebhookMethod;
use store::sealed::BoxKey;
use store::{Journal, Store};
use ureq::http::Response;
use ureq::tls::TlsConfig;
use ureq::typestate::{WithBody, WithoutBody};
use ureq::{Agent, Body, RequestBuilder};

use crate::data_folder::DataFolder;
use crate::options::Options;
use crate::web::{self, Reach};
use crate::{limits, process};

/// Starts the threads that tell web servers.
pub fn start(options: &Options, folder: &DataFolder, (store, journal): (&Store, &Journal)) -> Result<WebhookThreads> {
    let own = BoxKey::open(folder.path())?;
    let around = Surroundings {
        store: store.clone(),
        journal: journal.clone(),
        clock: Box::new(process::now),
        open: Box::new(move |sealed| own.decrypt(sealed)),
        carrier: Box::new(Postman::new(process::reach(options), web::tls(options.webhook_roots.as_deref())?)),
    };
    WebhookThreads::start(around).context("cannot start the threads of webhooks")
}

/// What the API needs of them.
pub fn for_the_api(options: &Options, folder: &DataFolder, threads: &WebhookThreads) -> Result<Webhooks> {
    let (own, threads) = (BoxKey::open(folder.path())?, threads.clone());
    Ok(Webhooks {
        seal: Arc::new(move |secret| own.encrypt(secret).map_err(std::io::Error::other)),
        ring: Arc::new(move || threads.ring()),
        own_servers: options.own_web_servers.0.clone(),
    })
}

/// Tells web servers.
#[derive(Debug)]
pub struct Postman {
    agent: Agent,
    most: Duration,
}

impl Postman {
    /// Tells those that may be told.
    pub fn new(reach: Reach, tls: TlsConfig) -> Postman {
        Postman { agent: web::telling_agent(reach, tls), most: delivery::limits::WEBHOOK_ANSWER }
    }

    /// Follows redirects with the same request: what is told is not told by halves. Each hop's address is looked at.
    fn follow(&self, letter: &Letter, begun: Instant) -> std::result::Result<Response<Body>, String> {
        let mut uri = letter.uri.clone();
        for _ in 0..=limits::REDIRECTS {
            let answer = self.send(letter, &uri, self.most.saturating_sub(begun.elapsed()))?;
            let to = answer.headers().get("location").and_then(|to| to.to_str().ok());
            let (301 | 302 | 303 | 307 | 308, Some(to)) = (answer.status().as_u16(), to) else { return Ok(answer) };
            uri = location::follow(&uri, to)?;
        }
        Err(format!("it is redirected more than {} times", limits::REDIRECTS))
    }

    fn send(&self, letter: &Letter, uri: &str, left: Duration) -> std::result::Result<Response<Body>, String> {
        let sent = match letter.method {
            WebhookMethod::Put => with_head(self.agent.put(uri), letter, left).send(letter.body.as_str()),
            WebhookMethod::Get => with_body(self.agent.get(uri), letter, left),
            WebhookMethod::Delete => with_body(self.agent.delete(uri), letter, left),
            WebhookMethod::Post | WebhookMethod::Unset => {
                with_head(self.agent.post(uri), letter, left).send(letter.body.as_str())
            }
        };
        sent.map_err(web::in_words)
    }
}

impl Carrier for Postman {
    fn carry(&self, letter: &Letter) -> Answer {
        let begun = Instant::now();
        let answer = match self.follow(letter, begun) {
            Ok(answer) => answer,
            Err(reason) => return Answer { status: 0, reason, took: begun.elapsed(), retry_after: None },
        };
        let (status, took) = (answer.status().as_u16(), begun.elapsed());
        let seconds = answer.headers().get("retry-after").and_then(|value| value.to_str().ok()?.trim().parse().ok());
        let is_taken = answer.status().is_success();
        let mut said = Vec::new();
        // Whatever it is: the status has been said. What is read leaves the connection free for the next one.
        let _ = answer.into_body().into_reader().take(limits::WEBHOOK_ANSWER).read_to_end(&mut said);
        let reason = if is_taken { String::new() } else { complaint(status, &said) };
        Answer { status, reason, took, retry_after: seconds.map(Duration::from_secs) }
    }
}

fn with_head(request: RequestBuilder<WithBody>, letter: &Letter, left: Duration) -> RequestBuilder<WithBody> {
    let request = request.config().timeout_global(Some(left)).build();
    let request = request.header("Content-Type", "application/json").header("X-Tandem-Event-Id", letter.event_id);
    match &letter.signature {
        Some(signature) => request.header("X-VoIPBIN-Signature", signature),
        None => request,
    }
}

/// By a method that has no body usually.
fn with_body(
    request: RequestBuilder<WithoutBody>,
    letter: &Letter,
    left: Duration,
) -> std::result::Result<Response<Body>, ureq::Error> {
    with_head(request.force_send_body(), letter, left).send(letter.body.as_str())
}

/// What a server says against it, as far as a person can read it.
fn complaint(status: u16, said: &[u8]) -> String {
    let text: String = String::from_utf8_lossy(said).chars().take(limits::WEBHOOK_COMPLAINT).collect();
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match text.is_empty() || text.contains(char::is_control) {
        true => format!("the server answers {status}"),
        false => format!("the server answers {status}: {text}"),
    }
}
