//! Brings the octets of an update to the board.

use std::io::Read;

use axum::body::Bytes;
use futures_util::{Stream, StreamExt};
use serde::Serialize;
use serde_json::{Value, json};
use tokio::sync::mpsc;
use tokio::time::timeout;
use utoipa::ToSchema;

use crate::board::{Conversation, Said};
use crate::failure::{Failure, Status};
use crate::limits;
use crate::state::{Download, State};

/// What is done with an update.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum UpdateStep {
    /// It comes and is written.
    Writing,
    /// It is read back.
    Verifying,
}

/// How far writing is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = UpdateProgress)]
pub struct Progress {
    /// What is done.
    pub step: UpdateStep,
    /// Octets that came, or that were read back.
    pub octets: u64,
}

/// Pieces of an update, or why no more come.
pub trait Octets: Stream<Item = Result<Bytes, String>> + Send + Unpin {}

impl<T: Stream<Item = Result<Bytes, String>> + Send + Unpin> Octets for T {}

/// Passes an update on as fast as the board takes it; what the board says of it in the end.
pub async fn write(state: &State, mut board: Conversation, mut octets: impl Octets) -> Result<Value, Failure> {
    let mut come = 0;
    let tell = |step, octets| state.updates().tell(Some(Progress { step, octets }));
    tell(UpdateStep::Writing, 0);
    loop {
        let piece = match timeout(limits::UPDATE_PIECE, octets.next()).await {
            Ok(None) => break,
            Ok(Some(Ok(piece))) => piece,
            Ok(Some(Err(reason))) => return Err(broken(reason)),
            Err(_) => return Err(broken("No more of the update came for a minute.".into())),
        };
        if state.updates().is_given_up() {
            return Err(Failure::new(Status::FailedPrecondition, CANCELED, "Somebody gave the update up."));
        }
        come += piece.len() as u64;
        board.send_within(&piece, limits::UPDATE_PIECE).await?;
        tell(UpdateStep::Writing, come);
    }
    board.end_octets().await?;
    loop {
        match board.next(limits::UPDATE_PIECE).await? {
            Said::Done(content) => return Ok(content),
            Said::Progress(progress) => tell(UpdateStep::Verifying, progress["octets"].as_u64().unwrap_or_default()),
        }
    }
}

/// The reason of one that was given up.
pub const CANCELED: &str = "CANCELED";

fn broken(reason: String) -> Failure {
    Failure::new(Status::FailedPrecondition, "BROKE_OFF", reason)
}

/// Begins to ask the board for it.
pub async fn begin(state: &State) -> Result<Conversation, Failure> {
    Conversation::begin(state, json!({ "do": "update" })).await
}

/// What comes from a web server, read in a thread that may wait.
pub fn download(download: Download, url: String) -> impl Octets {
    let (sender, mut pieces) = mpsc::channel(limits::UPDATE_PIECES);
    tokio::task::spawn_blocking(move || {
        let mut body = match download(&url) {
            Ok(body) => body,
            Err(reason) => {
                return drop(sender.blocking_send(Err(format!("The update cannot be downloaded: {reason}."))));
            }
        };
        let mut buffer = vec![0; limits::UPDATE_BUFFER];
        loop {
            let piece = match body.read(&mut buffer) {
                Ok(0) => return,
                Ok(length) => Ok(Bytes::copy_from_slice(&buffer[..length])),
                Err(error) => Err(format!("The download broke off: {error}.")),
            };
            let is_over = piece.is_err();
            // Nobody wants more of one that was refused.
            if sender.blocking_send(piece).is_err() || is_over {
                return;
            }
        }
    });
    futures_util::stream::poll_fn(move |context| pieces.poll_recv(context))
}
