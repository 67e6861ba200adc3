//! What the sources of `sip`, `media` and `pbx` may not name: clocks, sockets, files, threads, locks, async.

use syn::spanned::Spanned;
use syn::visit::{self, Visit};

use crate::source::{first_line, is_for_tests};
use crate::{Finding, Source};

/// Path endings that reach out of the pure world. Each is matched as consecutive segments.
const FORBIDDEN: [&[&str]; 23] = [
    &["Instant", "now"],
    &["SystemTime"],
    &["std", "time", "Instant"],
    &["std", "net", "UdpSocket"],
    &["std", "net", "TcpStream"],
    &["std", "net", "TcpListener"],
    &["UdpSocket", "bind"],
    &["TcpStream", "connect"],
    &["ToSocketAddrs"],
    &["std", "fs"],
    &["std", "thread"],
    &["std", "env"],
    &["std", "process"],
    &["std", "io", "stdin"],
    &["std", "os"],
    &["Mutex"],
    &["RwLock"],
    &["Condvar"],
    &["std", "sync", "mpsc"],
    &["thread_rng"],
    &["OsRng"],
    &["SysRng"],
    &["RandomState"],
];
const FORBIDDEN_MACROS: [&str; 4] = ["println", "eprintln", "print", "thread_local"];

/// Everything impure that a source of a pure crate names outside its tests.
pub fn sources(source: &Source) -> Vec<Finding> {
    let Some(syntax) = &source.syntax else { return Vec::new() };
    if !source.is_pure() || source.is_test() {
        return Vec::new();
    }
    let mut look = Look { source, findings: Vec::new() };
    look.visit_file(syntax);
    look.findings
}

struct Look<'a> {
    source: &'a Source,
    findings: Vec<Finding>,
}

impl Look<'_> {
    fn judge(&mut self, segments: &[String], at: &impl Spanned) {
        for forbidden in FORBIDDEN {
            if segments.windows(forbidden.len()).any(|part| part.iter().zip(forbidden).all(|(a, b)| a == b)) {
                self.report(at, &forbidden.join("::"));
            }
        }
    }

    fn report(&mut self, at: &impl Spanned, what: &str) {
        self.findings.push(Finding::new(self.source, first_line(at), format!("`{what}` in a pure crate")));
    }

    fn walk_use(&mut self, tree: &syn::UseTree, before: &mut Vec<String>) {
        match tree {
            syn::UseTree::Path(path) => {
                before.push(path.ident.to_string());
                self.walk_use(&path.tree, before);
                before.pop();
            }
            syn::UseTree::Group(group) => group.items.iter().for_each(|item| self.walk_use(item, before)),
            syn::UseTree::Name(name) => self.walk_leaf(&name.ident, before),
            syn::UseTree::Rename(rename) => self.walk_leaf(&rename.ident, before),
            syn::UseTree::Glob(glob) => self.judge(before, glob),
        }
    }

    fn walk_leaf(&mut self, leaf: &syn::Ident, before: &mut Vec<String>) {
        before.push(leaf.to_string());
        self.judge(before, leaf);
        before.pop();
    }
}

impl<'ast> Visit<'ast> for Look<'_> {
    fn visit_item_mod(&mut self, node: &'ast syn::ItemMod) {
        if !is_for_tests(&node.attrs) {
            visit::visit_item_mod(self, node);
        }
    }

    fn visit_item_fn(&mut self, node: &'ast syn::ItemFn) {
        if !is_for_tests(&node.attrs) {
            visit::visit_item_fn(self, node);
        }
    }

    fn visit_item_use(&mut self, node: &'ast syn::ItemUse) {
        self.walk_use(&node.tree, &mut Vec::new());
    }

    fn visit_path(&mut self, node: &'ast syn::Path) {
        let segments: Vec<String> = node.segments.iter().map(|segment| segment.ident.to_string()).collect();
        self.judge(&segments, node);
        visit::visit_path(self, node);
    }

    fn visit_signature(&mut self, node: &'ast syn::Signature) {
        if node.asyncness.is_some() {
            self.report(node, "async fn");
        }
        visit::visit_signature(self, node);
    }

    fn visit_expr_async(&mut self, node: &'ast syn::ExprAsync) {
        self.report(node, "async block");
    }

    fn visit_macro(&mut self, node: &'ast syn::Macro) {
        let name = node.path.segments.last().map(|last| last.ident.to_string()).unwrap_or_default();
        if FORBIDDEN_MACROS.contains(&name.as_str()) {
            self.report(node, &format!("{name}!"));
        }
        visit::visit_macro(self, node);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> usize {
        sources(&Source::new("appliance/pbx/src/x.rs", text).unwrap()).len()
    }

    #[test]
    fn every_way_out_is_found() {
        for text in [
            "fn f() { let t = Instant::now(); }",
            "fn f() { let t = ::std::time::SystemTime::now(); }",
            "use std::time::{Duration, Instant};",
            "use std::net::UdpSocket;",
            "use std::{net::{IpAddr, TcpListener as L}, fmt};",
            "use std::fs;",
            "fn f() { std::fs::read(p); }",
            "use std::fs::*;",
            "fn f() { std::thread::spawn(g); }",
            "struct S { m: std::sync::Mutex<u8> }",
            "fn f(m: &RwLock<u8>) {}",
            "async fn f() {}",
            "fn f() { let x = async { 1 }; }",
            "fn f() { println!(\"x\"); }",
            "fn f() { std::env::var(\"X\"); }",
            "use std::collections::hash_map::RandomState;",
            "fn f() { rand::rngs::SysRng; }",
        ] {
            assert_eq!(found(text), 1, "{text}");
        }
    }

    #[test]
    fn pure_code_and_tests_pass() {
        assert_eq!(found("use std::net::{IpAddr, SocketAddr}; use std::time::Duration; fn f(now: Duration) {}"), 0);
        assert_eq!(found("#[cfg(test)]\nmod tests { use std::fs; }"), 0);
        assert!(sources(&Source::new("appliance/daemon/src/x.rs", "use std::fs;").unwrap()).is_empty());
    }
}
