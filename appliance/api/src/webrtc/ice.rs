//! STUN and TURN servers that are handed to pages (RFC 7064, RFC 7065).

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use serde::Serialize;
use sha1::Sha1;
use store::Timestamp;
use utoipa::ToSchema;

use crate::limits;

/// The servers, and what opens those that relay.
#[derive(Debug, Clone, Default)]
pub struct IceServers {
    /// Their URLs: `stun:…`, `stuns:…`, `turn:…`, `turns:…`.
    pub urls: Vec<String>,
    /// What opens the TURN servers.
    pub turn: Option<TurnAccess>,
}

/// What opens a TURN server.
#[derive(Clone, PartialEq, Eq)]
pub enum TurnAccess {
    /// The same user name and password for everybody.
    Account(String, String),
    /// A secret that the server shares with us: each page gets a password of its own that counts for a day.
    Secret(String),
}

impl std::fmt::Debug for TurnAccess {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("TurnAccess")
    }
}

/// A server as `new RTCPeerConnection({ iceServers })` takes it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct IceServer {
    /// Its URLs.
    pub urls: Vec<String>,
    /// The user name, where it asks for one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub username: Option<String>,
    /// The password.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub credential: Option<String>,
}

impl IceServers {
    /// As a page of this agent gets them.
    pub fn shown(&self, agent: &str, now: Timestamp) -> Vec<IceServer> {
        let (relays, others): (Vec<String>, Vec<String>) = self.urls.iter().cloned().partition(|url| is_relay(url));
        let access = self.turn.as_ref().map(|access| match access {
            TurnAccess::Account(username, password) => (username.clone(), password.clone()),
            TurnAccess::Secret(secret) => password_for(secret, agent, now),
        });
        let (username, credential) = access.unzip();
        let plain = IceServer { urls: others, username: None, credential: None };
        let servers = [plain, IceServer { urls: relays, username, credential }];
        servers.into_iter().filter(|server| !server.urls.is_empty()).collect()
    }
}

/// Whether a URL is that of a server that relays.
pub fn is_relay(url: &str) -> bool {
    url.starts_with("turn:") || url.starts_with("turns:")
}

/// A URL of RFC 7064 or RFC 7065, or why it is none.
pub fn check_url(url: &str) -> Result<(), String> {
    let wrong =
        || format!("'{url}' is none of stun:HOST[:PORT], stuns:…, turn:HOST[:PORT][?transport=udp|tcp], turns:…");
    let (scheme, rest) = url.split_once(':').ok_or_else(wrong)?;
    let (place, query) = rest.split_once('?').map_or((rest, None), |(place, query)| (place, Some(query)));
    let is_known = match scheme {
        "stun" | "stuns" => query.is_none(),
        "turn" | "turns" => matches!(query, None | Some("transport=udp" | "transport=tcp")),
        _ => false,
    };
    let (host, port) = match place.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, Some(port)),
        _ => (place, None),
    };
    let is_host = match host.strip_prefix('[').and_then(|host| host.strip_suffix(']')) {
        Some(address) => address.parse::<std::net::Ipv6Addr>().is_ok(),
        None => {
            !host.is_empty()
                && host.len() <= 253
                && host.bytes().all(|b| b.is_ascii_alphanumeric() || b".-_".contains(&b))
        }
    };
    let is_port = port.is_none_or(|port| port.parse::<u16>().is_ok_and(|port| port > 0));
    if is_known && is_host && is_port { Ok(()) } else { Err(wrong()) }
}

/// A user name that says until when it counts, and the password that the server finds for it by the same secret (the REST API for
/// TURN, draft-uberti-behave-turn-rest).
fn password_for(secret: &str, agent: &str, now: Timestamp) -> (String, String) {
    let until = now.0 / 1_000_000 + limits::TOKEN_AGE.as_secs() as i64;
    let username = format!("{until}:{agent}");
    let mut mac = Hmac::<Sha1>::new_from_slice(secret.as_bytes()).expect("HMAC takes keys of any length");
    mac.update(username.as_bytes());
    let password = STANDARD.encode(mac.finalize().into_bytes());
    (username, password)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_those_of_the_rfcs() {
        let good = "stun:stun.example.org stuns:a:5349 stun:[2001:db8::1]:3478 turn:10.0.0.1:3478?transport=udp turns:t-1.example:443?transport=tcp turn:[::1]";
        for url in good.split(' ') {
            assert_eq!(check_url(url), Ok(()));
        }
        let bad = "http://a stun: stun:a?transport=udp turn:a?transport=sctp turn:u:p@a turn:a:0 turn:a:99999 turn:[::g] stun example";
        for url in bad.split(' ').chain(["", "turn:a b", "turn:a\n"]) {
            assert!(check_url(url).is_err(), "{url:?}");
        }
    }

    #[test]
    fn each_page_gets_a_password_that_counts_for_a_day() {
        let urls = vec!["turn:a".to_owned(), "stun:b".to_owned()];
        let servers = IceServers { urls, turn: Some(TurnAccess::Secret("north".into())) };
        let shown = servers.shown("ada", Timestamp(1_433_895_918_506_000));
        assert_eq!(shown[0], IceServer { urls: vec!["stun:b".into()], username: None, credential: None });
        assert_eq!(shown[1].username.as_deref(), Some("1433982318:ada"));
        // printf 1433982318:ada | openssl dgst -sha1 -hmac north -binary | base64
        assert_eq!(shown[1].credential.as_deref(), Some("OT/YGxts2klBil+MiIIji7BizTI="));
        let same = IceServers { turn: Some(TurnAccess::Account("u".into(), "p".into())), ..servers };
        assert_eq!(same.shown("ada", Timestamp(0))[1].credential.as_deref(), Some("p"));
        assert_eq!(format!("{:?}", same.turn), "Some(TurnAccess)");
        assert!(IceServers::default().shown("ada", Timestamp(0)).is_empty());
    }
}
