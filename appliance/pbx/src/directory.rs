//! Who belongs to the exchange: the extensions, in memory, by id and by number.

pub mod extension;

pub use extension::{Extension, ExtensionChange, NewExtension};
