//! Who may use whom: the line in DESIGN.md, and what the pure crates may depend on.

use std::collections::{BTreeMap, BTreeSet};

use cargo_metadata::{DependencyKind, Metadata};

use crate::Finding;

/// For each of our crates, which of our crates it may use. Test crates and tools may use any.
const MAY_USE: [(&str, &[&str]); 12] = [
    ("sip", &[]),
    ("media", &[]),
    ("pbx", &["sip", "media"]),
    ("store", &["sip", "media", "pbx"]),
    ("api", &["sip", "media", "pbx", "store"]),
    ("delivery", &["sip", "media", "pbx", "store"]),
    // It counts from a moment, as the crates do that it is made of, and ring draws its keys: so it is none of the pure ones.
    ("webrtc", &["media"]),
    ("daemon", &["sip", "media", "pbx", "store", "api", "delivery", "webrtc"]),
    ("hal", &[]),
    ("bundle", &[]),
    ("init", &["hal", "bundle"]),
    // It writes what the board reads: the trailer of a slot and the state, and bundles.
    ("images", &["hal", "bundle"]),
];
/// What the pure crates may name in `[dependencies]`; a new one needs a reason.
const PURE_MAY_NAME: [&str; 33] = [
    "sip",
    "media",
    "bytes",
    "smallvec",
    "thiserror",
    "uuid",
    "rand",
    "rand_chacha",
    "rustc-hash",
    // Without its feature `std` it reads neither clock nor files.
    "jiff",
    "hashbrown",
    "sdp-types",
    "rtp-types",
    "rtcp-types",
    "heapless",
    "symphonia-core",
    "symphonia-bundle-mp3",
    "md-5",
    "sha2",
    "hmac",
    "sha1",
    "aes",
    "ctr",
    "aes-gcm",
    "hex",
    "base64",
    "subtle",
    "zeroize",
    "memchr",
    "siphasher",
    "slab",
    "audiopus",
    "audiopus_sys",
];
/// What must not be reachable from a pure crate by any way.
const PURE_MUST_NOT_REACH: [&str; 17] = [
    "tokio",
    "mio",
    "socket2",
    "async-std",
    "smol",
    "async-io",
    "polling",
    "rusqlite",
    "libsqlite3-sys",
    "serde_json",
    "hyper",
    "axum",
    "rustls",
    "nix",
    "crossbeam-channel",
    "parking_lot",
    "tracing",
];
/// Our crates among which a production crate may not reach: they exist for tests.
const TEST_CRATES: [&str; 7] = ["lab", "scenarios", "model", "fuzz", "box_tests", "tidy", "qemu"];

/// The workspace's crates as a plain graph.
#[derive(Default)]
pub struct Graph {
    /// Our own crates: name, and the names in their `[dependencies]` and `[build-dependencies]`.
    pub named: BTreeMap<String, Vec<String>>,
    /// Our own crates' names in `[dev-dependencies]`.
    pub named_for_tests: BTreeMap<String, Vec<String>>,
    /// Any crate: the crates it is built with, tests aside.
    pub built_with: BTreeMap<String, BTreeSet<String>>,
}

impl Graph {
    /// Reads `cargo metadata`.
    pub fn new(metadata: &Metadata) -> Graph {
        let mut graph = Graph::default();
        for package in metadata.workspace_packages() {
            for dependency in &package.dependencies {
                let list = match dependency.kind {
                    DependencyKind::Development => &mut graph.named_for_tests,
                    _ => &mut graph.named,
                };
                list.entry(package.name.to_string()).or_default().push(dependency.name.clone());
            }
        }
        let name_of = |id| metadata[id].name.to_string();
        for node in metadata.resolve.iter().flat_map(|resolve| &resolve.nodes) {
            let with = graph.built_with.entry(name_of(&node.id)).or_default();
            for dependency in &node.deps {
                if dependency.dep_kinds.iter().any(|kind| kind.kind == DependencyKind::Normal) {
                    with.insert(name_of(&dependency.pkg));
                }
            }
        }
        graph
    }

    fn reachable(&self, from: &str) -> BTreeSet<String> {
        let (mut seen, mut next) = (BTreeSet::new(), vec![from.to_string()]);
        while let Some(name) = next.pop() {
            for with in self.built_with.get(&name).into_iter().flatten() {
                if seen.insert(with.clone()) {
                    next.push(with.clone());
                }
            }
        }
        seen
    }
}

