//! The API against a real store and a real exchange: requests in, answers and events out.

mod accesskeys;
mod agents;
mod billing;
mod calls;
mod conferences;
mod configuration;
mod customer;
mod desk;
mod direct_hashes;
mod extensions;
mod flows;
mod health;
mod login;
mod outgoing;
mod phones;
mod recordings;
mod roles;
mod rules;
mod server;
mod sip_socket;
mod system;
mod trunks;
mod web_page;
mod webhooks;
mod webrtc;
mod websocket;
