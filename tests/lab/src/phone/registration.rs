//! A phone's registration: REGISTER, refresh, taking it back.

use std::time::Duration;

use super::Phone;
use super::client::Purpose;
use crate::Time;
use crate::wire::{Message, parameter, uri_of};

/// What a phone knows of its registration.
#[derive(Debug, Clone, Default)]
pub struct Registration {
    /// Until when it is registered, as the exchange granted it.
    pub until: Option<Time>,
    /// What was granted, in seconds.
    pub granted: Option<u32>,
    /// The contacts in the last 200.
    pub contacts: Vec<String>,
    /// The status of the last answer that was no challenge; 408 when none came.
    pub status: Option<u16>,
    /// The last answer.
    pub answer: Option<Message>,
    pub(crate) call_id: Option<String>,
    pub(crate) cseq: u32,
    pub(crate) refresh_at: Option<Time>,
}

impl Phone {
    /// Registers, or refreshes.
    pub fn register(&mut self) {
        let contact = self.registered_contact(self.manner.expires);
        self.send_register(Some(contact), self.manner.expires);
    }

    /// Takes its own contact back.
    pub fn unregister(&mut self) {
        self.registration.refresh_at = None;
        let contact = self.registered_contact(0);
        self.send_register(Some(contact), 0);
    }

    /// Takes every contact of the extension back (RFC 3261 §10.2.2).
    pub fn unregister_all(&mut self) {
        self.registration.refresh_at = None;
        self.send_register(Some("*".into()), 0);
    }

    /// Asks which contacts there are.
    pub fn query_contacts(&mut self) {
        self.send_register(None, self.manner.expires);
    }

    /// Whether the exchange said so and the time has not run out.
    pub fn is_registered(&self) -> bool {
        self.registration.until.is_some_and(|until| self.now < until)
    }

    fn registered_contact(&self, expires: u32) -> String {
        let q = self.manner.q.map(|q| format!(";q={q}")).unwrap_or_default();
        format!("{};expires={expires}{q}", self.contact())
    }

    fn send_register(&mut self, contact: Option<String>, expires: u32) {
        if self.registration.call_id.is_none() {
            let call_id = format!("{}@phone", self.token());
            self.registration.call_id = Some(call_id);
        }
        self.registration.cseq += 1;
        let call_id = self.registration.call_id.clone().expect("was just set");
        let (tag, own) = (self.token(), format!("<sip:{}@{}>", self.number, crate::REALM));
        let mut message = Message::request("REGISTER", &format!("sip:{}", crate::REALM))
            .with("From", format!("{own};tag={tag}"))
            .with("To", own)
            .with("Call-ID", call_id)
            .with("CSeq", format!("{} REGISTER", self.registration.cseq))
            .with("Expires", expires.to_string());
        if let Some(contact) = contact {
            message = message.with("Contact", contact);
        }
        if let Some(path) = &self.manner.path {
            message = message.with("Path", path).with("Supported", "path");
        }
        self.registration.status = None;
        self.request(message, Purpose::Register);
    }

    pub(crate) fn registered(&mut self, response: &Message) {
        let registration = &mut self.registration;
        registration.status = response.status();
        registration.answer = Some(response.clone());
        if response.status() != Some(200) {
            return;
        }
        registration.contacts =
            response.all("Contact").flat_map(|value| value.split(", ")).map(str::to_string).collect();
        let own = uri_of(&self.contact()).to_string();
        let mine = self.registration.contacts.iter().find(|contact| uri_of(contact) == own);
        let granted = mine.and_then(|contact| parameter(contact, "expires")).and_then(|value| value.parse().ok());
        self.registration.granted = granted;
        let lasts = granted.map(|seconds: u32| Duration::from_secs(seconds.into()));
        self.registration.until = lasts.map(|lasts| self.now + lasts);
        self.registration.refresh_at =
            lasts.filter(|_| self.manner.keeps_registering).map(|lasts| self.now + lasts.mul_f64(0.9));
    }

    pub(crate) fn run_registration(&mut self) {
        if self.registration.refresh_at.is_some_and(|at| at <= self.now) {
            self.registration.refresh_at = None;
            self.register();
        }
    }
}
