//! A provider: somebody through whom we call the rest of the world, and how numbers and headers have to look there.

use media::Codec;
use sip::auth::Login;
use sip::message::HeaderName;
use sip::sdp::Encryption;
use sip::{Transport, Uri};

use super::extension::validate_text;
use super::table::{Entry, Kept, Table};
use crate::command::Rejection;
use crate::limits;
use crate::names::Question;
use crate::provider::Identity;

/// A provider as it is kept.
pub type Provider = Entry<ProviderData>;

/// The providers.
pub type Providers = Table<ProviderData>;

/// What is set of a provider.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ProviderData {
    /// Its name.
    pub name: String,
    /// A remark.
    pub detail: String,
    /// A name, or an address.
    pub hostname: String,
    /// The port; `None`: what the name says, or that of SIP.
    pub port: Option<u16>,
    /// UDP, TCP or TLS; `None`: what the name says, or UDP.
    pub transport: Option<Transport>,
    /// What stands before every number.
    pub tech_prefix: String,
    /// What stands behind every number.
    pub tech_postfix: String,
    /// Headers of every INVITE.
    pub tech_headers: Vec<(String, String)>,
    /// The codecs that it is offered, the preferred one first; empty: those of the exchange.
    pub codecs: Vec<Codec>,
    /// The number that calls of extensions come from; empty: the user name, or the extension's own.
    pub caller_id: String,
    /// Who we are there.
    pub register: Option<Register>,
    /// Whether audio is encrypted with it; `None`: as the exchange does it.
    pub encryption: Option<Encryption>,
    /// Who vouches for its certificate where it speaks TLS (PEM); empty: those whom browsers trust.
    pub tls_roots: String,
}

/// What [`crate::Command::SetUpProvider`] needs: a provider, and which numbers go through it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProviderSetup {
    /// The provider.
    pub provider: ProviderData,
    /// What the numbers begin with, a route for each.
    pub targets: Vec<String>,
    /// The priority of those routes.
    pub priority: i32,
}

/// Who we are to a provider.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Register {
    /// The realm that may ask for the password; empty: any.
    pub realm: String,
    /// The user name.
    pub username: String,
    /// The password.
    pub password: String,
    /// For how many seconds to register; 0: not at all, the password is for calls.
    pub expires: u32,
}

impl std::fmt::Debug for Register {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Register { realm, username, expires, .. } = self;
        write!(f, "Register {{ realm: {realm:?}, username: {username:?}, expires: {expires} }}")
    }
}

impl Register {
    /// For answers to challenges.
    pub fn login(&self) -> Login {
        Login { username: self.username.as_str().into(), password: self.password.as_str().into() }
    }
}

impl ProviderData {
    /// Where it is to be found.
    pub fn question(&self) -> Question {
        Question { host: self.hostname.clone(), port: self.port, transport: self.transport, may_be_tls: true }
    }

    /// Who has to be at the other end of a connection over TLS.
    pub fn identity(&self) -> Identity {
        Identity { name: self.hostname.clone(), roots: self.tls_roots.clone() }
    }

    /// Whether we register there.
    pub fn registers(&self) -> bool {
        self.register.as_ref().is_some_and(|register| register.expires > 0)
    }

    /// The Request-URI for a number. `None` where that cannot be one.
    pub fn uri(&self, number: &str) -> Option<Uri> {
        let ProviderData { tech_prefix, tech_postfix, .. } = self;
        let transport = self.transport.map(|transport| format!(";transport={}", transport.name().to_lowercase()));
        let text = format!(
            "sip:{tech_prefix}{number}{tech_postfix}@{}{}",
            self.host_and_port(),
            transport.unwrap_or_default()
        );
        Uri::parse(text.as_bytes()).ok().filter(|uri| uri.host().is_some() && uri.user().is_some())
    }

    /// As it stands in a URI.
    pub fn host_and_port(&self) -> String {
        let host = match self.hostname.parse::<std::net::Ipv6Addr>() {
            Ok(address) => format!("[{address}]"),
            Err(_) => self.hostname.clone(),
        };
        self.port.map_or(host.clone(), |port| format!("{host}:{port}"))
    }
}

