//! `/v1.0/box`: what a program or a person has to know of the box to set up a phone.

use std::net::{IpAddr, SocketAddr};

use axum::Json;
use axum::extract::State as Shared;
use pbx::{Command, Reply};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::exchange::ask;
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
    /// Where those beyond the network of the box reach it, with its port: as it was set, or as a STUN server or a provider
    /// sees it; null where nothing is known of a translation.
    #[schema(value_type = Option<String>)]
    pub public_address: Option<SocketAddr>,
}

impl From<SocketAddr> for Sip {
    fn from(address: SocketAddr) -> Sip {
        let ip = address.ip();
        Sip {
            address: (!ip.is_unspecified()).then_some(ip),
            port: address.port(),
            transports: ["udp", "tcp"],
            public_address: None,
        }
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
    let public_address = match ask(&state, Command::ReadPublicAddress).await {
        Ok(Reply::PublicAddress(known)) => known,
        // All else is true whether the exchange answers or not.
        _ => None,
    };
    Json(Record {
        customer_id: identity.customer_id,
        version: env!("CARGO_PKG_VERSION"),
        domain_name: identity.domain.clone(),
        sip: Sip { public_address, ..state.sip().into() },
    })
}
