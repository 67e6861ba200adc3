//! What the exchange is told about slots, in a file: one line of JSON.
//!
//! ```json
//! {"slot":"b","version":"0.1.0","build":1790000000,"on_trial":false,"fell_back_from":"a","reason":"not_healthy"}
//! ```
//! `version` and `build` are null where the trailer cannot be read; `fell_back_from` and `reason` are null where no slot was
//! given up.
use std::fmt::Write;
use std::path::Path;

use anyhow::Result;
use hal::slot::{Failure, Slot, Trailer};

/// Where the exchange finds it.
pub const FILE: &str = "/run/tandem/slot.json";

/// What there is to tell.
#[derive(Debug)]
pub struct Report {
    pub slot: Slot,
    pub trailer: Option<Trailer>,
    pub on_trial: bool,
    pub failure: Option<Failure>,
}

impl Report {
    /// Writes the file anew.
    pub fn write(&self) -> Result<()> {
        super::replace(Path::new(FILE), &self.json())
    }

    fn json(&self) -> String {
        let version = self.trailer.as_ref().map(|trailer| quoted(&trailer.version));
        let build = self.trailer.as_ref().map(|trailer| trailer.build.to_string());
        let from = self.failure.map(|failure| quoted(failure.slot.letter()));
        let reason = self.failure.map(|failure| quoted(failure.reason.name()));
        let or_null = |value: Option<String>| value.unwrap_or_else(|| "null".to_owned());
        let mut json = format!("{{\"slot\":{},\"version\":{}", quoted(self.slot.letter()), or_null(version));
        // Writing to a string cannot fail.
        let _ = write!(json, ",\"build\":{},\"on_trial\":{}", or_null(build), self.on_trial);
        let _ = writeln!(json, ",\"fell_back_from\":{},\"reason\":{}}}", or_null(from), or_null(reason));
        json
    }
}

/// A text as JSON has it (RFC 8259 section 7).
fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for character in text.chars() {
        match character {
            '"' | '\\' => quoted.extend(['\\', character]),
            '\0'..='\u{1f}' => drop(write!(quoted, "\\u{:04x}", u32::from(character))),
            other => quoted.push(other),
        }
    }
    quoted + "\""
}

#[cfg(test)]
mod tests {
    use hal::slot::{Part, Reason};

    use super::*;

    #[test]
    fn a_report_is_one_line_of_json() {
        let part = |offset| Part { offset, length: 1, sha256: [0; 32] };
        let version = "0.1.0 \"x\\\n".try_into().expect("it is short");
        let trailer = Some(Trailer { build: 7, version, kernel: part(4096), root: part(0) });
        let failure = Some(Failure { slot: Slot::B, reason: Reason::NotHealthy });
        let report = Report { slot: Slot::A, trailer, on_trial: true, failure };
        assert_eq!(
            report.json(),
            "{\"slot\":\"a\",\"version\":\"0.1.0 \\\"x\\\\\\u000a\",\"build\":7,\"on_trial\":true,\
             \"fell_back_from\":\"b\",\"reason\":\"not_healthy\"}\n"
        );
        let report = Report { slot: Slot::B, trailer: None, on_trial: false, failure: None };
        assert_eq!(
            report.json(),
            "{\"slot\":\"b\",\"version\":null,\"build\":null,\"on_trial\":false,\"fell_back_from\":null,\"reason\":null}\n"
        );
    }
}
