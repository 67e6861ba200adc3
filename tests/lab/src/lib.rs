//! Phones and a network in virtual time, around a real exchange and a real media engine.
//!
//! A [`Lab`] owns a [`pbx::Pbx`], a [`media::Engine`], the [`Phone`]s and the [`network`] between them. Nothing in it reads
//! a clock: [`Lab::run_for`] and [`Lab::run_until`] move the time from one event to the next. Everything that is drawn by
//! lot comes from the lab's seed, so that the same seed tells the same story.
//!
//! ```no_run
//! use std::time::Duration;
//! use lab::{Lab, State};
//!
//! let mut lab = Lab::new(1);
//! let (alice, bob) = (lab.registered_phone("1001"), lab.registered_phone("1002"));
//! lab[alice].call("1002");
//! lab.run_until(|lab| lab[bob].is(State::Ringing));
//! lab[bob].answer();
//! lab.run_for(Duration::from_secs(2));
//! lab[alice].hang_up();
//! lab.finish();
//! println!("{}", lab.ladder());
//! ```

pub mod check;
pub mod ladder;
pub mod network;
pub mod phone;
pub mod wire;
pub mod world;

pub use check::Facts;
pub use ladder::Ladder;
pub use network::{Nat, Path};
pub use phone::{
    Algorithm, Asking, Codec, Direction, Heard, Manner, OnInvite, OnRegister, Phone, PhoneId, Secrecy, State, TooShort,
    line, manner,
};
pub use wire::Message;
pub use world::Lab;

/// Virtual time since the lab was made.
pub type Time = std::time::Duration;

/// The realm and domain of the exchange in a lab.
pub const REALM: &str = "tandem.lab";
/// What the phones understand.
pub const ALLOW: &str = "INVITE, ACK, CANCEL, BYE, OPTIONS, UPDATE, PRACK, INFO";

/// The password that the lab gives to an extension.
pub fn password_of(number: &str) -> String {
    format!("secret-{number}")
}
