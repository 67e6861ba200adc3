//! Secrets of others that this box has to use, such as the key of a web service or the password at a provider: on the disk
//! only encrypted.
//!
//! AES-256-GCM under a key of the box's own, which lies in the file `box.key` beside the database and in no copy of that. So a
//! secret is not read from a backup, a log or a support file; whoever has the whole disk has both.
//!
//! In SQL, `seal(text)` and `unseal(text)` do it; the database knows neither without us.

use std::fmt::Write as _;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use aes_gcm::{AeadInOut, Aes256Gcm, KeyInit};
use rusqlite::Connection;
use rusqlite::functions::FunctionFlags;

use crate::Error;
use crate::private_file::{self, FileError};

/// Octets of a nonce, and of the tag that says that nobody changed anything.
const NONCE: usize = 12;
/// See [`NONCE`].
const TAG: usize = 16;
/// What a sealed text in the database begins with.
const MARK: &str = "sealed:";

/// Why something cannot be sealed or opened.
#[derive(Debug, thiserror::Error)]
pub enum Unsealed {
    /// A file cannot be read or written.
    #[error(transparent)]
    File(#[from] FileError),
    /// It is none, or was sealed by another box, or changed.
    #[error("{0} was not sealed by this box: it needs the box.key that it was sealed with")]
    Foreign(String),
    /// The kernel gives no randomness.
    #[error("the kernel gives no randomness: {0}")]
    Randomness(io::Error),
    /// The file is no key.
    #[error("{0} is not a key of 32 bytes")]
    Key(PathBuf),
}

/// The key of the box.
#[derive(Clone)]
pub struct BoxKey {
    cipher: Arc<Aes256Gcm>,
    folder: PathBuf,
}

impl BoxKey {
    /// The one in this folder, made at the first start.
    pub fn open(folder: &Path) -> Result<BoxKey, Unsealed> {
        let path = folder.join("box.key");
        let octets = match private_file::read(&path)? {
            Some(octets) => octets,
            None => {
                let octets = random::<32>()?.to_vec();
                private_file::write(&path, &octets)?;
                octets
            }
        };
        let Ok(key) = <[u8; 32]>::try_from(octets) else { return Err(Unsealed::Key(path)) };
        Ok(BoxKey { cipher: Arc::new(Aes256Gcm::new(&key.into())), folder: folder.to_owned() })
    }

    /// Keeps a secret under a name, in a file of its own.
    pub fn seal(&self, name: &str, secret: &str) -> Result<(), Unsealed> {
        Ok(private_file::write(&self.place(name), &self.encrypt(secret)?)?)
    }

    /// The secret of a name, if there is one.
    pub fn open_secret(&self, name: &str) -> Result<Option<String>, Unsealed> {
        let path = self.place(name);
        let Some(octets) = private_file::read(&path)? else { return Ok(None) };
        self.decrypt(&octets).map(Some).ok_or_else(|| Unsealed::Foreign(path.display().to_string()))
    }

    /// Adds texts to a list of a name, on the disk once this returns. What was there before is not written again.
    pub fn append(&self, name: &str, texts: &[String]) -> Result<(), Unsealed> {
        let mut octets = Vec::new();
        for text in texts {
            let sealed = self.encrypt(text)?;
            octets.extend((sealed.len() as u32).to_le_bytes());
            octets.extend(sealed);
        }
        Ok(private_file::append(&self.list(name), &octets)?)
    }

    /// The texts of a list; none where there is no such list. What a power cut left half written at its end is left out.
    pub fn lines(&self, name: &str) -> Result<Vec<String>, Unsealed> {
        let path = self.list(name);
        let octets = private_file::read(&path)?.unwrap_or_default();
        let (mut rest, mut texts) = (octets.as_slice(), Vec::new());
        while let Some((length, behind)) = rest.split_first_chunk::<4>() {
            let Some((sealed, behind)) = behind.split_at_checked(u32::from_le_bytes(*length) as usize) else { break };
            match self.decrypt(sealed) {
                Some(text) => texts.push(text),
                // The length was on the disk before what it is of, or not even that.
                None if behind.iter().all(|octet| *octet == 0) => break,
                None => return Err(Unsealed::Foreign(path.display().to_string())),
            }
            rest = behind;
        }
        Ok(texts)
    }

    /// There is no list of this name any more.
    pub fn forget(&self, name: &str) -> Result<(), Unsealed> {
        Ok(private_file::remove(&self.list(name))?)
    }

