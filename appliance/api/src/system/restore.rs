//! `/v1.0/system/restore`: the way back from a backup.

use std::io::{self, Read};
use std::path::Path;

use axum::body::{Body, BodyDataStream, Bytes};
use axum::extract::State as Shared;
use axum::http::HeaderMap;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use futures_util::StreamExt;
use serde::Serialize;
use store::Timestamp;
use store::backup::{Manifest, Refusal, unpack};
use tokio::runtime::Handle;
use utoipa::ToSchema;

use super::backup::take_turn;
use crate::auth::Caller;
use crate::failure::{ErrorEnvelope, Failure, Status};
use crate::limits;
use crate::state::State;

/// The header with the passphrase.
const PASSPHRASE: &str = "x-backup-passphrase";

/// What is restored.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Restoration)]
pub(crate) struct Restoration {
    /// What the backup says of itself.
    backup: Manifest,
}

/// Restores a backup, which is the body of the request. It is read to its end and checked as a whole before anything is changed;
/// then the exchange ends its calls and starts anew with it, within seconds. Who is logged in has to log in again, by a
/// password of the backup.
#[utoipa::path(
    post,
    path = "/v1.0/system/restore",
    params(("X-Backup-Passphrase" = String, Header, description = "The passphrase as UTF-8 in Base64")),
    request_body(content = Vec<u8>, content_type = "application/octet-stream"),
    responses(
        (status = 202, body = Restoration, description = "It is whole; the exchange starts anew with it"),
        (
            status = 400,
            body = ErrorEnvelope,
            description = "PASSPHRASE_MISSING, PASSPHRASE_WRONG, BACKUP_FOREIGN, BACKUP_NEWER, BACKUP_DAMAGED, BACKUP_CUT_SHORT, BACKUP_UNUSABLE: nothing is changed"
        ),
        (status = 401, body = ErrorEnvelope),
        (status = 403, body = ErrorEnvelope),
        (status = 409, body = ErrorEnvelope, description = "BACKUP_BUSY: another is made or restored"),
        (status = 503, body = ErrorEnvelope, description = "DISK_FULL: nothing is changed"),
    ),
    tag = "system"
)]
pub(crate) async fn restore(
    Shared(state): Shared<State>,
    caller: Caller,
    headers: HeaderMap,
    body: Body,
) -> Result<(axum::http::StatusCode, axum::Json<Restoration>), Failure> {
    let turn = take_turn(&state)?;
    let passphrase = passphrase(&headers)?;
    let (own, now) = (state.clone(), state.now());
    let upload = Upload { body: body.into_data_stream(), piece: Bytes::new(), runtime: Handle::current() };
    let agent = caller.agent.username;
    // Whoever hangs up ends neither it nor its turn.
    let restored = tokio::task::spawn_blocking(move || {
        let manifest = take(own.data_folder(), upload, (&passphrase, &agent, now))?;
        tracing::warn!(of = of(manifest.tm_create), agent, "a backup is restored: the exchange starts anew");
        // From here on there is nothing to be backed up, or restored over.
        std::mem::forget(turn);
        own.restart();
        Ok::<_, Refusal>(manifest)
    });
    let manifest = restored.await.map_err(|_| Failure::internal())??;
    Ok((axum::http::StatusCode::ACCEPTED, axum::Json(Restoration { backup: manifest })))
}

/// Reads it, checks it, and has the next start put it in its place.
fn take(
    folder: &Path,
    mut upload: Upload,
    (passphrase, agent, now): (&str, &str, Timestamp),
) -> Result<Manifest, Refusal> {
    let unpacked = unpack(folder, &mut upload, passphrase).inspect_err(|_| {
        // Who is interrupted while it sends does not hear why.
        let _ = io::copy(&mut upload, &mut io::sink());
    })?;
    unpacked.check(agent, now)?;
    let manifest = unpacked.manifest.clone();
    unpacked.promote()?;
    Ok(manifest)
}

fn of(created: Timestamp) -> String {
    serde_json::to_string(&created).unwrap_or_default()
}

fn passphrase(headers: &HeaderMap) -> Result<String, Failure> {
    let message = "the passphrase must be in the header X-Backup-Passphrase, as UTF-8 in Base64";
    let missing = || Failure::new(Status::InvalidArgument, "PASSPHRASE_MISSING", message);
    let octets = headers.get(PASSPHRASE).and_then(|value| STANDARD.decode(value.as_bytes()).ok());
    octets.and_then(|octets| String::from_utf8(octets).ok()).ok_or_else(missing)
}

/// The body of a request, for a thread that may wait for it.
struct Upload {
    body: BodyDataStream,
    piece: Bytes,
    runtime: Handle,
}

impl Read for Upload {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.piece.is_empty() {
            let next = async { tokio::time::timeout(limits::UPLOAD_SILENCE, self.body.next()).await };
            match self.runtime.block_on(next) {
                Ok(Some(Ok(piece))) => self.piece = piece,
                // Whoever hung up hears nothing any more; half a backup is one that is cut short.
                Ok(None | Some(Err(_))) => return Ok(0),
                Err(_) => return Err(io::Error::new(io::ErrorKind::TimedOut, "nothing came any more")),
            }
        }
        let count = self.piece.len().min(buffer.len());
        buffer[..count].copy_from_slice(&self.piece.split_to(count));
        Ok(count)
    }
}
