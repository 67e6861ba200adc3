//! What is written in C: the kernel, the libraries within crates, the voice and the C library.
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::{Component, crates};
use crate::run::tool;

/// Their versions are read where each of them says it.
pub fn components(tree: &Path) -> Result<Vec<Component>> {
    let metadata = crates::metadata(&tree.join("Cargo.toml"), "aarch64-unknown-linux-gnu")?;
    let folder = |name: &str| -> Result<PathBuf> {
        let packages = metadata["packages"].as_array().into_iter().flatten();
        let manifest =
            packages.filter(|package| package["name"] == name).find_map(|package| package["manifest_path"].as_str());
        let folder = manifest.and_then(|manifest| Path::new(manifest).parent()).map(Path::to_path_buf);
        folder.with_context(|| format!("cargo knows no {name}"))
    };
    let sqlite = quoted(&folder("libsqlite3-sys")?.join("sqlite3/sqlite3.h"), "#define SQLITE_VERSION ")?;
    let opus = quoted(&folder("opusic-sys")?.join("opus/package_version"), "PACKAGE_VERSION=")?;
    let kernel = crate::kernel::package()?;
    let debian = |name: &str, licence: &str| -> Result<Component> {
        let version = tool("dpkg-query", ["-W", "-f", "${Version}"]).arg(name).output()?;
        Ok(Component::new("deb", name, version.trim(), licence))
    };
    Ok(vec![
        debian(&kernel, "GPL-2.0-only WITH Linux-syscall-note")?,
        debian("libc6-dev-arm64-cross", "LGPL-2.1-or-later")?,
        Component::new("generic", "sqlite", &sqlite, "blessing"),
        Component::new("generic", "opus", &opus, "BSD-3-Clause"),
        Component::new("deb", "flite1-dev", &crate::voice::version()?, "BSD-4-Clause-UC AND MIT"),
    ])
}

/// What stands in quotes behind `before` in some file.
fn quoted(file: &Path, before: &str) -> Result<String> {
    let text = fs::read_to_string(file).with_context(|| file.display().to_string())?;
    let line = text.lines().find_map(|line| line.strip_prefix(before));
    let value = line.and_then(|line| line.split('"').nth(1));
    value.map(str::to_owned).with_context(|| format!("{} does not say {before}", file.display()))
}
