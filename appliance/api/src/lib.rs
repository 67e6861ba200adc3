//! What people and programs see: REST, the WebSocket, OpenAPI and the embedded web page.
//!
//! [`router`] answers requests, [`serve`] does so on a listener. Changes go to the exchange as [`pbx::Command`]s through
//! [`Exchange`], which answers once they are on the disk; what is shown is read from the [`store`]. [`routes`] is the
//! one table of what there is; a test holds `/openapi.json` against it.
//!
//! Every error is the error envelope of `spec/api.md`, with a `request_id` that is also the header `X-Request-Id` and
//! in the log. Unknown fields of a request's body are ignored, as VoIPBIN does.

pub mod accesskey;
pub mod activeflow;
pub mod agent;
pub mod auth;
pub mod billing;
pub mod billing_account;
pub mod board;
mod body;
pub mod r#box;
pub mod call;
pub mod certificate;
pub mod cloud;
pub mod conference;
pub mod conferencecall;
pub mod configuration;
pub mod customer;
pub mod direct_hash;
pub mod envelope;
pub mod exchange;
pub mod extension;
pub mod failure;
mod flight_recorder;
pub mod flow;
pub mod groupcall;
pub mod health;
pub mod limits;
pub mod metrics;
pub mod number;
pub mod openapi;
mod origin;
pub mod outbound_config;
mod parameters;
pub mod provider;
mod readers;
pub mod recording;
pub mod route;
pub mod routes;
pub mod server;
pub mod setup;
pub mod sip_socket;
pub mod state;
pub mod system;
pub mod tag;
pub mod transfer;
pub mod trunk;
pub mod web_page;
pub mod webhook_delivery;
pub mod webrtc;
pub mod websocket;

pub use auth::{FirstAdmin, first_admin};
pub use board::Board;
pub use exchange::Exchange;
pub use failure::Failure;
pub use routes::router;
pub use server::serve;
pub use setup::SetupCode;
pub use state::{Options, State};