    /// Forgets the secret of a name, if there is one.
    pub fn forget_secret(&self, name: &str) -> Result<(), Unsealed> {
        Ok(private_file::remove(&self.place(name))?)
    }

    /// Teaches a connection `seal` and `unseal`.
    pub(crate) fn teach(&self, connection: &Connection) -> Result<(), Error> {
        let flags = FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_DIRECTONLY;
        let failed = |error: Unsealed| rusqlite::Error::UserFunctionError(Box::new(error));
        let own = self.clone();
        connection.create_scalar_function("seal", 1, flags, move |context| {
            let octets = own.encrypt(&context.get::<String>(0)?).map_err(failed)?;
            let mut text = MARK.to_string();
            for octet in octets {
                // To write into a text cannot fail.
                let _ = write!(text, "{octet:02x}");
            }
            Ok(text)
        })?;
        let own = self.clone();
        connection.create_scalar_function("unseal", 1, flags, move |context| {
            let text = context.get::<String>(0)?;
            let octets = text.strip_prefix(MARK).and_then(octets);
            let opened = octets.and_then(|octets| own.decrypt(&octets));
            opened.ok_or_else(|| failed(Unsealed::Foreign("a password in the database".into())))
        })?;
        Ok(())
    }

    /// A secret as it may lie anywhere.
    pub fn encrypt(&self, secret: &str) -> Result<Vec<u8>, Unsealed> {
        let nonce = random::<NONCE>()?;
        let mut octets = secret.as_bytes().to_vec();
        let tag = self.cipher.encrypt_inout_detached(&nonce.into(), b"", octets.as_mut_slice().into());
        let tag = tag.expect("a secret is far below 64 GiB");
        Ok([&nonce[..], &tag, &octets].concat())
    }

    /// What was encrypted by this box; `None` where it was not.
    pub fn decrypt(&self, octets: &[u8]) -> Option<String> {
        let (nonce, rest) = octets.split_first_chunk::<NONCE>()?;
        let (tag, sealed) = rest.split_first_chunk::<TAG>()?;
        let mut text = sealed.to_vec();
        let (nonce, tag) = ((*nonce).into(), (*tag).into());
        self.cipher.decrypt_inout_detached(&nonce, b"", text.as_mut_slice().into(), &tag).ok()?;
        String::from_utf8(text).ok()
    }

    fn place(&self, name: &str) -> PathBuf {
        self.folder.join(format!("{name}.sealed"))
    }

    fn list(&self, name: &str) -> PathBuf {
        self.folder.join(format!("{name}.journal"))
    }
}

/// Where sealed texts lie in the database: column and table.
const PLACES: [(&str, &str); 3] = [("password", "extension"), ("data", "provider"), ("data", "trunk")];

/// Opens all that is sealed in a database. Where nothing can be opened, it is the key that is wrong; where some cannot, the
/// file is damaged.
pub(crate) fn check(connection: &Connection) -> Result<(), Error> {
    let (mut whole, mut wrong) = (0, None);
    for (column, table) in PLACES {
        let mut rows = connection.prepare(&format!("SELECT {column} FROM {table}"))?;
        let mut opened = connection.prepare("SELECT unseal(?1)")?;
        // Whatever lies there instead of a text is none of ours.
        let text = |row: &rusqlite::Row<'_>| {
            Ok(String::from_utf8_lossy(row.get_ref(0)?.as_bytes().unwrap_or_default()).into_owned())
        };
        let texts = rows.query_map([], text)?;
        for text in texts {
            match opened.query_row([text?], |_| Ok(())) {
                Ok(()) => whole += 1,
                Err(error) => wrong = Some(format!("{table}: {error}")),
            }
        }
    }
    match wrong {
        None => Ok(()),
        Some(reason) if whole == 0 => Err(Error::Sealed(reason)),
        Some(reason) => Err(Error::Corrupt(reason)),
    }
}

fn random<const LENGTH: usize>() -> Result<[u8; LENGTH], Unsealed> {
    let mut octets = [0; LENGTH];
    let drawn = File::open("/dev/urandom").and_then(|mut kernel| kernel.read_exact(&mut octets));
    drawn.map(|()| octets).map_err(Unsealed::Randomness)
}

fn octets(text: &str) -> Option<Vec<u8>> {
    let pair = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok();
    text.len().is_multiple_of(2).then(|| text.as_bytes().chunks(2).map(pair).collect())?
}

