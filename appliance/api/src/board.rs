//! The board that the box runs on: what only its first process can do, asked by its control socket.
//!
//! One connection is one request: a line of JSON, `{"do":"reboot"}`, and whatever octets belong to it. The answer is any
//! number of lines `{"progress":…}`, then `{"ok":…}`, or `{"error":"a sentence"}` with the name of the `field` that is
//! wrong, or a word for the `reason`.

use std::io;
use std::pin::Pin;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader};

use crate::failure::{Failure, Status};
use crate::limits;
use crate::state::State;

/// A connection to the control socket.
pub trait Wire: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Wire for T {}

/// The result of connecting, when it is there.
pub type Connecting<'a> = Pin<Box<dyn Future<Output = io::Result<Box<dyn Wire>>> + Send + 'a>>;

/// The way to the board's first process; the daemon knows where it listens.
pub trait Board: Send + Sync {
    /// Connects anew: each request has a connection of its own.
    fn connect(&self) -> Connecting<'_>;
}

/// One request to the board, begun.
pub struct Conversation {
    wire: BufReader<Box<dyn Wire>>,
}

/// What the board says.
#[derive(Debug, Clone, PartialEq)]
pub enum Said {
    /// How far it is.
    Progress(Value),
    /// It is done, and this is the result.
    Done(Value),
}

/// Asks for something that is done at once, such as `json!({ "do": "reboot" })`; gives its result.
pub async fn ask(state: &State, request: Value) -> Result<Value, Failure> {
    let mut conversation = Conversation::begin(state, request).await?;
    loop {
        if let Said::Done(result) = conversation.next(limits::BOARD_ANSWER).await? {
            return Ok(result);
        }
    }
}

impl Conversation {
    /// Connects and says what is wanted.
    pub async fn begin(state: &State, request: Value) -> Result<Conversation, Failure> {
        let Some(board) = state.board() else { return Err(none()) };
        let connected = tokio::time::timeout(limits::BOARD_ANSWER, board.connect()).await;
        let wire = connected.map_err(|_| silent()).and_then(|connected| {
            connected.map_err(|error| {
                tracing::error!(%error, "the board's control socket cannot be reached");
                silent()
            })
        })?;
        let mut conversation = Conversation { wire: BufReader::new(wire) };
        conversation.send(format!("{request}\n").as_bytes()).await?;
        Ok(conversation)
    }

    /// Sends octets that belong to the request.
    pub async fn send(&mut self, octets: &[u8]) -> Result<(), Failure> {
        self.send_within(octets, limits::BOARD_ANSWER).await
    }

    /// The same where taking them takes longer.
    pub async fn send_within(&mut self, octets: &[u8], patience: Duration) -> Result<(), Failure> {
        let sent = tokio::time::timeout(patience, self.wire.get_mut().write_all(octets)).await;
        match sent {
            Ok(Ok(())) => Ok(()),
            // Whoever refuses in the middle has said why before it hung up.
            Ok(Err(error)) if [io::ErrorKind::BrokenPipe, io::ErrorKind::ConnectionReset].contains(&error.kind()) => {
                Err(self.refusal().await)
            }
            _ => Err(silent()),
        }
    }

    /// Why the board has hung up.
    async fn refusal(&mut self) -> Failure {
        loop {
            match self.next(limits::BOARD_ANSWER).await {
                Ok(Said::Progress(_)) => {}
                Ok(Said::Done(_)) => return silent(),
                Err(refusal) => return refusal,
            }
        }
    }

    /// Says that no more octets follow.
    pub async fn end_octets(&mut self) -> Result<(), Failure> {
        self.wire.get_mut().shutdown().await.map_err(|_| silent())
    }

    /// What the board says next, for which it has this long.
    pub async fn next(&mut self, patience: Duration) -> Result<Said, Failure> {
        let mut line = Vec::new();
        let mut bounded = (&mut self.wire).take(limits::BOARD_LINE);
        let read = tokio::time::timeout(patience, bounded.read_until(b'\n', &mut line)).await;
        if !matches!(read, Ok(Ok(_))) || !line.ends_with(b"\n") {
            return Err(silent());
        }
        let mut said: Value = serde_json::from_slice(&line).map_err(|_| silent())?;
        if let Some(error) = said["error"].as_str() {
            return Err(refused(error, said["field"].as_str(), said["reason"].as_str()));
        }
        match said.as_object_mut() {
            Some(said) if said.contains_key("progress") => Ok(Said::Progress(said["progress"].take())),
            Some(said) if said.contains_key("ok") => Ok(Said::Done(said["ok"].take())),
            _ => Err(silent()),
        }
    }
}

fn none() -> Failure {
    Failure::new(Status::NotFound, "BOARD_NOT_FOUND", "this box does not run on a board of its own")
}

fn silent() -> Failure {
    Failure::unavailable("the board does not answer")
}

/// A wrong field is the client's fault, all else is how things stand.
fn refused(sentence: &str, field: Option<&str>, reason: Option<&str>) -> Failure {
    match field {
        None => {
            let reason = reason.unwrap_or("BOARD_REFUSED").to_owned();
            Failure::new(Status::FailedPrecondition, reason, sentence.to_owned())
        }
        Some(field) => {
            let details = json!([{ "field": field, "reason": sentence }]);
            let message = format!("{field}: {sentence}");
            Failure::new(Status::InvalidArgument, "INVALID_ARGUMENT", message).with_details(details)
        }
    }
}
