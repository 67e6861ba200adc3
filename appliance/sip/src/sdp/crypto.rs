//! Keys for audio in the description itself: `a=crypto` (RFC 4568), with the suites of RFC 6188 and RFC 7714.
//!
//! Who can read the description can hear the audio, so that it wants TLS. The keys themselves are never shown: not by
//! `Debug`, and not in texts that went through [`without_keys`].

use std::borrow::Cow;
use std::fmt;

use base64::alphabet;
use base64::engine::{DecodePaddingMode, Engine, GeneralPurpose, GeneralPurposeConfig};
use subtle::ConstantTimeEq;
use zeroize::{Zeroize, Zeroizing};

use super::Line;
use super::word::Word;

/// A cipher with its authentication.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CryptoSuite {
    /// `AES_CM_128_HMAC_SHA1_80` (RFC 4568 §6.2.1): what every phone with encryption speaks.
    AesCm128HmacSha1_80,
    /// `AES_CM_128_HMAC_SHA1_32` (RFC 4568 §6.2.2).
    AesCm128HmacSha1_32,
    /// `AES_256_CM_HMAC_SHA1_80` (RFC 6188 §4).
    Aes256CmHmacSha1_80,
    /// `AES_256_CM_HMAC_SHA1_32` (RFC 6188 §4).
    Aes256CmHmacSha1_32,
    /// `AEAD_AES_128_GCM` (RFC 7714 §14.1).
    AeadAes128Gcm,
    /// `AEAD_AES_256_GCM` (RFC 7714 §14.1).
    AeadAes256Gcm,
}

impl CryptoSuite {
    /// All of them.
    pub const ALL: [CryptoSuite; 6] = [
        CryptoSuite::AesCm128HmacSha1_80,
        CryptoSuite::AesCm128HmacSha1_32,
        CryptoSuite::Aes256CmHmacSha1_80,
        CryptoSuite::Aes256CmHmacSha1_32,
        CryptoSuite::AeadAes128Gcm,
        CryptoSuite::AeadAes256Gcm,
    ];

    /// Its name in `a=crypto`.
    pub fn name(self) -> &'static str {
        match self {
            CryptoSuite::AesCm128HmacSha1_80 => "AES_CM_128_HMAC_SHA1_80",
            CryptoSuite::AesCm128HmacSha1_32 => "AES_CM_128_HMAC_SHA1_32",
            CryptoSuite::Aes256CmHmacSha1_80 => "AES_256_CM_HMAC_SHA1_80",
            CryptoSuite::Aes256CmHmacSha1_32 => "AES_256_CM_HMAC_SHA1_32",
            CryptoSuite::AeadAes128Gcm => "AEAD_AES_128_GCM",
            CryptoSuite::AeadAes256Gcm => "AEAD_AES_256_GCM",
        }
    }

    /// The suite of this name, if it is one of ours.
    pub fn parse(name: &str) -> Option<CryptoSuite> {
        CryptoSuite::ALL.into_iter().find(|suite| suite.name().eq_ignore_ascii_case(name))
    }

    /// Octets of key and salt together.
    pub fn key_len(self) -> usize {
        match self {
            CryptoSuite::AesCm128HmacSha1_80 | CryptoSuite::AesCm128HmacSha1_32 => 16 + 14,
            CryptoSuite::Aes256CmHmacSha1_80 | CryptoSuite::Aes256CmHmacSha1_32 => 32 + 14,
            CryptoSuite::AeadAes128Gcm => 16 + 12,
            CryptoSuite::AeadAes256Gcm => 32 + 12,
        }
    }
}

/// The most octets of a key with its salt.
pub const KEY_MAX: usize = 32 + 14;

/// A key with its salt behind it. Compared in constant time, never shown, wiped when it goes.
#[derive(Clone)]
pub struct CryptoKey {
    octets: [u8; KEY_MAX],
    len: u8,
}

impl CryptoKey {
    /// The key of a suite out of as many octets as [`CryptoSuite::key_len`] says. `None`: there are more or fewer.
    pub fn new(suite: CryptoSuite, octets: &[u8]) -> Option<CryptoKey> {
        let len = suite.key_len();
        if octets.len() != len {
            return None;
        }
        let mut key = CryptoKey { octets: [0; KEY_MAX], len: len as u8 };
        key.octets[..len].copy_from_slice(octets);
        Some(key)
    }

