//! `/v1.0/system/diagnostics`: what somebody else needs to find out what is wrong, in one archive and without secrets.

use std::io;

use axum::body::{Body, to_bytes};
use axum::extract::State as Shared;
use axum::http::{Method, Request, header};
use axum::middleware;
use axum::response::{IntoResponse, Response};
use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::Value;
use tower::ServiceExt;

use super::logs::Level;
use super::{look, redaction};
use crate::auth::Caller;
use crate::failure::{ErrorEnvelope, Failure};
use crate::state::State;
use crate::{envelope, limits, routes};

/// What is told of the configuration, each by asking our own route.
const CONFIGURATION: [&str; 14] = [
    "extensions",
    "numbers",
    "flows",
    "providers",
    "trunks",
    "routes",
    "outbound_config",
    "conferences",
    "agents",
    "tags",
    "customer",
    "certificate",
    "cloud",
    "box",
];
/// Calls whose ladders are told.
const LADDERS: usize = 20;

/// Hands out what somebody else needs to find out what is wrong: the log, the flight recorder, the health, what is set up, and the
/// last calls with their ladders. Passwords, keys and tokens are taken out; numbers, names and addresses are in it.
#[utoipa::path(
    get,
    path = "/v1.0/system/diagnostics",
    responses(
        (status = 200, content_type = "application/gzip", description = "A .tar.gz"),
        (status = 401, body = ErrorEnvelope),
        (status = 403, body = ErrorEnvelope),
    ),
    tag = "system"
)]
pub(crate) async fn get(Shared(state): Shared<State>, caller: Caller) -> Result<Response, Failure> {
    let mut files = vec![("log.txt".to_owned(), log(&state).into_bytes())];
    let health = serde_json::to_value(look(&state).await?).unwrap_or_default();
    files.push(json("system.json", health));
    let own = Asking::new(&state, caller);
    for what in CONFIGURATION {
        // What cannot be read is told as the error that it is.
        let answer = own.ask(&format!("/v1.0/{what}?page_size=100")).await;
        files.push(json(&format!("configuration/{what}.json"), answer));
    }
    let calls = own.ask(&format!("/v1.0/calls?page_size={LADDERS}")).await;
    for id in calls["result"].as_array().into_iter().flatten().filter_map(|call| call["id"].as_str()) {
        let ladder = own.ask(&format!("/v1.0/calls/{id}/sequence")).await;
        files.push(json(&format!("ladders/{id}.json"), ladder));
    }
    files.push(json("calls.json", calls));
    if let Some(path) = state.flight_recorder() {
        for path in [path.with_extension("old"), path.to_owned()] {
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            files.extend(tokio::fs::read(&path).await.ok().map(|octets| (name, octets)));
        }
    }
    let packed = tokio::task::spawn_blocking(move || pack(&files)).await.map_err(|_| Failure::internal())?;
    let packed = packed.map_err(|error| {
        tracing::error!(%error, "the diagnostics cannot be packed");
        Failure::internal()
    })?;
    let name = "attachment; filename=\"tandem-diagnostics.tar.gz\"";
    Ok(([(header::CONTENT_TYPE, "application/gzip"), (header::CONTENT_DISPOSITION, name)], packed).into_response())
}

fn log(state: &State) -> String {
    let (lines, _) = state.log().after(0, Level::Trace);
    let line = |line: &super::logs::Line| {
        let tm = serde_json::to_value(line.tm).unwrap_or_default();
        format!("{} {:?} {}: {}\n", tm.as_str().unwrap_or_default(), line.level, line.target, line.text)
    };
    lines.iter().map(line).collect()
}

fn json(name: &str, mut value: Value) -> (String, Vec<u8>) {
    redaction::value(&mut value);
    (name.to_owned(), serde_json::to_vec_pretty(&value).unwrap_or_default())
}

fn pack(files: &[(String, Vec<u8>)]) -> io::Result<Vec<u8>> {
    let mut archive = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::fast()));
    for (name, octets) in files {
        let mut head = tar::Header::new_gnu();
        head.set_size(octets.len() as u64);
        head.set_mode(0o600);
        archive.append_data(&mut head, format!("tandem-diagnostics/{name}"), octets.as_slice())?;
    }
    archive.into_inner()?.finish()
}

/// Our own routes, asked in the name of who asks us.
struct Asking {
    router: axum::Router,
    caller: Caller,
}

impl Asking {
    fn new(state: &State, caller: Caller) -> Asking {
        let is_read = |path: &str| path.starts_with("/v1.0/") && !path.starts_with("/v1.0/system");
        let router = routes::unguarded(is_read)
            .layer(middleware::from_fn_with_state(state.clone(), envelope::wrap))
            .with_state(state.clone());
        Asking { router, caller }
    }

    async fn ask(&self, path: &str) -> Value {
        let request = Request::builder().method(Method::GET).uri(path).extension(self.caller.clone());
        let Ok(request) = request.body(Body::empty()) else { return Value::Null };
        let response = match self.router.clone().oneshot(request).await {
            Ok(response) => response,
            Err(never) => match never {},
        };
        let octets = to_bytes(response.into_body(), limits::CONFIGURATION_ANSWER).await.unwrap_or_default();
        serde_json::from_slice(&octets).unwrap_or_default()
    }
}
