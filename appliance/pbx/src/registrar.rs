//! Where the phones are: bindings of extensions to contacts (RFC 3261 §10).

pub mod keepalive;
pub mod register;
pub mod table;

use sip::Flow;
use uuid::Uuid;

pub use table::Registrar;

use crate::UnixMicros;

/// One binding within the exchange.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct BindingKey(pub u64);

/// One registered contact of one extension, as plain data that survives a restart.
#[derive(Debug, Clone, PartialEq)]
pub struct Binding {
    /// Of which extension.
    pub extension_id: Uuid,
    /// Its number, for readers.
    pub extension: String,
    /// The contact URI as the phone gave it.
    pub contact: String,
    /// Where the REGISTER came from, and where requests to the phone go.
    pub flow: Flow,
    /// The Path header's values, if any (RFC 3327).
    pub path: Vec<String>,
    /// `+sip.instance` (RFC 5626), if any.
    pub instance: Option<String>,
    /// `reg-id` (RFC 5626), if any.
    pub reg_id: Option<u32>,
    /// Preference among several contacts, in thousandths, 0 to 1000.
    pub q: u16,
    /// The Call-ID of the registration.
    pub call_id: String,
    /// The CSeq of the latest REGISTER.
    pub cseq: u32,
    /// What the phone calls itself.
    pub user_agent: String,
    /// Whether the phone is behind a NAT: its contact differs from where it sends from.
    pub behind_nat: bool,
    /// When it registered first.
    pub registered: UnixMicros,
    /// When it expires.
    pub expires: UnixMicros,
}
