//! What there is: one table of routes, who may use each, and the router made of it.

use axum::Router;
use axum::extract::{DefaultBodyLimit, Request, State as Shared};
use axum::handler::Handler;
use axum::http::Method;
use axum::middleware::{self, Next};
use axum::response::Response;
use axum::routing::{MethodFilter, MethodRouter, any, on};
use store::agent::AgentPermission;

use crate::auth::{Caller, identify};
use crate::failure::{Failure, Status};
use crate::state::State;
use crate::{
    activeflow, agent, auth, r#box, call, conference, conferencecall, envelope, extension, flow, health, limits,
    metrics, number, openapi, recording, web_page, websocket,
};

/// Who may use a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Anybody.
    Anybody,
    /// Agents with at least this permission.
    Agent(AgentPermission),
    /// The same, with `?token=` too: a browser can set no header when it opens a WebSocket.
    Websocket(AgentPermission),
    /// Programs on the box itself, and agents.
    LocalOrAgent,
}

/// A row of the table.
pub struct Route {
    /// The method.
    pub method: Method,
    /// The path, with `{id}` where an id stands.
    pub path: &'static str,
    /// Who may use it.
    pub access: Access,
    handler: MethodRouter<State>,
}

/// The table.
pub fn routes() -> Vec<Route> {
    use Access::{Anybody, LocalOrAgent, Websocket};
    use AgentPermission::{Agent, Manager};
    let (read, write) = (Access::Agent(Agent), Access::Agent(Manager));
    vec![
        route(Method::POST, "/auth/login", Anybody, auth::login),
        route(Method::POST, "/auth/logout", Anybody, auth::logout),
        route(Method::GET, "/livez", Anybody, health::live),
        route(Method::GET, "/healthz", Anybody, health::get),
        route(Method::GET, "/metrics", LocalOrAgent, metrics::get),
        route(Method::GET, "/openapi.json", Anybody, openapi::get),
        route(Method::GET, "/v1.0/activeflows", read, activeflow::list),
        route(Method::GET, "/v1.0/activeflows/{id}", read, activeflow::get),
        route(Method::POST, "/v1.0/activeflows/{id}/stop", write, activeflow::stop),
        route(Method::GET, "/v1.0/box", read, r#box::get),
        route(Method::GET, "/v1.0/calls", read, call::list),
        route(Method::GET, "/v1.0/calls/{id}", read, call::get),
        route(Method::DELETE, "/v1.0/calls/{id}", write, call::delete),
        route(Method::POST, "/v1.0/calls/{id}/hangup", write, call::hangup),
        route(Method::POST, "/v1.0/calls/{id}/hold", write, call::controls::hold),
        route(Method::DELETE, "/v1.0/calls/{id}/hold", write, call::controls::unhold),
        route(Method::POST, "/v1.0/calls/{id}/moh", write, call::controls::moh),
        route(Method::DELETE, "/v1.0/calls/{id}/moh", write, call::controls::unmoh),
        route(Method::POST, "/v1.0/calls/{id}/mute", write, call::controls::mute),
        route(Method::DELETE, "/v1.0/calls/{id}/mute", write, call::controls::unmute),
        route(Method::POST, "/v1.0/calls/{id}/silence", write, call::controls::silence),
        route(Method::DELETE, "/v1.0/calls/{id}/silence", write, call::controls::unsilence),
        route(Method::POST, "/v1.0/calls/{id}/recording_pause", write, recording::pause),
        route(Method::POST, "/v1.0/calls/{id}/recording_resume", write, recording::resume),
        route(Method::POST, "/v1.0/calls/{id}/recording_start", write, recording::start),
        route(Method::POST, "/v1.0/calls/{id}/recording_stop", write, recording::stop),
        route(Method::GET, "/v1.0/calls/{id}/sequence", read, call::sequence),
        route(Method::GET, "/v1.0/conferencecalls", read, conferencecall::list),
        route(Method::GET, "/v1.0/conferencecalls/{id}", read, conferencecall::get),
        route(Method::DELETE, "/v1.0/conferencecalls/{id}", write, conferencecall::delete),
        route(Method::GET, "/v1.0/conferences", read, conference::list),
        route(Method::POST, "/v1.0/conferences", write, conference::create),
        route(Method::GET, "/v1.0/conferences/{id}", read, conference::get),
        route(Method::PUT, "/v1.0/conferences/{id}", write, conference::update),
        route(Method::DELETE, "/v1.0/conferences/{id}", write, conference::delete),
        route(Method::GET, "/v1.0/extensions", read, extension::list),
        route(Method::POST, "/v1.0/extensions", write, extension::create),
        route(Method::GET, "/v1.0/extensions/{id}", read, extension::get),
        route(Method::PUT, "/v1.0/extensions/{id}", write, extension::update),
        route(Method::DELETE, "/v1.0/extensions/{id}", write, extension::delete),
        route(Method::GET, "/v1.0/flows", read, flow::list),
        route(Method::POST, "/v1.0/flows", write, flow::create),
        route(Method::GET, "/v1.0/flows/{id}", read, flow::get),
        route(Method::PUT, "/v1.0/flows/{id}", write, flow::update),
        route(Method::DELETE, "/v1.0/flows/{id}", write, flow::delete),
        route(Method::GET, "/v1.0/numbers", read, number::list),
        route(Method::POST, "/v1.0/numbers", write, number::create),
        route(Method::GET, "/v1.0/numbers/{id}", read, number::get),
        route(Method::PUT, "/v1.0/numbers/{id}", write, number::update),
        route(Method::DELETE, "/v1.0/numbers/{id}", write, number::delete),
        route(Method::PUT, "/v1.0/numbers/{id}/flow_ids", write, number::update_flows),
        route(Method::GET, "/v1.0/me", read, agent::me),
        route(Method::GET, "/v1.0/recordingfiles/{id}", read, recording::file),
        // Whoever has a link that we signed may follow it.
        route(Method::GET, "/v1.0/recordingfiles/{id}/content", Anybody, recording::content),
        route(Method::GET, "/v1.0/recordings", read, recording::list),
        route(Method::GET, "/v1.0/recordings/{id}", read, recording::get),
        route(Method::DELETE, "/v1.0/recordings/{id}", write, recording::delete),
        route(Method::GET, "/v1.0/ws", Websocket(Agent), websocket::open),
    ]
}

fn route<H, T>(method: Method, path: &'static str, access: Access, handler: H) -> Route
where
    H: Handler<T, State>,
    T: 'static,
{
    let filter = MethodFilter::try_from(method.clone()).expect("the table has only methods that axum routes");
    Route { method, path, access, handler: on(filter, handler) }
}

/// What would pass for an id of ours, and is a thing of VoIPBIN's own cloud: there is no such route.
const CLOUD_ONLY: [&str; 1] = ["/v1.0/numbers/availability"];

/// The router: every route of the table, the web page on all other paths.
pub fn router(state: State) -> Router {
    let mut router = Router::new();
    for Route { path, access, handler, .. } in routes() {
        let guard = Guard { state: state.clone(), access };
        router = router.route(path, handler.route_layer(middleware::from_fn_with_state(guard, admit)));
    }
    for path in CLOUD_ONLY {
        router = router.route(path, any(web_page::serve));
    }
    router
        .fallback(web_page::serve)
        .layer(DefaultBodyLimit::max(limits::BODY))
        .layer(middleware::from_fn_with_state(state.clone(), envelope::wrap))
        .with_state(state)
}

#[derive(Clone)]
struct Guard {
    state: State,
    access: Access,
}

/// Lets a request through to its handler, or does not.
async fn admit(Shared(guard): Shared<Guard>, mut request: Request, next: Next) -> Result<Response, Failure> {
    let (needed, websocket) = match guard.access {
        Access::Anybody => return Ok(next.run(request).await),
        Access::LocalOrAgent if is_local(&request) => return Ok(next.run(request).await),
        Access::LocalOrAgent => (AgentPermission::Agent, false),
        Access::Agent(permission) => (permission, false),
        Access::Websocket(permission) => (permission, true),
    };
    let caller: Caller = identify(&guard.state, request.method(), request.headers(), request.uri(), websocket).await?;
    if !caller.may(needed) {
        let message = format!("this needs the permission {}", needed.word());
        return Err(Failure::new(Status::PermissionDenied, "PERMISSION_DENIED", message));
    }
    request.extensions_mut().insert(caller);
    Ok(next.run(request).await)
}

fn is_local(request: &Request) -> bool {
    let peer = request.extensions().get::<axum::extract::ConnectInfo<std::net::SocketAddr>>();
    peer.is_some_and(|peer| peer.0.ip().to_canonical().is_loopback())
}
