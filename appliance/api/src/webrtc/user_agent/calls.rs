//! The calls of a page: what it wants of them.

use bytes::Bytes;
use pbx::call::HangupReason;
use sip::endpoint::{Body, InDialogError, OutgoingRequest, Reply};
use sip::message::Text;
use sip::{Headers, Method, Time};

use super::super::message::{Destination, Refusal, Said, Told, Unwanted};
use super::{Call, Stage, UserAgent, sdp};
use crate::limits;

/// For how many milliseconds a key is pressed unless it is said.
const DIGIT: u32 = 160;

impl UserAgent {
    /// Does what the page wants.
    pub(super) fn carry_out(&mut self, now: Time, said: Said) -> Result<(), Refusal> {
        match said {
            Said::Call { id, extension, destination, sdp } => self.call(now, id, (extension, destination), sdp),
            Said::Answer { id, sdp } => self.answer(now, &id, sdp),
            Said::Offer { id, sdp } => self.offer(now, &id, sdp),
            Said::Candidate { id, .. } => self.note_candidate(&id),
            Said::Digit { id, digit, duration } => self.press(now, &id, (digit, duration.unwrap_or(DIGIT))),
            Said::Hangup { id, reason } => self.hang_up(now, &id, reason.unwrap_or_default()),
        }
    }

    fn call(
        &mut self,
        now: Time,
        id: String,
        (extension, destination): (Option<String>, Destination),
        offer: String,
    ) -> Result<(), Refusal> {
        if self.calls.iter().any(|call| call.id == id) {
            return Err(Refusal::new("CALL_ALREADY_EXISTS", "id: there is a call of this name"));
        }
        if self.calls.len() >= limits::WEBRTC_CALLS {
            return Err(Refusal::new("LIMIT_REACHED", format!("{} calls at a time", limits::WEBRTC_CALLS)));
        }
        let mut own = self.registrations.iter().map(|own| &own.extension);
        let extension = match &extension {
            None => own.next(),
            Some(wanted) => own.find(|own| *own == wanted),
        };
        let message = "extension: must be one of the agent's addresses";
        let extension = extension.ok_or(Refusal::new("PERMISSION_DENIED", message))?.clone();
        let user = destination.user();
        let parties = self.address(&extension).zip(self.address(&user));
        let ready = parties.zip(self.uri(&user)).zip(self.contact(&extension));
        let unreadable = Refusal::new("INVALID_ARGUMENT", "destination.target: cannot be called");
        let ((parties, uri), contact) = ready.ok_or(unreadable)?;
        self.named += 1;
        let sip_call_id = format!("{}.{}", self.named, self.host);
        let mut request = OutgoingRequest::new(Method::Invite, uri, self.flow, parties);
        request.contact = Some(contact);
        request.call_id = Some(Text::from(sip_call_id.as_str()));
        request.body = Some(sdp(&offer));
        let client = self.endpoint.request(now, request);
        self.calls.push(Call { local: offer, ..Call::new(id, Stage::Calling(client), sip_call_id) });
        Ok(())
    }

    fn answer(&mut self, now: Time, id: &str, answer: String) -> Result<(), Refusal> {
        let at = self.place(id)?;
        let stage = self.calls[at].stage;
        let (Stage::Called(server) | Stage::Offered(server)) = stage else {
            return Err(Refusal::new("CALL_STATE_INVALID", "there is no offer to be answered"));
        };
        let mut reply = Reply::new(200).with_body(sdp(&answer));
        reply.contact = self.calls[at].contact.clone();
        let dialog = self.endpoint.respond(now, server, reply);
        let call = &mut self.calls[at];
        (call.stage, call.local, call.dialog) = (Stage::Up, answer, dialog.or(call.dialog));
        if matches!(stage, Stage::Called(_)) {
            let (id, sip_call_id) = (call.id.clone(), call.sip_call_id.clone());
            self.told.push_back(Told::Progressing { id, sip_call_id });
        }
        Ok(())
    }

    fn offer(&mut self, now: Time, id: &str, offer: String) -> Result<(), Refusal> {
        let at = self.place(id)?;
        let busy = Refusal::new("CALL_STATE_INVALID", "the call is not answered, or is described anew already");
        let (Stage::Up, Some(dialog)) = (self.calls[at].stage, self.calls[at].dialog) else { return Err(busy) };
        let body = Some(sdp(&offer));
        match self.endpoint.request_in_dialog(now, dialog, Method::Invite, Headers::new(), body) {
            Ok(client) => {
                let call = &mut self.calls[at];
                (call.stage, call.local) = (Stage::Offering(client), offer);
                Ok(())
            }
            Err(InDialogError::InvitePending) => Err(busy),
            Err(InDialogError::NoSuchDialog) => Err(Refusal::new("CALL_ALREADY_HANGUP", "the call is over")),
        }
    }

    /// The box learns where the page is from whoever proves that it knows the call; what is said of it is only counted.
    fn note_candidate(&mut self, id: &str) -> Result<(), Refusal> {
        let at = self.place(id)?;
        let call = &mut self.calls[at];
        call.candidates = call.candidates.saturating_add(1);
        if call.candidates > limits::WEBRTC_CANDIDATES {
            let message = format!("a call may have {} candidates", limits::WEBRTC_CANDIDATES);
            return Err(Refusal::new("LIMIT_REACHED", message));
        }
        Ok(())
    }

    fn press(&mut self, now: Time, id: &str, (digit, duration): (char, u32)) -> Result<(), Refusal> {
        let at = self.place(id)?;
        let unanswered = || Refusal::new("CALL_NOT_ANSWERED", "the call is not answered");
        let dialog = self.calls[at].dialog.filter(|_| self.calls[at].is_answered()).ok_or_else(unanswered)?;
        let body = Body {
            content_type: Bytes::from_static(b"application/dtmf-relay"),
            content: format!("Signal={digit}\r\nDuration={duration}\r\n").into(),
        };
        let asked = self.endpoint.request_in_dialog(now, dialog, Method::Info, Headers::new(), Some(body));
        asked.map(drop).map_err(|_| unanswered())
    }

    fn hang_up(&mut self, now: Time, id: &str, reason: Unwanted) -> Result<(), Refusal> {
        let at = self.place(id)?;
        match self.calls[at].stage {
            Stage::Calling(client) => {
                // It is over once the exchange says so.
                self.endpoint.cancel(now, client, None);
                self.calls[at].stage = Stage::Canceled(client);
                return Ok(());
            }
            Stage::Canceled(_) => return Ok(()),
            _ => {}
        }
        let call = self.calls.remove(at);
        self.end(now, &call, if reason == Unwanted::Busy { 486 } else { 603 });
        let reason = if call.is_answered() { HangupReason::Normal } else { HangupReason::Busy };
        self.told.push_back(Told::hangup(&call.id, reason, None));
        Ok(())
    }

    fn place(&self, id: &str) -> Result<usize, Refusal> {
        let found = self.calls.iter().position(|call| call.id == id);
        found.ok_or(Refusal::new("CALL_NOT_FOUND", "id: there is no call of this name"))
    }
}
