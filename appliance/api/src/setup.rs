//! `/v1.0/setup`: the first administrator takes hold of a box that is new, or was reset.
//!
//! A box of ours comes without any password. Until somebody has said the code that stands on its label, or on its console, and
//! has chosen a password, it lets in nobody.

use std::sync::Mutex;
use std::sync::PoisonError;

use axum::extract::State as Shared;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use pbx::directory::{Author, NewAgent, Permission};
use pbx::settings::is_time_zone;
use pbx::{Command, Rejection, Reply};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use store::Item;
use utoipa::ToSchema;

use crate::auth::{Attempts, Source, open_session, too_often};
use crate::exchange::{ask, remember};
use crate::failure::{ErrorEnvelope, Failure, Status};
use crate::origin::Origin;
use crate::state::State;
use crate::{agent, board, body};

/// The shortest code that is long enough: 40 bits, which nobody guesses at ten tries a minute.
const SHORTEST: usize = 8;
const LONGEST: usize = 64;

/// The code that opens a box that nobody has taken hold of.
#[derive(Clone, PartialEq, Eq)]
pub struct SetupCode([u8; 32]);

impl SetupCode {
    /// Takes it as it is printed, such as `K7QF-M2XD`; `None` where it is too short to be safe, or no code.
    pub fn parse(text: &str) -> Option<SetupCode> {
        let letters = letters(text);
        let is_code = letters.bytes().all(|letter| letter.is_ascii_alphanumeric());
        (is_code && (SHORTEST..=LONGEST).contains(&letters.len())).then(|| SetupCode::of(&letters))
    }

    fn of(letters: &str) -> SetupCode {
        SetupCode(Sha256::digest(letters).into())
    }

    /// Digests are compared, so that the time it takes tells nothing of the code.
    fn is(&self, typed: &str) -> bool {
        typed.len() <= 4 * LONGEST && *self == SetupCode::of(&letters(typed))
    }
}

/// What is typed, without what people add and mistake: a letter that looks like a digit is one.
fn letters(text: &str) -> String {
    let kept = text.chars().filter(|letter| !letter.is_whitespace() && *letter != '-');
    kept.map(|letter| match letter.to_ascii_uppercase() {
        'O' => '0',
        'I' | 'L' => '1',
        letter => letter,
    })
    .collect()
}

/// How far it is with taking hold of the box.
pub(crate) struct Setup {
    code: Mutex<Option<SetupCode>>,
    /// One at a time: the second finds that it is done.
    turn: tokio::sync::Mutex<()>,
    attempts: Attempts,
}

impl Setup {
    /// With the code that is waited for, if it is.
    pub fn new(code: Option<SetupCode>) -> Setup {
        Setup { code: Mutex::new(code), turn: tokio::sync::Mutex::new(()), attempts: Attempts::default() }
    }

    fn code(&self) -> Option<SetupCode> {
        self.code.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Fails where the box is nobody's yet.
    pub fn is_done(&self) -> Result<(), Failure> {
        match self.code() {
            None => Ok(()),
            Some(_) => {
                let message = "this box is not set up yet: its web page asks for the setup code";
                Err(Failure::new(Status::PermissionDenied, "SETUP_REQUIRED", message))
            }
        }
    }
}

/// Whether somebody has to take hold of the box.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Setup)]
pub(crate) struct Record {
    /// Whether the box waits for its setup code.
    required: bool,
    /// Whether the network can be set, because the box runs on a board of its own.
    board: bool,
}

/// What the first administrator says.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct Claim {
    /// The code on the label or on the console; dashes and small letters do not matter.
    setup_code: String,
    /// The new administrator's user name; `admin` unless it is given.
    username: Option<String>,
    /// The new administrator's password: 8 to 128 bytes.
    password: String,
    /// Where the box stands, by the IANA name of the time zone.
    time_zone: Option<String>,
    /// The network as `PUT /v1.0/system/network` takes it: it has to be confirmed within 60 s.
    #[schema(value_type = Option<Object>)]
    network: Option<Value>,
}

/// The box is somebody's.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Claimed {
    /// The administrator's user name.
    username: String,
    /// A login of theirs, as `POST /auth/login` gives one.
    token: String,
    /// What became of the network, as `PUT /v1.0/system/network` answers; null where none was given.
    #[schema(value_type = Option<Object>)]
    network: Value,
}

/// Says whether the box waits for its first administrator.
#[utoipa::path(get, path = "/v1.0/setup", responses((status = 200, body = Record)), security(()), tag = "box")]
pub(crate) async fn get(Shared(state): Shared<State>) -> axum::Json<Record> {
    axum::Json(Record { required: state.setup().code().is_some(), board: state.board().is_some() })
}

