//! What the exchange wants of a page's calls, and what it answers.

use pbx::call::HangupReason;
use pbx::call::cause::Cause;
use sip::dialog::DialogId;
use sip::endpoint::{ClientId, Reply, ServerId};
use sip::header::From;
use sip::message::HeaderName;
use sip::{Method, Request, Response, Time};
use store::address::AddressType;

use super::super::message::{Party, Told};
use super::{Call, Stage, UserAgent, sdp};
use crate::limits;

impl UserAgent {
    pub(super) fn handle_request(
        &mut self,
        now: Time,
        (server, dialog): (ServerId, Option<DialogId>),
        request: &Request,
    ) {
        let at = dialog.and_then(|dialog| self.calls.iter().position(|call| call.dialog == Some(dialog)));
        let status = match (&request.method, at) {
            (Method::Invite, None) if dialog.is_none() => return self.come_in(now, server, request),
            (Method::Invite, Some(at)) => return self.come_anew(now, (server, at), request),
            (Method::Bye, Some(at)) => {
                let call = self.calls.remove(at);
                self.told.push_back(Told::hangup(&call.id, HangupReason::Normal, None));
                200
            }
            (Method::Bye | Method::Options | Method::Info | Method::Notify, _) => 200,
            (_, None) if dialog.is_some() => 481,
            _ => 405,
        };
        self.endpoint.respond(now, server, Reply::new(status));
    }

    fn come_in(&mut self, now: Time, server: ServerId, request: &Request) {
        let user = request.uri.user_unescaped().unwrap_or_default().into_owned();
        let is_ours = self.registrations.iter().any(|own| own.extension == user);
        let offer = String::from_utf8(request.body.to_vec()).ok().filter(|offer| !offer.is_empty());
        let status = match &offer {
            _ if !is_ours => 404,
            _ if self.calls.len() >= limits::WEBRTC_CALLS => 486,
            None => 488,
            Some(_) => 180,
        };
        let contact = self.contact(&user);
        let reply = Reply { contact: contact.clone(), ..Reply::new(status) };
        let dialog = self.endpoint.respond(now, server, reply);
        let Some(offer) = offer.filter(|_| status == 180) else { return };
        self.named += 1;
        let id = format!("in-{}", self.named);
        let sip_call_id = request.headers.get_str(&HeaderName::CallId).unwrap_or_default().to_owned();
        let source = party(request);
        self.told.push_back(Told::Call { id: id.clone(), extension: user, source, sdp: offer.clone() });
        let call = Call::new(id, Stage::Called(server), sip_call_id);
        self.calls.push(Call { dialog, contact, remote: offer, ..call });
    }

    /// A call is described anew. What says nothing new is answered without the page: the exchange only asks whether it is there.
    fn come_anew(&mut self, now: Time, (server, at): (ServerId, usize), request: &Request) {
        let call = &mut self.calls[at];
        let offer = String::from_utf8_lossy(&request.body).into_owned();
        if call.stage != Stage::Up {
            self.endpoint.respond(now, server, Reply::new(491));
        } else if offer.is_empty() || offer == call.remote {
            let reply = Reply { contact: call.contact.clone(), ..Reply::new(200).with_body(sdp(&call.local)) };
            self.endpoint.respond(now, server, reply);
        } else {
            (call.stage, call.remote) = (Stage::Offered(server), offer.clone());
            let id = call.id.clone();
            self.told.push_back(Told::Offer { id, sdp: offer });
        }
    }

    pub(super) fn handle_cancelled(&mut self, server: ServerId) {
        let Some(at) = self.calls.iter().position(|call| call.stage == Stage::Called(server)) else { return };
        let call = self.calls.remove(at);
        self.told.push_back(Told::hangup(&call.id, HangupReason::Cancel, None));
    }

