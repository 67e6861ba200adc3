//! What the server asks: WWW-Authenticate and Proxy-Authenticate; and what it adds to an accepted request: Authentication-Info.

use bytes::Bytes;

use super::{
    Algorithm,
    fields::{self, Writer},
};
use crate::{header::Fault, message::Text};

/// A challenge (RFC 7616 §3.3).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Challenge {
    /// Whose password is asked for.
    pub realm: Text,
    /// What the response is made for.
    pub nonce: Text,
    /// To be sent back as it is.
    pub opaque: Option<Text>,
    /// The last response was right but its nonce too old: no need to ask the user again.
    pub stale: bool,
    /// `None` for an algorithm we do not speak; MD5 where none is named.
    pub algorithm: Option<Algorithm>,
    /// Whether `qop=auth` is offered. Without any qop the response is that of RFC 2069.
    pub qop_auth: bool,
    /// Whether another qop than `auth` is offered.
    pub qop_other: bool,
}

impl Challenge {
    pub(crate) fn parse(value: &Bytes) -> Result<Challenge, Fault> {
        let mut realm = None;
        let mut nonce = None;
        let mut challenge = Challenge {
            realm: Text::default(),
            nonce: Text::default(),
            opaque: None,
            stale: false,
            algorithm: Some(Algorithm::Md5),
            qop_auth: false,
            qop_other: false,
        };
        for field in fields::digest(value)? {
            if field.is("realm") {
                realm = Some(field.value);
            } else if field.is("nonce") {
                nonce = Some(field.value);
            } else if field.is("opaque") {
                challenge.opaque = Some(field.value);
            } else if field.is("stale") {
                challenge.stale = field.value.eq_ignore_ascii_case(b"true");
            } else if field.is("algorithm") {
                challenge.algorithm = Algorithm::parse(&field.value);
            } else if field.is("qop") {
                for word in field.value.split(|&b| b == b',').map(<[u8]>::trim_ascii).filter(|word| !word.is_empty()) {
                    let auth = word.eq_ignore_ascii_case(b"auth");
                    challenge.qop_auth |= auth;
                    challenge.qop_other |= !auth;
                }
            }
        }
        challenge.realm = realm.ok_or(Fault { offset: value.len(), reason: "no realm" })?;
        challenge.nonce = nonce.ok_or(Fault { offset: value.len(), reason: "no nonce" })?;
        Ok(challenge)
    }

    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        let mut fields = Writer::digest(out);
        fields.quoted("realm", &self.realm);
        fields.quoted("nonce", &self.nonce);
        fields.quoted_if("opaque", self.opaque.as_ref());
        if self.stale {
            fields.bare("stale", b"true");
        }
        // An algorithm we do not speak must not be taken for MD5, which is meant where none is named.
        fields.bare("algorithm", self.algorithm.map_or("unknown", Algorithm::name).as_bytes());
        if self.qop_auth {
            fields.quoted("qop", b"auth");
        }
    }
}

/// Authentication-Info (RFC 7616 §3.5): the nonce to use next, the proof that the server knows the password too.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AuthenticationInfo {
    /// The nonce for the next request.
    pub next_nonce: Option<Text>,
    /// The protection that was used.
    pub qop: Option<Text>,
    /// The server's own response.
    pub response: Option<Text>,
    /// The client's nonce, repeated.
    pub cnonce: Option<Text>,
    /// The nonce count, repeated.
    pub nc: Option<Text>,
}

impl AuthenticationInfo {
    pub(crate) fn parse(value: &Bytes) -> Result<AuthenticationInfo, Fault> {
        let mut info = AuthenticationInfo::default();
        for field in fields::list(value)? {
            let place = if field.is("nextnonce") {
                &mut info.next_nonce
            } else if field.is("qop") {
                &mut info.qop
            } else if field.is("rspauth") {
                &mut info.response
            } else if field.is("cnonce") {
                &mut info.cnonce
            } else if field.is("nc") {
                &mut info.nc
            } else {
                continue;
            };
            *place = Some(field.value);
        }
        Ok(info)
    }

    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        let mut fields = Writer::list(out);
        fields.quoted_if("nextnonce", self.next_nonce.as_ref());
        fields.bare_if("qop", self.qop.as_ref());
        fields.quoted_if("rspauth", self.response.as_ref());
        fields.quoted_if("cnonce", self.cnonce.as_ref());
        fields.bare_if("nc", self.nc.as_ref());
    }
}