/// Makes the first administrator, with the setup code, which opens nothing more after that.
#[utoipa::path(
    post,
    path = "/v1.0/setup",
    request_body = Claim,
    responses(
        (status = 201, body = Claimed, description = "The token, also as the cookie `token`"),
        (status = 400, body = ErrorEnvelope, description = "INVALID_JSON_BODY, INVALID_ARGUMENT with the field"),
        (status = 403, body = ErrorEnvelope, description = "SETUP_CODE_WRONG"),
        (status = 409, body = ErrorEnvelope, description = "SETUP_DONE"),
        (status = 429, body = ErrorEnvelope, description = "RATE_LIMIT_EXCEEDED, with Retry-After"),
    ),
    security(()),
    tag = "box"
)]
pub(crate) async fn claim(
    Shared(state): Shared<State>,
    origin: Origin,
    Source(source): Source,
    body::Json(claim): body::Json<Claim>,
) -> Result<Response, Failure> {
    let setup = state.setup();
    let _turn = setup.turn.lock().await;
    let Some(code) = setup.code() else {
        return Err(Failure::new(Status::FailedPrecondition, "SETUP_DONE", "this box is set up already"));
    };
    setup.attempts.begin(source, state.steady_now()).map_err(too_often)?;
    if !code.is(&claim.setup_code) {
        tracing::warn!(%source, "a wrong setup code");
        return Err(Failure::new(Status::PermissionDenied, "SETUP_CODE_WRONG", "that is not the setup code"));
    }
    setup.attempts.forgive(source);
    let username = claim.username.unwrap_or_else(|| "admin".to_owned());
    let agent = checked_agent(&state, &username, claim.password).await?;
    if claim.time_zone.as_ref().is_some_and(|zone| !is_time_zone(zone)) {
        return Err(Rejection::Invalid {
            field: "time_zone",
            reason: "must be the name of a time zone, as Europe/Berlin is",
        }
        .into());
    }
    if let Some(network) = &claim.network {
        board::ask(&state, json!({ "do": "network_check", "network": network })).await?;
    }
    // Everything is right: from here on it is done, and the agent comes last, since the box is taken by it.
    if let Some(zone) = claim.time_zone {
        ask(&state, Command::SetTimeZone(zone.clone())).await?;
        remember(&state, Item::TimeZone(zone)).await?;
    }
    let Reply::Agent(_) = ask(&state, Command::CreateAgent(Box::new(agent), Author::Exchange)).await? else {
        return Err(Failure::internal());
    };
    *setup.code.lock().unwrap_or_else(PoisonError::into_inner) = None;
    tracing::info!(%source, username, "the box is set up");
    let network = match claim.network {
        Some(network) => apply(&state, network).await,
        None => Value::Null,
    };
    let account = state.readers().read(move |reader| reader.agent_by_username(&username)).await?;
    let account = account.ok_or_else(Failure::internal)?;
    let (cookie, session) = open_session(&state, &origin, account.record);
    let claimed = Claimed { username: session.username, token: session.token, network };
    Ok((StatusCode::CREATED, [(header::SET_COOKIE, cookie)], axum::Json(claimed)).into_response())
}

async fn checked_agent(state: &State, username: &str, password: String) -> Result<NewAgent, Failure> {
    if password == username {
        return Err(Rejection::Invalid { field: "password", reason: "must not be the user name" }.into());
    }
    let password_hash = agent::hash(state, password).await?;
    Ok(NewAgent {
        username: username.to_owned(),
        password_hash,
        name: "Administrator".into(),
        permission: Permission::Admin,
        ..NewAgent::default()
    })
}

/// The administrator is there already: a network that cannot be had is told and changes nothing of that.
async fn apply(state: &State, network: Value) -> Value {
    match board::ask(state, json!({ "do": "network_set", "network": network })).await {
        Ok(outcome) => outcome,
        Err(failure) => {
            let told: Value = serde_json::from_str(&failure.to_json("")).unwrap_or_default();
            json!({ "error": told["error"]["message"] })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_what_it_is_however_it_is_typed() {
        let code = SetupCode::parse("K7QF-M2XD\n").expect("a code");
        for typed in ["K7QF-M2XD", "k7qfm2xd", " K7QF M2XD ", "k-7-q-f-m-2-x-d"] {
            assert!(code.is(typed), "{typed:?}");
        }
        for typed in ["", "K7QF-M2X", "K7QF-M2XDD", "K7QF-M2XE", &"K".repeat(10_000)] {
            assert!(!code.is(typed), "{typed:.20}");
        }
        assert!(SetupCode::parse("10OI-L234").expect("a code").is("1001-1234"), "what looks alike is alike");
    }

    #[test]
    fn what_is_no_code_opens_nothing() {
        for text in ["", "1234567", "K7QF-M2X", "K7QF.M2XD", "näher-dran", &"K".repeat(65)] {
            assert!(SetupCode::parse(text).is_none(), "{text:?}");
        }
    }
}
