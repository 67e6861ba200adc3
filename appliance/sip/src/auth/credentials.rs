//! What the client responds: Authorization and Proxy-Authorization.

use bytes::Bytes;

use super::{
    Algorithm,
    fields::{self, Writer},
};
use crate::{header::Fault, message::Text};

/// Credentials (RFC 7616 §3.4). Values are without their quotes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Credentials {
    /// Who wants in.
    pub username: Text,
    /// Where.
    pub realm: Text,
    /// The nonce of the challenge.
    pub nonce: Text,
    /// The Request-URI as the client hashed it.
    pub uri: Text,
    /// The hash, in hexadecimal digits.
    pub response: Text,
    /// `None` for an algorithm we do not speak; MD5 where none is named.
    pub algorithm: Option<Algorithm>,
    /// Sent back from the challenge.
    pub opaque: Option<Text>,
    /// `auth`, or absent in the form of RFC 2069.
    pub qop: Option<Text>,
    /// The client's own nonce.
    pub cnonce: Option<Text>,
    /// How often the nonce was used with this request: eight hexadecimal digits, as they came.
    pub nc: Option<Text>,
}

impl Credentials {
    pub(crate) fn parse(value: &Bytes) -> Result<Credentials, Fault> {
        let mut named: [Option<Text>; 9] = Default::default();
        const NAMES: [&str; 9] = ["username", "realm", "nonce", "uri", "response", "opaque", "qop", "cnonce", "nc"];
        let mut algorithm = Some(Algorithm::Md5);
        for field in fields::digest(value)? {
            if let Some(index) = NAMES.iter().position(|name| field.is(name)) {
                named[index] = Some(field.value);
            } else if field.is("algorithm") {
                algorithm = Algorithm::parse(&field.value);
            }
        }
        let [username, realm, nonce, uri, response, opaque, qop, cnonce, nc] = named;
        let needed = |value: Option<Text>, reason| value.ok_or(Fault { offset: 0, reason });
        Ok(Credentials {
            username: needed(username, "no username")?,
            realm: needed(realm, "no realm")?,
            nonce: needed(nonce, "no nonce")?,
            uri: needed(uri, "no uri")?,
            response: needed(response, "no response")?,
            algorithm,
            opaque,
            qop,
            cnonce,
            nc,
        })
    }

    /// The nonce count as a number.
    pub fn nonce_count(&self) -> Option<u32> {
        let digits = self.nc.as_ref()?;
        if digits.is_empty() || digits.len() > 8 || !digits.iter().all(u8::is_ascii_hexdigit) {
            return None;
        }
        u32::from_str_radix(digits.as_str()?, 16).ok()
    }

    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        let mut fields = Writer::digest(out);
        fields.quoted("username", &self.username);
        fields.quoted("realm", &self.realm);
        fields.quoted("nonce", &self.nonce);
        fields.quoted("uri", &self.uri);
        fields.quoted("response", &self.response);
        // An algorithm we do not speak must not be taken for MD5, which is meant where none is named.
        fields.bare("algorithm", self.algorithm.map_or("unknown", Algorithm::name).as_bytes());
        fields.quoted_if("cnonce", self.cnonce.as_ref());
        fields.quoted_if("opaque", self.opaque.as_ref());
        fields.bare_if("qop", self.qop.as_ref());
        fields.bare_if("nc", self.nc.as_ref());
    }
}
