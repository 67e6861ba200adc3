//! The settings on the data partition: whole or not at all, whenever the power goes.
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::Path;

use anyhow::{Context, Result, bail};

use super::settings::NetworkSettings;

/// Octets; all settings at their longest are a tenth of it.
const LONGEST: u64 = 16 << 10;

/// Reads them, if they were ever written.
pub fn read(path: &Path) -> Result<Option<NetworkSettings>> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error).with_context(|| path.display().to_string()),
    };
    let mut text = String::new();
    file.take(LONGEST + 1).read_to_string(&mut text).with_context(|| path.display().to_string())?;
    if text.len() as u64 > LONGEST {
        bail!("{} is too long", path.display());
    }
    let json = serde_json::from_str(&text).with_context(|| path.display().to_string())?;
    match NetworkSettings::from_json(&json) {
        Ok(settings) => Ok(Some(settings)),
        Err(wrong) => bail!("{}: {wrong}", path.display()),
    }
}

/// Writes them beside the old ones first.
pub fn write(path: &Path, settings: &NetworkSettings) -> Result<()> {
    let new = path.with_extension("new");
    let mut file = File::create(&new).with_context(|| new.display().to_string())?;
    file.write_all(settings.to_json().to_string().as_bytes())?;
    file.sync_all()?;
    fs::rename(&new, path)?;
    let folder = path.parent().context("a file is in a folder")?;
    Ok(File::open(folder)?.sync_all()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_outlive_a_restart_and_damage_is_told() {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let path = folder.path().join("network.json");
        assert_eq!(read(&path).expect("it is not there"), None);
        let mut settings = NetworkSettings::default();
        settings.set_ip("192.0.2.9/24,192.0.2.1").expect("it is right");
        write(&path, &settings).expect("the folder is ours");
        assert_eq!(read(&path).expect("it is whole"), Some(settings));
        for (damage, complaint) in [
            ("", "network.json"),
            ("{\"hostname\":\"my box\"}", "hostname: must be"),
            (&"[".repeat(20_000), "is too long"),
        ] {
            fs::write(&path, damage).expect("the folder is ours");
            let error = format!("{:#}", read(&path).expect_err("it is damaged"));
            assert!(error.contains(complaint), "{error}");
        }
        assert!(write(Path::new("/nowhere/network.json"), &NetworkSettings::default()).is_err());
    }
}
