//! Has the linker leave the time and the name of its debugging file out of the program, so that the same commit gives the same bytes.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    for argument in ["/Brepro", "/DEBUG:NONE"] {
        println!("cargo::rustc-link-arg-bins={argument}");
    }
}