/// Codecs in words: `pcma,pcmu`.
pub fn codec_names(codecs: &[Codec]) -> String {
    let names: Vec<String> = codecs.iter().map(|codec| codec.name().to_lowercase()).collect();
    names.join(",")
}

/// Reads codecs in words; `None` where one is none.
pub fn read_codecs(text: &str) -> Option<Vec<Codec>> {
    text.split(',').map(str::trim).filter(|name| !name.is_empty()).map(Codec::from_setting).collect()
}

/// Headers that a provider's settings may not have: they are the protocol's.
const PROTOCOL: [&str; 23] = [
    "via",
    "from",
    "to",
    "call-id",
    "cseq",
    "contact",
    "max-forwards",
    "route",
    "record-route",
    "content-length",
    "content-type",
    "content-encoding",
    "authorization",
    "proxy-authorization",
    "session-expires",
    "min-se",
    "supported",
    "require",
    "allow",
    "privacy",
    "p-asserted-identity",
    "replaces",
    "user-agent",
];

impl Kept for ProviderData {
    const NAME: &'static str = "provider";
    const LIMIT: usize = limits::PROVIDERS;

    fn validate(&self) -> Result<(), Rejection> {
        let invalid = |field, reason| Err(Rejection::Invalid { field, reason });
        validate_text("name", &self.name)?;
        validate_text("detail", &self.detail)?;
        let is_name = |c: char| c.is_ascii_alphanumeric() || "-._".contains(c);
        let is_address = self.hostname.parse::<std::net::IpAddr>().is_ok();
        let is_host = self.hostname.chars().all(is_name) && (1..=253).contains(&self.hostname.len());
        if !is_address && !is_host {
            return invalid("hostname", "must be a name or an address");
        }
        if self.port == Some(0) {
            return invalid("port", "must be 1 to 65535");
        }
        let in_number = |c: char| c.is_ascii_alphanumeric() || "-_.!~*'()&=+$,;?/#".contains(c);
        for (field, text) in [("tech_prefix", &self.tech_prefix), ("tech_postfix", &self.tech_postfix)] {
            if text.len() > 64 || !text.chars().all(in_number) {
                return invalid(field, "must be at most 64 characters of a SIP user name");
            }
        }
        if self.uri("+10").is_none() {
            return invalid("tech_prefix", "makes no SIP address together with the others");
        }
        if self.tech_headers.len() > limits::PROVIDER_HEADERS {
            return invalid("tech_headers", "must be at most 20 headers");
        }
        self.tech_headers.iter().try_for_each(|(name, value)| validate_header(name, value))?;
        if !self.caller_id.is_empty() {
            super::extension::validate_number("caller_id", &self.caller_id)?;
        }
        validate_roots(&self.tls_roots)?;
        self.register.as_ref().map_or(Ok(()), Register::validate)
    }
}

/// Whether a text may be certificates; whether each of them is one is seen when they are needed.
fn validate_roots(roots: &str) -> Result<(), Rejection> {
    let (begin, end) = ("-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----");
    let count = |mark| roots.matches(mark).count();
    let is_pem = count(begin) > 0 && count(begin) == count(end) && roots.is_ascii();
    if roots.len() > limits::TLS_ROOTS || !(roots.is_empty() || is_pem) {
        return Err(Rejection::Invalid { field: "tls_roots", reason: "must be certificates (PEM), at most 64 KiB" });
    }
    Ok(())
}

fn validate_header(name: &str, value: &str) -> Result<(), Rejection> {
    let field = "tech_headers";
    let is_token = |c: char| c.is_ascii_alphanumeric() || "-.!%*_+`'~".contains(c);
    if name.is_empty() || name.len() > 64 || !name.chars().all(is_token) {
        return Err(Rejection::Invalid { field, reason: "a name is none of a header" });
    }
    // A compact name is known by its long one.
    let known = HeaderName::parse(name.as_bytes());
    if PROTOCOL.iter().any(|reserved| known.as_bytes().eq_ignore_ascii_case(reserved.as_bytes())) {
        return Err(Rejection::Invalid { field, reason: "a header is one of those that the exchange writes itself" });
    }
    if value.len() > 512 || value.chars().any(char::is_control) {
        return Err(Rejection::Invalid { field, reason: "a value is longer than 512 bytes or has control characters" });
    }
    Ok(())
}

