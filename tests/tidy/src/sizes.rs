//! How long a file and a function may be, and how many arguments a function may take.

use syn::visit::{self, Visit};

use crate::source::{first_line, is_for_tests, last_line};
use crate::{Finding, Source};

/// Lines of a file.
pub const FILE: usize = 800;
/// Lines of a function, from its signature to its closing brace.
pub const FUNCTION: usize = 70;
/// Parameters of a function besides `self`.
pub const PARAMETERS: usize = 5;

/// Files that are too long.
pub fn files(source: &Source) -> Vec<Finding> {
    let lines = source.text.lines().count();
    match source.syntax.is_some() && lines > FILE {
        true => vec![Finding::new(source, lines, format!("{lines} lines, {FILE} are allowed"))],
        false => Vec::new(),
    }
}

/// Functions that are too long or take too much; tests may be as long as their story.
pub fn functions(source: &Source) -> Vec<Finding> {
    let Some(syntax) = &source.syntax else { return Vec::new() };
    if source.is_test() {
        return Vec::new();
    }
    let mut measure = Measure { source, findings: Vec::new() };
    measure.visit_file(syntax);
    measure.findings
}

struct Measure<'a> {
    source: &'a Source,
    findings: Vec<Finding>,
}

impl Measure<'_> {
    fn judge(&mut self, signature: &syn::Signature, end: usize) {
        let (start, name) = (first_line(signature), &signature.ident);
        let lines = end + 1 - start;
        if lines > FUNCTION {
            self.findings.push(Finding::new(
                self.source,
                start,
                format!("fn {name} has {lines} lines, {FUNCTION} are allowed"),
            ));
        }
        let taken = signature.inputs.len() - usize::from(signature.receiver().is_some());
        if taken > PARAMETERS {
            let what = format!("fn {name} takes {taken} parameters, {PARAMETERS} are allowed");
            self.findings.push(Finding::new(self.source, start, what));
        }
    }
}

impl<'ast> Visit<'ast> for Measure<'_> {
    fn visit_item_mod(&mut self, node: &'ast syn::ItemMod) {
        if !is_for_tests(&node.attrs) {
            visit::visit_item_mod(self, node);
        }
    }

    fn visit_item_fn(&mut self, node: &'ast syn::ItemFn) {
        if !is_for_tests(&node.attrs) {
            self.judge(&node.sig, last_line(&node.block));
            visit::visit_item_fn(self, node);
        }
    }

    fn visit_impl_item_fn(&mut self, node: &'ast syn::ImplItemFn) {
        self.judge(&node.sig, last_line(&node.block));
        visit::visit_impl_item_fn(self, node);
    }

    fn visit_trait_item_fn(&mut self, node: &'ast syn::TraitItemFn) {
        self.judge(&node.sig, last_line(node));
        visit::visit_trait_item_fn(self, node);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rust(text: &str) -> Source {
        Source::new("appliance/sip/src/x.rs", text).unwrap()
    }

    #[test]
    fn a_long_file_is_found() {
        assert!(files(&rust(&"//\n".repeat(FILE))).is_empty());
        assert_eq!(files(&rust(&"//\n".repeat(FILE + 1))).len(), 1);
    }

    #[test]
    fn a_long_function_is_found_with_its_line() {
        let body =
            |lines: usize| format!("//! X.\n\n/// Doc.\npub fn long() {{\n{}}}\n", "    let _ = 1;\n".repeat(lines));
        assert!(functions(&rust(&body(FUNCTION - 2))).is_empty());
        let found = functions(&rust(&body(FUNCTION - 1)));
        assert_eq!(found.len(), 1);
        assert_eq!((found[0].line, found[0].what.contains("71 lines")), (4, true), "{found:?}");
        assert!(
            functions(&rust(&format!("#[cfg(test)]\nmod tests {{\n{}\n}}", body(90).replace("//! X.", "")))).is_empty()
        );
    }

    #[test]
    fn a_greedy_function_is_found_in_impls_and_traits() {
        assert!(functions(&rust("impl X { fn f(&self, a: u8, b: u8, c: u8, d: u8, e: u8) {} }")).is_empty());
        assert_eq!(functions(&rust("impl X { fn f(&self, a: u8, b: u8, c: u8, d: u8, e: u8, f: u8) {} }")).len(), 1);
        assert_eq!(functions(&rust("trait X { fn f(a: u8, b: u8, c: u8, d: u8, e: u8, f: u8); }")).len(), 1);
    }
}
