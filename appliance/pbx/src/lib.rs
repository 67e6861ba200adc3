//! What the exchange does: who may register, who is called, what a call goes through. No IO, no clock, no JSON.
//!
//! [`Pbx`] has the same face as the machines below it: `handle_*(now, …)` in, [`Pbx::poll_output`] out, one
//! [`Pbx::poll_timeout`]. After each input the caller drains the outputs. Given the same seed and the same inputs it
//! gives the same outputs, so that any failure can be replayed.
//!
//! - [`directory`] knows the extensions; [`registrar`] knows where they are; [`guard`] slows those who guess passwords.
//! - [`call`] is a back-to-back user agent: a [`call::Call`] is a set of [`call::Leg`]s, each with a dialog of its own.
//! - [`groupcall`] rings several phones of which one is to answer.
//! - [`provider`] keeps us registered with those through whom we call the world; [`names`] knows where names are,
//!   [`public_address`] where the world sees us.
//! - [`conference`] brings several calls together.
//! - [`Event`] is a fact that the store writes down before anybody hears of it; [`Command`] is what people ask for.
//! - [`errand`] is what calls want of the world: an answer of a web server, a text that is spoken.
//! - [`billing`] knows what calls cost and what is left.
//! - [`message`] is a text that a flow sends by SIP.
//! - [`recording`] knows what is recorded, [`ports`] which ports are ours; others do the writing and the binding.
//! - [`sequence`] keeps for each call what really happened, to be drawn as a ladder.

pub mod authentication;
pub mod billing;
pub mod call;
pub mod command;
pub mod conference;
pub mod context;
pub mod correction;
pub mod counters;
pub mod directory;
pub mod errand;
pub mod event;
pub mod exchange;
pub mod flow;
pub mod groupcall;
pub mod guard;
pub mod index;
pub mod limits;
pub mod message;
pub mod names;
pub mod ports;
pub mod provider;
pub mod public_address;
pub mod recording;
pub mod registrar;
pub mod reply;
pub mod sequence;
pub mod settings;
pub mod timers;

pub use command::{Command, Rejection, Reply, RequestId};
pub use event::{Event, EventKind};
pub use exchange::{Input, Output, Pbx};
pub use settings::Settings;

/// Monotonic time since the process started. The caller reads the clock.
pub type Time = std::time::Duration;

/// A moment in microseconds since 1970-01-01T00:00:00Z, as events and records carry it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UnixMicros(pub i64);

/// When [`Pbx::handle_timeout`] wants to be called, and why.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Deadline {
    /// The moment, on the same clock as every `now`.
    pub at: Time,
    /// The name of the timer, for logs.
    pub reason: &'static str,
}
