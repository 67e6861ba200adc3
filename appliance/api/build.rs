//! A program that is to be given away has its web page in it.

use std::path::Path;

fn main() {
    println!("cargo::rerun-if-changed=../../web-ui/dist");
    println!("cargo::rerun-if-env-changed=TANDEM_WITHOUT_WEB_UI");
    let release = std::env::var_os("PROFILE").is_some_and(|profile| profile == "release");
    let wanted = release && std::env::var_os("TANDEM_WITHOUT_WEB_UI").is_none();
    if wanted && !Path::new("../../web-ui/dist/index.html").exists() {
        println!("cargo::error=web-ui/dist is missing: run `make web-ui` first, or set TANDEM_WITHOUT_WEB_UI=1");
    }
}
