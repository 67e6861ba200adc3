//! A phone that plays a provider: it asks for a password, checks it by itself, and keeps registrations.

use super::Phone;
use super::digest::Algorithm;
use crate::wire::Message;

/// Whom it lets in.
#[derive(Debug, Clone)]
pub struct Asking {
    /// The user name.
    pub user: String,
    /// The password.
    pub password: String,
    /// The hash that it asks for.
    pub algorithm: Algorithm,
    /// Whether it asks as a proxy does (407).
    pub as_proxy: bool,
    /// Whether it asks within calls as well.
    pub within: bool,
    /// The nonce that is good now; any other is too old.
    pub nonce: String,
}

impl Asking {
    /// Whom a provider lets in under this name.
    pub fn of(user: &str, password: &str) -> Asking {
        let (user, password, nonce) = (user.into(), password.into(), "n1".into());
        Asking { user, password, algorithm: Algorithm::Md5, as_proxy: false, within: false, nonce }
    }
}

/// What a registrar says to REGISTER.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnRegister {
    /// 200, for as long as is asked.
    Accept,
    /// 423 below so many seconds, 200 otherwise.
    AtLeast(u32),
    /// This status.
    Refuse(u16),
    /// Nothing.
    Ignore,
}

impl Phone {
    /// The requests that came to it, in order, repetitions left out.
    pub fn requests(&self, method: &str) -> Vec<&Message> {
        let all = self.servers.iter().map(|server| &server.request);
        all.filter(|request| request.method() == Some(method)).collect()
    }

    /// Refuses what does not prove the password. True where the request is dealt with.
    pub(crate) fn asks(&mut self, index: usize, request: &Message) -> bool {
        let method = request.method().unwrap_or_default().to_string();
        let is_first = request.tag("To").is_none();
        let Some(asking) = self.manner.asking.clone() else { return false };
        let is_asked_for = match (method.as_str(), is_first) {
            ("INVITE" | "REGISTER" | "MESSAGE", true) | ("BYE", _) => true,
            ("INVITE" | "INFO" | "UPDATE", false) => asking.within,
            _ => false,
        };
        if !is_asked_for {
            return false;
        }
        let name = if asking.as_proxy { "Proxy-Authorization" } else { "Authorization" };
        let proof = request.header(name).map(|value| asking.check(value, &method));
        if proof == Some(Proof::Right) {
            return false;
        }
        let status = if asking.as_proxy { 407 } else { 401 };
        let name = if asking.as_proxy { "Proxy-Authenticate" } else { "WWW-Authenticate" };
        let algorithm = if asking.algorithm == Algorithm::Md5 { "MD5" } else { "SHA-256" };
        let stale = if proof == Some(Proof::Stale) { ", stale=true" } else { "" };
        let challenge = format!(
            "Digest realm=\"provider\", nonce=\"{}\", algorithm={algorithm}, qop=\"auth\"{stale}",
            asking.nonce
        );
        let mut refusal = Message::response(request, status).with(name, challenge);
        if is_first {
            let tag = self.token();
            refusal.set("To", format!("{};tag={tag}", request.need("To")));
        }
        self.respond(index, refusal);
        true
    }

    pub(crate) fn handle_register(&mut self, index: usize, request: &Message) {
        let expires: u32 = request.header("Expires").and_then(|value| value.trim().parse().ok()).unwrap_or(3_600);
        let accepted = || {
            let contact = format!("{};expires={expires}", request.need("Contact"));
            Message::response(request, 200).with("Contact", contact)
        };
        let response = match self.manner.on_register {
            OnRegister::Ignore => return,
            OnRegister::Refuse(status) => Message::response(request, status),
            OnRegister::AtLeast(least) if expires < least => {
                Message::response(request, 423).with("Min-Expires", least.to_string())
            }
            OnRegister::Accept | OnRegister::AtLeast(_) => accepted(),
        };
        self.respond(index, response);
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Proof {
    Right,
    Stale,
    Wrong,
}

impl Asking {
    fn check(&self, value: &str, method: &str) -> Proof {
        let field = |wanted: &str| {
            let fields = value.trim_start_matches("Digest").split(',').filter_map(|part| part.split_once('='));
            let mut found = fields.filter(|(name, _)| name.trim().eq_ignore_ascii_case(wanted));
            found.next().map(|(_, value)| value.trim().trim_matches('"').to_string()).unwrap_or_default()
        };
        let hash = |text: String| self.algorithm.hash(&text);
        let (realm, nonce, uri) = (field("realm"), field("nonce"), field("uri"));
        let a1 = hash(format!("{}:{realm}:{}", self.user, self.password));
        let a2 = hash(format!("{method}:{uri}"));
        let proof = format!("{a1}:{nonce}:{}:{}:auth:{a2}", field("nc"), field("cnonce"));
        match (field("username") == self.user && field("response") == hash(proof), nonce == self.nonce) {
            (true, true) => Proof::Right,
            (true, false) => Proof::Stale,
            _ => Proof::Wrong,
        }
    }
}
