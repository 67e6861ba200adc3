//! What an action sees and may change while it is decided what comes next.

use crate::UnixMicros;
use crate::call::Status;
use crate::flow::digits::Digits;
use crate::flow::variables::{DIGITS, Variables};

/// The surroundings of an activeflow, at one moment.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Surroundings<'a> {
    /// The wall clock.
    pub at: UnixMicros,
    /// The time zone of the box, as an IANA name.
    pub zone: &'a str,
    /// How far its call is, if it has one.
    pub call: Option<Status>,
    /// How many actions it may run.
    pub actions: usize,
}

/// The surroundings, and what is the activeflow's own.
#[derive(Debug)]
pub struct Scope<'a> {
    /// What is outside.
    pub around: Surroundings<'a>,
    /// Its variables.
    pub variables: &'a mut Variables,
    /// What its phone pressed.
    pub digits: &'a mut Digits,
    /// How often the `goto` that runs may still jump; `None` before its first time.
    pub jumps: &'a mut Option<u32>,
}

impl Scope<'_> {
    /// The text of a variable; nothing where there is none.
    pub fn read(&self, name: &str) -> String {
        if name == DIGITS {
            return self.digits.shown().into();
        }
        self.variables.get(name).unwrap_or_default().into()
    }

    /// What an option means that names a variable, with or without `${}`.
    pub fn read_either(&self, written: &str, filled: String) -> String {
        if written.contains("${") { filled } else { self.read(written) }
    }

    /// Empties a variable.
    pub fn empty(&mut self, name: &str) {
        if name == DIGITS {
            self.digits.clear();
        } else if self.variables.get(name).is_some() {
            // Emptying never meets a limit, and a reserved name stays as it is.
            let _ = self.variables.set(name, "");
        }
    }
}
