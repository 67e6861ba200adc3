//! `/v1.0/box`: what a program or a person has to know of the box to set up a phone.

use std::net::{IpAddr, SocketAddr};

use axum::Json;
use axum::extract::State as Shared;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::failure::ErrorEnvelope;
use crate::state::State;

/// The box.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = Box)]
pub struct Record {
    /// The box's customer.
    pub customer_id: Uuid,
    /// The program's version.
    pub version: &'static str,
    /// The domain phones register at: the digest realm. It need not be in any DNS.
    pub domain_name: String,
    /// Where phones reach the box.
    pub sip: Sip,
}

/// Where phones reach the box.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = BoxSip)]
pub struct Sip {
    /// The one address at which it listens; null where it listens at each of its addresses, the one that this request
    /// came to among them.
    #[schema(value_type = Option<String>)]
    pub address: Option<IpAddr>,
    /// The port, the same for all transports.
    pub port: u16,
    /// `udp`, `tcp`.
    pub transports: [&'static str; 2],
}

impl From<SocketAddr> for Sip {
    fn from(address: SocketAddr) -> Sip {
        let ip = address.ip();
        Sip { address: (!ip.is_unspecified()).then_some(ip), port: address.port(), transports: ["udp", "tcp"] }
    }
}

/// Tells what phones need to know of the box.
#[utoipa::path(
    get,
    path = "/v1.0/box",
    responses((status = 200, body = Record), (status = 401, body = ErrorEnvelope)),
    tag = "box"
)]
pub(crate) async fn get(Shared(state): Shared<State>) -> Json<Record> {
    let identity = state.store().identity();
    Json(Record {
        customer_id: identity.customer_id,
        version: env!("CARGO_PKG_VERSION"),
        domain_name: identity.domain.clone(),
        sip: state.sip().into(),
    })
}
