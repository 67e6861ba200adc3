//! Where a request within a dialog is addressed: strict and loose routing (RFC 3261 §12.2.1.1).

use super::Dialog;
use crate::Uri;
use crate::header::NameAddr;

/// The Request-URI and the Route of a request within a dialog.
#[derive(Debug, Clone, PartialEq)]
pub struct Target {
    /// The Request-URI.
    pub uri: Uri,
    /// The Route, nearest proxy first; empty: no Route header.
    pub route: Vec<NameAddr>,
}

impl Dialog {
    /// How to address a request. A first proxy without `lr` routes strictly, as in RFC 2543: it gets its own address as
    /// Request-URI and finds the peer's at the end of the Route.
    pub fn target(&self) -> Target {
        target(&self.route_set, &self.remote_target)
    }
}

/// See [`Dialog::target`]; the same holds for a preloaded route set (RFC 3261 §8.1.2).
pub(crate) fn target(route_set: &[NameAddr], remote_target: &Uri) -> Target {
    let Some((first, others)) = route_set.split_first() else {
        return Target { uri: remote_target.clone(), route: Vec::new() };
    };
    if first.uri.param("lr").is_some() {
        return Target { uri: remote_target.clone(), route: route_set.to_vec() };
    }
    let mut route = others.to_vec();
    route.push(NameAddr::new(remote_target.clone()));
    Target { uri: as_request_uri(&first.uri), route }
}

/// Without what may not stand in a Request-URI (RFC 3261 §19.1.1 table 1): the `method` parameter and headers.
fn as_request_uri(uri: &Uri) -> Uri {
    let text = uri.as_bytes();
    let host = text.iter().position(|&b| b == b'@').unwrap_or(0);
    let end = text[host..].iter().position(|&b| b == b'?').map_or(text.len(), |at| host + at);
    Uri::parse(&text[..end]).unwrap_or_else(|_| uri.clone()).without_param("method")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn uri(text: &str) -> Uri {
        text.parse().expect("the test's URI is well formed")
    }

    fn hop(text: &str) -> NameAddr {
        NameAddr::new(uri(text))
    }

    #[test]
    fn without_proxies_the_request_goes_to_the_peer() {
        let target = target(&[], &uri("sip:b@192.0.2.2"));
        assert_eq!((target.uri, target.route), (uri("sip:b@192.0.2.2"), vec![]));
    }

    #[test]
    fn a_loose_router_is_named_in_route_only() {
        let hops = [hop("sip:p1.example.org;lr"), hop("sip:p2.example.org")];
        let target = target(&hops, &uri("sip:b@192.0.2.2"));
        assert_eq!((target.uri, target.route), (uri("sip:b@192.0.2.2"), hops.to_vec()));
    }

    #[test]
    fn a_strict_router_gets_its_own_address_and_the_peer_comes_last() {
        let hops = [hop("sip:p1.example.org;transport=udp?Subject=x"), hop("sip:p2.example.org;lr")];
        let target = target(&hops, &uri("sip:b@192.0.2.2"));
        assert_eq!(target.uri, uri("sip:p1.example.org;transport=udp"));
        assert_eq!(target.route, vec![hop("sip:p2.example.org;lr"), hop("sip:b@192.0.2.2")]);
    }
}
