//! Every rule, held against the sources of this workspace.

use cargo_metadata::{CargoOpt, Metadata, MetadataCommand};
use tidy::structure::Graph;
use tidy::{Finding, Source, docs, licences, marks, naming, promises, purity, sizes, source, structure};

/// Judges every tracked file by one rule.
fn every_file(rule: impl Fn(&Source) -> Vec<Finding>) {
    let sources = source::tracked().unwrap();
    none(sources.iter().flat_map(rule).collect());
}

fn none(findings: Vec<Finding>) {
    let report: Vec<String> = findings.iter().map(Finding::to_string).collect();
    assert!(report.is_empty(), "{} findings:\n{}", report.len(), report.join("\n"));
}

fn metadata() -> Metadata {
    let manifest = source::root().join("Cargo.toml");
    let mut command = MetadataCommand::new();
    command.manifest_path(manifest).features(CargoOpt::AllFeatures).other_options(vec!["--locked".into()]);
    command.exec().unwrap()
}

#[test]
fn files_are_short() {
    every_file(sizes::files);
}

#[test]
fn functions_are_short_and_modest() {
    every_file(sizes::functions);
}

#[test]
fn files_and_modules_are_named_for_what_is_inside() {
    every_file(naming::names);
}

#[test]
fn every_file_says_what_it_is() {
    every_file(docs::files);
}

#[test]
fn what_the_pure_crates_offer_is_described() {
    every_file(docs::items);
}

#[test]
fn what_is_promised_names_its_proof() {
    none(promises::proofs(&source::tracked().unwrap()));
}

#[test]
fn the_pure_crates_do_not_name_the_world() {
    every_file(purity::sources);
}

#[test]
fn nothing_is_left_unfinished() {
    every_file(marks::unfinished);
    every_file(marks::notes);
}

#[test]
fn no_test_waits_for_the_wall_clock() {
    every_file(marks::sleeping_tests);
}

#[test]
fn no_file_knows_somebodys_machine() {
    every_file(marks::machine_paths);
}

#[test]
fn crates_use_each_other_in_one_direction() {
    none(structure::directions(&Graph::new(&metadata())));
}

#[test]
fn the_pure_crates_reach_no_io() {
    let graph = Graph::new(&metadata());
    for krate in ["sip", "media", "pbx"] {
        assert!(graph.built_with.contains_key(krate), "{krate} is not in the workspace");
    }
    none(structure::purity(&graph));
}

#[test]
fn members_inherit_what_the_workspace_says() {
    let root = source::root();
    let mut findings = Vec::new();
    for package in metadata().workspace_packages() {
        let path = package.manifest_path.as_std_path();
        let name = path.strip_prefix(&root).unwrap_or(path).display().to_string();
        findings.extend(structure::manifests(&name, &std::fs::read_to_string(path).unwrap()));
    }
    none(findings);
}

#[test]
fn everything_we_ship_may_be_shipped() {
    let metadata = metadata();
    none(licences::terms(&metadata));
    none(licences::bans(metadata.packages.iter().map(|package| package.name.to_string())));
}

#[test]
fn every_pure_crate_tells_clippy_what_it_must_not_call() {
    let root = source::root();
    for krate in tidy::PURE {
        let path = root.join(krate).join("clippy.toml");
        let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        for needed in ["std::time::Instant::now", "std::time::SystemTime::now", "std::thread::spawn", "std::fs::read"] {
            assert!(text.contains(needed), "{krate}/clippy.toml does not forbid {needed}");
        }
    }
}
