//! Reads what the flight recorder of a box has kept: numbers and values, whose texts stand in the symbols of the program that
//! wrote them (defmt, frames in rzCOBS, each ended by a zero).

use std::collections::HashMap;

use anyhow::{Context, Result};
use defmt_decoder::{DecodeError, Table};

/// The programs that may have written, by the id of their build.
#[derive(Default)]
pub struct Programs {
    tables: HashMap<String, Table>,
}

impl Programs {
    /// Adds one; it must not be stripped.
    pub fn add(&mut self, elf: &[u8]) -> Result<()> {
        let table = Table::parse(elf)?
            .context("it has no texts for the flight recorder: it is stripped, or another program")?;
        self.tables.insert(build(elf).context("it does not say which build it is")?, table);
        Ok(())
    }
}

/// What was recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Line {
    /// The box started with this build.
    Build(String),
    /// Something happened.
    Text(String),
    /// Something happened, but no program is there to say what; or it is damaged.
    Unknown(Vec<u8>),
}

/// All lines, the oldest first.
pub fn read(recorded: &[u8], programs: &Programs) -> Vec<Line> {
    let mut table = None;
    let mut lines = Vec::new();
    for record in recorded.split(|octet| *octet == 0).filter(|record| !record.is_empty()) {
        if let Some(build) = head(record) {
            table = programs.tables.get(&build);
            lines.push(Line::Build(build));
        } else {
            let text = table.and_then(|table| decode(table, record));
            lines.push(text.map_or_else(|| Line::Unknown(record.to_vec()), Line::Text));
        }
    }
    lines
}

fn head(record: &[u8]) -> Option<String> {
    let build = std::str::from_utf8(record).ok()?.strip_prefix("build ")?;
    (build.len() == 40 && build.bytes().all(|digit| digit.is_ascii_hexdigit())).then(|| build.to_owned())
}

fn decode(table: &Table, record: &[u8]) -> Option<String> {
    let mut decoder = table.new_stream_decoder();
    decoder.received(record);
    decoder.received(&[0]);
    match decoder.decode() {
        Ok(frame) => Some(frame.display(false).to_string()),
        Err(DecodeError::UnexpectedEof | DecodeError::Malformed) => None,
    }
}

/// The id that the linker leaves in a program.
fn build(elf: &[u8]) -> Option<String> {
    use object::Object;
    let id = object::File::parse(elf).ok()?.build_id().ok()??.to_vec();
    Some(hex::encode(id))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nobody_can_read_is_shown_as_it_is() {
        let build = "0123456789abcdef0123456789abcdef01234567";
        let recorded = [b"\x01\x02\0build ".as_slice(), build.as_bytes(), b"\0\x07\x08\0\x09"].concat();
        let lines = read(&recorded, &Programs::default());
        let unknown = |octets: &[u8]| Line::Unknown(octets.to_vec());
        assert_eq!(lines, [unknown(&[1, 2]), Line::Build(build.into()), unknown(&[7, 8]), unknown(&[9])]);
    }

    #[test]
    fn a_program_without_texts_is_refused() {
        let own = std::fs::read(std::env::current_exe().expect("a test is a program")).expect("it can be read");
        let error = Programs::default().add(&own).expect_err("it records nothing").to_string();
        assert!(error.contains("no texts for the flight recorder"), "{error}");
    }
}
