//! How conditions compare.

use crate::flow::options::{Fault, Options};

/// A comparison of what is with what is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Comparison {
    /// `==`
    Same,
    /// `!=`
    Different,
    /// `>`
    Greater,
    /// `>=`
    AtLeast,
    /// `<`
    Less,
    /// `<=`
    AtMost,
}

const WORDS: [(&str, Comparison); 6] = [
    ("==", Comparison::Same),
    ("!=", Comparison::Different),
    (">", Comparison::Greater),
    (">=", Comparison::AtLeast),
    ("<", Comparison::Less),
    ("<=", Comparison::AtMost),
];

impl Comparison {
    /// The option `condition`; `==` where nothing is said.
    pub fn read(options: &Options) -> Result<Comparison, Fault> {
        options.word("condition", &WORDS)
    }

    /// Whether it holds of what `is`.
    pub fn holds<T: PartialOrd + ?Sized>(self, is: &T, wanted: &T) -> bool {
        match self {
            Comparison::Same => is == wanted,
            Comparison::Different => is != wanted,
            Comparison::Greater => is > wanted,
            Comparison::AtLeast => is >= wanted,
            Comparison::Less => is < wanted,
            Comparison::AtMost => is <= wanted,
        }
    }
}