impl Register {
    fn validate(&self) -> Result<(), Rejection> {
        validate_text("register.realm", &self.realm)?;
        let visible = |text: &str| !text.is_empty() && text.len() <= 128 && !text.chars().any(char::is_control);
        if !visible(&self.username) || self.username.contains(char::is_whitespace) {
            return Err(Rejection::Invalid { field: "register.username", reason: "must be 1 to 128 characters" });
        }
        if !visible(&self.password) {
            return Err(Rejection::Invalid { field: "register.password", reason: "must be 1 to 128 characters" });
        }
        if self.expires != 0 && !(60..=86_400).contains(&self.expires) {
            return Err(Rejection::Invalid { field: "register.expires", reason: "must be 0, or 60 to 86400 seconds" });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn good() -> ProviderData {
        ProviderData { hostname: "sip.example.com".into(), ..ProviderData::default() }
    }

    #[test]
    fn numbers_are_dressed_as_the_provider_wants_them() {
        let provider = ProviderData {
            tech_prefix: "00".into(),
            tech_postfix: ";cic=1".into(),
            port: Some(5070),
            transport: Some(Transport::Tcp),
            ..good()
        };
        let uri = provider.uri("+4930123").expect("a URI");
        assert_eq!(uri.as_str(), "sip:00+4930123;cic=1@sip.example.com:5070;transport=tcp");
        let v6 = ProviderData { hostname: "2001:db8::7".into(), ..good() };
        assert_eq!(v6.uri("110").expect("a URI").as_str(), "sip:110@[2001:db8::7]");
    }

    #[test]
    fn a_bad_field_is_named() {
        let header = |name: &str, value: &str| vec![(name.to_string(), value.to_string())];
        let register = |username: &str, expires| {
            let (username, password) = (username.to_string(), "secret".to_string());
            Some(Register { realm: String::new(), username, password, expires })
        };
        for (field, data) in [
            ("hostname", ProviderData { hostname: "a b".into(), ..good() }),
            ("hostname", ProviderData { hostname: String::new(), ..good() }),
            ("port", ProviderData { port: Some(0), ..good() }),
            ("tech_prefix", ProviderData { tech_prefix: "a@b".into(), ..good() }),
            ("tech_postfix", ProviderData { tech_postfix: "\r\n".into(), ..good() }),
            ("tech_headers", ProviderData { tech_headers: header("v", "x"), ..good() }),
            ("tech_headers", ProviderData { tech_headers: header("Call-ID", "x"), ..good() }),
            ("tech_headers", ProviderData { tech_headers: header("X-A", "a\r\nVia: b"), ..good() }),
            ("tech_headers", ProviderData { tech_headers: header("X A", "a"), ..good() }),
            ("register.username", ProviderData { register: register("", 60), ..good() }),
            ("tls_roots", ProviderData { tls_roots: "trust me".into(), ..good() }),
            ("tls_roots", ProviderData { tls_roots: "-----BEGIN CERTIFICATE-----\n".into(), ..good() }),
            ("register.expires", ProviderData { register: register("a", 59), ..good() }),
        ] {
            let refused = data.validate();
            assert!(matches!(refused, Err(Rejection::Invalid { field: f, .. }) if f == field), "{field}: {refused:?}");
        }
        let full = ProviderData { tech_headers: header("X-Account", "7"), register: register("a", 0), ..good() };
        assert_eq!(full.validate(), Ok(()));
    }

    #[test]
    fn a_password_is_not_shown() {
        let register = Register { password: "open sesame".into(), ..Register::default() };
        assert!(!format!("{register:?}").contains("sesame"));
    }
}
