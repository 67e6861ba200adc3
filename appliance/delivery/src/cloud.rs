//! Records for the cloud: everything in the event log goes upstream, in order, in batches, acknowledged by a cursor.
//!
//! `docs/cloud-sync.md` says what is spoken, so that anybody can write the other side. A record is sent until the cloud
//! says that it has it for good; it may come twice, with the same key. The [`sender`] is the thread, [`link`] its way out,
//! [`batch`] what a request carries.

pub mod batch;
pub mod link;
pub mod sender;

pub use link::Link;
pub use sender::{Sender, State};
