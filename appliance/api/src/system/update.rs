//! `/v1.0/system/update`: which version runs, and how another one comes onto the box.
//!
//! An update is a signed file. It is written into the slot that does not run while it comes, with calls going on; nothing of it is ever in
//! memory or on the disk as a whole besides. Then the box restarts with it when that is wanted. If it does not get to work, the version
//! of before comes back by itself.

mod keeper;
mod writing;

use axum::Json;
use axum::extract::{Query, Request, State as Shared};
use axum::http::header;
use futures_util::StreamExt;
use pbx::Rejection;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use store::update::{Record, UpdateStatus, UpdateWhen};
use utoipa::{IntoParams, ToSchema};

use crate::board::ask;
use crate::body;
use crate::failure::{ErrorEnvelope, Failure, Status};
use crate::limits;
use crate::state::State;
pub use keeper::{Updates, tend};
pub use writing::{Progress, UpdateStep};

/// Where updates are uploaded to.
pub(crate) const PATH: &str = "/v1.0/system/update";

/// A version that is on the box.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = UpdateSlot)]
pub struct Slot {
    /// Where it is: `a` or `b`.
    #[serde(default)]
    slot: String,
    /// What it calls itself.
    version: String,
    /// Its number, which only grows.
    build: u64,
}

/// How it stands with updates.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = UpdateState)]
pub struct View {
    /// The version that runs; null where its slot does not say.
    running: Option<Slot>,
    /// The one that could be started instead; null where the other slot holds no whole one.
    other: Option<Slot>,
    /// Whether the running version has yet to prove itself.
    on_trial: bool,
    /// No build below this is taken.
    floor: u64,
    /// How far writing is; null where nothing is being written.
    progress: Option<Progress>,
    /// The last update, or the one on its way.
    update: Record,
}

/// An update that the box downloads by itself.
#[derive(Debug, Clone, Deserialize, ToSchema)]
pub struct UpdateOrder {
    /// From where, by `http` or `https`; not from the box itself.
    url: String,
    /// When: `now`, `idle` or a time. It is downloaded at once, but for a time: then it is downloaded at that time.
    #[serde(default)]
    #[schema(value_type = String, example = "idle")]
    when: UpdateWhen,
}

/// What is said of an upload.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct UploadOptions {
    /// When the box restarts with it: `now`, `idle` (as soon as no call is up; the default) or a time (RFC 3339).
    #[param(value_type = Option<String>)]
    #[serde(default)]
    when: UpdateWhen,
}

/// Tells how it stands with updates.
#[utoipa::path(
    get,
    path = "/v1.0/system/update",
    responses(
        (status = 200, body = View),
        (status = 401, body = ErrorEnvelope),
        (status = 403, body = ErrorEnvelope),
        (status = 404, body = ErrorEnvelope, description = "BOARD_NOT_FOUND"),
        (status = 409, body = ErrorEnvelope, description = "NO_SLOTS: the box was not started from a slot"),
    ),
    tag = "system"
)]
pub(crate) async fn get(Shared(state): Shared<State>) -> Result<Json<View>, Failure> {
    view(&state).await.map(Json)
}

