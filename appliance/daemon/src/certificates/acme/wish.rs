//! What is wanted of which ACME server.

use api::certificate::{AcmeOrder, Trouble};
use serde::{Deserialize, Serialize};
use store::certificate::AcmeChallenge;

use crate::limits;

/// A certificate that is wanted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wish {
    /// Where the server's directory is.
    pub directory_url: String,
    /// An e-mail address; empty: none.
    pub contact: String,
    /// The names.
    pub names: Vec<String>,
    /// How the server finds out whose they are.
    pub challenge: AcmeChallenge,
    /// Who makes records for the name servers.
    pub dns_hook_url: String,
    /// By which word that one knows us; empty: none.
    pub dns_hook_token: String,
    /// How many seconds a record takes to be known everywhere.
    pub dns_wait: u32,
    /// Who vouches for the server (PEM); empty: those whom browsers trust.
    pub roots: String,
    /// The account that the server's owner has with us outside (RFC 8555 §7.3.4): its id and its key (base64url).
    pub external: Option<(String, String)>,
}

impl Wish {
    /// Reads an order; says which field cannot be.
    pub fn read(order: AcmeOrder) -> Result<Wish, Trouble> {
        let refuse = |field, reason| Err(Trouble::Field(field, reason));
        let is_url = |url: &str, scheme: &str| url.starts_with(scheme) && url.len() <= limits::URL && is_visible(url);
        if !order.terms_of_service_agreed {
            return refuse(
                "terms_of_service_agreed",
                "must be true: no server signs for who does not agree to its terms",
            );
        }
        if !is_url(&order.directory_url, "https://") {
            return refuse("directory_url", "must be an https URL");
        }
        let is_address = order.contact.contains('@') && is_visible(&order.contact);
        if !(is_address || order.contact.is_empty()) {
            return refuse("contact", "must be an e-mail address, or empty");
        }
        let names: Vec<String> = order.names.iter().map(|name| name.trim().to_ascii_lowercase()).collect();
        if !(1..=limits::ACME_NAMES).contains(&names.len()) || !names.iter().all(|name| is_name(name)) {
            return refuse("names", "must be 1 to 20 names as pbx.example.com");
        }
        if order.challenge == AcmeChallenge::Http01 && names.iter().any(|name| name.starts_with("*.")) {
            return refuse("challenge", "must be dns-01 for a wildcard");
        }
        let has_hook = is_url(&order.dns_hook_url, "https://") || is_url(&order.dns_hook_url, "http://");
        if order.challenge == AcmeChallenge::Dns01 && !has_hook {
            return refuse("dns_hook_url", "must be a URL where the challenge is dns-01");
        }
        if order.dns_wait > limits::ACME_DNS_WAIT {
            return refuse("dns_wait", "must be at most 3600 seconds");
        }
        if !order.dns_hook_token.is_empty() && !is_visible(&order.dns_hook_token) {
            return refuse("dns_hook_token", "must be visible characters");
        }
        if order.roots.len() > pbx::limits::TLS_ROOTS || super::http::roots(&order.roots).is_err() {
            return refuse("roots", "must be certificates (PEM), at most 64 KiB");
        }
        if order.eab_key_id.is_empty() != order.eab_hmac_key.is_empty() {
            return refuse("eab_hmac_key", "must be there with eab_key_id, and not without");
        }
        let external = (!order.eab_key_id.is_empty()).then_some((order.eab_key_id, order.eab_hmac_key));
        if external.as_ref().is_some_and(|(_, key)| super::order::external_key(key).is_none()) {
            return refuse("eab_hmac_key", "must be base64url");
        }
        Ok(Wish {
            directory_url: order.directory_url,
            contact: order.contact,
            names,
            challenge: order.challenge,
            dns_hook_url: order.dns_hook_url,
            dns_hook_token: order.dns_hook_token,
            dns_wait: order.dns_wait,
            roots: order.roots,
            external,
        })
    }

    /// Whether the account of one serves the other.
    pub fn is_of_same_account(&self, other: &Wish) -> bool {
        let account = |wish: &Wish| (wish.directory_url.clone(), wish.contact.clone(), wish.external.clone());
        account(self) == account(other)
    }
}

fn is_visible(text: &str) -> bool {
    text.len() <= limits::URL && text.chars().all(|c| c.is_ascii_graphic())
}

/// A name that others can ask for, with or without a wildcard in front; no address.
fn is_name(name: &str) -> bool {
    let plain = name.strip_prefix("*.").unwrap_or(name);
    let is_label = |label: &str| {
        let allowed = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        (1..=63).contains(&label.len())
            && label.chars().all(allowed)
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    let is_address = plain.parse::<std::net::IpAddr>().is_ok();
    plain.len() <= 253 && plain.contains('.') && !is_address && plain.split('.').all(is_label)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order() -> AcmeOrder {
        AcmeOrder {
            directory_url: "https://acme.example/dir".into(),
            contact: "box@example.com".into(),
            names: vec!["PBX.example.com".into()],
            challenge: AcmeChallenge::Http01,
            dns_hook_url: String::new(),
            dns_hook_token: String::new(),
            dns_wait: 20,
            roots: String::new(),
            eab_key_id: String::new(),
            eab_hmac_key: String::new(),
            terms_of_service_agreed: true,
        }
    }

    #[test]
    fn what_cannot_be_ordered_is_named() {
        let names = |name: &str| AcmeOrder { names: vec![name.into()], ..order() };
        let of = |challenge| AcmeOrder { challenge, ..names("*.example.com") };
        for (field, order) in [
            ("terms_of_service_agreed", AcmeOrder { terms_of_service_agreed: false, ..order() }),
            ("directory_url", AcmeOrder { directory_url: "http://acme.example/dir".into(), ..order() }),
            ("contact", AcmeOrder { contact: "nobody".into(), ..order() }),
            ("names", AcmeOrder { names: Vec::new(), ..order() }),
            ("names", names("tandem")),
            ("names", names("192.0.2.1")),
            ("names", names("a..b")),
            ("names", names(&format!("{}.example.com", "a".repeat(64)))),
            ("challenge", of(AcmeChallenge::Http01)),
            ("dns_hook_url", of(AcmeChallenge::Dns01)),
            ("roots", AcmeOrder { roots: "trust me".into(), ..order() }),
            ("eab_hmac_key", AcmeOrder { eab_key_id: "kid".into(), ..order() }),
            ("eab_hmac_key", AcmeOrder { eab_key_id: "kid".into(), eab_hmac_key: "?".into(), ..order() }),
            ("dns_wait", AcmeOrder { dns_wait: 3_601, ..order() }),
        ] {
            let refused = Wish::read(order).expect_err(field);
            assert!(matches!(refused, Trouble::Field(named, _) if named == field), "{field}: {refused:?}");
        }
        assert_eq!(Wish::read(order()).expect("it can be").names, ["pbx.example.com"]);
    }

    #[test]
    fn another_server_is_another_account() {
        let wish = Wish::read(order()).expect("it can be");
        let more = Wish { names: vec!["a.example.com".into()], ..wish.clone() };
        let elsewhere = Wish { directory_url: "https://other.example/".into(), ..wish.clone() };
        assert!(wish.is_of_same_account(&more) && !wish.is_of_same_account(&elsewhere));
    }
}
