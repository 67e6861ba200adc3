//! Where the box stands: which time of day it is there, as flows ask.

use std::fmt;
use std::path::Path;
use std::str::FromStr;

use pbx::settings::is_time_zone;
use serde::Deserialize;

/// The name of a time zone that is known, as IANA gives them: `Europe/Berlin`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct TimeZone(pub String);

impl TimeZone {
    /// The zone of the machine, or UTC where that does not tell.
    pub fn of_machine() -> TimeZone {
        std::fs::read_link("/etc/localtime").ok().and_then(|path| of_link(&path)).unwrap_or_default()
    }
}

impl Default for TimeZone {
    fn default() -> TimeZone {
        TimeZone("UTC".into())
    }
}

/// `/etc/localtime` points into the machine's zone files: the name is what comes after their folder.
fn of_link(path: &Path) -> Option<TimeZone> {
    let (_, name) = path.to_str()?.split_once("/zoneinfo/")?;
    name.parse().ok()
}

impl FromStr for TimeZone {
    type Err = String;

    fn from_str(name: &str) -> Result<TimeZone, String> {
        match is_time_zone(name) {
            true => Ok(TimeZone(name.into())),
            false => Err(format!("{name:?} is not the name of a time zone, as Europe/Berlin is")),
        }
    }
}

impl TryFrom<String> for TimeZone {
    type Error = String;

    fn try_from(name: String) -> Result<TimeZone, String> {
        name.parse()
    }
}

impl fmt::Display for TimeZone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_machine_says_where_it_stands() {
        for (link, name) in [
            ("/usr/share/zoneinfo/Europe/Berlin", Some("Europe/Berlin")),
            ("../usr/share/zoneinfo/America/Argentina/Ushuaia", Some("America/Argentina/Ushuaia")),
            ("/usr/share/zoneinfo/Mars/Olympus", None),
            ("/somewhere/else", None),
        ] {
            assert_eq!(of_link(Path::new(link)).map(|zone| zone.0).as_deref(), name, "{link}");
        }
    }

    #[test]
    fn what_is_no_zone_is_refused_in_a_sentence() {
        let refused = "Mars/Olympus".parse::<TimeZone>().expect_err("nobody lives there yet");
        assert_eq!(refused, "\"Mars/Olympus\" is not the name of a time zone, as Europe/Berlin is");
    }
}
