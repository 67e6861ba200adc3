//! Header names: the usual ones as a closed list, found by a small hash whatever their case or compact form; the others as they came.

use std::{
    fmt,
    hash::{Hash, Hasher},
};

use bytes::Bytes;

macro_rules! header_names {
    ($($variant:ident = $text:literal,)*) => {
        /// The name of a header. Names are equal whatever their case (RFC 3261 §7.3.1), and a compact form is the same name as the long one.
        #[derive(Debug, Clone)]
        #[allow(missing_docs)]
        pub enum HeaderName {
            $($variant,)*
            /// A name that is not in the list, with the spelling it came with.
            Other(Bytes),
        }

        const NAMES: &[&str] = &[$($text,)*];

        impl HeaderName {
            /// Which of the usual names it is, by number.
            fn nth(index: usize) -> HeaderName {
                const VARIANTS: &[fn() -> HeaderName] = &[$(|| HeaderName::$variant,)*];
                VARIANTS[index]()
            }

            /// The usual spelling; for other names the bytes they came with.
            pub fn as_bytes(&self) -> &[u8] {
                match self {
                    $(HeaderName::$variant => $text.as_bytes(),)*
                    HeaderName::Other(name) => name,
                }
            }
        }
    };
}

header_names! {
    Accept = "Accept",
    AcceptContact = "Accept-Contact",
    AcceptEncoding = "Accept-Encoding",
    AcceptLanguage = "Accept-Language",
    AlertInfo = "Alert-Info",
    Allow = "Allow",
    AllowEvents = "Allow-Events",
    AuthenticationInfo = "Authentication-Info",
    Authorization = "Authorization",
    CallId = "Call-ID",
    CallInfo = "Call-Info",
    Contact = "Contact",
    ContentDisposition = "Content-Disposition",
    ContentEncoding = "Content-Encoding",
    ContentLanguage = "Content-Language",
    ContentLength = "Content-Length",
    ContentType = "Content-Type",
    CSeq = "CSeq",
    Date = "Date",
    Diversion = "Diversion",
    ErrorInfo = "Error-Info",
    Event = "Event",
    Expires = "Expires",
    FlowTimer = "Flow-Timer",
    From = "From",
    Geolocation = "Geolocation",
    HistoryInfo = "History-Info",
    Identity = "Identity",
    InReplyTo = "In-Reply-To",
    InfoPackage = "Info-Package",
    Join = "Join",
    MaxBreadth = "Max-Breadth",
    MaxForwards = "Max-Forwards",
    MimeVersion = "MIME-Version",
    MinExpires = "Min-Expires",
    MinSe = "Min-SE",
    Organization = "Organization",
    PAccessNetworkInfo = "P-Access-Network-Info",
    PAssertedIdentity = "P-Asserted-Identity",
    PAssociatedUri = "P-Associated-URI",
    PCalledPartyId = "P-Called-Party-ID",
    PChargingVector = "P-Charging-Vector",
    PEarlyMedia = "P-Early-Media",
    PPreferredIdentity = "P-Preferred-Identity",
    Path = "Path",
    Priority = "Priority",
    Privacy = "Privacy",
    ProxyAuthenticate = "Proxy-Authenticate",
    ProxyAuthorization = "Proxy-Authorization",
    ProxyRequire = "Proxy-Require",
    RAck = "RAck",
    Reason = "Reason",
    RecordRoute = "Record-Route",
    RecvInfo = "Recv-Info",
    ReferTo = "Refer-To",
    ReferredBy = "Referred-By",
    RejectContact = "Reject-Contact",
    RemotePartyId = "Remote-Party-ID",
    Replaces = "Replaces",
    ReplyTo = "Reply-To",
    RequestDisposition = "Request-Disposition",
    Require = "Require",
    ResourcePriority = "Resource-Priority",
    RetryAfter = "Retry-After",
    Route = "Route",
    RSeq = "RSeq",
    SecurityClient = "Security-Client",
    SecurityServer = "Security-Server",
    SecurityVerify = "Security-Verify",
    Server = "Server",
    ServiceRoute = "Service-Route",
    SessionExpires = "Session-Expires",
    SessionId = "Session-ID",
    SipEtag = "SIP-ETag",
    SipIfMatch = "SIP-If-Match",
    Subject = "Subject",
    SubscriptionState = "Subscription-State",
    Supported = "Supported",
    TargetDialog = "Target-Dialog",
    Timestamp = "Timestamp",
    To = "To",
    Unsupported = "Unsupported",
    UserAgent = "User-Agent",
    UserToUser = "User-to-User",
    Via = "Via",
    Warning = "Warning",
    WwwAuthenticate = "WWW-Authenticate",
}

impl HeaderName {
    /// Reads a name without copying it.
    pub fn from_bytes(name: &Bytes) -> HeaderName {
        HeaderName::known(name).unwrap_or_else(|| HeaderName::Other(name.clone()))
    }

