//! The extensions that ring at a page: each is registered along its connection, again and again.

use bytes::Bytes;
use sip::endpoint::{ClientId, OutgoingRequest};
use sip::header::Contact;
use sip::message::{HeaderName, Text};
use sip::uri::Host;
use sip::{Method, Response, Time, Uri};

use super::super::message::Told;
use super::UserAgent;

/// For how many seconds it is asked.
const ASKED: u32 = 600;
/// When it is asked again after a refusal.
const AGAIN: Time = Time::from_secs(60);

/// An extension of the page.
#[derive(Debug)]
pub(super) struct Registration {
    pub(super) extension: String,
    /// When to ask, again.
    pub(super) due: Time,
    client: Option<ClientId>,
    cseq: u32,
    /// The page was told that it rings here.
    told: bool,
}

impl UserAgent {
    /// The page speaks for these extensions from now on, and for no others.
    pub fn speak_for(&mut self, now: Time, extensions: &[String]) {
        self.registrations.retain(|own| extensions.contains(&own.extension));
        for extension in extensions {
            if !self.registrations.iter().any(|own| own.extension == *extension) {
                let extension = extension.clone();
                self.registrations.push(Registration { extension, due: now, client: None, cseq: 0, told: false });
            }
        }
        self.register_again(now);
        self.drain(now);
    }

    /// Asks for whatever is due.
    pub(super) fn register_again(&mut self, now: Time) {
        for at in 0..self.registrations.len() {
            if self.registrations[at].due > now {
                continue;
            }
            self.registrations[at].due = now + AGAIN;
            let extension = self.registrations[at].extension.clone();
            let registrar = Uri::parse(format!("sip:{}", self.realm).as_bytes()).ok();
            let ready = self.address(&extension).zip(self.contact(&extension)).zip(registrar);
            let Some(((own, contact), registrar)) = ready else { continue };
            let registration = &mut self.registrations[at];
            registration.cseq += 1;
            let mut request = OutgoingRequest::new(Method::Register, registrar, self.flow, (own.clone(), own));
            request.call_id = Some(Text::from(format!("{extension}@{}", self.host).as_str()));
            (request.cseq, request.contact) = (Some(registration.cseq), Some(contact));
            request.headers.push(HeaderName::Expires, ASKED.to_string());
            registration.client = Some(self.endpoint.request(now, request));
        }
    }

    /// What came of a REGISTER; `None`: no answer. False if it was none.
    pub(super) fn handle_registered(&mut self, now: Time, client: ClientId, response: Option<&Response>) -> bool {
        let host = Host::parse(&Bytes::copy_from_slice(self.host.as_bytes()));
        let Some(own) = self.registrations.iter_mut().find(|own| own.client == Some(client)) else { return false };
        if response.is_some_and(|response| response.status.is_provisional()) {
            return true;
        }
        own.client = None;
        let extension = own.extension.clone();
        if let Some(response) = response.filter(|response| response.status.is_success()) {
            let contacts = response.headers.list::<Contact>().unwrap_or_default();
            let granted = contacts.iter().find_map(|contact| match contact {
                Contact::Address(contact) if contact.uri().host() == host.as_ref() => contact.expires,
                _ => None,
            });
            own.due = now + Time::from_secs(u64::from(granted.unwrap_or(60)) * 4 / 5);
            if !std::mem::replace(&mut own.told, true) {
                self.told.push_back(Told::Registered { extension });
            }
            return true;
        }
        own.told = false;
        let status = response.map_or(408, |response| response.status.0);
        let message = format!("calls to {extension} do not ring here: {status}");
        self.told.push_back(Told::Error { id: None, reason: "NOT_REGISTERED", message });
        true
    }
}
