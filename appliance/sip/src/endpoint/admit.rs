//! Whether a new request is let in, or answered by the endpoint itself (RFC 3261 §8.2, §12.2.2, §14.2).

use bytes::Bytes;

use super::random::hex;
use super::receive::Ident;
use super::reliable::Pracked;
use super::{Endpoint, Event};
use crate::dialog::{DialogId, Stage};
use crate::header::MaxForwards;
use crate::header::list::elements;
use crate::message::HeaderName;
use crate::transaction::Fingerprint;
use crate::transaction::key::KeyKind;
use crate::{Headers, Method, Request};

/// A request that is let in.
pub(super) struct Admitted {
    /// The dialog it belongs to.
    pub(super) dialog: Option<DialogId>,
    /// Under what the same request by another path will be found.
    pub(super) merged: Option<Fingerprint>,
    /// For a PRACK: what it acknowledges.
    pub(super) pracked: Option<Pracked>,
}

/// A reply of the endpoint's own. Status 0: no reply at all.
pub(super) struct Refusal {
    pub(super) status: u16,
    pub(super) reason: Option<String>,
    pub(super) headers: Headers,
}

impl Refusal {
    pub(super) fn new(status: u16) -> Refusal {
        Refusal { status, reason: None, headers: Headers::new() }
    }

    pub(super) fn because(status: u16, reason: impl ToString) -> Refusal {
        Refusal { reason: Some(reason.to_string()), ..Refusal::new(status) }
    }

    fn with_retry_after(mut self, seconds: u32) -> Refusal {
        self.headers.push(HeaderName::RetryAfter, seconds.to_string());
        self
    }
}

impl Endpoint {
    pub(super) fn admit(&mut self, request: &Request, ident: &Ident) -> Result<Admitted, Refusal> {
        self.check_room(ident)?;
        self.check_require(request)?;
        // A registrar knows no dialogs; some phones put a To tag into REGISTER all the same.
        if ident.to_tag.is_some() && request.method != Method::Register {
            return self.admit_in_dialog(request, ident);
        }
        if request.method == Method::Register {
            // It is not passed on, and the same twice does no harm: neither hops nor other paths matter.
            return Ok(Admitted { dialog: None, merged: None, pracked: None });
        }
        check_hops(request)?;
        let cseq = ident.cseq.to_be_bytes();
        let merged = self.secret.fingerprint(KeyKind::Merged, &[&ident.from_tag, &ident.call_id, &cseq]);
        if self.merged.contains_key(&merged) {
            return Err(Refusal::new(482));
        }
        match request.method {
            Method::Invite => self.check_first_invite(ident)?,
            // These mean nothing outside a dialog.
            Method::Bye | Method::Prack | Method::Update | Method::Info => return Err(Refusal::new(481)),
            _ => {}
        }
        Ok(Admitted { dialog: None, merged: Some(merged), pracked: None })
    }

    /// A quarter of the limit is kept for what goes on in dialogs: a call that is up can be ended in the worst crowd.
    fn check_room(&mut self, ident: &Ident) -> Result<(), Refusal> {
        let limits = &self.config.limits;
        let waiting = self.servers.len() - self.spent_servers;
        let reserve = if ident.to_tag.is_some() { limits.server_transactions / 4 } else { 0 };
        if waiting >= limits.server_transactions + reserve || self.events.len() >= limits.events {
            return Err(Refusal::new(503).with_retry_after(1 + self.random.below(10)));
        }
        Ok(())
    }

    /// RFC 3261 §8.2.2.3.
    fn check_require(&self, request: &Request) -> Result<(), Refusal> {
        let mut refusal = Refusal::new(420);
        for tag in request.headers.get_all(&HeaderName::Require).flat_map(elements) {
            if !self.config.supported.iter().any(|known| tag.eq_ignore_ascii_case(known.as_bytes())) {
                refusal.headers.push(HeaderName::Unsupported, tag);
            }
        }
        if refusal.headers.is_empty() { Ok(()) } else { Err(refusal) }
    }

    fn check_first_invite(&mut self, ident: &Ident) -> Result<(), Refusal> {
        if self.dialogs.len() >= self.config.limits.dialogs {
            return Err(Refusal::new(503).with_retry_after(1 + self.random.below(10)));
        }
        // The transaction may be forgotten already while the dialog it made is there: our tag is made of the transaction's key.
        let tag = ident.new_tag().map(hex).unwrap_or_default();
        match self.find_dialog(&ident.call_id, (&tag, &ident.from_tag)) {
            Some(_) => Err(Refusal::new(0)),
            None => Ok(()),
        }
    }

    fn admit_in_dialog(&mut self, request: &Request, ident: &Ident) -> Result<Admitted, Refusal> {
        let id = self.dialog_of(ident).ok_or_else(|| Refusal::new(481))?;
        let state = self.dialogs.get(&id).map(|entry| &entry.dialog).ok_or_else(|| Refusal::new(481))?;
        if state.stage == Stage::Ending {
            // Both hung up at once: his BYE is answered here, as the user has hung up already.
            return Err(Refusal::new(if request.method == Method::Bye { 200 } else { 481 }));
        }
        if state.remote_cseq.is_some_and(|last| ident.cseq < last) {
            return Err(Refusal::new(500));
        }
        let pracked = match request.method {
            Method::Invite => {
                self.check_glare(id)?;
                None
            }
            Method::Prack => match self.match_prack(id, request) {
                Pracked::Nothing => return Err(Refusal::new(481)),
                pracked => Some(pracked),
            },
            _ => None,
        };
        Ok(Admitted { dialog: Some(id), merged: None, pracked })
    }

    /// Two INVITEs at once (RFC 3261 §14.2): while one of his is unanswered 500 with a random wait, while one of ours is under way 491. His
    /// next INVITE shows that he has our 2xx to the one before, though its ACK was lost or overtaken: it counts as acknowledged, unless
    /// that ACK was to bring the answer (RFC 5407 §3.1.4, §3.1.5).
    fn check_glare(&mut self, id: DialogId) -> Result<(), Refusal> {
        let Some(entry) = self.dialogs.get(&id) else { return Ok(()) };
        let before = entry.invited;
        if before.is_some_and(|server| self.is_unanswered(server)) {
            return Err(Refusal::new(500).with_retry_after(self.random.below(11)));
        }
        if entry.inviting.is_some() || before.is_some_and(|server| self.awaits_answer(server)) {
            return Err(Refusal::new(491));
        }
        if before.is_some_and(|server| self.stop_repeating(server)) {
            self.tell(Event::Acknowledged { dialog: id, body: Bytes::new() });
        }
        Ok(())
    }
}

/// What comes in is passed on (RFC 3261 §16.3 item 3).
fn check_hops(request: &Request) -> Result<(), Refusal> {
    let hops = request.headers.typed_opt::<MaxForwards>().map_err(|error| Refusal::because(400, error))?;
    match hops {
        Some(MaxForwards(0)) => Err(Refusal::new(483)),
        _ => Ok(()),
    }
}
