//! The real binary with real phones.
