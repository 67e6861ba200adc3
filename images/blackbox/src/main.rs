//! `blackbox FILE PROGRAM…` prints what a box's flight recorder has kept; `make blackbox FILE` calls it with the programs of the
//! images that were built here. The programs are unstripped `tandem-init`s, one for each build that has written.

mod flight_recorder;

use std::fs;
use std::io::{Write, stdout};
use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use flight_recorder::{Line, Programs, read};

fn main() -> Result<()> {
    let mut arguments = std::env::args_os().skip(1).map(PathBuf::from);
    let Some(file) = arguments.next() else { bail!("usage: blackbox FILE PROGRAM…") };
    let mut programs = Programs::default();
    for program in arguments {
        let elf = fs::read(&program).with_context(|| program.display().to_string())?;
        programs.add(&elf).with_context(|| program.display().to_string())?;
    }
    let recorded = fs::read(&file).with_context(|| file.display().to_string())?;
    let mut out = stdout().lock();
    for line in read(&recorded, &programs) {
        match line {
            Line::Build(build) => writeln!(out, "--- build {build}")?,
            Line::Text(text) => writeln!(out, "{text}")?,
            Line::Unknown(octets) => writeln!(out, "??? {octets:02x?}")?,
        }
    }
    Ok(())
}
