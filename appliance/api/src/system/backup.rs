//! `/v1.0/system/backup`: everything that the box remembers, in one encrypted file.

use std::io::{self, Write};

use axum::body::{Body, Bytes};
use axum::extract::State as Shared;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use store::Item;
use store::backup::{Backup, Refusal};
use store::system::{Made, Record};
use tokio::sync::{OwnedMutexGuard, mpsc};
use utoipa::ToSchema;

use crate::auth::Caller;
use crate::body::Json;
use crate::exchange::remember;
use crate::failure::{ErrorEnvelope, Failure, Status};
use crate::limits;
use crate::state::State;

/// What a backup is to be.
#[derive(Deserialize, ToSchema)]
#[schema(as = BackupOrder)]
pub(crate) struct Order {
    /// What it is encrypted by: at least 12 characters. Without it nobody opens it, us included.
    passphrase: String,
    /// Whether the files of recordings go with it.
    #[serde(default)]
    recordings: bool,
}

/// Makes a backup and hands it out while it is made. What is cut off on its way is noticed when it is restored.
#[utoipa::path(
    post,
    path = "/v1.0/system/backup",
    request_body = Order,
    responses(
        (status = 200, content_type = "application/octet-stream", description = "The file; docs/backup.md describes it"),
        (status = 400, body = ErrorEnvelope, description = "INVALID_JSON_BODY, PASSPHRASE_WEAK"),
        (status = 401, body = ErrorEnvelope),
        (status = 403, body = ErrorEnvelope),
        (status = 409, body = ErrorEnvelope, description = "BACKUP_BUSY: another is made or restored"),
        (status = 503, body = ErrorEnvelope, description = "DISK_FULL"),
    ),
    tag = "system"
)]
pub(crate) async fn create(
    Shared(state): Shared<State>,
    caller: Caller,
    Json(order): Json<Order>,
) -> Result<Response, Failure> {
    let turn = take_turn(&state)?;
    let (own, now) = (state.clone(), state.now());
    let prepared = tokio::task::spawn_blocking(move || {
        let about = (env!("CARGO_PKG_VERSION"), now, order.recordings);
        // Whoever hangs up ends neither it nor its turn.
        Backup::prepare((own.store(), own.data_folder()), &order.passphrase, about).map(|backup| (backup, turn))
    });
    let (backup, turn) = prepared.await.map_err(|_| Failure::internal())??;
    let made = Made { agent: caller.agent.username, backup: backup.manifest().clone() };
    remember(&state, Item::System(Box::new(Record::Backup(made)), now)).await?;
    let name = format!("attachment; filename=\"tandem-{}.backup\"", name_of(now));
    let head = [(header::CONTENT_TYPE, "application/octet-stream".to_owned()), (header::CONTENT_DISPOSITION, name)];
    Ok((head, Body::from_stream(stream(backup, turn))).into_response())
}

/// One backup at a time is made, or restored.
pub(crate) fn take_turn(state: &State) -> Result<OwnedMutexGuard<()>, Failure> {
    let message = "another backup is being made or restored";
    let busy = |_| Failure::new(Status::FailedPrecondition, "BACKUP_BUSY", message);
    state.backup_turn().try_lock_owned().map_err(busy)
}

/// The day and the time, as they may stand in a file's name: `20261123-1415`.
fn name_of(now: store::Timestamp) -> String {
    let text = serde_json::to_value(now).ok().and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_default();
    let digits: String = text.chars().filter(char::is_ascii_digit).take(12).collect();
    let (day, time) = digits.split_at_checked(8).unwrap_or((&digits, ""));
    format!("{day}-{time}")
}

/// Pieces, as fast as somebody takes them: one who reads slowly holds up nobody else.
fn stream(backup: Backup, turn: OwnedMutexGuard<()>) -> impl futures_util::Stream<Item = io::Result<Bytes>> {
    let (pieces, taken) = mpsc::channel(limits::BACKUP_PIECES);
    tokio::task::spawn_blocking(move || {
        let _turn = turn;
        let out = io::BufWriter::with_capacity(limits::FILE_PIECE, Pieces(pieces.clone()));
        if let Err(refusal) = backup.write(out) {
            tracing::warn!(%refusal, "a backup could not be handed out to its end");
            // Who reads is told by the end of the connection; who is gone needs not to be.
            let _ = pieces.blocking_send(Err(refusal.into()));
        }
    });
    futures_util::stream::unfold(taken, |mut taken| async { taken.recv().await.map(|piece| (piece, taken)) })
}

struct Pieces(mpsc::Sender<io::Result<Bytes>>);

impl Write for Pieces {
    fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        let sent = self.0.blocking_send(Ok(Bytes::copy_from_slice(octets)));
        sent.map_err(|_| io::Error::new(io::ErrorKind::BrokenPipe, "nobody reads it any more"))?;
        Ok(octets.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Failure {
        let message = refusal.to_string();
        let (status, reason) = match refusal {
            Refusal::Weak => (Status::InvalidArgument, "PASSPHRASE_WEAK"),
            Refusal::Foreign => (Status::InvalidArgument, "BACKUP_FOREIGN"),
            Refusal::Newer => (Status::InvalidArgument, "BACKUP_NEWER"),
            Refusal::Passphrase => (Status::InvalidArgument, "PASSPHRASE_WRONG"),
            Refusal::Damaged(_) => (Status::InvalidArgument, "BACKUP_DAMAGED"),
            Refusal::CutShort(_) => (Status::InvalidArgument, "BACKUP_CUT_SHORT"),
            Refusal::Contents(_) => (Status::InvalidArgument, "BACKUP_UNUSABLE"),
            Refusal::Full => (Status::Unavailable, "DISK_FULL"),
            Refusal::Io(_) => {
                tracing::error!(message, "a backup");
                (Status::Internal, "INTERNAL")
            }
        };
        Failure::new(status, reason, message)
    }
}
