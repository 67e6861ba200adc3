//! `/v1.0/system/reboot`, `/power_off`, `/factory_reset`: what ends every call, asked for with a word typed.

use axum::extract::State as Shared;
use axum::http::StatusCode;
use pbx::Rejection;
use serde::Deserialize;
use serde_json::json;
use store::Item;
use store::system::{Asked, Record};
use utoipa::ToSchema;

use crate::auth::Caller;
use crate::board;
use crate::body::Json;
use crate::exchange::remember;
use crate::failure::{ErrorEnvelope, Failure};
use crate::state::State;

/// That it is meant.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = SystemConfirmation)]
pub(crate) struct Confirmation {
    /// The last word of the path, as in `factory_reset`, so that nobody does it by mistake.
    #[serde(default)]
    confirm: String,
}

/// A handler, named after its operation and after what it wants to be confirmed.
macro_rules! order {
    ($(#[$doc:meta])* $name:ident: $path:literal, $record:ident) => {
        $(#[$doc])*
        #[utoipa::path(
            post,
            path = $path,
            request_body = Confirmation,
            responses(
                (status = 202, description = "The box goes down"),
                (status = 400, body = ErrorEnvelope, description = "INVALID_JSON_BODY, INVALID_ARGUMENT: it is not confirmed"),
                (status = 401, body = ErrorEnvelope),
                (status = 403, body = ErrorEnvelope),
                (status = 404, body = ErrorEnvelope, description = "BOARD_NOT_FOUND: it runs on somebody else's machine"),
            ),
            tag = "system"
        )]
        pub(crate) async fn $name(
            Shared(state): Shared<State>,
            caller: Caller,
            Json(body): Json<Confirmation>,
        ) -> Result<StatusCode, Failure> {
            go(&state, (&body, stringify!($name)), Record::$record(asked(caller))).await
        }
    };
}

order! {
    /// Restarts the box. Calls have a little time to end.
    reboot: "/v1.0/system/reboot", Reboot
}
order! {
    /// Switches the box off. Calls have a little time to end. Only its button, or its plug, switch it on again.
    power_off: "/v1.0/system/power_off", PowerOff
}
order! {
    /// Erases everything that the box has learned, and restarts it as it came out of the carton.
    factory_reset: "/v1.0/system/factory_reset", FactoryReset
}

fn asked(caller: Caller) -> Asked {
    Asked { agent: caller.agent.username }
}

async fn go(state: &State, (body, word): (&Confirmation, &'static str), record: Record) -> Result<StatusCode, Failure> {
    if body.confirm != word {
        return Err(Rejection::Invalid { field: "confirm", reason: "must be the last word of the path" }.into());
    }
    // Whoever has no board is told so before anything is written down.
    if state.board().is_some() {
        // A disk that takes nothing keeps nobody from restarting the box: that may be what helps.
        if let Err(failure) = remember(state, Item::System(Box::new(record), state.now())).await {
            tracing::warn!(?failure, word, "who asked for it is not written down");
        }
    }
    board::ask(state, json!({ "do": word })).await?;
    Ok(StatusCode::ACCEPTED)
}
