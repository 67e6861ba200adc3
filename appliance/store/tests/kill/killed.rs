//! A process of this very program that says what it has written until it is killed.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

/// The variable that says what the process is to write.
pub const WRITER: &str = "TANDEM_TEST_WRITER";

/// Of each kind.
pub const KILLS: u64 = 20;

/// Starts a writer, listens to what it acknowledges, and kills it after some of that, at a moment that differs from round to
/// round. Gives the last number that it had acknowledged.
pub fn kill_one(writer: &str, path: &Path, (round, spread): (u64, u64)) -> i64 {
    let program = std::env::current_exe().expect("a test knows its own file");
    let mut command = Command::new(program);
    let mut child = command.arg(path).env(WRITER, writer).stdout(Stdio::piped()).spawn().expect("the writer starts");
    let output = BufReader::new(child.stdout.take().expect("its output is piped"));
    // The kill may cut the last line off.
    let mut acknowledged = output
        .lines()
        .map_while(Result::ok)
        .filter_map(|line| line.strip_prefix('=')?.strip_suffix(';')?.parse::<i64>().ok());
    let mut latest = 0;
    for _ in 0..=round % spread {
        latest = acknowledged.next().expect("it acknowledges what it writes");
    }
    // A fixed spread of moments within and between the batches that follow, so that every run tries the same ones.
    std::thread::sleep(Duration::from_micros(round * 7_919 % 20_000));
    child.kill().expect("it can be killed");
    child.wait().expect("it is gone");
    // What was acknowledged before the kill is still in the pipe.
    acknowledged.last().unwrap_or(latest)
}

/// Says that everything up to this number is written.
pub fn acknowledge(number: i64) {
    let mut out = std::io::stdout().lock();
    writeln!(out, "={number};").and_then(|()| out.flush()).expect("the parent reads");
}