/// Arrows that point the wrong way.
pub fn directions(graph: &Graph) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (krate, allowed) in MAY_USE {
        for named in graph.named.get(krate).into_iter().flatten() {
            let is_ours = MAY_USE.iter().any(|(ours, _)| ours == named) || TEST_CRATES.contains(&named.as_str());
            if is_ours && !allowed.contains(&named.as_str()) {
                findings.push(manifest(krate, format!("`{krate}` may not use `{named}`")));
            }
        }
    }
    findings
}

/// What the pure crates depend on and should not, even in their tests.
pub fn purity(graph: &Graph) -> Vec<Finding> {
    let mut findings = Vec::new();
    for krate in crate::PURE.map(|folder| folder.trim_start_matches("appliance/")) {
        for named in graph.named.get(krate).into_iter().flatten() {
            if !PURE_MAY_NAME.contains(&named.as_str()) {
                findings.push(manifest(krate, format!("`{named}` is not among what a pure crate may name")));
            }
        }
        for reached in graph.reachable(krate) {
            if PURE_MUST_NOT_REACH.contains(&reached.as_str()) {
                findings.push(manifest(krate, format!("pure `{krate}` reaches `{reached}`")));
            }
        }
        for named in graph.named_for_tests.get(krate).into_iter().flatten() {
            if ["tokio", "mio", "smol", "socket2", "async-std"].contains(&named.as_str()) {
                findings.push(manifest(krate, format!("the tests of `{krate}` use `{named}`: they need no world")));
            }
        }
    }
    findings
}

/// Members that set their own lints, licence, edition or version.
pub fn manifests(path: &str, text: &str) -> Vec<Finding> {
    let mut findings = Vec::new();
    let lines: Vec<&str> = text.lines().map(str::trim).collect();
    let inherits = lines.windows(2).any(|pair| pair == ["[lints]", "workspace = true"]);
    if !inherits {
        findings.push(Finding { path: path.into(), line: 0, what: "does not inherit `[lints]`".into() });
    }
    for key in ["version", "edition", "rust-version", "license", "publish"] {
        if !lines.contains(&format!("{key}.workspace = true").as_str()) {
            findings.push(Finding { path: path.into(), line: 0, what: format!("does not inherit `{key}`") });
        }
    }
    findings
}

fn manifest(krate: &str, what: String) -> Finding {
    Finding { path: format!("Cargo.toml of {krate}"), line: 0, what }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn graph(edges: &[(&str, &str)]) -> Graph {
        let mut graph = Graph::default();
        for (from, to) in edges {
            graph.named.entry(from.to_string()).or_default().push(to.to_string());
            graph.built_with.entry(from.to_string()).or_default().insert(to.to_string());
        }
        graph
    }

    #[test]
    fn arrows_that_point_back_are_found() {
        for edge in
            [("sip", "media"), ("media", "pbx"), ("pbx", "store"), ("store", "api"), ("hal", "sip"), ("pbx", "lab")]
        {
            assert_eq!(directions(&graph(&[edge])).len(), 1, "{edge:?}");
        }
        assert!(directions(&graph(&[("pbx", "sip"), ("daemon", "api"), ("init", "hal"), ("sip", "bytes")])).is_empty());
    }

    #[test]
    fn io_is_found_however_deep() {
        assert_eq!(purity(&graph(&[("sip", "bytes"), ("bytes", "serde_json")])).len(), 1);
        assert_eq!(purity(&graph(&[("media", "sdp-types"), ("sdp-types", "x"), ("x", "tokio")])).len(), 1);
        assert_eq!(purity(&graph(&[("pbx", "libc")])).len(), 1, "an unlisted crate");
        assert!(purity(&graph(&[("sip", "bytes"), ("sha2", "libc")])).is_empty());
        let mut with_tests = Graph::default();
        with_tests.named_for_tests.insert("sip".into(), vec!["tokio".into()]);
        assert_eq!(purity(&with_tests).len(), 1);
    }

    #[test]
    fn a_member_of_its_own_mind_is_found() {
        let good = "[package]\nversion.workspace = true\nedition.workspace = true\nrust-version.workspace = true\n\
                    license.workspace = true\npublish.workspace = true\n[lints]\nworkspace = true\n";
        assert!(manifests("x", good).is_empty());
        assert_eq!(manifests("x", &good.replace("[lints]\nworkspace = true", "")).len(), 1);
        assert_eq!(manifests("x", &good.replace("license.workspace = true", "license = \"GPL-3.0\"")).len(), 1);
    }
}
