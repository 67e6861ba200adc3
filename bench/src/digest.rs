//! The answer to a digest challenge (RFC 7616) with MD5, which is what phones in the field do.

use md5::{Digest, Md5};

use crate::message::Message;

/// The header that answers the challenge in `response`, for `user` whose password is `pw<user>`.
pub fn answer(response: Message<'_>, user: u32, method: &str, uri: &str) -> Option<String> {
    let (challenge, name) = [("WWW-Authenticate", "Authorization"), ("Proxy-Authenticate", "Proxy-Authorization")]
        .into_iter()
        .find_map(|(challenge, name)| Some((response.all(challenge).find(|value| is_md5(value))?, name)))?;
    let (realm, nonce) = (parameter(challenge, "realm")?, parameter(challenge, "nonce")?);
    let first = md5(&format!("{user}:{realm}:pw{user}"));
    let second = md5(&format!("{method}:{uri}"));
    let digest = md5(&format!("{first}:{nonce}:00000001:0a4f113b:auth:{second}"));
    let opaque = parameter(challenge, "opaque").map(|opaque| format!(", opaque=\"{opaque}\"")).unwrap_or_default();
    Some(format!(
        "{name}: Digest username=\"{user}\", realm=\"{realm}\", nonce=\"{nonce}\", uri=\"{uri}\", algorithm=MD5, qop=auth, \
         nc=00000001, cnonce=\"0a4f113b\", response=\"{digest}\"{opaque}\r\n"
    ))
}

fn is_md5(challenge: &str) -> bool {
    parameter(challenge, "algorithm").is_none_or(|algorithm| algorithm.eq_ignore_ascii_case("MD5"))
}

fn parameter<'a>(challenge: &'a str, name: &str) -> Option<&'a str> {
    let start = challenge.find(&format!("{name}="))? + name.len() + 1;
    let rest = &challenge[start..];
    match rest.strip_prefix('"') {
        Some(quoted) => quoted.split('"').next(),
        None => rest.split([',', ' ']).next(),
    }
}

fn md5(text: &str) -> String {
    hex::encode(Md5::digest(text.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_challenge_is_answered_when_the_first_is_not_md5() {
        let response = b"SIP/2.0 401 Unauthorized\r\n\
            WWW-Authenticate: Digest realm=\"t\", nonce=\"n1\", algorithm=SHA-256, qop=\"auth\"\r\n\
            WWW-Authenticate: Digest realm=\"t\", nonce=\"n2\", algorithm=MD5, qop=\"auth\"\r\n\r\n";
        let header = answer(Message(response), 1000, "REGISTER", "sip:t").expect("one is MD5");
        assert!(header.contains("nonce=\"n2\""), "{header}");
        let (first, second) = (md5("1000:t:pw1000"), md5("REGISTER:sip:t"));
        assert!(header.contains(&md5(&format!("{first}:n2:00000001:0a4f113b:auth:{second}"))), "{header}");
        // RFC 1321 A.5.
        assert_eq!(md5("abc"), "900150983cd24fb0d6963f7d28e17f72");
    }
}
