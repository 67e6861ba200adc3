//! The code by which the first administrator takes hold of the box: from the factory partition, where it was written when the label was
//! printed; a box without one draws its own at its first start, and shows it on the console for as long as nobody has used it.
//!
//! The factory partition begins with a text: the line `TANDEM-FACTORY 1`, then lines `NAME=VALUE`, up to a zero, 0xff or 4 KiB.
use std::fs::{self, File, Permissions};
use std::io::{self, Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use anyhow::{Context, Result};

use crate::console::say;
use crate::{mount, unprivileged};

/// Where the exchange reads it.
pub const FILE: &str = "/run/setup-code";
/// Where a box keeps the one that it drew, on the data partition.
const DRAWN: &str = "setup-code";
/// The partition of the factory.
const PARTITION: &str = "factory";
const MAGIC: &str = "TANDEM-FACTORY 1";
const LONGEST: u64 = 4096;

/// Letters and digits that nobody mistakes for each other when they are read out; 32 of them are five bits each.
const LETTERS: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// Puts it where the exchange finds it, if there is one. `database` is there once the exchange has run: a box whose code is lost by then is somebody's.
pub fn provide(data: &Path, database: &Path) -> Result<bool> {
    let text = match of_factory() {
        Some(code) => format!("{code}\n"),
        None => match drawn(&data.join(DRAWN), database)? {
            // It stands on no label: as long as it counts, the exchange shows it.
            Some(code) => format!("{code}\nshow\n"),
            None => return Ok(false),
        },
    };
    fs::write(FILE, text).with_context(|| format!("{FILE} cannot be written"))?;
    fs::set_permissions(FILE, Permissions::from_mode(0o640)).context(FILE)?;
    unprivileged::share(Path::new(FILE)).context(FILE)?;
    Ok(true)
}

fn of_factory() -> Option<String> {
    let device = mount::partition(PARTITION, Path::new("/sys/class/block"))?;
    let mut text = Vec::new();
    let read = File::open(&device).and_then(|file| file.take(LONGEST).read_to_end(&mut text));
    if let Err(error) = read {
        say(format_args!("the factory partition cannot be read: {error}"));
        defmt::error!("the factory partition cannot be read");
        return None;
    }
    let code = setting(&text, "setup_code").map(str::to_owned);
    if code.is_none() {
        say("the factory partition holds no setup code");
        defmt::warn!("the factory partition holds no setup code");
    }
    code
}

/// A setting of the factory's text.
fn setting<'a>(text: &'a [u8], name: &str) -> Option<&'a str> {
    let end = text.iter().position(|octet| matches!(octet, 0 | 0xff)).unwrap_or(text.len());
    let mut lines = std::str::from_utf8(&text[..end]).ok()?.lines();
    if lines.next()? != MAGIC {
        return None;
    }
    lines.find_map(|line| line.strip_prefix(name)?.strip_prefix('=')).filter(|value| is_code(value))
}

/// What the exchange takes: eight letters and digits or more.
fn is_code(text: &str) -> bool {
    let letters = text.bytes().filter(|letter| *letter != b'-');
    text.bytes().all(|letter| letter.is_ascii_alphanumeric() || letter == b'-') && (8..=64).contains(&letters.count())
}

/// The code that was drawn once, or is drawn now; it is on the disk before anybody sees it.
fn drawn(file: &Path, database: &Path) -> Result<Option<String>> {
    let code = match fs::read_to_string(file) {
        Ok(text) if is_code(text.trim()) => text.trim().to_owned(),
        _ if database.exists() => return Ok(None),
        _ => {
            let code = draw().context("the kernel gives no randomness")?;
            keep(file, &code).context("the setup code cannot be kept")?;
            code
        }
    };
    Ok(Some(code))
}

fn keep(file: &Path, code: &str) -> io::Result<()> {
    let mut kept = File::create(file)?;
    kept.set_permissions(Permissions::from_mode(0o600))?;
    kept.write_all(code.as_bytes())?;
    kept.sync_all()?;
    File::open(file.parent().unwrap_or(Path::new("/")))?.sync_all()
}

/// Ten letters, 50 bits: `K7QF2-XD9RA`.
fn draw() -> io::Result<String> {
    let mut random = [0; 10];
    rustix::rand::getrandom(&mut random, rustix::rand::GetRandomFlags::empty())?;
    let letters = random.map(|octet| char::from(LETTERS[usize::from(octet % 32)]));
    Ok(letters[..5].iter().chain(&['-']).chain(&letters[5..]).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_of_the_factory() {
        let text = b"TANDEM-FACTORY 1\nserial=0001\nsetup_code=K7QF2-XD9RA\n\0\0\0setup_code=AAAAAAAA";
        assert_eq!(setting(text, "setup_code"), Some("K7QF2-XD9RA"));
        for wrong in [
            &b""[..],
            &[0; 4096],
            &[0xff; 4096],
            b"setup_code=K7QF2-XD9RA\n",
            b"TANDEM-FACTORY 2\nsetup_code=K7QF2-XD9RA\n",
            b"TANDEM-FACTORY 1\nsetup_code=short\n",
            b"TANDEM-FACTORY 1\nsetup_code=no code at all\n",
            b"TANDEM-FACTORY 1\n\0setup_code=K7QF2-XD9RA\n",
            b"TANDEM-FACTORY 1\n\x80setup_code=K7QF2-XD9RA\n",
        ] {
            assert_eq!(setting(wrong, "setup_code"), None, "{:?}", String::from_utf8_lossy(wrong));
        }
    }

    #[test]
    fn a_code_is_drawn_once_and_never_for_a_box_that_is_somebodys() {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let (file, database) = (folder.path().join("setup-code"), folder.path().join("tandem.db"));
        let first = drawn(&file, &database).expect("the folder is ours").expect("it is drawn");
        assert!(is_code(&first) && first.len() == 11, "{first}");
        fs::write(&database, "").expect("the folder is ours");
        assert_eq!(drawn(&file, &database).expect("it is there"), Some(first.clone()), "after a restart");
        fs::write(&file, "").expect("the folder is ours");
        assert_eq!(drawn(&file, &database).expect("nothing is drawn"), None, "what is damaged opens nothing");
        fs::remove_file(&database).expect("it is there");
        assert_ne!(drawn(&file, &database).expect("it is drawn"), Some(first), "each has its own");
    }
}
