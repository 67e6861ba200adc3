//! PID 1 of the box.

fn main() {}
