//! The boards: one file each.
#[cfg(feature = "linux")]
pub mod qemu_virt;
pub mod simulated;
