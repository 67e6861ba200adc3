//! What files and modules may not be called.

use syn::visit::{self, Visit};

use crate::source::first_line;
use crate::{Finding, Source};

/// Names that say nothing about what is inside.
const EMPTY_NAMES: [&str; 9] = ["util", "utils", "common", "helper", "helpers", "manager", "managers", "misc", "stuff"];

/// Files called `mod.rs` or by an empty name, and inline modules of such a name.
pub fn names(source: &Source) -> Vec<Finding> {
    let Some(syntax) = &source.syntax else { return Vec::new() };
    let mut findings = Vec::new();
    let parts: Vec<&str> = source.path.trim_end_matches(".rs").split('/').collect();
    if parts.last() == Some(&"mod") {
        findings.push(Finding::new(source, 0, "mod.rs: name the file after the module"));
    }
    for part in parts {
        if is_empty_name(part) {
            findings.push(Finding::new(source, 0, format!("`{part}` says nothing about what is inside")));
        }
    }
    let mut modules = Modules { source, findings };
    modules.visit_file(syntax);
    modules.findings
}

fn is_empty_name(name: &str) -> bool {
    name.split('_').any(|word| EMPTY_NAMES.contains(&word))
}

struct Modules<'a> {
    source: &'a Source,
    findings: Vec<Finding>,
}

impl<'ast> Visit<'ast> for Modules<'_> {
    fn visit_item_mod(&mut self, node: &'ast syn::ItemMod) {
        if node.content.is_some() && is_empty_name(&node.ident.to_string()) {
            let what = format!("module `{}` says nothing about what is inside", node.ident);
            self.findings.push(Finding::new(self.source, first_line(node), what));
        }
        visit::visit_item_mod(self, node);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn empty_names_are_found() {
        for (path, text) in [
            ("appliance/sip/src/header/mod.rs", ""),
            ("appliance/sip/src/util.rs", ""),
            ("appliance/sip/src/string_utils.rs", ""),
            ("appliance/pbx/src/common/x.rs", ""),
            ("appliance/pbx/src/call_manager.rs", ""),
            ("appliance/pbx/src/x.rs", "mod helpers { fn f() {} }"),
        ] {
            assert_eq!(names(&Source::new(path, text).unwrap()).len(), 1, "{path}");
        }
        assert!(names(&Source::new("appliance/sip/src/header.rs", "mod via;").unwrap()).is_empty());
    }
}
