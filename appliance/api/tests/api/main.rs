//! The API against a real store and a real exchange: requests in, answers and events out.

mod calls;
mod conferences;
mod desk;
mod extensions;
mod flows;
mod health;
mod login;
mod outgoing;
mod phones;
mod recordings;
mod rules;
mod server;
mod web_page;
mod websocket;
