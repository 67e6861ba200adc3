//! What must be said about files, and about what the pure crates offer.

use syn::visit::{self, Visit};
use syn::{Attribute, Visibility};

use crate::source::{first_line, is_for_tests};
use crate::{Finding, Source};

/// Rust files that do not begin with a sentence on what they are.
pub fn files(source: &Source) -> Vec<Finding> {
    let Some(syntax) = &source.syntax else { return Vec::new() };
    match is_documented(&syntax.attrs) {
        true => Vec::new(),
        false => vec![Finding::new(source, 1, "no `//!` sentence on what the file is")],
    }
}

/// `pub` items of the pure crates without `///`.
pub fn items(source: &Source) -> Vec<Finding> {
    let Some(syntax) = &source.syntax else { return Vec::new() };
    if !source.is_pure() || source.is_test() {
        return Vec::new();
    }
    let mut offers = Offers { source, findings: Vec::new() };
    offers.visit_file(syntax);
    offers.findings
}

fn is_documented(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| attribute.path().is_ident("doc"))
}

/// `#[allow(missing_docs)]`: names that are their own description, such as the words of a status.
fn needs_no_words(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        let list = attribute.meta.require_list();
        attribute.path().is_ident("allow") && list.is_ok_and(|list| list.tokens.to_string().contains("missing_docs"))
    })
}

struct Offers<'a> {
    source: &'a Source,
    findings: Vec<Finding>,
}

impl Offers<'_> {
    fn judge(&mut self, visibility: &Visibility, attributes: &[Attribute], named: &syn::Ident) {
        if matches!(visibility, Visibility::Public(_)) {
            self.demand(attributes, named);
        }
    }

    fn demand(&mut self, attributes: &[Attribute], named: &syn::Ident) {
        if !is_documented(attributes) {
            self.findings.push(Finding::new(self.source, first_line(named), format!("`pub {named}` has no `///`")));
        }
    }
}

impl<'ast> Visit<'ast> for Offers<'_> {
    fn visit_item_mod(&mut self, node: &'ast syn::ItemMod) {
        if !is_for_tests(&node.attrs) {
            visit::visit_item_mod(self, node);
        }
    }

    fn visit_item_fn(&mut self, node: &'ast syn::ItemFn) {
        self.judge(&node.vis, &node.attrs, &node.sig.ident);
    }

    fn visit_item_struct(&mut self, node: &'ast syn::ItemStruct) {
        self.judge(&node.vis, &node.attrs, &node.ident);
        if needs_no_words(&node.attrs) || !matches!(node.vis, Visibility::Public(_)) {
            return;
        }
        for field in &node.fields {
            if let Some(name) = &field.ident {
                self.judge(&field.vis, &field.attrs, name);
            }
        }
    }

    fn visit_item_enum(&mut self, node: &'ast syn::ItemEnum) {
        self.judge(&node.vis, &node.attrs, &node.ident);
        if needs_no_words(&node.attrs) || !matches!(node.vis, Visibility::Public(_)) {
            return;
        }
        for variant in &node.variants {
            self.demand(&variant.attrs, &variant.ident);
        }
    }

    fn visit_item_trait(&mut self, node: &'ast syn::ItemTrait) {
        self.judge(&node.vis, &node.attrs, &node.ident);
        if !matches!(node.vis, Visibility::Public(_)) {
            return;
        }
        for item in &node.items {
            match item {
                syn::TraitItem::Fn(item) => self.demand(&item.attrs, &item.sig.ident),
                syn::TraitItem::Const(item) => self.demand(&item.attrs, &item.ident),
                syn::TraitItem::Type(item) => self.demand(&item.attrs, &item.ident),
                _ => {}
            }
        }
    }

    fn visit_item_const(&mut self, node: &'ast syn::ItemConst) {
        self.judge(&node.vis, &node.attrs, &node.ident);
    }

    fn visit_item_static(&mut self, node: &'ast syn::ItemStatic) {
        self.judge(&node.vis, &node.attrs, &node.ident);
    }

    fn visit_item_type(&mut self, node: &'ast syn::ItemType) {
        self.judge(&node.vis, &node.attrs, &node.ident);
    }

    fn visit_impl_item_fn(&mut self, node: &'ast syn::ImplItemFn) {
        self.judge(&node.vis, &node.attrs, &node.sig.ident);
    }

    fn visit_impl_item_const(&mut self, node: &'ast syn::ImplItemConst) {
        self.judge(&node.vis, &node.attrs, &node.ident);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> usize {
        items(&Source::new("appliance/sip/src/x.rs", text).unwrap()).len()
    }

    #[test]
    fn a_file_without_a_sentence_is_found() {
        assert_eq!(files(&Source::new("hal/src/led.rs", "/// X.\npub fn x() {}").unwrap()).len(), 1);
        assert!(files(&Source::new("hal/src/led.rs", "//! The LED.\n").unwrap()).is_empty());
    }

    #[test]
    fn every_kind_of_undocumented_item_is_found() {
        for text in [
            "pub fn f() {}",
            "pub struct S;",
            "/// S.\npub struct S { pub field: u8 }",
            "/// E.\npub enum E { A }",
            "/// T.\npub trait T { fn f(); }",
            "pub const C: u8 = 1;",
            "pub type T = u8;",
            "impl S { pub fn f() {} }",
            "impl S { pub const C: u8 = 1; }",
        ] {
            assert_eq!(found(text), 1, "{text}");
        }
    }

    #[test]
    fn private_tested_and_excused_items_pass() {
        for text in [
            "fn f() {} struct S { field: u8 }",
            "/// S.\npub struct S { field: u8 }",
            "/// E.\n#[allow(missing_docs)]\npub enum E { A }",
            "#[cfg(test)]\nmod tests { pub fn f() {} }",
            "impl Display for S { fn fmt(&self) {} }",
        ] {
            assert_eq!(found(text), 0, "{text}");
        }
        assert!(items(&Source::new("appliance/daemon/src/x.rs", "pub fn f() {}").unwrap()).is_empty());
    }
}
