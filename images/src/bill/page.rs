//! The packages that the page is made of: those its sources import, and what these need.
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use serde_json::Value;

use super::Component;

/// Reads the sources and npm's lock file.
pub fn components(web_ui: &Path) -> Result<Vec<Component>> {
    let lock = web_ui.join("package-lock.json");
    let lock: Value = serde_json::from_str(&fs::read_to_string(&lock).with_context(|| lock.display().to_string())?)?;
    let package = |name: &str| lock["packages"].get(format!("node_modules/{name}"));
    let mut waiting = BTreeSet::new();
    imports(&web_ui.join("src"), &mut waiting)?;
    let (mut seen, mut components) = (BTreeSet::new(), Vec::new());
    while let Some(name) = waiting.pop_first() {
        // What is not locked is no package but a file of our own, or of the bundler's.
        let Some(package) = package(&name) else { continue };
        if !seen.insert(name.clone()) {
            continue;
        }
        let text = |key: &str| package[key].as_str().unwrap_or("NOASSERTION");
        components.push(Component::new("npm", &name, text("version"), text("license")));
        waiting.extend(package["dependencies"].as_object().into_iter().flatten().map(|(name, _)| name.clone()));
    }
    Ok(components)
}

/// The packages that the files of a folder import, tests left out.
fn imports(folder: &Path, found: &mut BTreeSet<String>) -> Result<()> {
    for entry in fs::read_dir(folder).with_context(|| folder.display().to_string())? {
        let path = entry?.path();
        if path.is_dir() {
            imports(&path, found)?;
        } else if path.to_string_lossy().contains(".test.") {
            continue;
        } else if path.extension().is_some_and(|kind| ["ts", "js", "svelte", "css"].iter().any(|known| kind == *known))
        {
            found.extend(fs::read_to_string(&path)?.lines().filter_map(imported));
        }
    }
    Ok(())
}

/// The package in a line such as `import { x } from '@scope/package/part'`.
fn imported(line: &str) -> Option<String> {
    let line = line.trim();
    let is_import = ["import", "export", "}", "@import"].iter().any(|word| line.starts_with(word));
    let name = line.split(['\'', '"']).nth(1).filter(|name| is_import && !name.starts_with(['.', '/']))?;
    let mut parts = name.split('/');
    let first = parts.next()?;
    Some(if first.starts_with('@') { format!("{first}/{}", parts.next()?) } else { first.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packages_are_told_from_files() {
        assert_eq!(imported("import { UA } from 'jssip';").as_deref(), Some("jssip"));
        assert_eq!(imported("  } from \"@xyflow/svelte/dist\"").as_deref(), Some("@xyflow/svelte"));
        assert_eq!(imported("import './app.css'"), None);
        assert_eq!(imported("const text = 'import';"), None);
    }
}
