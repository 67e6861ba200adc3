//! What leaves the box: each way out reads the event log with a cursor of its own, and sees every event at least once.
//!
//! A way out (webhook, cloud records, billing) opens a [`Reader`] under its name, takes a [`Batch`] with
//! [`Reader::next`], does what it does with each event, and says so with [`Reader::advance`]. Where the process ends in
//! between, the same events come again after the restart: an event's `seq` is its idempotency key.

mod backoff;
pub mod cloud;
pub mod limits;
pub mod pace;
pub mod reader;
pub mod recording;
pub mod webhook;
mod written;

pub use pace::Pace;
pub use reader::{Batch, Error, Reader};
pub use webhook::WebhookThreads;
