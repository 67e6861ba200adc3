//! `/openapi.json`: the API's description, made from the handlers themselves.

use std::sync::LazyLock;

use axum::http::header;
use axum::response::{IntoResponse, Response};
use utoipa::openapi::security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::{Modify, OpenApi};

use crate::{
    accesskey, activeflow, agent, auth, billing, billing_account, r#box, call, certificate, cloud, conference,
    conferencecall, customer, direct_hash, extension, failure, flight_recorder, flow, groupcall, health, metrics,
    number, outbound_config, provider, recording, route, setup, sip_socket, system, tag, transfer, trunk,
    webhook_delivery, webrtc, websocket,
};

#[derive(OpenApi)]
#[openapi(
    info(title = "Tandem", description = "A telephone exchange in one small image.", license(name = "MIT OR Apache-2.0")),
    paths(
        auth::login, auth::logout, setup::get, setup::claim, health::get, health::live, metrics::get, get, r#box::get, certificate::authority, certificate::get, certificate::update, certificate::delete, certificate::order, certificate::cancel_order, certificate::token, cloud::get, flight_recorder::get, call::list, call::get,
        call::delete, call::hangup, call::sequence, call::controls::hold, call::controls::unhold, call::controls::moh,
        call::controls::unmoh, call::controls::mute, call::controls::unmute, call::controls::silence,
        call::controls::unsilence, call::talk::talk, conferencecall::list, conferencecall::get, conferencecall::delete, conference::list,
        conference::create, conference::get, conference::update, conference::delete, conference::recording::start, conference::recording::stop, extension::list,
        extension::create, extension::get, extension::update, extension::delete,
        accesskey::list, accesskey::create, accesskey::get, accesskey::update, accesskey::delete, customer::get,
        customer::update, customer::update_metadata, agent::list, agent::create, agent::get, agent::update, agent::delete, agent::parts::addresses,
        agent::parts::password, agent::parts::permission, agent::parts::status, agent::parts::tag_ids, tag::list,
        tag::create, tag::get, tag::update, tag::delete, agent::me, sip_socket::open, webrtc::get, webrtc::open, websocket::open, recording::start, recording::stop, recording::pause, recording::resume, recording::list, recording::get,
        recording::delete, recording::file, recording::content, flow::list, flow::create, flow::get, flow::update,
        flow::delete, number::list, number::create, number::get, number::update, number::update_flows, number::update_metadata, number::delete,
        activeflow::list, activeflow::get, activeflow::stop, call::create::create, call::digits::send, activeflow::create, activeflow::delete, groupcall::list, groupcall::create,
        groupcall::get, groupcall::delete, groupcall::hangup, transfer::create,
        trunk::list, trunk::create, trunk::get, trunk::update, trunk::delete,
        provider::list, provider::create, provider::set_up, provider::get, provider::update, provider::delete,
        route::list, route::create, route::get, route::update, route::delete,
        billing_account::get, billing_account::update, billing_account::add, billing_account::subtract, billing::list,
        billing::get, customer::update_billing_account,
        direct_hash::regenerate_extension, direct_hash::delete_extension, direct_hash::regenerate_agent, direct_hash::delete_agent,
        direct_hash::regenerate_conference, direct_hash::delete_conference, direct_hash::regenerate_flow, direct_hash::delete_flow,
        outbound_config::get, outbound_config::update,
        system::get, system::backup::create, system::diagnostics::get, system::logs::list,
        system::network::get, system::network::update, system::network::confirm,
        system::power::factory_reset, system::power::power_off, system::power::reboot, system::restore::restore,
        system::update::get, system::update::begin, system::update::cancel,
        webhook_delivery::list, webhook_delivery::get, webhook_delivery::retry,
    ),
    components(schemas(store::event_log::Record, store::dtmf::Record, store::message::Record, store::billing::Shortage, failure::Status)),
    modifiers(&Credentials),
    security(("bearer" = []), ("cookie" = []))
)]
struct Description;

struct Credentials;

impl Modify for Credentials {
    fn modify(&self, openapi: &mut utoipa::openapi::OpenApi) {
        let components = openapi.components.get_or_insert_default();
        let bearer = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).bearer_format("JWT").build();
        components.add_security_scheme("bearer", SecurityScheme::Http(bearer));
        let cookie = ApiKey::Cookie(ApiKeyValue::new("token"));
        components.add_security_scheme("cookie", SecurityScheme::ApiKey(cookie));
    }
}

/// The description.
pub fn description() -> utoipa::openapi::OpenApi {
    Description::openapi()
}

static JSON: LazyLock<String> =
    LazyLock::new(|| description().to_json().expect("a description that was derived can be written as JSON"));

/// Describes the API.
#[utoipa::path(
    get,
    path = "/openapi.json",
    responses((status = 200, body = Object, description = "This description")),
    security(()),
    tag = "box"
)]
pub(crate) async fn get() -> Response {
    ([(header::CONTENT_TYPE, "application/json")], JSON.as_str()).into_response()
}