    pub(super) fn handle_response(
        &mut self,
        now: Time,
        (client, dialog): (ClientId, Option<DialogId>),
        response: &Response,
    ) {
        if self.handle_registered(now, client, Some(response)) {
            return;
        }
        let Some(at) = self.waiting(client) else { return };
        if let Some(dialog) = dialog.filter(|_| response.status.is_success()) {
            self.endpoint.ack(now, dialog, None);
        }
        match (self.calls[at].stage, response.status.0) {
            (Stage::Offering(_), 200..=299) => {
                self.calls[at].stage = Stage::Up;
                self.tell_answer(at, response);
            }
            (Stage::Offering(_), status @ 300..) => {
                self.calls[at].stage = Stage::Up;
                let (id, message) = (Some(self.calls[at].id.clone()), format!("the offer was refused: {status}"));
                self.told.push_back(Told::Error { id, reason: "OFFER_REFUSED", message });
            }
            (Stage::Calling(_), 101..=199) => self.handle_progress(at, response),
            (Stage::Calling(_), 200..=299) => {
                (self.calls[at].stage, self.calls[at].dialog) = (Stage::Up, dialog);
                if self.calls[at].remote.is_empty() {
                    self.tell_answer(at, response);
                }
                let (id, sip_call_id) = (self.calls[at].id.clone(), self.calls[at].sip_call_id.clone());
                self.told.push_back(Told::Progressing { id, sip_call_id });
            }
            (Stage::Canceled(_), status @ 200..) => {
                let call = self.calls.remove(at);
                if status < 300 {
                    // It was answered in the moment in which it was given up.
                    self.say_bye(now, dialog);
                }
                self.told.push_back(Told::hangup(&call.id, HangupReason::Cancel, None));
            }
            (Stage::Calling(_), status @ 300..) => {
                let call = self.calls.remove(at);
                let reason = Cause::of_status(status).reason_outgoing();
                self.told.push_back(Told::hangup(&call.id, reason, Some(status)));
            }
            _ => {}
        }
    }

    /// It rings, or is heard already.
    fn handle_progress(&mut self, at: usize, response: &Response) {
        if !std::mem::replace(&mut self.calls[at].rang, true) {
            let id = self.calls[at].id.clone();
            self.told.push_back(Told::Ringing { id });
        }
        if !response.body.is_empty() && self.calls[at].remote.is_empty() {
            self.tell_answer(at, response);
        }
    }

    fn tell_answer(&mut self, at: usize, response: &Response) {
        let answer = String::from_utf8_lossy(&response.body).into_owned();
        self.calls[at].remote = answer.clone();
        let id = self.calls[at].id.clone();
        self.told.push_back(Told::Answer { id, sdp: answer });
    }

    /// Nobody answered, or the connection is gone.
    pub(super) fn handle_failed(&mut self, now: Time, client: ClientId) {
        if self.handle_registered(now, client, None) {
            return;
        }
        let Some(at) = self.waiting(client) else { return };
        let call = self.calls.remove(at);
        if let Stage::Offering(_) = call.stage {
            self.say_bye(now, call.dialog);
        }
        self.told.push_back(Told::hangup(&call.id, HangupReason::Failed, Some(408)));
    }

    /// The call that waits for the answer to an INVITE.
    fn waiting(&self, client: ClientId) -> Option<usize> {
        self.calls.iter().position(|call| match call.stage {
            Stage::Calling(own) | Stage::Canceled(own) | Stage::Offering(own) => own == client,
            Stage::Called(_) | Stage::Up | Stage::Offered(_) => false,
        })
    }
}

/// Who calls, as the INVITE says it.
fn party(request: &Request) -> Party {
    let from = request.headers.typed::<From>().ok().map(|from| from.address);
    let target = from.as_ref().and_then(|from| from.uri.user_unescaped()).unwrap_or_default().into_owned();
    let target_name = from.as_ref().and_then(|from| from.display_name()).unwrap_or_default().into_owned();
    let kind = if target.starts_with('+') { AddressType::Tel } else { AddressType::Extension };
    Party { kind, target, target_name }
}
