//! What no tracked file may hold: unfinished work, skipped tests, waiting tests, paths of somebody's machine.

use syn::visit::{self, Visit};

use crate::source::{first_line, is_for_tests};
use crate::{Finding, Source};

// Written in two pieces so that this file does not find itself.
const NOTES: [&str; 3] = [concat!("TO", "DO"), concat!("FIX", "ME"), concat!("XX", "X:")];
const MACHINE_PATHS: [&str; 4] =
    [concat!("/wo", "rk/"), concat!("/ro", "ot/"), concat!("/ho", "me/"), concat!("/tmp", "/t/")];
const UNFINISHED: [&str; 2] = ["todo", "unimplemented"];

/// Notes to oneself in sources.
pub fn notes(source: &Source) -> Vec<Finding> {
    let is_source =
        [".rs", ".ts", ".js", ".mjs", ".svelte", ".sh", ".py", "Makefile"].iter().any(|end| source.path.ends_with(end));
    if !is_source {
        return Vec::new();
    }
    words(source, &NOTES, "is a note to oneself: do it, or file it")
}

/// Paths that exist on one machine only.
pub fn machine_paths(source: &Source) -> Vec<Finding> {
    words(source, &MACHINE_PATHS, "exists on one machine only")
}

/// Lines with one of `needles` that does not continue a longer word.
fn words(source: &Source, needles: &[&str], what: &str) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (number, line) in source.text.lines().enumerate() {
        for needle in needles {
            let starts_a_word = line.match_indices(needle).any(|(at, _)| {
                !line[..at].ends_with(|before: char| before.is_alphanumeric() || "_-.}*".contains(before))
            });
            if starts_a_word {
                findings.push(Finding::new(source, number + 1, format!("`{needle}` {what}")));
            }
        }
    }
    findings
}

/// `todo!`, `unimplemented!` and `#[ignore]`.
pub fn unfinished(source: &Source) -> Vec<Finding> {
    look(source, Rule::Unfinished)
}

/// Tests that wait for the wall clock; only those of real processes may: what they start has a time of its own.
pub fn sleeping_tests(source: &Source) -> Vec<Finding> {
    let is_of_processes = source.is_test() && source.text.contains("use std::process::");
    match is_of_processes || source.path.starts_with("tests/box/") || source.path.starts_with("qemu/") {
        true => Vec::new(),
        false => look(source, Rule::Sleeping),
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Rule {
    Unfinished,
    Sleeping,
}

fn look(source: &Source, rule: Rule) -> Vec<Finding> {
    let Some(syntax) = &source.syntax else { return Vec::new() };
    // The crates below tests/ are nothing but tests, their libraries too.
    let in_tests = source.is_test() || source.path.starts_with("tests/");
    let mut look = Look { source, rule, in_tests, findings: Vec::new() };
    look.visit_file(syntax);
    look.findings
}

struct Look<'a> {
    source: &'a Source,
    rule: Rule,
    in_tests: bool,
    findings: Vec<Finding>,
}

impl Look<'_> {
    fn within(&mut self, attributes: &[syn::Attribute], walk: impl FnOnce(&mut Self)) {
        let before = self.in_tests;
        self.in_tests |= is_for_tests(attributes);
        walk(self);
        self.in_tests = before;
    }
}

impl<'ast> Visit<'ast> for Look<'_> {
    fn visit_item_mod(&mut self, node: &'ast syn::ItemMod) {
        self.within(&node.attrs, |look| visit::visit_item_mod(look, node));
    }

    fn visit_item_fn(&mut self, node: &'ast syn::ItemFn) {
        self.within(&node.attrs, |look| visit::visit_item_fn(look, node));
    }

    fn visit_attribute(&mut self, node: &'ast syn::Attribute) {
        if self.rule == Rule::Unfinished && node.path().is_ident("ignore") {
            self.findings.push(Finding::new(self.source, first_line(node), "a test that is skipped proves nothing"));
        }
    }

    fn visit_macro(&mut self, node: &'ast syn::Macro) {
        let name = node.path.segments.last().map(|last| last.ident.to_string()).unwrap_or_default();
        if self.rule == Rule::Unfinished && UNFINISHED.contains(&name.as_str()) {
            self.findings.push(Finding::new(self.source, first_line(node), format!("`{name}!` is unfinished work")));
        }
    }

    fn visit_expr_call(&mut self, node: &'ast syn::ExprCall) {
        if self.rule == Rule::Sleeping && self.in_tests && calls_sleep(&node.func) {
            self.findings.push(Finding::new(self.source, first_line(node), "a test waits for the wall clock"));
        }
        visit::visit_expr_call(self, node);
    }
}

fn calls_sleep(function: &syn::Expr) -> bool {
    let syn::Expr::Path(path) = function else { return false };
    path.path.segments.last().is_some_and(|last| last.ident == "sleep")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rust(text: &str) -> Source {
        Source::new("appliance/pbx/src/x.rs", text).unwrap()
    }

    #[test]
    fn notes_are_found() {
        for note in NOTES {
            assert_eq!(notes(&rust(&format!("// {note} later"))).len(), 1, "{note}");
        }
        assert!(notes(&rust("// A RETODOX is no note.")).is_empty());
    }

    #[test]
    fn machine_paths_are_found_in_any_file() {
        for path in MACHINE_PATHS {
            assert_eq!(
                machine_paths(&Source::new("Makefile", &format!("run:\n\t{path}x")).unwrap()).len(),
                1,
                "{path}"
            );
        }
        let inner = format!("see framework{}", MACHINE_PATHS[0]);
        assert!(machine_paths(&Source::new("README.md", &inner).unwrap()).is_empty());
    }

    #[test]
    fn unfinished_work_is_found() {
        for text in ["fn f() { todo!() }", "fn f() { unimplemented!(\"x\") }", "#[test]\n#[ignore]\nfn f() {}"] {
            assert_eq!(unfinished(&rust(text)).len(), 1, "{text}");
        }
        assert!(unfinished(&rust("fn f() { let todo = \"todo!()\"; }")).is_empty());
    }

    #[test]
    fn sleeping_tests_are_found() {
        let asleep = "fn f() { std::thread::sleep(D); }";
        assert!(sleeping_tests(&rust(asleep)).is_empty(), "a daemon may sleep");
        assert_eq!(sleeping_tests(&rust(&format!("#[cfg(test)]\nmod tests {{ {asleep} }}"))).len(), 1);
        assert_eq!(sleeping_tests(&rust(&format!("#[tokio::test]\n{asleep}"))).len(), 1);
        assert_eq!(sleeping_tests(&Source::new("tests/lab/src/x.rs", asleep).unwrap()).len(), 1);
        assert!(sleeping_tests(&Source::new("tests/box/src/x.rs", asleep).unwrap()).is_empty());
        let process = format!("use std::process::Command;\n#[test]\n{asleep}");
        assert!(sleeping_tests(&Source::new("appliance/daemon/tests/x.rs", &process).unwrap()).is_empty());
        assert_eq!(sleeping_tests(&Source::new("appliance/pbx/src/x.rs", &process).unwrap()).len(), 1);
    }
}
