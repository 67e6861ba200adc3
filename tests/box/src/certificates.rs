//! Certificates of an authority that is made for one test, and some that it should not have signed, or has not.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Result, ensure};

use crate::bucket::environment;

/// A folder of certificates, `NAME.pem` beside `NAME.key`.
#[derive(Debug)]
pub struct Certificates {
    folder: tempfile::TempDir,
}

impl Certificates {
    /// Makes those that `certificates.py` makes.
    pub fn make() -> Result<Certificates> {
        let folder = tempfile::tempdir()?;
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/src/certificates.py");
        let made = Command::new(environment()?.join("bin/python")).arg(script).arg(folder.path()).output()?;
        ensure!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        Ok(Certificates { folder })
    }

    /// The certificate of a name.
    pub fn certificate(&self, name: &str) -> PathBuf {
        self.path().join(format!("{name}.pem"))
    }

    /// The key of a name.
    pub fn key(&self, name: &str) -> PathBuf {
        self.path().join(format!("{name}.key"))
    }

    /// The certificate and the key of a name, as arguments of programs.
    pub fn pair(&self, name: &str) -> [String; 2] {
        [self.certificate(name), self.key(name)].map(|path| path.display().to_string())
    }

    /// Whose certificates count, as an argument of programs.
    pub fn roots(&self) -> String {
        self.certificate("authority").display().to_string()
    }

    /// Where they are.
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// The authority's certificate as text.
    pub fn authority(&self) -> Result<String> {
        Ok(std::fs::read_to_string(self.certificate("authority"))?)
    }
}