    /// Reads a name, copying an unusual one.
    pub fn parse(name: &[u8]) -> HeaderName {
        HeaderName::known(name).unwrap_or_else(|| HeaderName::Other(Bytes::copy_from_slice(name)))
    }

    /// A name that is not in the list, for headers of our own.
    pub const fn custom(name: &'static str) -> HeaderName {
        HeaderName::Other(Bytes::from_static(name.as_bytes()))
    }

    pub(crate) fn known(name: &[u8]) -> Option<HeaderName> {
        match name {
            [] => None,
            [letter] => compact(letter.to_ascii_lowercase()),
            _ => {
                let mut slot = hash(name);
                loop {
                    let index = TABLE[slot] as usize;
                    if index == EMPTY as usize {
                        return None;
                    }
                    let usual = NAMES[index].as_bytes();
                    if usual == name || usual.eq_ignore_ascii_case(name) {
                        return Some(HeaderName::nth(index));
                    }
                    slot = (slot + 1) % TABLE.len();
                }
            }
        }
    }
}

/// The one-letter forms (RFC 3261 §7.3.3 and the IANA registry).
fn compact(letter: u8) -> Option<HeaderName> {
    Some(match letter {
        b'a' => HeaderName::AcceptContact,
        b'b' => HeaderName::ReferredBy,
        b'c' => HeaderName::ContentType,
        b'd' => HeaderName::RequestDisposition,
        b'e' => HeaderName::ContentEncoding,
        b'f' => HeaderName::From,
        b'i' => HeaderName::CallId,
        b'j' => HeaderName::RejectContact,
        b'k' => HeaderName::Supported,
        b'l' => HeaderName::ContentLength,
        b'm' => HeaderName::Contact,
        b'o' => HeaderName::Event,
        b'r' => HeaderName::ReferTo,
        b's' => HeaderName::Subject,
        b't' => HeaderName::To,
        b'u' => HeaderName::AllowEvents,
        b'v' => HeaderName::Via,
        b'x' => HeaderName::SessionExpires,
        b'y' => HeaderName::Identity,
        _ => return None,
    })
}

const EMPTY: u8 = u8::MAX;

/// Length, both ends and the middle tell all names apart with these factors, which were searched for.
const fn hash(name: &[u8]) -> usize {
    let length = name.len();
    let first = (name[0] | 0x20) as usize;
    let last = (name[length - 1] | 0x20) as usize;
    let middle = (name[length / 2] | 0x20) as usize;
    (length * 138 + first * 143 + last * 110 + middle * 78) % 512
}

/// Where each name is, with the next free slot taken on a collision.
const TABLE: [u8; 512] = {
    let mut table = [EMPTY; 512];
    let mut index = 0;
    while index < NAMES.len() {
        let mut slot = hash(NAMES[index].as_bytes());
        while table[slot] != EMPTY {
            slot = (slot + 1) % table.len();
        }
        table[slot] = index as u8;
        index += 1;
    }
    table
};

impl PartialEq for HeaderName {
    fn eq(&self, other: &HeaderName) -> bool {
        match (self, other) {
            (HeaderName::Other(a), HeaderName::Other(b)) => a.eq_ignore_ascii_case(b),
            _ => std::mem::discriminant(self) == std::mem::discriminant(other),
        }
    }
}

impl Eq for HeaderName {}

impl Hash for HeaderName {
    fn hash<H: Hasher>(&self, state: &mut H) {
        match self {
            HeaderName::Other(name) => name.iter().for_each(|b| state.write_u8(b.to_ascii_lowercase())),
            known => std::mem::discriminant(known).hash(state),
        }
    }
}

impl fmt::Display for HeaderName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&String::from_utf8_lossy(self.as_bytes()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_finds_itself_in_any_case() {
        for (index, name) in NAMES.iter().enumerate() {
            for spelling in [name.to_string(), name.to_uppercase(), name.to_lowercase()] {
                let found = HeaderName::known(spelling.as_bytes()).expect("a listed name is found");
                assert_eq!(found, HeaderName::nth(index));
                assert_eq!(found.as_bytes(), name.as_bytes());
            }
        }
    }

    #[test]
    fn compact_forms_are_the_same_name() {
        assert_eq!(HeaderName::parse(b"v"), HeaderName::Via);
        assert_eq!(HeaderName::parse(b"I"), HeaderName::CallId);
        assert_eq!(HeaderName::parse(b"z"), HeaderName::custom("Z"));
    }

    #[test]
    fn every_name_has_a_slot_of_its_own() {
        for (index, name) in NAMES.iter().enumerate() {
            assert_eq!(TABLE[hash(name.as_bytes())] as usize, index, "{name} was displaced: search for other factors");
        }
    }
}
