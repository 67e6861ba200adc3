//! The rules that a machine can check.
