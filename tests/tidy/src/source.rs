//! The tracked files, read and, where they are Rust, parsed.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use syn::spanned::Spanned;

/// One tracked file.
pub struct Source {
    /// Its path from the root of the workspace, with `/`.
    pub path: String,
    /// Its text.
    pub text: String,
    /// Its syntax, if it is Rust.
    pub syntax: Option<syn::File>,
}

impl Source {
    /// A file as if it stood at `path`; Rust that does not parse is an error.
    pub fn new(path: &str, text: &str) -> Result<Source> {
        let syntax = match path.ends_with(".rs") {
            true => Some(syn::parse_file(text).with_context(|| format!("{path} is not Rust"))?),
            false => None,
        };
        Ok(Source { path: path.into(), text: text.into(), syntax })
    }

    /// Whether the file belongs to one of the pure crates' libraries.
    pub fn is_pure(&self) -> bool {
        crate::PURE.iter().any(|krate| self.path.starts_with(&format!("{krate}/src/")))
    }

    /// Whether the whole file is a test: it stands in a folder `tests` of a crate, or is a module of tests by its name.
    pub fn is_test(&self) -> bool {
        let inside = self.path.strip_prefix("tests/").unwrap_or(&self.path);
        inside.contains("/tests/") || self.path.ends_with("/tests.rs") || inside.contains("/benches/")
    }
}

/// The root of the workspace.
pub fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.ancestors().nth(2).expect("this crate stands in tests/tidy").to_path_buf()
}

/// Every tracked file that is text.
pub fn tracked() -> Result<Vec<Source>> {
    let root = root();
    let listing = Command::new("git").args(["ls-files", "-z"]).current_dir(&root).output().context("git ls-files")?;
    ensure!(listing.status.success(), "git ls-files: {}", String::from_utf8_lossy(&listing.stderr));
    let names = String::from_utf8(listing.stdout).context("a file name is not UTF-8")?;
    let mut sources = Vec::new();
    for name in names.split_terminator('\0') {
        // A file that was just removed or moved is still listed; binary files hold no text to judge.
        let Ok(bytes) = std::fs::read(root.join(name)) else { continue };
        let Ok(text) = String::from_utf8(bytes) else { continue };
        sources.push(Source::new(name, &text)?);
    }
    ensure!(sources.len() > 20, "only {} tracked files: is this the repository?", sources.len());
    Ok(sources)
}

/// Whether an item is compiled for tests only, or is a test.
pub fn is_for_tests(attributes: &[syn::Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        if attribute.path().is_ident("cfg") {
            return attribute.parse_args::<syn::Ident>().is_ok_and(|ident| ident == "test");
        }
        attribute.path().segments.last().is_some_and(|last| last.ident == "test")
    })
}

/// The first line of a piece of syntax.
pub fn first_line(node: &impl Spanned) -> usize {
    node.span().start().line
}

/// The last line of a piece of syntax.
pub fn last_line(node: &impl Spanned) -> usize {
    node.span().end().line
}
