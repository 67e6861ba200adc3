//! Flows: lists of actions that a call goes through, as VoIPBIN has them.
//!
//! Nothing here waits, rings or plays. [`Activeflow::advance`] names the next [`Order`] that somebody has to carry out,
//! and [`Activeflow::resume`] takes what came of it; whatever needs no telephone (branches, loops, variables) is done in
//! between. An activeflow is plain data, so that it can be written down at any moment and taken up again.
//!
//! - [`action`] has a file for each action: its name, its options, what it does.
//! - [`value`] is what options are made of, [`options`] reads them and says where one is wrong.
//! - [`variables`] are filled in wherever an option says `${name}`; [`digits`] are what the phone pressed.
//! - [`flows`] are kept, a [`script`] is one before its first action, [`record`] is what is told of one that runs.
//! - [`findings`] are what is wrong with a flow before anybody runs it.

pub mod action;
pub mod activeflow;
pub mod condition;
pub mod digits;
pub mod findings;
pub mod flows;
pub mod options;
pub mod order;
pub mod record;
pub mod scope;
pub mod script;
pub mod value;
pub mod variables;

pub use action::{Action, Catalogue};
pub use activeflow::{Activeflow, Advance, End};
pub use findings::{Finding, findings, findings_within};
pub use flows::{Flow, Flows, NewFlow};
pub use options::{Fault, Options};
pub use order::{NewCall, Order, Outcome};
pub use record::ActiveflowRecord;
pub use scope::Scope;
pub use script::Script;
pub use value::Value;
pub use variables::Variables;