#[cfg(test)]
mod tests {
    use std::fs;

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
        fs::write(home.path().join("box.key"), "short").expect("it is writable");
        assert!(matches!(BoxKey::open(home.path()), Err(Unsealed::Key(_))));
    }

    #[test]
    fn a_list_grows_line_by_line_and_is_read_up_to_where_the_power_went() {
        let home = tempfile::tempdir().expect("the temporary folder is writable");
        let own = BoxKey::open(home.path()).expect("it is writable");
        let path = home.path().join("undo.journal");
        assert_eq!(own.lines("undo").expect("there is none"), Vec::<String>::new());
        let texts = ["one", "", "three"].map(str::to_owned);
        own.append("undo", &texts[..2]).expect("it is writable");
        let before = fs::read(&path).expect("it is there");
        own.append("undo", &texts[2..]).expect("it is writable");
        let whole = fs::read(&path).expect("it is there");
        assert_eq!(own.lines("undo").expect("it is ours"), texts);
        assert!(whole.starts_with(&before) && !whole.windows(3).any(|part| part == b"one"));
        for cut in before.len()..whole.len() {
            fs::write(&path, &whole[..cut]).expect("it is writable");
            assert_eq!(own.lines("undo").expect("it is ours"), texts[..2], "cut after {cut}");
        }
        // Zeros where lines were to be: they have their room, and were not written there.
        for (written, wanted) in [(before.len() + 4, 2), (before.len(), 2), (4, 0), (0, 0)] {
            let mut hollow = whole.clone();
            hollow[written..].fill(0);
            fs::write(&path, &hollow).expect("it is writable");
            assert_eq!(own.lines("undo").expect("it is ours"), texts[..wanted], "written up to {written}");
        }
        let mut changed = whole.clone();
        changed[8] ^= 1;
        fs::write(&path, &changed).expect("it is writable");
        assert!(own.lines("undo").is_err(), "somebody changed it");
        own.forget("undo").expect("it goes");
        own.forget("undo").expect("it is gone");
        assert_eq!(own.lines("undo").expect("there is none"), Vec::<String>::new());
    }

    #[test]
    fn the_database_seals_and_opens() {
        let home = tempfile::tempdir().expect("the temporary folder is writable");
        let connection = Connection::open_in_memory().expect("memory is there");
        BoxKey::open(home.path()).and_then(|key| key.teach(&connection).map_err(|_| unreachable!())).expect("taught");
        let ask = |sql: &str| connection.query_row(sql, [], |row| row.get::<_, String>(0));
        let sealed = ask("SELECT seal('open sésame')").expect("a text");
        assert!(sealed.starts_with(MARK) && !sealed.contains("sesame"), "{sealed}");
        assert_ne!(sealed, ask("SELECT seal('open sésame')").expect("a text"), "equal ones are not seen to be equal");
        assert_eq!(ask("SELECT unseal(seal('open sésame'))").expect("a text"), "open sésame");
        let mut changed = sealed.clone();
        changed.pop();
        changed.push(if sealed.ends_with('0') { '1' } else { '0' });
        for wrong in [&changed, "sealed:", "sealed:0", "sealed:zz", "open sesame"] {
            let error = ask(&format!("SELECT unseal('{wrong}')")).expect_err("nobody sealed that").to_string();
            assert!(error.contains("box.key"), "{error}");
        }
    }

    #[test]
    fn a_wrong_key_is_told_from_a_damaged_file() {
        let home = tempfile::tempdir().expect("the temporary folder is writable");
        let connection = crate::schema::open(&home.path().join("tandem.db")).expect("a new file opens");
        let insert = |id: &str, password: &str| {
            let sql = format!(
                "INSERT INTO extension (id, extension, password, name, detail, created, updated)
                 VALUES (x'{id}', '{id}', {password}, '', '', 1, 1)"
            );
            connection.execute(&sql, []).expect("a row");
        };
        assert!(check(&connection).is_ok(), "there is nothing");
        insert("01", "seal('one')");
        assert!(check(&connection).is_ok());
        insert("02", "CAST(x'ff00ff' AS TEXT)");
        assert!(matches!(check(&connection), Err(Error::Corrupt(_))));
        fs::remove_file(home.path().join("box.key")).expect("it is there");
        let other = crate::schema::open(&home.path().join("tandem.db")).expect("the file is whole");
        let error = check(&other).expect_err("nothing can be opened");
        assert!(matches!(error, Error::Sealed(_)) && error.to_string().contains("box.key"), "{error}");
    }
}
