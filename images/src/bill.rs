//! The bill of materials: what the image is made of, with versions and licences, as CycloneDX 1.5 in JSON.
use std::collections::BTreeSet;
use std::path::Path;

use anyhow::{Context, Result};
use serde_json::{Value, json};

use crate::board::Board;
use crate::slot::Version;

mod crates;
mod native;
mod page;

/// Something that others have made.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Component {
    /// Where it comes from: `cargo`, `npm`, `deb`, or `generic` for sources within something else.
    pub origin: &'static str,
    pub name: String,
    pub version: String,
    /// An SPDX expression.
    pub licence: String,
}

impl Component {
    fn new(origin: &'static str, name: &str, version: &str, licence: &str) -> Component {
        let [name, version, licence] = [name, version, licence].map(str::to_owned);
        Component { origin, name, version, licence }
    }

    fn json(&self) -> Value {
        let Component { origin, name, version, .. } = self;
        // A scope's sign is the only one that such an address has to escape in these names (purl specification).
        let address = format!("pkg:{origin}/{}@{version}", name.replace('@', "%40"));
        json!({
            "type": if origin == &"generic" || origin == &"deb" { "application" } else { "library" },
            "bom-ref": address,
            "name": name,
            "version": version,
            "purl": address,
            "licenses": [{ "expression": self.licence }],
        })
    }
}

/// Everything in the image of a board: crates, the page's packages, and what is written in C.
pub fn components(board: &Board) -> Result<Vec<Component>> {
    let tree = Path::new(env!("CARGO_MANIFEST_DIR")).parent().context("images is a folder of the tree")?;
    let mut components: BTreeSet<Component> = BTreeSet::new();
    components.extend(crates::components(tree, board)?);
    components.extend(page::components(&tree.join("web-ui"))?);
    components.extend(native::components(tree)?);
    Ok(components.into_iter().collect())
}

/// The bill as a file; the same for the same image.
pub fn write(components: &[Component], board: &Board, version: &Version, file: &Path) -> Result<()> {
    let bill = json!({
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "metadata": { "component": { "type": "firmware", "name": format!("tandem-{}", board.name), "version": version.text } },
        "components": components.iter().map(Component::json).collect::<Vec<Value>>(),
    });
    let text = serde_json::to_string_pretty(&bill)? + "\n";
    std::fs::write(file, text).with_context(|| file.display().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bill_names_what_is_in_the_image_and_nothing_that_only_tests_it() {
        let board = Board::open("qemu_virt").expect("it is our own");
        let components = components(&board).expect("the tree and its tools are there");
        let find = |origin: &str, name: &str| {
            components.iter().find(|component| component.origin == origin && component.name == name)
        };
        for (origin, name, licence) in [
            ("cargo", "rusqlite", "MIT"),
            ("cargo", "smol", "Apache-2.0 OR MIT"),
            ("cargo", "uefi", "MIT OR Apache-2.0"),
            ("generic", "sqlite", "blessing"),
            ("generic", "opus", "BSD-3-Clause"),
            ("npm", "jssip", "MIT"),
        ] {
            let found = find(origin, name).unwrap_or_else(|| panic!("{name} is missing"));
            assert_eq!(found.licence, licence, "{found:?}");
        }
        assert!(components.iter().any(|component| component.name.starts_with("linux-source")));
        for name in ["proptest", "criterion", "insta", "daemon", "tandem-boot"] {
            assert_eq!(find("cargo", name), None, "only tests need it, or it is ours");
        }
        assert!(components.iter().all(|component| !component.version.is_empty() && !component.licence.is_empty()));
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let file = folder.path().join("bill");
        let version = Version { build: 1, text: "0.1.0".to_owned() };
        write(&components, &board, &version, &file).expect("the folder is ours");
        let bill: Value = serde_json::from_slice(&std::fs::read(file).expect("just written")).expect("it is JSON");
        assert_eq!(bill["specVersion"], "1.5");
        assert_eq!(bill["components"].as_array().map(Vec::len), Some(components.len()));
    }
}
