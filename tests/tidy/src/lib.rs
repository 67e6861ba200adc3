//! The rules that a machine can check: who may use whom, what the pure crates must not do, how long things may be.
//!
//! Each rule is a function from sources to [`Finding`]s, with a unit test that feeds it something bad. `tests/workspace.rs`
//! runs every rule over the sources of this workspace and expects to find nothing.

pub mod docs;
pub mod licences;
pub mod marks;
pub mod naming;
pub mod promises;
pub mod purity;
pub mod sizes;
pub mod source;
pub mod structure;

use std::fmt;

pub use source::Source;

/// The crates that do no IO, read no clock and draw no randomness, by their folders.
pub const PURE: [&str; 3] = ["appliance/sip", "appliance/media", "appliance/pbx"];

/// A broken rule, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The file, seen from the root of the workspace.
    pub path: String,
    /// The line, or 0 where the whole file is meant.
    pub line: usize,
    /// What is wrong.
    pub what: String,
}

impl Finding {
    /// A finding at a line.
    pub fn new(source: &Source, line: usize, what: impl Into<String>) -> Finding {
        Finding { path: source.path.clone(), line, what: what.into() }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.path, self.line, self.what)
    }
}
