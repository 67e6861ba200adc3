//! Digest answers (RFC 7616), computed by the phone itself.

use md5::{Digest, Md5};
use sha2::Sha256;

use crate::wire::Message;

/// The hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Algorithm {
    /// RFC 2617.
    Md5,
    /// RFC 8760.
    Sha256,
}

impl Algorithm {
    fn name(self) -> &'static str {
        match self {
            Algorithm::Md5 => "MD5",
            Algorithm::Sha256 => "SHA-256",
        }
    }

    pub(crate) fn hash(self, text: &str) -> String {
        let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        match self {
            Algorithm::Md5 => hex(&Md5::digest(text)),
            Algorithm::Sha256 => hex(&Sha256::digest(text)),
        }
    }
}

/// What the exchange asks to be proven, and how often it was proven already.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Challenge {
    /// Whether the proof goes into Proxy-Authorization.
    pub is_proxy: bool,
    /// The hash.
    pub algorithm: Algorithm,
    /// Of whom.
    pub realm: String,
    /// The exchange's part.
    pub nonce: String,
    /// To be given back.
    pub opaque: Option<String>,
    /// Whether `qop=auth` was offered.
    pub has_qop: bool,
    /// Whether only the nonce was too old.
    pub is_stale: bool,
    /// How often this nonce was used.
    pub count: u32,
}

impl Challenge {
    /// The challenge of the wanted algorithm in a 401 or 407, or the first one.
    pub fn choose(response: &Message, wanted: Algorithm) -> Option<Challenge> {
        let is_proxy = response.status() == Some(407);
        let name = if is_proxy { "Proxy-Authenticate" } else { "WWW-Authenticate" };
        let all: Vec<Challenge> = response.all(name).filter_map(|value| Challenge::read(value, is_proxy)).collect();
        all.iter().find(|challenge| challenge.algorithm == wanted).or(all.first()).cloned()
    }

    fn read(value: &str, is_proxy: bool) -> Option<Challenge> {
        let (scheme, rest) = value.split_once(' ')?;
        if !scheme.eq_ignore_ascii_case("Digest") {
            return None;
        }
        let field = |wanted: &str| {
            let fields = rest.split(',').filter_map(|part| part.split_once('='));
            let mut found = fields.filter(|(name, _)| name.trim().eq_ignore_ascii_case(wanted));
            found.next().map(|(_, value)| value.trim().trim_matches('"').to_string())
        };
        let algorithm = match field("algorithm").as_deref() {
            None | Some("MD5") => Algorithm::Md5,
            Some("SHA-256") => Algorithm::Sha256,
            Some(_) => return None,
        };
        Some(Challenge {
            is_proxy,
            algorithm,
            realm: field("realm")?,
            nonce: field("nonce")?,
            opaque: field("opaque"),
            has_qop: field("qop").is_some(),
            is_stale: field("stale").is_some_and(|stale| stale.eq_ignore_ascii_case("true")),
            count: 0,
        })
    }

    /// Proves it once more: the header's name and value.
    pub fn prove(&mut self, user: &str, password: &str, method: &str, uri: &str) -> (&'static str, String) {
        self.count += 1;
        let (realm, nonce, count) = (&self.realm, &self.nonce, self.count);
        let hash = |text: String| self.algorithm.hash(&text);
        let (a1, a2) = (hash(format!("{user}:{realm}:{password}")), hash(format!("{method}:{uri}")));
        let cnonce = "0a4f113b";
        let (response, qop) = match self.has_qop {
            true => (
                hash(format!("{a1}:{nonce}:{count:08x}:{cnonce}:auth:{a2}")),
                format!(", qop=auth, nc={count:08x}, cnonce=\"{cnonce}\""),
            ),
            false => (hash(format!("{a1}:{nonce}:{a2}")), String::new()),
        };
        let opaque = self.opaque.as_ref().map(|opaque| format!(", opaque=\"{opaque}\"")).unwrap_or_default();
        let name = if self.is_proxy { "Proxy-Authorization" } else { "Authorization" };
        let value = format!(
            "Digest username=\"{user}\", realm=\"{realm}\", nonce=\"{nonce}\", uri=\"{uri}\", response=\"{response}\", \
             algorithm={}{qop}{opaque}",
            self.algorithm.name()
        );
        (name, value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of RFC 7616 §3.9.1, for both hashes.
    #[test]
    fn rfc_7616_example() {
        for (algorithm, expected) in [
            (Algorithm::Md5, "8ca523f5e9506fed4657c9700eebdbec"),
            (Algorithm::Sha256, "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"),
        ] {
            let user = "Mufasa:http-auth@example.org:Circle of Life";
            let (a1, a2) = (algorithm.hash(user), algorithm.hash("GET:/dir/index.html"));
            let (nonce, cnonce) =
                ("7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ");
            assert_eq!(algorithm.hash(&format!("{a1}:{nonce}:00000001:{cnonce}:auth:{a2}")), expected);
        }
    }

    #[test]
    fn the_wanted_challenge_is_chosen() {
        let response = Message {
            start: crate::wire::Start::Response(401, "Unauthorized".into()),
            headers: vec![
                ("WWW-Authenticate".into(), "Digest realm=\"t\", nonce=\"1\", algorithm=SHA-256, qop=\"auth\"".into()),
                (
                    "WWW-Authenticate".into(),
                    "Digest realm=\"t\", nonce=\"2\", algorithm=MD5, qop=\"auth\", stale=TRUE".into(),
                ),
            ],
            body: String::new(),
        };
        let md5 = Challenge::choose(&response, Algorithm::Md5).unwrap();
        assert_eq!((md5.nonce.as_str(), md5.is_stale, md5.has_qop), ("2", true, true));
        assert_eq!(Challenge::choose(&response, Algorithm::Sha256).unwrap().nonce, "1");
    }
}
