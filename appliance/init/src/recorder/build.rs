//! Which build this program is: the note that the linker leaves in it, the same in its unstripped twin.

use std::fs;

/// The build's id in hexadecimal digits, or `unknown`.
pub fn id() -> String {
    let program = fs::read("/proc/self/exe").unwrap_or_default();
    match note(&program) {
        Some(id) => id.iter().map(|octet| format!("{octet:02x}")).collect(),
        None => "unknown".to_owned(),
    }
}

/// The note `NT_GNU_BUILD_ID` of a 64-bit ELF file.
fn note(program: &[u8]) -> Option<&[u8]> {
    const PT_NOTE: u64 = 4;
    const NT_GNU_BUILD_ID: u64 = 3;
    if !program.starts_with(b"\x7fELF\x02\x01") {
        return None;
    }
    let number = |at: usize, length: usize| {
        let octets = program.get(at..at.checked_add(length)?)?;
        Some(octets.iter().rev().fold(0u64, |number, octet| number << 8 | u64::from(*octet)))
    };
    let place = |at: usize, length: usize| usize::try_from(number(at, length)?).ok();
    let (headers, size, count) = (place(32, 8)?, place(54, 2)?, place(56, 2)?);
    for header in (0..count).map(|index| headers.saturating_add(index * size)) {
        if number(header, 4)? != PT_NOTE {
            continue;
        }
        let (mut at, length) = (place(header + 8, 8)?, place(header + 32, 8)?);
        let end = at.checked_add(length)?;
        while at < end {
            let (name, description) = (place(at, 4)?, place(at + 4, 4)?);
            let begin = at.checked_add(12)?.checked_add(name.next_multiple_of(4))?;
            let rest = program.get(begin..begin.checked_add(description)?)?;
            if number(at + 8, 4)? == NT_GNU_BUILD_ID && program.get(at + 12..at + 16)? == b"GNU\0" {
                return Some(rest);
            }
            at = begin.checked_add(description.next_multiple_of(4))?;
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_program_has_none() {
        assert_eq!(note(b""), None);
        assert_eq!(note(b"#!/bin/sh"), None);
        let own = fs::read("/proc/self/exe").expect("a test is a program");
        for end in (0..2_000).step_by(7) {
            note(&own[..end.min(own.len())]);
        }
    }

    #[test]
    fn this_program_has_one() {
        let own = std::env::current_exe().expect("a test is a program");
        let shown = std::process::Command::new("readelf").arg("-n").arg(own).output().expect("gcc brings it along");
        let shown = String::from_utf8(shown.stdout).expect("it writes text");
        let (_, id_and_rest) = shown.split_once("Build ID: ").expect("the linker leaves one");
        assert_eq!(id_and_rest.split_whitespace().next(), Some(id().as_str()));
    }
}
