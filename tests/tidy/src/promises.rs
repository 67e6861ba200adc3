//! What is promised in writing names the test that proves it, and that test is there.

use crate::{Finding, Source};

/// The documents in which each promise has its test.
const DOCUMENTS: [&str; 5] =
    ["docs/billing.md", "docs/cloud-sync.md", "docs/delivery.md", "docs/recording-storage.md", "docs/updates.md"];

/// Rows of the tables in [`DOCUMENTS`] whose last column is headed `proof` or `test` that name no test, no measurement and no program
/// that tests, or one that is not there.
pub fn proofs(sources: &[Source]) -> Vec<Finding> {
    let documents = sources.iter().filter(|source| DOCUMENTS.contains(&source.path.as_str()));
    documents.flat_map(|document| judge(document, sources)).collect()
}

fn judge(document: &Source, sources: &[Source]) -> Vec<Finding> {
    let (mut findings, mut is_about_proofs) = (Vec::new(), false);
    for (line, text) in (1..).zip(document.text.lines()) {
        let Some(cell) = last_cell(text) else {
            is_about_proofs = false;
            continue;
        };
        if ["proof", "test"].contains(&cell) {
            is_about_proofs = true;
        } else if is_about_proofs && !cell.starts_with("---") {
            let words: Vec<&str> = cell.split('`').skip(1).step_by(2).collect();
            let found: Vec<Found> = words.iter().map(|word| look_up(word, sources)).collect();
            let missing = words.iter().zip(&found).filter(|(_, found)| **found == Found::Nowhere);
            findings
                .extend(missing.map(|(word, _)| Finding::new(document, line, format!("there is no test `{word}`"))));
            if !found.contains(&Found::Proof) {
                findings.push(Finding::new(document, line, "no test is named that proves it"));
            }
        }
    }
    findings
}

/// What a word in backquotes stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Found {
    /// A test, a program that tests, or a measurement.
    Proof,
    /// A file with tests, or something else that is no name of a test.
    Other,
    Nowhere,
}

fn look_up(word: &str, sources: &[Source]) -> Found {
    if word.ends_with(".rs") {
        let Some(file) = sources.iter().find(|source| source.path.ends_with(word)) else { return Found::Nowhere };
        let is_program = file.is_test() && file.text.contains("\nfn main() {");
        return if is_program { Found::Proof } else { Found::Other };
    }
    if !word.contains('_') || !word.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_') {
        return Found::Other;
    }
    let test = format!("fn {word}()");
    let is_test = |source: &Source| source.path.ends_with(".rs") && has_test(&source.text, &test);
    // The bench puts some figures' names together: their ends stand there as they are.
    let ends = word.match_indices('_').map(|(at, _)| &word[at..]).filter(|end| end.matches('_').count() > 2);
    let figures: Vec<String> = ends.map(|end| format!("{end}\"")).chain([format!("\"{word}\"")]).collect();
    let is_measured = |source: &Source| {
        source.path.starts_with("bench/") && figures.iter().any(|figure| source.text.contains(figure))
    };
    match sources.iter().any(|source| is_test(source) || is_measured(source)) {
        true => Found::Proof,
        false => Found::Nowhere,
    }
}

/// Whether there is such a function, marked as a test.
fn has_test(text: &str, function: &str) -> bool {
    let lines = || text.lines().map(str::trim);
    text.contains(function)
        && lines().zip(lines().skip(1)).any(|(mark, line)| mark.ends_with("test]") && line.contains(function))
}

fn last_cell(line: &str) -> Option<&str> {
    let row = line.strip_prefix('|')?.trim_end().strip_suffix('|')?;
    row.rsplit('|').next().map(str::trim)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_promise_without_a_test_and_one_whose_test_is_gone_are_found() {
        let source = |path: &str, text: &str| Source::new(path, text).expect("it can be read");
        let tests = source("tests/box/tests/a.rs", "//! Tests.\n#[test]\nfn it_holds() {}\nfn it_does_not() {}\n");
        let rows = "| promise | proof |\n| --- | --- |\n| a | `a.rs`: `it_holds` |\n| b | `a.rs` |\n| c | `it_does_not` |\n\n| x | y |\n| a | b |\n";
        let found = proofs(&[tests, source("docs/delivery.md", rows)]);
        let said: Vec<(usize, &str)> = found.iter().map(|finding| (finding.line, finding.what.as_str())).collect();
        let none = "no test is named that proves it";
        assert_eq!(said, [(4, none), (5, "there is no test `it_does_not`"), (5, none)]);
    }
}
