//! The crates that the board's programs are made of, as cargo knows them.
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use anyhow::{Context, Result};
use serde_json::Value;

use super::Component;
use crate::board::Board;
use crate::run::tool;

/// What the crates of programs for the board are, our own left out.
pub fn components(tree: &Path, board: &Board) -> Result<Vec<Component>> {
    let architecture = board.architecture.name();
    let programs = metadata(&tree.join("Cargo.toml"), &format!("{architecture}-unknown-linux-gnu"))?;
    let boot = metadata(&tree.join("images/boot/Cargo.toml"), &format!("{architecture}-unknown-uefi"))?;
    Ok([used(&programs, &["daemon", "init"])?, used(&boot, &["tandem-boot"])?].concat())
}

/// What cargo says of a workspace, for one kind of machine.
pub fn metadata(manifest: &Path, target: &str) -> Result<Value> {
    let cargo = tool("cargo", ["metadata", "--format-version", "1", "--locked", "--filter-platform", target]);
    let text = cargo.arg("--manifest-path").arg(manifest).output()?;
    serde_json::from_str(&text).context("cargo describes the workspace in JSON")
}

/// All that these packages need when they run, directly or not.
fn used(metadata: &Value, programs: &[&str]) -> Result<Vec<Component>> {
    let list = |value: &'_ Value| value.as_array().cloned().unwrap_or_default();
    let packages = list(&metadata["packages"]);
    let packages: BTreeMap<&str, &Value> =
        packages.iter().filter_map(|package| Some((package["id"].as_str()?, package))).collect();
    let nodes = list(&metadata["resolve"]["nodes"]);
    let nodes: BTreeMap<&str, &Value> = nodes.iter().filter_map(|node| Some((node["id"].as_str()?, node))).collect();
    let is_program = |id: &&str| packages[*id]["name"].as_str().is_some_and(|name| programs.contains(&name));
    let mut waiting: Vec<String> = packages.keys().filter(|id| is_program(id)).map(|id| (*id).to_owned()).collect();
    let mut seen = BTreeSet::new();
    while let Some(id) = waiting.pop() {
        if !seen.insert(id.clone()) {
            continue;
        }
        let node = nodes.get(id.as_str()).with_context(|| format!("cargo has not resolved {id}"))?;
        // A kind of null is what runs; tests and build scripts are named.
        let runs = |dependency: &&Value| list(&dependency["dep_kinds"]).iter().any(|kind| kind["kind"].is_null());
        let dependencies = node["deps"].as_array().into_iter().flatten().filter(runs);
        waiting.extend(dependencies.filter_map(|dependency| Some(dependency["pkg"].as_str()?.to_owned())));
    }
    let text = |package: &Value, key: &str| package[key].as_str().unwrap_or("NOASSERTION").replace('/', " OR ");
    let foreign = seen.iter().map(|id| packages[id.as_str()]).filter(|package| !package["source"].is_null());
    Ok(foreign
        .map(|package| {
            let name = package["name"].as_str().unwrap_or_default();
            Component::new("cargo", name, package["version"].as_str().unwrap_or_default(), &text(package, "license"))
        })
        .collect())
}