    /// A new key of a suite, out of as many octets as it wants, which `random` fills.
    pub fn draw(suite: CryptoSuite, random: impl FnOnce(&mut [u8])) -> CryptoKey {
        let mut key = CryptoKey { octets: [0; KEY_MAX], len: suite.key_len() as u8 };
        random(&mut key.octets[..suite.key_len()]);
        key
    }

    /// Key and salt.
    pub fn octets(&self) -> &[u8] {
        &self.octets[..usize::from(self.len)]
    }
}

impl PartialEq for CryptoKey {
    fn eq(&self, other: &CryptoKey) -> bool {
        self.octets().ct_eq(other.octets()).into()
    }
}

impl Eq for CryptoKey {}

impl fmt::Debug for CryptoKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CryptoKey(…)")
    }
}

impl Drop for CryptoKey {
    fn drop(&mut self) {
        self.octets.zeroize();
    }
}

/// One `a=crypto` line that can be used: how its writer will encrypt what it sends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Crypto {
    /// Its number among the lines of its media; the answer repeats it.
    pub tag: u32,
    /// The suite.
    pub suite: CryptoSuite,
    /// The key.
    pub key: CryptoKey,
    /// Octets of the key id (MKI) in each packet; nearly always 0.
    pub key_id_len: u8,
}

/// Why a line cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum CryptoError {
    /// Not a number, a suite and `inline:` with something behind it.
    #[error("not a crypto line")]
    Malformed,
    /// A suite we do not speak.
    #[error("unknown suite")]
    Suite,
    /// The key is no base64, or not as long as its suite wants.
    #[error("bad key")]
    Key,
    /// Several keys, or a key id that is too long.
    #[error("more than one key")]
    SeveralKeys,
    /// A session parameter that changes what is protected, or that we do not know.
    #[error("session parameter not supported")]
    Parameter,
}

/// The padding behind a key is written by some and left out by others (RFC 4568 §6.1).
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// The longest key id that is stepped over (RFC 4568 §6.1 allows 128 octets; nobody needs more than four).
const KEY_ID_MAX: u8 = 32;

const NAME: &str = "crypto:";

impl Crypto {
    /// Reads a line; `None` when it is another attribute.
    pub fn read(line: &Line) -> Option<Result<Crypto, CryptoError>> {
        let value = line.value.trim_start().strip_prefix(NAME).filter(|_| line.kind == 'a')?;
        Some(Crypto::parse(value))
    }

    fn parse(value: &str) -> Result<Crypto, CryptoError> {
        let mut words = value.split_ascii_whitespace();
        let mut next = || words.next().ok_or(CryptoError::Malformed);
        let digits = |tag: &&str| tag.len() <= 9 && tag.bytes().all(|b| b.is_ascii_digit());
        let tag = Some(next()?).filter(digits).and_then(|tag| tag.parse().ok()).ok_or(CryptoError::Malformed)?;
        let suite = CryptoSuite::parse(next()?).ok_or(CryptoError::Suite)?;
        let (key, key_id_len) = parse_key(suite, next()?)?;
        words.try_for_each(check_parameter)?;
        Ok(Crypto { tag, suite, key, key_id_len })
    }

    /// The line to write.
    pub fn to_line(&self) -> Line {
        let mut encoded = Zeroizing::new([0; KEY_MAX.div_ceil(3) * 4]);
        let len = BASE64.encode_slice(self.key.octets(), &mut *encoded).expect("four letters for three octets");
        let encoded = std::str::from_utf8(&encoded[..len]).expect("base64 is ASCII");
        Line { kind: 'a', value: Word::Owned(format!("{NAME}{} {} inline:{encoded}", self.tag, self.suite.name())) }
    }
}

