//! One trait for each piece of hardware.
