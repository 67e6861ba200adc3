//! Secrets of others that this box has to use, such as the key of a web service: on the disk only encrypted.
//!
//! AES-256-GCM under a key of the box's own, which lies in the file `box.key` beside the database and in no copy of that. So a
//! secret is not read from a backup, a log or a support file; whoever has the whole disk has both.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use aes_gcm::{AeadInOut, Aes256Gcm, KeyInit};
use anyhow::{Context, Result, bail};

use crate::clock;

/// Octets of a nonce, and of the tag that says that nobody changed anything.
const NONCE: usize = 12;
/// See [`NONCE`].
const TAG: usize = 16;

/// The key of the box.
pub struct BoxKey {
    cipher: Aes256Gcm,
    folder: PathBuf,
}

impl BoxKey {
    /// The one in this folder, made at the first start.
    pub fn open(folder: &Path) -> Result<BoxKey> {
        let path = folder.join("box.key");
        let octets = match fs::read(&path) {
            Ok(octets) => octets,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                let octets = clock::seed().context("the kernel gives no randomness")?.to_vec();
                write(&path, &octets)?;
                octets
            }
            Err(error) => return Err(error).with_context(|| format!("cannot read {}", path.display())),
        };
        let Ok(key) = <[u8; 32]>::try_from(octets) else { bail!("{} is not a key of 32 bytes", path.display()) };
        Ok(BoxKey { cipher: Aes256Gcm::new(&key.into()), folder: folder.to_owned() })
    }

    /// Keeps a secret under a name.
    pub fn seal(&self, name: &str, secret: &str) -> Result<()> {
        let random = clock::seed().context("the kernel gives no randomness")?;
        let nonce: [u8; NONCE] = random[..NONCE].try_into().context("there are more octets than that")?;
        let mut octets = secret.as_bytes().to_vec();
        let Ok(tag) = self.cipher.encrypt_inout_detached(&nonce.into(), b"", octets.as_mut_slice().into()) else {
            bail!("the secret cannot be encrypted")
        };
        write(&self.place(name), &[&nonce[..], &tag, &octets].concat())
    }

    /// The secret of a name, if there is one.
    pub fn open_secret(&self, name: &str) -> Result<Option<String>> {
        let path = self.place(name);
        let octets = match fs::read(&path) {
            Ok(octets) => octets,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error).with_context(|| format!("cannot read {}", path.display())),
        };
        let opened = octets.split_first_chunk::<NONCE>().and_then(|(nonce, rest)| {
            let (tag, sealed) = rest.split_first_chunk::<TAG>()?;
            let mut text = sealed.to_vec();
            let (nonce, tag) = ((*nonce).into(), (*tag).into());
            self.cipher.decrypt_inout_detached(&nonce, b"", text.as_mut_slice().into(), &tag).ok()?;
            String::from_utf8(text).ok()
        });
        match opened {
            Some(secret) => Ok(Some(secret)),
            None => bail!("{} was not sealed by this box", path.display()),
        }
    }

    fn place(&self, name: &str) -> PathBuf {
        self.folder.join(format!("{name}.sealed"))
    }
}

/// Writes a file for nobody else to read, all of it or nothing.
fn write(path: &Path, octets: &[u8]) -> Result<()> {
    let part = path.with_extension("part");
    let _ = fs::remove_file(&part);
    let mut file = OpenOptions::new();
    let written = file.write(true).create_new(true).mode(0o600).open(&part).and_then(|mut file| {
        file.write_all(octets)?;
        file.sync_all()?;
        fs::rename(&part, path)
    });
    written.with_context(|| format!("cannot write {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_kept_unreadable_and_by_this_box_only() {
        let home = tempfile::tempdir().expect("the temporary folder is writable");
        let own = BoxKey::open(home.path()).expect("it is writable");
        assert_eq!(own.open_secret("speech").expect("there is none"), None);
        own.seal("speech", "sk-1234567890").expect("it is writable");
        let file = fs::read(home.path().join("speech.sealed")).expect("it is there");
        assert!(!file.windows(4).any(|part| part == b"1234"), "nobody reads it there");
        let again = BoxKey::open(home.path()).expect("it is there");
        assert_eq!(again.open_secret("speech").expect("it is ours").as_deref(), Some("sk-1234567890"));
        fs::remove_file(home.path().join("box.key")).expect("it is there");
        let other = BoxKey::open(home.path()).expect("it is writable");
        assert!(other.open_secret("speech").is_err(), "another box cannot");
    }
}
