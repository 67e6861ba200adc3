//! What is done to the samples themselves.

pub mod g711;
