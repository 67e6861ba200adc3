//! One connection to the control socket: a line is read, lines are written, each within its limits of size and time.
use std::time::Duration;

use serde_json::{Value, json};
use smol::future::or;
use smol::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use smol::net::unix::UnixStream;
use smol::{Timer, io};

/// Octets of a request's line: the settings of the network with everything in them are a tenth of it.
const LINE: u64 = 16 << 10;
/// How long somebody may take to say what is wanted, or to take a line of the answer.
const PATIENCE: Duration = Duration::from_secs(10);

/// Who asks.
pub struct Conversation {
    stream: BufReader<UnixStream>,
}

/// What is asked for.
#[derive(Debug)]
pub struct Request {
    line: Value,
}

/// Why something is not done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    sentence: String,
    field: Option<String>,
    reason: Option<&'static str>,
}

impl Refusal {
    /// With a sentence for people.
    pub fn new(sentence: impl Into<String>) -> Refusal {
        Refusal { sentence: sentence.into(), field: None, reason: None }
    }

    /// With a word for programs besides.
    pub fn for_reason(reason: &'static str, sentence: impl Into<String>) -> Refusal {
        Refusal { reason: Some(reason), ..Refusal::new(sentence) }
    }

    /// With the field that is wrong.
    pub fn of_field(field: impl Into<String>, reason: impl Into<String>) -> Refusal {
        Refusal { field: Some(field.into()), ..Refusal::new(reason) }
    }

    fn to_json(&self) -> Value {
        let mut answer = json!({ "error": self.sentence });
        if let Some(field) = &self.field {
            answer["field"] = field.as_str().into();
        }
        if let Some(reason) = self.reason {
            answer["reason"] = reason.into();
        }
        answer
    }
}

impl Request {
    fn parse(line: &[u8]) -> Result<Request, Refusal> {
        let line = serde_json::from_slice(line).map_err(|error| Refusal::new(format!("that is no JSON: {error}")))?;
        let request = Request { line };
        if request.line["do"].is_string() { Ok(request) } else { Err(Refusal::new("nothing says what to do")) }
    }

    /// The word that says what to do.
    pub fn wanted(&self) -> &str {
        self.line["do"].as_str().unwrap_or_default()
    }

    /// What is said beside it, null where nothing is.
    pub fn value(&self, name: &str) -> &Value {
        &self.line[name]
    }
}

impl Conversation {
    /// Nothing is said yet.
    pub fn new(stream: UnixStream) -> Conversation {
        Conversation { stream: BufReader::new(stream) }
    }

    /// Hears what is wanted.
    pub async fn request(&mut self) -> Result<Request, Refusal> {
        let mut line = Vec::new();
        let late = async {
            Timer::after(PATIENCE).await;
            Err(io::ErrorKind::TimedOut.into())
        };
        let read = or((&mut self.stream).take(LINE).read_until(b'\n', &mut line), late).await;
        match read {
            Ok(_) if line.ends_with(b"\n") => Request::parse(&line),
            Ok(length) if length as u64 == LINE => Err(Refusal::new("the request is too long")),
            Ok(_) => Err(Refusal::new("the request breaks off")),
            Err(error) => Err(Refusal::new(format!("the request cannot be read: {error}"))),
        }
    }

    /// The next octets behind the request's line, none at their end. Whoever sends them has this long for each piece.
    pub async fn octets(&mut self, buffer: &mut [u8], patience: Duration) -> Result<usize, Refusal> {
        let late = async {
            Timer::after(patience).await;
            Err(io::ErrorKind::TimedOut.into())
        };
        let read = or(self.stream.read(buffer), late).await;
        read.map_err(|error| Refusal::new(format!("what was sent breaks off: {error}")))
    }

    /// Tells how far it is. Whoever asked may have gone.
    pub async fn progress(&mut self, progress: Value) {
        let _ = self.say(&json!({ "progress": progress })).await;
    }

    /// Says how it ended. Whoever asked may have gone: that changes nothing of what was done.
    pub async fn end(mut self, outcome: Result<Value, Refusal>) {
        let answer = outcome.map_or_else(|refusal| refusal.to_json(), |value| json!({ "ok": value }));
        let _ = self.say(&answer).await;
        let _ = self.stream.get_mut().close().await;
    }

    async fn say(&mut self, line: &Value) -> io::Result<()> {
        let late = async {
            Timer::after(PATIENCE).await;
            Err(io::ErrorKind::TimedOut.into())
        };
        or(self.stream.get_mut().write_all(format!("{line}\n").as_bytes()), late).await
    }
}
