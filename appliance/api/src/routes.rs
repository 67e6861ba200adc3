//! What there is: one table of routes, who may use each, and the router made of it.

use axum::Router;
use axum::extract::{DefaultBodyLimit, Request, State as Shared};
use axum::handler::Handler;
use axum::http::Method;
use axum::middleware::{self, Next};
use axum::response::Response;
use axum::routing::{MethodFilter, MethodRouter, any, on};
use store::agent::AgentPermission;
use uuid::Uuid;

use crate::auth::{Asked, Caller, identify, source_of};
use crate::failure::{Failure, Status};
use crate::state::State;
use crate::{
    accesskey, activeflow, agent, auth, billing, billing_account, r#box, call, certificate, cloud, conference,
    conferencecall, customer, direct_hash, envelope, extension, flight_recorder, flow, groupcall, health, limits,
    metrics, number, openapi, outbound_config, provider, recording, route as routing, setup, sip_socket, system, tag,
    transfer, trunk, web_page, webhook_delivery, webrtc, websocket,
};

/// Who may use a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Anybody.
    Anybody,
    /// Agents with at least this permission.
    Agent(AgentPermission),
    /// The agent whose id stands in the path, and agents with at least this permission.
    Own(AgentPermission),
    /// The same as `Agent`, with `?token=` too: a browser can set no header when it opens a WebSocket.
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

/// Who reads.
const READ: Access = Access::Agent(AgentPermission::Agent);
/// Who changes something.
const WRITE: Access = Access::Agent(AgentPermission::Manager);
/// Who changes what is the customer's, and who may what.
const RULE: Access = Access::Agent(AgentPermission::Admin);
/// An agent of itself, and who changes something.
const OWN: Access = Access::Own(AgentPermission::Manager);

/// The table.
pub fn routes() -> Vec<Route> {
    [the_box(), the_system(), people(), money(), calls(), conferences(), recordings(), flows(), trunks()]
        .into_iter()
        .flatten()
        .collect()
}

