//! Measures the targets and prints ratios.

fn main() {}
