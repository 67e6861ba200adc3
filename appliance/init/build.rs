//! Has the linker lay out the flight recorder's texts: their addresses are their numbers, so they stay out of memory and out of
//! the program once it is stripped. Only GNU's linker reads such scripts, and only a program that stays where it was linked
//! has addresses for them.

use std::path::PathBuf;

fn main() {
    let script =
        PathBuf::from(std::env::var_os("CARGO_MANIFEST_DIR").expect("cargo says it")).join("flight_recorder.x");
    println!("cargo:rerun-if-changed={}", script.display());
    println!("cargo:rustc-link-arg-bins=-fuse-ld=bfd");
    println!("cargo:rustc-link-arg-bins=-no-pie");
    println!("cargo:rustc-link-arg-bins=-Wl,-T,{}", script.display());
}
