//! Has the linker leave the time out of the program, so that the same commit gives the same bytes.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rustc-link-arg-bins=/Brepro");
}
