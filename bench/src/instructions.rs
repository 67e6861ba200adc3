//! Instructions of the engine's work, counted under valgrind and, for aarch64, under QEMU: they are the same from run to run,
//! so that a change shows which no stopwatch could see on a busy machine.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

/// Kinds of work of the program `work`.
const KINDS: [&str; 6] =
    ["forward", "translate", "transcode", "mix_3_talkers", "mix_all_talking", "transcode_and_listen_for_tones"];
/// Units of the short run and of the long one. The short one has what happens only once.
const UNITS: [u64; 2] = [20_000, 60_000];
/// How far a count may be from the table, in hundredths of it.
const TOLERANCE: u64 = 5;

/// Instructions for each unit, natively and on aarch64.
type Table = BTreeMap<String, [u64; 2]>;

/// Where the programs are that are counted.
#[derive(Debug)]
struct Programs {
    native: PathBuf,
    arm: PathBuf,
    plugin: PathBuf,
}

/// `instructions NATIVE ARM PLUGIN TABLE [update]`: counts, and compares with the table or writes it.
pub fn run(arguments: &[String]) -> Result<()> {
    let [native, arm, plugin, table, rest @ ..] = arguments else {
        bail!("usage: bench instructions NATIVE ARM PLUGIN TABLE [update]");
    };
    let programs = Programs { native: native.into(), arm: arm.into(), plugin: plugin.into() };
    let mut counted = Table::new();
    for kind in KINDS {
        let counts = [programs.count(kind, false)?, programs.count(kind, true)?];
        println!("instructions_{kind} {} 1\ninstructions_{kind}_aarch64 {} 1", counts[0], counts[1]);
        counted.insert(kind.to_owned(), counts);
    }
    let path = Path::new(table);
    if rest.iter().any(|word| word == "update") {
        return std::fs::write(path, written(&counted)).with_context(|| format!("cannot write {table}"));
    }
    let known = read(&std::fs::read_to_string(path).with_context(|| format!("cannot read {table}"))?)?;
    compare(&known, &counted)
}

impl Programs {
    /// Instructions of one unit.
    fn count(&self, kind: &str, arm: bool) -> Result<u64> {
        let [short, long] = UNITS;
        let count = |units| if arm { self.count_arm(kind, units) } else { self.count_native(kind, units) };
        let difference = count(long)?.checked_sub(count(short)?).context("more work took fewer instructions")?;
        Ok((difference + (long - short) / 2) / (long - short))
    }

    fn count_native(&self, kind: &str, units: u64) -> Result<u64> {
        let mut command = Command::new("valgrind");
        command.args(["--tool=callgrind", "--callgrind-out-file=/dev/null"]);
        command.arg(&self.native).args([kind, &units.to_string()]);
        number_after(&said(command)?, "Collected :")
    }

    fn count_arm(&self, kind: &str, units: u64) -> Result<u64> {
        let mut command = Command::new("qemu-aarch64");
        command.arg("-plugin").arg(&self.plugin).args(["-d", "plugin"]);
        command.arg(&self.arm).args([kind, &units.to_string()]);
        number_after(&said(command)?, "instructions:")
    }
}

fn said(mut command: Command) -> Result<String> {
    let output = command.output().with_context(|| format!("cannot start {:?}", command.get_program()))?;
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    if !output.status.success() {
        bail!("{command:?} failed: {said}");
    }
    Ok(said)
}

fn number_after(text: &str, word: &str) -> Result<u64> {
    let (_, rest) = text.split_once(word).with_context(|| format!("no '{word}' in: {text}"))?;
    let digits = rest.trim_start().split(|letter: char| !letter.is_ascii_digit()).next().unwrap_or_default();
    digits.parse().with_context(|| format!("no number behind '{word}'"))
}

fn written(table: &Table) -> String {
    let mut text =
        String::from("# Instructions of the engine, a packet or a seat's tick each: kind, x86_64, aarch64.\n");
    text.push_str("# Written by `make instructions`; a change of more than 5 % fails `make test`.\n");
    for (kind, [native, arm]) in table {
        let _ = writeln!(text, "{kind} {native} {arm}");
    }
    text
}

fn read(text: &str) -> Result<Table> {
    let mut table = Table::new();
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let words: Vec<&str> = line.split_whitespace().collect();
        let [kind, native, arm] = words[..] else { bail!("'{line}' is not: kind, x86_64, aarch64") };
        let number = |word: &str| word.parse().with_context(|| format!("'{word}' in '{line}' is no number"));
        table.insert(kind.to_owned(), [number(native)?, number(arm)?]);
    }
    Ok(table)
}

fn compare(known: &Table, counted: &Table) -> Result<()> {
    let mut complaints = String::new();
    for (kind, counts) in counted {
        let Some(before) = known.get(kind) else {
            let _ = writeln!(complaints, "{kind} is not in the table");
            continue;
        };
        for ((now, before), machine) in counts.iter().zip(before).zip(["x86_64", "aarch64"]) {
            if now.abs_diff(*before) * 100 > before * TOLERANCE {
                let _ = writeln!(complaints, "{kind} on {machine}: {before} became {now}");
            }
        }
    }
    match complaints.is_empty() {
        true => Ok(()),
        false => bail!(
            "instruction counts changed by more than {TOLERANCE} %; if meant so, `make instructions`\n{complaints}"
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(forward: [u64; 2]) -> Table {
        Table::from([("forward".to_owned(), forward)])
    }

    #[test]
    fn what_is_written_is_read() {
        assert_eq!(read(&written(&table([393, 401]))).unwrap(), table([393, 401]));
        assert!(read("forward 1").is_err());
        assert!(read("forward 1 x").is_err());
    }

    #[test]
    fn more_than_five_per_cent_is_named() {
        assert!(compare(&table([400, 400]), &table([420, 380])).is_ok());
        let complaint = compare(&table([400, 400]), &table([400, 421])).unwrap_err().to_string();
        assert!(complaint.contains("forward on aarch64: 400 became 421"), "{complaint}");
        assert!(compare(&Table::new(), &table([1, 1])).is_err());
    }

    #[test]
    fn finds_the_number() {
        assert_eq!(number_after("==1== Collected : 1234\n", "Collected :").unwrap(), 1_234);
        assert!(number_after("nothing", "Collected :").is_err());
    }
}