/// The box itself, and the way in.
fn the_box() -> Vec<Route> {
    vec![
        route(Method::POST, "/auth/login", Access::Anybody, auth::login),
        route(Method::GET, "/v1.0/setup", Access::Anybody, setup::get),
        route(Method::POST, "/v1.0/setup", Access::Anybody, setup::claim),
        route(Method::POST, "/auth/logout", Access::Anybody, auth::logout),
        route(Method::GET, "/livez", Access::Anybody, health::live),
        route(Method::GET, "/healthz", Access::Anybody, health::get),
        route(Method::GET, "/metrics", Access::LocalOrAgent, metrics::get),
        route(Method::GET, "/openapi.json", Access::Anybody, openapi::get),
        route(Method::GET, "/v1.0/box", READ, r#box::get),
        route(Method::GET, "/authority.pem", Access::Anybody, certificate::authority),
        route(Method::GET, "/v1.0/certificate", READ, certificate::get),
        route(Method::PUT, "/v1.0/certificate", RULE, certificate::update),
        route(Method::DELETE, "/v1.0/certificate", RULE, certificate::delete),
        route(Method::PUT, "/v1.0/certificate/acme", RULE, certificate::order),
        route(Method::DELETE, "/v1.0/certificate/acme", RULE, certificate::cancel_order),
        route(Method::GET, "/.well-known/acme-challenge/{id}", Access::Anybody, certificate::token),
        route(Method::GET, "/v1.0/cloud", READ, cloud::get),
        route(Method::GET, "/v1.0/flight-recorder", RULE, flight_recorder::get),
        // SIP asks by itself who somebody is.
        route(Method::GET, "/sip", Access::Anybody, sip_socket::open),
        route(Method::GET, "/v1.0/webrtc", READ, webrtc::get),
        route(Method::GET, "/v1.0/webrtc/ws", Access::Websocket(AgentPermission::Agent), webrtc::open),
        route(Method::GET, "/v1.0/ws", Access::Websocket(AgentPermission::Agent), websocket::open),
    ]
}

/// How it stands with the box, and what may be done with it.
fn the_system() -> Vec<Route> {
    vec![
        route(Method::GET, "/v1.0/system", RULE, system::get),
        route(Method::POST, "/v1.0/system/backup", RULE, system::backup::create),
        route(Method::GET, "/v1.0/system/diagnostics", RULE, system::diagnostics::get),
        route(Method::POST, "/v1.0/system/factory_reset", RULE, system::power::factory_reset),
        route(Method::GET, "/v1.0/system/logs", RULE, system::logs::list),
        route(Method::POST, "/v1.0/system/power_off", RULE, system::power::power_off),
        route(Method::POST, "/v1.0/system/reboot", RULE, system::power::reboot),
        route(Method::POST, "/v1.0/system/restore", RULE, system::restore::restore),
        route(Method::GET, "/v1.0/system/update", RULE, system::update::get),
        route(Method::POST, "/v1.0/system/update", RULE, system::update::begin),
        route(Method::DELETE, "/v1.0/system/update", RULE, system::update::cancel),
        route(Method::GET, "/v1.0/system/network", RULE, system::network::get),
        route(Method::PUT, "/v1.0/system/network", RULE, system::network::update),
        route(Method::POST, "/v1.0/system/network/confirm", RULE, system::network::confirm),
    ]
}

/// Who may call, and who may log in.
fn people() -> Vec<Route> {
    vec![
        route(Method::GET, "/v1.0/extensions", READ, extension::list),
        route(Method::POST, "/v1.0/extensions", WRITE, extension::create),
        route(Method::GET, "/v1.0/extensions/{id}", READ, extension::get),
        route(Method::PUT, "/v1.0/extensions/{id}", WRITE, extension::update),
        route(Method::DELETE, "/v1.0/extensions/{id}", WRITE, extension::delete),
        route(Method::POST, "/v1.0/extensions/{id}/direct-hash-regenerate", WRITE, direct_hash::regenerate_extension),
        route(Method::DELETE, "/v1.0/extensions/{id}/direct-hash", WRITE, direct_hash::delete_extension),
        route(Method::GET, "/v1.0/me", READ, agent::me),
        route(Method::GET, "/v1.0/accesskeys", WRITE, accesskey::list),
        route(Method::POST, "/v1.0/accesskeys", WRITE, accesskey::create),
        route(Method::GET, "/v1.0/accesskeys/{id}", WRITE, accesskey::get),
        route(Method::PUT, "/v1.0/accesskeys/{id}", WRITE, accesskey::update),
        route(Method::DELETE, "/v1.0/accesskeys/{id}", WRITE, accesskey::delete),
        route(Method::GET, "/v1.0/agents", READ, agent::list),
        route(Method::POST, "/v1.0/agents", WRITE, agent::create),
        route(Method::GET, "/v1.0/agents/{id}", READ, agent::get),
        route(Method::PUT, "/v1.0/agents/{id}", WRITE, agent::update),
        route(Method::DELETE, "/v1.0/agents/{id}", WRITE, agent::delete),
        route(Method::PUT, "/v1.0/agents/{id}/addresses", OWN, agent::parts::addresses),
        route(Method::PUT, "/v1.0/agents/{id}/password", OWN, agent::parts::password),
        route(Method::PUT, "/v1.0/agents/{id}/permission", RULE, agent::parts::permission),
        route(Method::PUT, "/v1.0/agents/{id}/status", OWN, agent::parts::status),
        route(Method::PUT, "/v1.0/agents/{id}/tag_ids", WRITE, agent::parts::tag_ids),
        route(Method::POST, "/v1.0/agents/{id}/direct-hash-regenerate", WRITE, direct_hash::regenerate_agent),
        route(Method::DELETE, "/v1.0/agents/{id}/direct-hash", WRITE, direct_hash::delete_agent),
        // Where its events go may hold a secret.
        route(Method::GET, "/v1.0/customer", WRITE, customer::get),
        route(Method::PUT, "/v1.0/customer", RULE, customer::update),
        route(Method::PUT, "/v1.0/customer/metadata", RULE, customer::update_metadata),
        route(Method::GET, "/v1.0/webhook_deliveries", WRITE, webhook_delivery::list),
        route(Method::GET, "/v1.0/webhook_deliveries/{id}", WRITE, webhook_delivery::get),
        route(Method::POST, "/v1.0/webhook_deliveries/{id}/retry", WRITE, webhook_delivery::retry),
        route(Method::GET, "/v1.0/tags", READ, tag::list),
        route(Method::POST, "/v1.0/tags", WRITE, tag::create),
        route(Method::GET, "/v1.0/tags/{id}", READ, tag::get),
        route(Method::PUT, "/v1.0/tags/{id}", WRITE, tag::update),
        route(Method::DELETE, "/v1.0/tags/{id}", WRITE, tag::delete),
    ]
}

/// What calls cost, and what is left.
fn money() -> Vec<Route> {
    vec![
        route(Method::GET, "/v1.0/billing_account", WRITE, billing_account::get),
        route(Method::PUT, "/v1.0/billing_account", RULE, billing_account::update),
        route(Method::POST, "/v1.0/billing_account/balance_add_force", RULE, billing_account::add),
        route(Method::POST, "/v1.0/billing_account/balance_subtract_force", RULE, billing_account::subtract),
        route(Method::GET, "/v1.0/billings", WRITE, billing::list),
        route(Method::GET, "/v1.0/billings/{id}", WRITE, billing::get),
        route(Method::PUT, "/v1.0/customer/billing_account_id", RULE, customer::update_billing_account),
    ]
}

/// Calls, and the flows that run.
fn calls() -> Vec<Route> {
    vec![
        route(Method::GET, "/v1.0/activeflows", READ, activeflow::list),
        route(Method::POST, "/v1.0/activeflows", WRITE, activeflow::create),
        route(Method::GET, "/v1.0/activeflows/{id}", READ, activeflow::get),
        route(Method::DELETE, "/v1.0/activeflows/{id}", WRITE, activeflow::delete),
        route(Method::POST, "/v1.0/flows/{id}/direct-hash-regenerate", WRITE, direct_hash::regenerate_flow),
        route(Method::DELETE, "/v1.0/flows/{id}/direct-hash", WRITE, direct_hash::delete_flow),
        route(Method::POST, "/v1.0/activeflows/{id}/stop", WRITE, activeflow::stop),
        route(Method::GET, "/v1.0/calls", READ, call::list),
        route(Method::POST, "/v1.0/calls", WRITE, call::create::create),
        route(Method::GET, "/v1.0/calls/{id}", READ, call::get),
        route(Method::DELETE, "/v1.0/calls/{id}", WRITE, call::delete),
        route(Method::POST, "/v1.0/calls/{id}/dtmf", WRITE, call::digits::send),
        route(Method::POST, "/v1.0/calls/{id}/hangup", WRITE, call::hangup),
        route(Method::POST, "/v1.0/calls/{id}/hold", WRITE, call::controls::hold),
        route(Method::DELETE, "/v1.0/calls/{id}/hold", WRITE, call::controls::unhold),
        route(Method::POST, "/v1.0/calls/{id}/moh", WRITE, call::controls::moh),
        route(Method::DELETE, "/v1.0/calls/{id}/moh", WRITE, call::controls::unmoh),
        route(Method::POST, "/v1.0/calls/{id}/mute", WRITE, call::controls::mute),
        route(Method::DELETE, "/v1.0/calls/{id}/mute", WRITE, call::controls::unmute),
        route(Method::POST, "/v1.0/calls/{id}/silence", WRITE, call::controls::silence),
        route(Method::DELETE, "/v1.0/calls/{id}/silence", WRITE, call::controls::unsilence),
        route(Method::POST, "/v1.0/calls/{id}/talk", WRITE, call::talk::talk),
        route(Method::POST, "/v1.0/calls/{id}/recording_pause", WRITE, recording::pause),
        route(Method::POST, "/v1.0/calls/{id}/recording_resume", WRITE, recording::resume),
        route(Method::POST, "/v1.0/calls/{id}/recording_start", WRITE, recording::start),
        route(Method::POST, "/v1.0/calls/{id}/recording_stop", WRITE, recording::stop),
        route(Method::GET, "/v1.0/calls/{id}/sequence", READ, call::sequence),
        route(Method::POST, "/v1.0/transfers", WRITE, transfer::create),
        route(Method::GET, "/v1.0/groupcalls", READ, groupcall::list),
        route(Method::POST, "/v1.0/groupcalls", WRITE, groupcall::create),
        route(Method::GET, "/v1.0/groupcalls/{id}", READ, groupcall::get),
        route(Method::DELETE, "/v1.0/groupcalls/{id}", WRITE, groupcall::delete),
        route(Method::POST, "/v1.0/groupcalls/{id}/hangup", WRITE, groupcall::hangup),
    ]
}

/// Conferences.
fn conferences() -> Vec<Route> {
    vec![
        route(Method::GET, "/v1.0/conferencecalls", READ, conferencecall::list),
        route(Method::GET, "/v1.0/conferencecalls/{id}", READ, conferencecall::get),
        route(Method::DELETE, "/v1.0/conferencecalls/{id}", WRITE, conferencecall::delete),
        route(Method::GET, "/v1.0/conferences", READ, conference::list),
        route(Method::POST, "/v1.0/conferences", WRITE, conference::create),
        route(Method::GET, "/v1.0/conferences/{id}", READ, conference::get),
        route(Method::PUT, "/v1.0/conferences/{id}", WRITE, conference::update),
        route(Method::DELETE, "/v1.0/conferences/{id}", WRITE, conference::delete),
        route(Method::POST, "/v1.0/conferences/{id}/recording_start", WRITE, conference::recording::start),
        route(Method::POST, "/v1.0/conferences/{id}/recording_stop", WRITE, conference::recording::stop),
        route(Method::POST, "/v1.0/conferences/{id}/direct-hash-regenerate", WRITE, direct_hash::regenerate_conference),
        route(Method::DELETE, "/v1.0/conferences/{id}/direct-hash", WRITE, direct_hash::delete_conference),
    ]
}

/// Recordings and their files.
fn recordings() -> Vec<Route> {
    vec![
        route(Method::GET, "/v1.0/recordingfiles/{id}", READ, recording::file),
        // Whoever has a link that we signed may follow it.
        route(Method::GET, "/v1.0/recordingfiles/{id}/content", Access::Anybody, recording::content),
        route(Method::GET, "/v1.0/recordings", READ, recording::list),
        route(Method::GET, "/v1.0/recordings/{id}", READ, recording::get),
        route(Method::DELETE, "/v1.0/recordings/{id}", WRITE, recording::delete),
    ]
}

/// What is dialled, and what happens then.
fn flows() -> Vec<Route> {
    vec![
        route(Method::GET, "/v1.0/flows", READ, flow::list),
        route(Method::POST, "/v1.0/flows", WRITE, flow::create),
        route(Method::GET, "/v1.0/flows/{id}", READ, flow::get),
        route(Method::PUT, "/v1.0/flows/{id}", WRITE, flow::update),
        route(Method::DELETE, "/v1.0/flows/{id}", WRITE, flow::delete),
        route(Method::GET, "/v1.0/numbers", READ, number::list),
        route(Method::POST, "/v1.0/numbers", WRITE, number::create),
        route(Method::GET, "/v1.0/numbers/{id}", READ, number::get),
        route(Method::PUT, "/v1.0/numbers/{id}", WRITE, number::update),
        route(Method::DELETE, "/v1.0/numbers/{id}", WRITE, number::delete),
        route(Method::PUT, "/v1.0/numbers/{id}/flow_ids", WRITE, number::update_flows),
        route(Method::PUT, "/v1.0/numbers/{id}/metadata", WRITE, number::update_metadata),
    ]
}

/// Who calls us, and through whom we call.
fn trunks() -> Vec<Route> {
    vec![
        route(Method::GET, "/v1.0/trunks", READ, trunk::list),
        route(Method::POST, "/v1.0/trunks", WRITE, trunk::create),
        route(Method::GET, "/v1.0/trunks/{id}", READ, trunk::get),
        route(Method::PUT, "/v1.0/trunks/{id}", WRITE, trunk::update),
        route(Method::DELETE, "/v1.0/trunks/{id}", WRITE, trunk::delete),
        route(Method::GET, "/v1.0/providers", READ, provider::list),
        route(Method::POST, "/v1.0/providers", WRITE, provider::create),
        route(Method::POST, "/v1.0/providers/setup", WRITE, provider::set_up),
        route(Method::GET, "/v1.0/providers/{id}", READ, provider::get),
        route(Method::PUT, "/v1.0/providers/{id}", WRITE, provider::update),
        route(Method::DELETE, "/v1.0/providers/{id}", WRITE, provider::delete),
        route(Method::GET, "/v1.0/routes", READ, routing::list),
        route(Method::POST, "/v1.0/routes", WRITE, routing::create),
        route(Method::GET, "/v1.0/routes/{id}", READ, routing::get),
        route(Method::PUT, "/v1.0/routes/{id}", WRITE, routing::update),
        route(Method::DELETE, "/v1.0/routes/{id}", WRITE, routing::delete),
        route(Method::GET, "/v1.0/outbound_config", READ, outbound_config::get),
        // Whoever may widen it may have the customer pay for calls to anywhere.
        route(Method::PUT, "/v1.0/outbound_config", RULE, outbound_config::update),
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
        let guard = Guard { state: state.clone(), path, access };
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

/// The routes of some paths, open to whoever has this router: the box itself.
pub(crate) fn unguarded(is_wanted: impl Fn(&str) -> bool) -> Router<State> {
    let wanted = routes().into_iter().filter(|route| is_wanted(route.path));
    let router = wanted.fold(Router::new(), |router, route| router.route(route.path, route.handler));
    router.layer(DefaultBodyLimit::max(limits::BODY))
}

#[derive(Clone)]
struct Guard {
    state: State,
    path: &'static str,
    access: Access,
}

/// Lets a request through to its handler, or does not.
async fn admit(Shared(guard): Shared<Guard>, mut request: Request, next: Next) -> Result<Response, Failure> {
    let (needed, websocket) = match guard.access {
        Access::Anybody => return Ok(next.run(request).await),
        Access::LocalOrAgent if is_local(&request) => return Ok(next.run(request).await),
        Access::LocalOrAgent => (AgentPermission::Agent, false),
        Access::Agent(permission) | Access::Own(permission) => (permission, false),
        Access::Websocket(permission) => (permission, true),
    };
    let asked = Asked { method: request.method(), headers: request.headers(), uri: request.uri(), websocket };
    guard.state.setup().is_done()?;
    let caller: Caller = identify(&guard.state, source_of(request.extensions()), asked).await?;
    let own =
        matches!(guard.access, Access::Own(_)) && id_in(guard.path, request.uri().path()) == Some(caller.agent.id);
    if !own && !caller.may(needed) {
        let message = format!("this needs the permission {}", needed.word());
        return Err(Failure::new(Status::PermissionDenied, "PERMISSION_DENIED", message));
    }
    request.extensions_mut().insert(caller);
    Ok(next.run(request).await)
}

/// The id that stands in a path where its pattern has `{id}`.
fn id_in(pattern: &str, path: &str) -> Option<Uuid> {
    let mut parts = pattern.split('/').zip(path.split('/'));
    parts.find(|(pattern, _)| *pattern == "{id}").and_then(|(_, id)| Uuid::try_parse(id).ok())
}

fn is_local(request: &Request) -> bool {
    let peer = request.extensions().get::<axum::extract::ConnectInfo<std::net::SocketAddr>>();
    peer.is_some_and(|peer| peer.0.ip().to_canonical().is_loopback())
}