/// Installs an update: an upload of the file itself, or JSON that names where to download it. An upload is answered once it is written
/// and verified, an order at once.
#[utoipa::path(
    post,
    path = "/v1.0/system/update",
    params(UploadOptions),
    request_body(content(
        (Vec<u8> = "application/octet-stream"),
        (UpdateOrder = "application/json"),
    )),
    responses(
        (status = 200, body = View),
        (status = 400, body = ErrorEnvelope, description = "INVALID_JSON_BODY, INVALID_ARGUMENT"),
        (status = 401, body = ErrorEnvelope),
        (status = 403, body = ErrorEnvelope),
        (status = 404, body = ErrorEnvelope, description = "BOARD_NOT_FOUND"),
        (status = 409, body = ErrorEnvelope, description = "NO_BUNDLE, UNKNOWN_KEY, WRONG_SIGNATURE, WRONG_BOARD, BELOW_FLOOR, \
            TOO_LARGE, TRUNCATED, TOO_LONG, WRONG_HASH, READ_BACK, BUSY, ON_TRIAL, NO_SLOTS"),
    ),
    tag = "system"
)]
pub(crate) async fn begin(
    Shared(state): Shared<State>,
    Query(options): Query<UploadOptions>,
    request: Request,
) -> Result<Json<View>, Failure> {
    let kind = request.headers().get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    if kind.starts_with("application/json") {
        let body::Json(order) =
            <body::Json<UpdateOrder> as axum::extract::FromRequest<State>>::from_request(request, &state).await?;
        return order_download(&state, order).await.map(Json);
    }
    let octets = request.into_body().into_data_stream();
    let octets = octets.map(|piece| piece.map_err(|_| "The upload broke off.".to_owned()));
    let record = Record { when: options.when, ..Record::none() };
    // In a task of its own: whoever uploads may go away, and that has to be written down.
    let installing = tokio::spawn(keeper::install(state.clone(), record, Box::pin(octets)));
    installing.await.map_err(|_| Failure::internal())??;
    view(&state).await.map(Json)
}

/// Gives up the update that is on its way. One that is written stays where it is and is not started.
#[utoipa::path(
    delete,
    path = "/v1.0/system/update",
    responses(
        (status = 200, body = View),
        (status = 401, body = ErrorEnvelope),
        (status = 403, body = ErrorEnvelope),
        (status = 404, body = ErrorEnvelope, description = "BOARD_NOT_FOUND"),
        (status = 409, body = ErrorEnvelope, description = "UPDATE_NOT_RUNNING"),
    ),
    tag = "system"
)]
pub(crate) async fn cancel(Shared(state): Shared<State>) -> Result<Json<View>, Failure> {
    let before = view(&state).await?;
    match before.update.status {
        UpdateStatus::Started => state.updates().give_up(),
        UpdateStatus::Scheduled | UpdateStatus::Installed => {
            keeper::note(&state, Record { status: UpdateStatus::Canceled, ..before.update }).await?;
        }
        _ => {
            let message = "there is no update that could be given up";
            return Err(Failure::new(Status::FailedPrecondition, "UPDATE_NOT_RUNNING", message));
        }
    }
    view(&state).await.map(Json)
}

async fn order_download(state: &State, order: UpdateOrder) -> Result<View, Failure> {
    let field = "url";
    let is_web = ["http://", "https://"].iter().any(|scheme| order.url.starts_with(scheme));
    if !is_web || order.url.len() > limits::UPDATE_URL || order.url.chars().any(char::is_whitespace) {
        return Err(Rejection::Invalid { field, reason: "must be a URL by http or https" }.into());
    }
    // Whether this box can be updated at all is better said now than later.
    let before = view(state).await?;
    if matches!(before.update.status, UpdateStatus::Started | UpdateStatus::Restarting) {
        return Err(Failure::new(Status::FailedPrecondition, "BUSY", "Another update is on its way."));
    }
    let status = UpdateStatus::Scheduled;
    keeper::note(state, Record { status, when: order.when, url: Some(order.url), ..Record::none() }).await?;
    view(state).await
}

async fn view(state: &State) -> Result<View, Failure> {
    let board = ask(state, json!({ "do": "update_state" })).await?;
    let (running, other) = if board["running"] == "b" { ("b", "a") } else { ("a", "b") };
    Ok(View {
        running: slot(&board, running),
        other: slot(&board, other),
        on_trial: board["on_trial"] == running,
        floor: board["floor"].as_u64().unwrap_or_default(),
        progress: state.updates().progress(),
        update: state.updates().record(),
    })
}

fn slot(board: &Value, letter: &str) -> Option<Slot> {
    let found: Slot = serde_json::from_value(board["slots"][letter].clone()).ok()?;
    Some(Slot { slot: letter.to_owned(), ..found })
}
