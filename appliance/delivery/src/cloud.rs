//! Records for the cloud: everything in the event log goes upstream, in order, in batches, acknowledged by a cursor.
//!
//! `docs/cloud-sync.md` says what is spoken, so that anybody can write the other side. A record is sent until the cloud
//! says that it has it for good; it may come twice, with the same key. The [`sender`] is the thread, [`batch`] what goes at a
//! time, [`link`] the way by HTTPS, and [`configuration`] what comes down by it. Where many boxes meet at RabbitMQ the same records go by the [`broker`] (`docs/fleet.md`).

pub mod batch;
pub mod broker;
pub mod configuration;
pub mod link;
pub mod sender;

pub use broker::Broker;
pub use link::{Link, Way};
pub use sender::{Sender, State};
