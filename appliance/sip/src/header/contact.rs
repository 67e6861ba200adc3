//! Contact: where to reach somebody directly (RFC 3261 §20.10, RFC 5626).

use bytes::Bytes;

use super::{HeaderError, NameAddr, Shape, TypedHeader, params::unquote};
use crate::{
    Uri,
    message::{
        HeaderName, Text,
        token::{number, seconds, write_number},
    },
};

/// One element of a Contact header.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(clippy::large_enum_variant)]
pub enum Contact {
    /// `*`: all bindings, in a REGISTER that removes them.
    Star,
    /// An address.
    Address(ContactAddress),
}

/// An address with what the registrar wants to know of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContactAddress {
    /// The address, with the parameters that have no field here.
    pub address: NameAddr,
    /// Preference in thousandths: 1000 is first.
    pub q: Option<u16>,
    /// Life of the binding in seconds.
    pub expires: Option<u32>,
    /// `+sip.instance` without quotes: the device, `<urn:uuid:…>`.
    pub instance: Option<Text>,
    /// Number of the flow of a device (RFC 5626 §4.2).
    pub reg_id: Option<u32>,
}

impl ContactAddress {
    /// An address and nothing more.
    pub fn new(uri: Uri) -> ContactAddress {
        ContactAddress { address: NameAddr::new(uri), q: None, expires: None, instance: None, reg_id: None }
    }

    /// The URI of the address.
    pub fn uri(&self) -> &Uri {
        &self.address.uri
    }

    /// Whether the `ob` parameter is there, in the URI (RFC 5626 §5.2) or, as some phones put it, in the header.
    pub fn ob(&self) -> bool {
        self.address.uri.param("ob").is_some() || self.address.params.has("ob")
    }
}

impl Contact {
    /// An address and nothing more.
    pub fn new(uri: Uri) -> Contact {
        Contact::Address(ContactAddress::new(uri))
    }

    /// The address, unless it is the star.
    pub fn address(&self) -> Option<&ContactAddress> {
        match self {
            Contact::Star => None,
            Contact::Address(address) => Some(address),
        }
    }

    /// The URI, unless it is the star.
    pub fn uri(&self) -> Option<&Uri> {
        self.address().map(ContactAddress::uri)
    }
}

impl std::convert::From<ContactAddress> for Contact {
    fn from(address: ContactAddress) -> Contact {
        Contact::Address(address)
    }
}

/// `1`, `0.5`, `0.123`; more digits are cut, more than 1 is 1. `None` when it is no number.
pub(crate) fn thousandths(text: &[u8]) -> Option<u16> {
    let point = text.iter().position(|&b| b == b'.');
    let (whole, fraction) = text.split_at(point.unwrap_or(text.len()));
    let fraction = fraction.strip_prefix(b".").unwrap_or(fraction);
    if (whole.is_empty() && fraction.is_empty()) || !fraction.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let whole = if whole.is_empty() { 0 } else { number::<u16>(whole)? };
    let digit = |at: usize| fraction.get(at).map_or(0, |b| u16::from(b - b'0'));
    Some(if whole > 0 { 1000 } else { digit(0) * 100 + digit(1) * 10 + digit(2) })
}

impl TypedHeader for Contact {
    const NAME: HeaderName = HeaderName::Contact;
    const SHAPE: Shape = Shape::List;

    fn parse(value: &Bytes) -> Result<Contact, HeaderError> {
        if value.as_ref() == b"*" {
            return Ok(Contact::Star);
        }
        let mut address = NameAddr::parse(value).map_err(|fault| fault.of(Self::NAME))?;
        let params = &mut address.params;
        // A malformed expires counts as 3600 (RFC 3261 §20.10), a malformed q as absent.
        let expires = params.take("expires").map(|text| seconds(&unquote(&text)).unwrap_or(3600));
        let q = params.take("q").and_then(|text| thousandths(&text));
        let instance = params.take("+sip.instance").map(|text| unquoted(&text));
        let reg_id = params.take("reg-id").and_then(|text| number(&text));
        Ok(Contact::Address(ContactAddress { address, q, expires, instance, reg_id }))
    }

    fn write(&self, out: &mut Vec<u8>) {
        let Contact::Address(contact) = self else { return out.push(b'*') };
        contact.address.write(out);
        if let Some(instance) = &contact.instance {
            out.extend_from_slice(b";+sip.instance=");
            super::params::write_quoted(instance, out);
        }
        if let Some(reg_id) = contact.reg_id {
            out.extend_from_slice(b";reg-id=");
            write_number(out, u64::from(reg_id));
        }
        if let Some(q) = contact.q {
            out.extend_from_slice(b";q=");
            write_thousandths(q, out);
        }
        if let Some(expires) = contact.expires {
            out.extend_from_slice(b";expires=");
            write_number(out, u64::from(expires));
        }
    }
}

fn unquoted(text: &Text) -> Text {
    match unquote(text) {
        std::borrow::Cow::Borrowed(inner) if !inner.is_empty() => text.clone().into_bytes().slice_ref(inner).into(),
        std::borrow::Cow::Borrowed(_) => Text::default(),
        std::borrow::Cow::Owned(inner) => inner.into(),
    }
}

fn write_thousandths(q: u16, out: &mut Vec<u8>) {
    if q >= 1000 {
        return out.extend_from_slice(b"1.0");
    }
    out.extend_from_slice(b"0.");
    let digits = [q / 100, q / 10 % 10, q % 10];
    let used = digits.iter().rposition(|&digit| digit != 0).map_or(1, |at| at + 1);
    out.extend(digits[..used].iter().map(|&digit| b'0' + digit as u8));
}
