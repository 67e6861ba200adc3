//! `/v1.0/{extensions,agents,conferences,flows}/{id}/direct-hash…`: what whoever has no password calls to reach one of them.

use axum::extract::State as Shared;
use pbx::directory::Direct;
use pbx::{Command, Reply};

use crate::auth::Caller;
use crate::exchange::ask;
use crate::failure::{ErrorEnvelope, Failure};
use crate::parameters::Id;
use crate::state::State;
use crate::{agent, conference, extension, flow};

/// Asks the exchange for a change.
async fn order(state: &State, command: Command) -> Result<(), Failure> {
    match ask(state, command).await? {
        Reply::DirectHash => Ok(()),
        _ => Err(Failure::internal()),
    }
}

/// The hash of a resource, for what shows it after a change.
pub(crate) async fn of(state: &State, resource: Direct) -> Result<Option<String>, Failure> {
    state.readers().read(move |reader| reader.direct_hash(resource)).await
}

/// A handler, named after its operation; it answers with the resource as it is then.
macro_rules! direct_hash {
    (
        $(#[$doc:meta])*
        $name:ident: $method:ident $path:literal, $command:ident, $module:ident $(($caller:ident))? as $resource:ident, $tag:literal,
        $missing:literal
    ) => {
        $(#[$doc])*
        #[utoipa::path(
            $method,
            path = $path,
            params(("id" = Uuid, Path)),
            responses(
                (status = 200, body = store::$module::Record),
                (status = 400, body = ErrorEnvelope, description = "INVALID_ID"),
                (status = 401, body = ErrorEnvelope),
                (status = 403, body = ErrorEnvelope),
                (status = 404, body = ErrorEnvelope, description = $missing),
            ),
            tag = $tag
        )]
        pub(crate) async fn $name(
            Shared(state): Shared<State>,
            $($caller: Caller,)?
            Id(id): Id,
        ) -> Result<axum::Json<store::$module::Record>, Failure> {
            order(&state, Command::$command(Direct::$resource(id))).await?;
            $module::get(Shared(state), $($caller,)? Id(id)).await
        }
    };
}

direct_hash! {
    /// Makes a new direct hash: whoever calls `sip:direct.<hash>@…` reaches the resource, without a password. With the
    /// one that it had it is reached no more.
    regenerate_extension: post "/v1.0/extensions/{id}/direct-hash-regenerate",
    RegenerateDirectHash, extension(caller) as Extension, "extensions", "EXTENSION_NOT_FOUND"
}
direct_hash! {
    /// Ends the direct hash: without a password the resource is reached no more.
    delete_extension: delete "/v1.0/extensions/{id}/direct-hash",
    DeleteDirectHash, extension(caller) as Extension, "extensions", "EXTENSION_NOT_FOUND"
}
direct_hash! {
    /// Makes a new direct hash: whoever calls `sip:direct.<hash>@…` reaches the resource, without a password. With the
    /// one that it had it is reached no more.
    regenerate_agent: post "/v1.0/agents/{id}/direct-hash-regenerate",
    RegenerateDirectHash, agent as Agent, "agents", "AGENT_NOT_FOUND"
}
direct_hash! {
    /// Ends the direct hash: without a password the resource is reached no more.
    delete_agent: delete "/v1.0/agents/{id}/direct-hash",
    DeleteDirectHash, agent as Agent, "agents", "AGENT_NOT_FOUND"
}
direct_hash! {
    /// Makes a new direct hash: whoever calls `sip:direct.<hash>@…` reaches the resource, without a password. With the
    /// one that it had it is reached no more.
    regenerate_conference: post "/v1.0/conferences/{id}/direct-hash-regenerate",
    RegenerateDirectHash, conference as Conference, "conferences", "CONFERENCE_NOT_FOUND"
}
direct_hash! {
    /// Ends the direct hash: without a password the resource is reached no more.
    delete_conference: delete "/v1.0/conferences/{id}/direct-hash",
    DeleteDirectHash, conference as Conference, "conferences", "CONFERENCE_NOT_FOUND"
}
direct_hash! {
    /// Makes a new direct hash: whoever calls `sip:direct.<hash>@…` reaches the resource, without a password. With the
    /// one that it had it is reached no more.
    regenerate_flow: post "/v1.0/flows/{id}/direct-hash-regenerate",
    RegenerateDirectHash, flow as Flow, "flows", "FLOW_NOT_FOUND"
}
direct_hash! {
    /// Ends the direct hash: without a password the resource is reached no more.
    delete_flow: delete "/v1.0/flows/{id}/direct-hash",
    DeleteDirectHash, flow as Flow, "flows", "FLOW_NOT_FOUND"
}
