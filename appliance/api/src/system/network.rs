//! `/v1.0/system/network`: how the box stands in its network.
//!
//! A change counts at once, on trial: unless it is confirmed within 60 s, which can only be done over the network as it is then, the
//! settings of before come back by themselves, after a restart as well. So nobody locks themselves out.

use axum::Json;
use axum::extract::State as Shared;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::ToSchema;

use crate::board::ask;
use crate::body;
use crate::failure::{ErrorEnvelope, Failure};
use crate::state::State;

/// How the box is to stand in its network. What is not given is as it is out of the carton.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[schema(as = Network)]
#[allow(
    dead_code,
    reason = "the board reads what is sent, and names what is wrong with it; this tells others what there is"
)]
pub(crate) struct Settings {
    /// Its name: 1 to 63 letters, digits and dashes; with `.local` behind it, its name in mDNS.
    hostname: String,
    /// The VLAN (IEEE 802.1Q) in which it speaks, 1 to 4094; null for none.
    vlan: Option<u16>,
    /// Where IPv4 addresses come from.
    ipv4: Ipv4,
    /// Where IPv6 addresses come from.
    ipv6: Ipv6,
    /// Who is asked for names, up to 4 addresses; empty: those that DHCP names.
    name_servers: Vec<String>,
}

/// Where IPv4 addresses come from.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[schema(as = NetworkIpv4)]
pub(crate) struct Ipv4 {
    /// `dhcp`, `static` or `off`.
    method: String,
    /// Where it is `static`: up to 8 addresses with their prefixes, as `192.0.2.9/24`.
    addresses: Vec<String>,
    /// The way to all other networks, if there is one.
    gateway: Option<String>,
}

/// Where IPv6 addresses come from.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[schema(as = NetworkIpv6)]
pub(crate) struct Ipv6 {
    /// `auto` (from the routers), `static` or `off`.
    method: String,
    /// Where it is `static`: up to 8 addresses with their prefixes, as `2001:db8::9/64`.
    addresses: Vec<String>,
    /// The way to all other networks, if there is one.
    gateway: Option<String>,
}

/// How the box stands in its network.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[schema(as = NetworkState)]
#[allow(dead_code, reason = "it is the board that fills it in")]
pub(crate) struct Record {
    /// What was confirmed last.
    settings: Settings,
    /// What is tried and not confirmed; null where nothing is.
    trial: Option<Trial>,
    /// The addresses that the box has now, with their prefixes.
    addresses: Vec<String>,
    /// The address of its hardware (MAC).
    hardware_address: Option<String>,
    /// The name by which it is found: another than was set where somebody has that already.
    mdns_name: Option<String>,
}

/// Settings that are tried.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[schema(as = NetworkTrial)]
pub(crate) struct Trial {
    /// The settings.
    settings: Settings,
    /// Seconds until those of before come back.
    seconds_left: u64,
}

/// Shows the network.
#[utoipa::path(
    get,
    path = "/v1.0/system/network",
    responses(
        (status = 200, body = Record),
        (status = 401, body = ErrorEnvelope),
        (status = 403, body = ErrorEnvelope),
        (status = 404, body = ErrorEnvelope, description = "BOARD_NOT_FOUND: this is no board of ours"),
        (status = 503, body = ErrorEnvelope, description = "SERVICE_UNAVAILABLE: the board does not answer"),
    ),
    tag = "system"
)]
pub(crate) async fn get(Shared(state): Shared<State>) -> Result<Json<Value>, Failure> {
    ask(&state, json!({ "do": "network" })).await.map(Json)
}

/// Changes the network, on trial for 60 s.
#[utoipa::path(
    put,
    path = "/v1.0/system/network",
    request_body = Settings,
    responses(
        (status = 200, body = Record),
        (status = 400, body = ErrorEnvelope, description = "INVALID_JSON_BODY, INVALID_ARGUMENT with the field"),
        (status = 401, body = ErrorEnvelope),
        (status = 403, body = ErrorEnvelope),
        (status = 404, body = ErrorEnvelope, description = "BOARD_NOT_FOUND"),
        (status = 503, body = ErrorEnvelope),
    ),
    tag = "system"
)]
pub(crate) async fn update(
    Shared(state): Shared<State>,
    body::Json(settings): body::Json<Value>,
) -> Result<Json<Value>, Failure> {
    ask(&state, json!({ "do": "network_set", "network": settings })).await.map(Json)
}

/// Keeps the settings that are on trial.
#[utoipa::path(
    post,
    path = "/v1.0/system/network/confirm",
    responses(
        (status = 200, body = Record),
        (status = 401, body = ErrorEnvelope),
        (status = 403, body = ErrorEnvelope),
        (status = 404, body = ErrorEnvelope, description = "BOARD_NOT_FOUND"),
        (status = 409, body = ErrorEnvelope, description = "BOARD_REFUSED: nothing is on trial, or not in use yet, or cannot be kept"),
        (status = 503, body = ErrorEnvelope),
    ),
    tag = "system"
)]
pub(crate) async fn confirm(Shared(state): Shared<State>) -> Result<Json<Value>, Failure> {
    ask(&state, json!({ "do": "network_confirm" })).await.map(Json)
}
