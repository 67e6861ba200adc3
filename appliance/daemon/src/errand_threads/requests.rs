//! What web servers are asked and told for flows: `fetch` and `webhook_send`.

use std::io::Read;
use std::time::{Duration, Instant};

use pbx::errand::Brought;
use pbx::flow::order::{Method, Webhook};
use ureq::http::{Request, Response};
use ureq::{Agent, Body};
use uuid::Uuid;

use super::Done;
use crate::limits;
use crate::web::{self, Reach};

/// Asks web servers.
#[derive(Debug)]
pub struct Requests {
    agent: Agent,
}

/// An answer whose body was read.
struct Answer {
    status: u16,
    body: Vec<u8>,
}

impl Requests {
    /// Asks those that may be asked.
    pub fn new(reach: Reach) -> Requests {
        Requests::within(reach, limits::FETCH)
    }

    /// The same, with another patience.
    pub fn within(reach: Reach, most: Duration) -> Requests {
        Requests { agent: web::agent(reach, most) }
    }

    /// Asks for actions; the server is told for which flow and for which call.
    pub fn fetch(&self, (method, url): (Method, &str), ids: (Uuid, Uuid), begun: Instant) -> Done {
        let (activeflow, reference) = ids;
        let asked = match method {
            Method::Get | Method::Delete => {
                let mark = if url.contains('?') { '&' } else { '?' };
                let (url, part) = url.split_once('#').unwrap_or((url, ""));
                let part = if part.is_empty() { String::new() } else { format!("#{part}") };
                let url = format!("{url}{mark}activeflow_id={activeflow}&reference_id={reference}{part}");
                self.ask((method, &url), ("", String::new()), limits::FETCHED_ACTIONS)
            }
            Method::Post | Method::Put => {
                let body = format!(r#"{{"activeflow_id":"{activeflow}","reference_id":"{reference}"}}"#);
                self.ask((method, url), ("application/json", body), limits::FETCHED_ACTIONS)
            }
        };
        done(asked, begun, |answer| match answer {
            Answer { status: 200, body } => {
                let is_too_long = body.len() > limits::FETCHED_ACTIONS;
                if is_too_long {
                    return Err(format!("the answer is longer than {} KiB", limits::FETCHED_ACTIONS >> 10));
                }
                store::action::read(&body).map(Brought::Actions)
            }
            Answer { status, .. } => Err(format!("the server answers {status}")),
        })
    }

    /// Tells something.
    pub fn tell(&self, webhook: &Webhook, begun: Instant) -> Done {
        let Webhook { url, method, data_type, data, .. } = webhook;
        let asked = self.ask((*method, url), (data_type, data.clone()), pbx::limits::VARIABLE);
        done(asked, begun, |Answer { status, mut body }| {
            body.truncate(pbx::limits::VARIABLE);
            Ok(Brought::Answer { status, body: String::from_utf8_lossy(&body).into_owned() })
        })
    }

    /// Sends a request; of the answer, so many octets are read and one more.
    fn ask(&self, (method, url): (Method, &str), content: (&str, String), most: usize) -> Result<Answer, String> {
        if url.len() > limits::URL {
            return Err(format!("a URL of {} octets is too long", url.len()));
        }
        let request = Request::builder().method(method.name()).uri(url);
        let answer = match method {
            Method::Get | Method::Delete => self.agent.run(request.body(()).map_err(in_words)?),
            Method::Post | Method::Put => {
                let (data_type, data) = content;
                self.agent.run(request.header("Content-Type", data_type).body(data).map_err(in_words)?)
            }
        };
        let answer: Response<Body> = answer.map_err(web::in_words)?;
        let status = answer.status().as_u16();
        let mut body = Vec::new();
        let read = answer.into_body().into_reader().take(most as u64 + 1).read_to_end(&mut body);
        read.map_err(|error| format!("the answer broke off: {error}"))?;
        Ok(Answer { status, body })
    }
}

fn in_words(error: ureq::http::Error) -> String {
    format!("it cannot be asked for: {error}")
}

/// What was seen, and what that means.
fn done(asked: Result<Answer, String>, begun: Instant, judge: impl FnOnce(Answer) -> Result<Brought, String>) -> Done {
    let took = begun.elapsed().as_millis();
    match asked {
        Ok(answer) => {
            let words = format!("{}, {} bytes in {took} ms", answer.status, answer.body.len());
            Done { words, result: judge(answer) }
        }
        Err(reason) => Done { words: format!("no answer in {took} ms"), result: Err(reason) },
    }
}