/// `inline:<key and salt>["|"<lifetime>]["|"<key id>:<its length>]`. How long a key lives is for its user to keep.
fn parse_key(suite: CryptoSuite, text: &str) -> Result<(CryptoKey, u8), CryptoError> {
    let method = text.get(..7).filter(|method| method.eq_ignore_ascii_case("inline:"));
    let info = method.and_then(|_| text.get(7..)).ok_or(CryptoError::Malformed)?;
    if info.contains(';') {
        return Err(CryptoError::SeveralKeys);
    }
    let mut parts = info.split('|');
    let mut octets = Zeroizing::new([0; KEY_MAX.div_ceil(3) * 3]);
    let encoded = parts.next().unwrap_or_default();
    let len = BASE64.decode_slice(encoded, &mut *octets).map_err(|_| CryptoError::Key)?;
    let key = CryptoKey::new(suite, &octets[..len]).ok_or(CryptoError::Key)?;
    let mut key_id_len = 0;
    for part in parts {
        if let Some((id, length)) = part.split_once(':') {
            let known = !id.is_empty() && id.bytes().all(|b| b.is_ascii_digit()) && key_id_len == 0;
            let length = length.parse().ok().filter(|length| known && (1..=KEY_ID_MAX).contains(length));
            key_id_len = length.ok_or(CryptoError::SeveralKeys)?;
        } else if !is_lifetime(part) {
            return Err(CryptoError::Malformed);
        }
    }
    Ok((key, key_id_len))
}

/// `2^20` or a number.
fn is_lifetime(part: &str) -> bool {
    let number = part.strip_prefix("2^").unwrap_or(part);
    !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit())
}

/// What leaves the protection as it is may stand there: a hint for the replay window, which is great enough here, and what
/// its writer marked as unimportant by a `-` (RFC 4568 §6.3.7).
fn check_parameter(parameter: &str) -> Result<(), CryptoError> {
    let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
    match name.to_ascii_uppercase().as_str() {
        "WSH" => Ok(()),
        "KDR" if value == "0" => Ok(()),
        _ if name.starts_with('-') => Ok(()),
        _ => Err(CryptoError::Parameter),
    }
}

/// The text, a description or a message with one in it, with every key made unreadable.
pub fn without_keys(text: &str) -> Cow<'_, str> {
    if text.lines().all(|line| secret_of(line).is_none()) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.split_inclusive('\n').map(line_without_key).collect())
}

/// Attributes that carry keys: this one, MIKEY (RFC 4567), and what checks of ICE are proved by (RFC 8839 §5.4).
const SECRET: [&str; 3] = [NAME, "key-mgmt:", "ice-pwd:"];

/// Where in a line its key may begin, if it has one.
fn secret_of(line: &str) -> Option<usize> {
    let begins = |text: &str, name: &str| text.get(..name.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(name));
    let text = line.trim_start();
    // The line of old (RFC 4566 §5.12), and the attributes.
    if begins(text, "k=") {
        return Some(line.len() - text.len() + 2);
    }
    let attribute = text.get(2..).filter(|_| begins(text, "a="))?.trim_start();
    let name = SECRET.into_iter().find(|name| begins(attribute, name))?;
    Some(line.len() - attribute.len() + name.len())
}

/// A line whose key goes, and everything behind it: nobody knows what a phone has put there.
fn line_without_key(line: &str) -> Cow<'_, str> {
    let Some(begin) = secret_of(line) else { return Cow::Borrowed(line) };
    let shown = line.to_ascii_lowercase().find("inline:").map_or(begin, |at| at + "inline:".len());
    let end = line.trim_end_matches(['\r', '\n']).len().max(shown);
    Cow::Owned(format!("{}…{}", &line[..shown], &line[end..]))
}

