//! `POST /v1.0/calls`: calls that begin with us.

use std::collections::BTreeMap;

use axum::extract::State as Shared;
use pbx::call::Address;
use pbx::flow::options::address;
use pbx::flow::order::NewCall;
use pbx::flow::{Fault, Value};
use pbx::{Command, Reply};
use serde::{Deserialize, Serialize};
use store::value::Tree;
use store::{action, call, groupcall};
use utoipa::ToSchema;

use crate::body::Json;
use crate::exchange::ask;
use crate::failure::{ErrorEnvelope, Failure};
use crate::flow::{malformed, read};
use crate::parameters::optional_id;
use crate::state::State;

/// Calls to be made, one for each destination.
#[derive(Debug, Deserialize, ToSchema)]
pub struct CallCreate {
    /// Who calls, as the callee sees it; the box where it is left out.
    #[schema(value_type = Option<store::address::Address>)]
    source: Option<Tree>,
    /// Who is called, 1 to 20: `extension` (all its phones ring, as a groupcall), `sip` with an address as host, or
    /// `conference`: the source is rung, and joins it.
    #[serde(default)]
    #[schema(value_type = Vec<store::address::Address>)]
    destinations: Vec<Tree>,
    /// The flow that each of them goes through.
    #[serde(default)]
    flow_id: String,
    /// What each of them goes through, where there is no flow_id.
    #[serde(default)]
    #[schema(value_type = Vec<action::Record>)]
    actions: Vec<Tree>,
    /// Whether the callee may not see who calls: `yes`, or `no`, the default (`auto` is the same).
    #[serde(default)]
    anonymous: Anonymous,
    /// Whether the flow begins when it rings, and not when it is answered.
    #[serde(default)]
    early_execution: bool,
    /// Variables that the flow begins with: 100 at most, 32 KiB each, 64 KiB in all.
    #[serde(default)]
    variables: BTreeMap<String, String>,
}

/// Whether the callee may not see who calls.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum Anonymous {
    /// It may not.
    Yes,
    /// It may.
    No,
    /// It may.
    #[default]
    Auto,
}

/// What was made.
#[derive(Debug, Serialize, ToSchema)]
pub struct CallsCreated {
    /// The calls, those of the groupcalls as well.
    calls: Vec<call::Record>,
    /// The groupcalls: one for each extension.
    groupcalls: Vec<groupcall::Record>,
}

/// Makes calls, and says at once which; they are rung after that. Where one of the destinations cannot be, none is made.
#[utoipa::path(
    post,
    path = "/v1.0/calls",
    request_body = CallCreate,
    responses(
        (status = 200, body = CallsCreated),
        (status = 400, body = ErrorEnvelope, description = "INVALID_JSON_BODY, INVALID_ARGUMENT"),
        (status = 401, body = ErrorEnvelope),
        (status = 403, body = ErrorEnvelope),
        (status = 429, body = ErrorEnvelope, description = "LIMIT_REACHED"),
    ),
    tag = "calls"
)]
pub(crate) async fn create(
    Shared(state): Shared<State>,
    Json(new): Json<CallCreate>,
) -> Result<axum::Json<CallsCreated>, Failure> {
    let CallCreate { source, destinations, flow_id, actions, anonymous, early_execution, variables } = new;
    let new = NewCall {
        source: read_source(source)?,
        destinations: read_destinations(destinations)?,
        flow: optional_id("flow_id", &flow_id)?,
        actions: read(actions)?,
        variables: variables.into_iter().collect(),
        chained: false,
        early_execution,
        anonymous: anonymous == Anonymous::Yes,
    };
    match ask(&state, Command::CreateCalls(Box::new(new))).await? {
        Reply::Calls(calls, groupcalls) => {
            let identity = state.store().identity();
            let calls = calls.iter().map(|call| call::Record::new(call, identity)).collect();
            let groupcalls = groupcalls.iter().map(|group| groupcall::Record::new(group, identity)).collect();
            Ok(axum::Json(CallsCreated { calls, groupcalls }))
        }
        _ => Err(Failure::internal()),
    }
}

/// Who calls; nobody where nothing is said, or `{}`.
pub(crate) fn read_source(source: Option<Tree>) -> Result<Option<Address>, Failure> {
    match source {
        None | Some(Tree(Value::Null)) => Ok(None),
        Some(Tree(Value::Map(entries))) if entries.is_empty() => Ok(None),
        Some(Tree(value)) => address("source", &value).map(Some).map_err(malformed),
    }
}

/// Who is called.
pub(crate) fn read_destinations(destinations: Vec<Tree>) -> Result<Vec<Address>, Failure> {
    read_addresses("destinations", destinations)
}

/// Reads the addresses of a field.
pub(crate) fn read_addresses(field: &str, addresses: Vec<Tree>) -> Result<Vec<Address>, Failure> {
    if addresses.len() > pbx::limits::DESTINATIONS {
        let reason = format!("are more than {}", pbx::limits::DESTINATIONS);
        return Err(malformed(Fault::new(field, reason)));
    }
    let read = |(at, Tree(value)): (usize, &Tree)| address(&format!("{field}[{at}]"), value).map_err(malformed);
    addresses.iter().enumerate().map(read).collect()
}
