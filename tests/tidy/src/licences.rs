//! Under which terms we may ship what we depend on, and what we never depend on. `deny.toml` says the same to cargo-deny.

use std::path::Path;

use cargo_metadata::Metadata;

use crate::Finding;

const ACCEPTED: [&str; 16] = [
    "MIT",
    "MIT-0",
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "ISC",
    "MPL-2.0",
    "Unicode-3.0",
    "Unicode-DFS-2016",
    "Zlib",
    "0BSD",
    "CC0-1.0",
    "Unlicense",
    "BSL-1.0",
    "CDLA-Permissive-2.0",
];
const BANNED: [&str; 8] =
    ["openssl", "openssl-sys", "openssl-src", "native-tls", "aws-lc-rs", "aws-lc-sys", "aws-lc-fips-sys", "boring-sys"];

/// Packages under terms that we cannot accept.
pub fn terms(metadata: &Metadata) -> Vec<Finding> {
    let mut findings = Vec::new();
    for package in &metadata.packages {
        let stated = match &package.license {
            Some(expression) => expression.clone(),
            None => package.license_file().map(|file| licence_in(file.as_std_path())).unwrap_or_default(),
        };
        if !is_acceptable(&stated) {
            findings.push(finding(&package.name, format!("is under `{stated}`")));
        }
    }
    findings
}

/// The licence of a package that states none but ships its text.
fn licence_in(file: &Path) -> String {
    let text = std::fs::read_to_string(file).unwrap_or_default();
    match text.trim_start().starts_with("MIT License") {
        true => "MIT".into(),
        false => format!("the text in {}", file.display()),
    }
}

/// Packages that we never depend on.
pub fn bans(names: impl IntoIterator<Item = String>) -> Vec<Finding> {
    names
        .into_iter()
        .filter(|name| BANNED.contains(&name.as_str()))
        .map(|name| finding(&name, "is banned: it breaks the cross build".into()))
        .collect()
}

/// Whether an SPDX expression leaves us a choice that we accept. Parentheses are rare enough to be read by hand: an
/// `AND` of `OR`s is split at its `AND`s, as every such expression in use is written.
pub fn is_acceptable(expression: &str) -> bool {
    let plain = expression.replace(['(', ')'], " ").replace('/', " OR ");
    plain.split(" AND ").all(|all| all.split(" OR ").any(|one| ACCEPTED.contains(&one.trim())))
}

fn finding(package: &str, what: String) -> Finding {
    Finding { path: "Cargo.lock".into(), line: 0, what: format!("`{package}` {what}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expressions_are_read() {
        for good in
            ["MIT", "MIT OR Apache-2.0", "MIT/Apache-2.0", "(MIT OR Apache-2.0) AND Unicode-3.0", "GPL-2.0 OR MIT"]
        {
            assert!(is_acceptable(good), "{good}");
        }
        for bad in ["GPL-3.0", "AGPL-3.0-only", "nothing", "MIT AND GPL-2.0", "", "LGPL-2.1"] {
            assert!(!is_acceptable(bad), "{bad}");
        }
    }

    #[test]
    fn banned_crates_are_found() {
        assert_eq!(bans(["serde".to_string(), "openssl-sys".to_string()]).len(), 1);
    }
}