impl fmt::Debug for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Line({:?})", line_without_key(&format!("{}={}", self.kind, self.value)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 4568 §9.1's line, and what is written of it.
    const PHONE: &str = "crypto:1 AES_CM_128_HMAC_SHA1_80 inline:WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz|2^20|1:4";

    fn line(value: &str) -> Line {
        Line { kind: 'a', value: Word::Owned(value.to_owned()) }
    }

    fn parse(value: &str) -> Result<Crypto, CryptoError> {
        Crypto::read(&line(value)).expect("a crypto line")
    }

    #[test]
    fn reads_the_example_of_the_rfc() {
        let crypto = parse(PHONE).unwrap();
        assert_eq!((crypto.tag, crypto.suite, crypto.key_id_len), (1, CryptoSuite::AesCm128HmacSha1_80, 4));
        assert_eq!(crypto.key.octets(), b"YS___semctl () {\t220;}\n}\nunles");
        assert_eq!(crypto.to_line(), line(PHONE.split('|').next().unwrap()));
        assert!(Crypto::read(&line("rtpmap:0 PCMU/8000")).is_none());
        assert!(Crypto::read(&Line { kind: 'b', ..line(PHONE) }).is_none());
    }

    #[test]
    fn every_suite_leads_back() {
        for suite in CryptoSuite::ALL {
            let octets: Vec<u8> = (0..suite.key_len() as u8).map(|at| at.wrapping_mul(37)).collect();
            let key = CryptoKey::new(suite, &octets).unwrap();
            let crypto = Crypto { tag: 999_999_999, suite, key, key_id_len: 0 };
            let written = crypto.to_line();
            assert_eq!(Crypto::read(&written), Some(Ok(crypto.clone())));
            assert_eq!(parse(written.value.trim_end_matches('=')), Ok(crypto));
            assert_eq!(CryptoKey::new(suite, &octets[1..]), None);
        }
    }

    #[test]
    fn what_cannot_be_used_says_why() {
        let case = |from: &str, to: &str| parse(&PHONE.replace(from, to)).expect_err(to);
        for (from, to) in [
            ("crypto:1 ", "crypto:x "),
            ("crypto:1 ", "crypto:1234567890 "),
            ("crypto:1 ", "crypto:-1 "),
            ("inline:", "outline:"),
            ("inline:", "é"),
            ("|2^20", "|2^x"),
            ("|2^20", "|"),
        ] {
            assert_eq!(case(from, to), CryptoError::Malformed, "{to}");
        }
        assert_eq!(parse("crypto:"), Err(CryptoError::Malformed));
        assert_eq!(parse("crypto:1 AES_CM_128_HMAC_SHA1_80"), Err(CryptoError::Malformed));
        assert_eq!(case("AES_CM_128_HMAC_SHA1_80", "F8_128_HMAC_SHA1_80"), CryptoError::Suite);
        for broken in ["inline:WVNf*", "inline:WVNf", "inline:", "inline:AA"] {
            assert_eq!(case("inline:WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz", broken), CryptoError::Key);
        }
        let long = format!("inline:{}", "A".repeat(4_000));
        assert_eq!(case("inline:WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz", &long), CryptoError::Key);
        for keys in ["|1:4;inline:WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz|2:4", "|1:33", "|1:0", "|x:4", "|1:4|2:4"] {
            assert_eq!(case("|1:4", keys), CryptoError::SeveralKeys, "{keys}");
        }
    }

    #[test]
    fn parameters_that_change_the_protection_are_refused() {
        let with = |parameters: &str| parse(&format!("{PHONE} {parameters}")).map(|crypto| crypto.tag);
        for parameter in [
            "UNENCRYPTED_SRTP",
            "UNENCRYPTED_SRTCP",
            "UNAUTHENTICATED_SRTP",
            "KDR=3",
            "FEC_ORDER=FEC_SRTP",
            "FEC_KEY=inline:x",
            "new=1",
        ] {
            assert_eq!(with(parameter), Err(CryptoError::Parameter), "{parameter}");
            assert_eq!(with(&format!("WSH=64 {parameter}")), Err(CryptoError::Parameter));
        }
        for parameter in ["", "WSH=64", "KDR=0", "-new=1", "-new WSH=1024"] {
            assert_eq!(with(parameter), Ok(1), "{parameter}");
        }
    }

    #[test]
    fn no_key_is_shown() {
        let secret = "WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz";
        let text = format!(
            "v=0\r\na={PHONE}\r\nA=Crypto:2 X INLINE:{secret} y\r\na= crypto:{secret}\nk=clear:{secret}\r\na=sendrecv\r\n{PHONE}"
        );
        assert_eq!(
            without_keys(&text[..text.len() - PHONE.len()]),
            "v=0\r\na=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:…\r\nA=Crypto:2 X INLINE:…\r\na= crypto:…\nk=…\r\na=sendrecv\r\n"
        );
        let crypto = parse(PHONE).unwrap();
        for shown in [format!("{crypto:?}"), format!("{:?}", line(PHONE)), format!("{:?}", crypto.key)] {
            assert!(shown.contains('…') && !shown.contains("WVNf") && !shown.contains("89, 83"), "{shown}");
        }
        assert_eq!(without_keys("nothing\r\nhere"), "nothing\r\nhere");
    }
}
