//! What comes in: read, matched with its transaction, and told (RFC 3261 §8.2, §17.2.3, §18.2).

use bytes::Bytes;
use smallvec::SmallVec;

use super::admit::{Admitted, Refusal};
use super::invited::Invited;
use super::quick::{complete_via, tag};
use super::random::hex;
use super::reliable::Pracked;
use super::server::{Server, ServerMachine};
use super::write::ReplyParts;
use super::{Endpoint, Event, Reply, ServerId};
use crate::dialog::{Beginning, Dialog, DialogId};
use crate::header::{CSeq, CallId, HeaderError, Reason, Via};
use crate::message::{HeaderName, ParseError, ParseErrorKind, Text};
use crate::transaction::key::{KeyKind, has_magic_cookie};
use crate::transaction::{Fingerprint, ServerNonInvite};
use crate::uri::Host;
use crate::{Flow, Message, Method, Request, Time};

/// What names a request.
pub(super) struct Ident {
    pub(super) from_tag: Text,
    pub(super) to_tag: Option<Text>,
    pub(super) call_id: Text,
    pub(super) cseq: u32,
    /// The transaction; for ACK and CANCEL that of the INVITE.
    key: Fingerprint,
}

impl Ident {
    /// Our To tag where the request has none. It is made of the key of the transaction, so that a repeated request gets the same one
    /// even where nothing is remembered (RFC 3261 §8.2.7); nobody outside can guess it.
    pub(super) fn new_tag(&self) -> Option<u64> {
        self.to_tag.is_none().then_some(self.key.0 as u64)
    }
}

impl Endpoint {
    pub(super) fn receive(&mut self, now: Time, flow: Flow, datagram: &Bytes) {
        match Message::parse(datagram) {
            Ok(Message::Request(request)) => self.handle_request(now, flow, request),
            Ok(Message::Response(response)) => self.handle_response(now, flow, response),
            Err(error) => self.handle_malformed(flow, error),
        }
    }

    /// A request that names enough is answered 400, or 505; anything else is dropped and counted.
    fn handle_malformed(&mut self, flow: Flow, error: ParseError) {
        self.statistics.malformed += 1;
        let status = if error.kind == ParseErrorKind::Version { 505 } else { 400 };
        if let Some(request) = error.partial {
            self.refuse_malformed(flow, *request, Refusal::because(status, error.kind));
        }
    }

    /// Whether the topmost Via can be read decides: the answer would have to begin with it (RFC 3261 §8.2.6.2), and whoever
    /// sent the request would throw that answer away (§18.1.2).
    fn refuse_malformed(&mut self, flow: Flow, mut request: Request, refusal: Refusal) {
        let headers = &request.headers;
        let needed = [HeaderName::From, HeaderName::To, HeaderName::CallId, HeaderName::CSeq];
        if request.method == Method::Ack || !needed.iter().all(|name| headers.contains(name)) {
            return;
        }
        let Ok(via) = headers.typed::<Via>() else { return };
        self.statistics.answered_400 += 1;
        let raw = headers.get(&HeaderName::Via).map_or(&b""[..], |via| via);
        let new_tag = self.secret.fingerprint(KeyKind::Branch, &[raw]).0 as u64;
        let new_tag = tag(headers, HeaderName::To).is_ok_and(|tag| tag.is_none()).then_some(new_tag);
        complete_via(&mut request.headers, &via, &flow);
        self.refuse(flow, (&request, new_tag), &refusal);
    }

    fn handle_request(&mut self, now: Time, flow: Flow, mut request: Request) {
        self.statistics.requests_in += 1;
        let ident = match self.identify(&mut request, &flow) {
            Ok(ident) => ident,
            Err(error) => {
                self.statistics.malformed += 1;
                return self.refuse_malformed(flow, request, Refusal::because(400, error));
            }
        };
        match request.method {
            Method::Ack => {
                let dialog = self.dialog_of(&ident);
                return self.handle_ack(now, ident.key, (&request, ident.cseq, dialog));
            }
            Method::Cancel => return self.handle_cancel(now, flow, (&request, &ident)),
            _ => {}
        }
        if let Some(id) = self.server_keys.get(&ident.key).copied() {
            return self.handle_repetition(now, flow, id);
        }
        let admitted = self.admit(&request, &ident);
        let prepared = admitted.and_then(|admitted| Ok((self.prepare(flow, &request, (&ident, &admitted))?, admitted)));
        match prepared {
            Ok((server, admitted)) => self.begin(now, (server, ident.cseq), (request, admitted)),
            Err(refusal) => self.refuse_counted(flow, (&request, &ident), &refusal),
        }
    }

    fn refuse_counted(&mut self, flow: Flow, (request, ident): (&Request, &Ident), refusal: &Refusal) {
        match refusal.status {
            // A late repetition of an INVITE whose dialog is there: nothing to say.
            0 => return self.statistics.repetitions_in += 1,
            503 => self.statistics.overload += 1,
            400.. => self.statistics.refused += 1,
            _ => {}
        }
        self.refuse(flow, (request, ident.new_tag()), refusal);
    }

    /// Replies without remembering anything (RFC 3261 §8.2.7).
    fn refuse(&mut self, flow: Flow, (request, tag): (&Request, Option<u64>), refusal: &Refusal) {
        let head = self.writer.reply_head(request, tag);
        let Refusal { status, reason, headers } = refusal;
        let parts =
            ReplyParts { status: *status, reason: reason.as_deref(), headers: Some(headers), ..ReplyParts::default() };
        let bytes = self.writer.reply(&head, &parts);
        self.transmit(flow, bytes);
    }

    /// Reads what names a request, completes its Via, and finds the key of its transaction.
    fn identify(&self, request: &mut Request, flow: &Flow) -> Result<Ident, HeaderError> {
        let headers = &request.headers;
        let via: Via = headers.typed()?;
        let (from_tag, to_tag) = (tag(headers, HeaderName::From)?, tag(headers, HeaderName::To)?);
        let call_id: CallId = headers.typed()?;
        let cseq: CSeq = headers.typed()?;
        if cseq.method != request.method {
            let reason = "method is not that of the request";
            return Err(HeaderError::Malformed { name: HeaderName::CSeq, offset: 0, reason });
        }
        complete_via(&mut request.headers, &via, flow);
        let mut ident = Ident {
            from_tag: from_tag.unwrap_or_default(),
            to_tag,
            call_id: call_id.0,
            cseq: cseq.number,
            key: Fingerprint(0),
        };
        ident.key = self.transaction_key(request, &via, &ident);
        Ok(ident)
    }

    /// By branch, sent-by and method (RFC 3261 §17.2.3), ACK and CANCEL under their INVITE. A peer of RFC 2543 makes no unique branches:
    /// his whole Via, From tag, Call-ID and CSeq number stand in. The To tag is left out of it, as his ACK has one and his INVITE none.
    fn transaction_key(&self, request: &Request, via: &Via, ident: &Ident) -> Fingerprint {
        let method = match request.method {
            Method::Ack | Method::Cancel => &Method::Invite,
            ref method => method,
        };
        let method = method.as_str().as_bytes();
        let branch = via.branch.as_deref().unwrap_or_default();
        if has_magic_cookie(branch) {
            let port = via.port.unwrap_or(0).to_be_bytes();
            return self.secret.fingerprint(KeyKind::Branch, &[branch, &host_bytes(&via.host), &port, method]);
        }
        let raw = request.headers.get(&HeaderName::Via).map_or(&b""[..], |via| via);
        let cseq = ident.cseq.to_be_bytes();
        self.secret.fingerprint(KeyKind::OldTransaction, &[raw, &ident.from_tag, &ident.call_id, &cseq, method])
    }

    /// The dialog a request to us names (RFC 3261 §12.2.2).
    pub(super) fn dialog_of(&self, ident: &Ident) -> Option<DialogId> {
        self.find_dialog(&ident.call_id, (ident.to_tag.as_ref()?, &ident.from_tag))
    }

    /// Answers a CANCEL 200 and its INVITE 487 (RFC 3261 §9.2). Nothing is remembered of the CANCEL itself: repeated, it finds the INVITE
    /// answered, and is answered 200 again.
    fn handle_cancel(&mut self, now: Time, flow: Flow, (request, ident): (&Request, &Ident)) {
        let server = self.server_keys.get(&ident.key).copied();
        let Some(server) = server.filter(|id| self.servers.get(id).is_some_and(|server| server.invite.is_some()))
        else {
            self.statistics.refused += 1;
            return self.refuse(flow, (request, ident.new_tag()), &Refusal::new(481));
        };
        self.refuse(flow, (request, ident.new_tag()), &Refusal::new(200));
        if self.is_unanswered(server) {
            let reason = request.headers.typed_opt::<Reason>().ok().flatten();
            self.respond_to_invite(now, server, Reply::new(487));
            self.tell(Event::Cancelled { server, reason });
        }
    }

    /// What is to be remembered of a new request.
    fn prepare(
        &mut self,
        flow: Flow,
        request: &Request,
        (ident, admitted): (&Ident, &Admitted),
    ) -> Result<Server, Refusal> {
        let dialog = admitted.dialog;
        let invite = match request.method {
            Method::Invite => Some(Box::new(self.prepare_invite(flow, request, (ident, dialog))?)),
            _ => None,
        };
        Ok(Server {
            key: ident.key,
            merged: admitted.merged,
            machine: ServerMachine::NonInvite(ServerNonInvite::Trying),
            flow,
            method: request.method.clone(),
            head: self.writer.reply_head(request, ident.new_tag()),
            dialog,
            spent: false,
            invite,
        })
    }

    fn prepare_invite(
        &mut self,
        flow: Flow,
        request: &Request,
        (ident, dialog): (&Ident, Option<DialogId>),
    ) -> Result<Invited, Refusal> {
        let mut invite = Invited::new(ident.cseq, request);
        if let Some(tag) = ident.new_tag().filter(|_| dialog.is_none()) {
            let begin = Beginning { id: self.new_dialog_id(), flow, hops: self.config.limits.route_set };
            let prospect =
                Dialog::for_callee(request, hex(tag), begin).map_err(|unfit| Refusal::because(400, unfit))?;
            invite.prospect = Some(Box::new(prospect));
            invite.record_route = self.writer.record_route(request);
        }
        Ok(invite)
    }

    /// Remembers a new request and tells the user; a PRACK that says nothing more is answered here.
    fn begin(&mut self, now: Time, (server, cseq): (Server, u32), (request, admitted): (Request, Admitted)) {
        let (flow, dialog) = (server.flow, server.dialog);
        let id = self.add_server(now, server);
        if let Some(dialog) = dialog {
            self.move_dialog(dialog, flow);
            self.note_in_dialog(dialog, (id, cseq), &request);
        }
        if let (Some(Pracked::Confirms(server)), Some(dialog)) = (&admitted.pracked, dialog) {
            self.tell(Event::ProvisionalAcknowledged { server: *server, dialog });
        }
        if admitted.pracked.is_some() && request.body.is_empty() {
            self.reply(now, id, Reply::new(200));
        } else {
            self.tell(Event::Request { server: id, dialog, flow, request: Box::new(request) });
        }
        if let Some(Pracked::Confirms(server)) = admitted.pracked {
            self.release_held(now, server);
        }
    }

    fn note_in_dialog(&mut self, dialog: DialogId, (id, cseq): (ServerId, u32), request: &Request) {
        let Some(entry) = self.dialogs.get_mut(&dialog) else { return };
        entry.dialog.remote_cseq = Some(cseq);
        if matches!(request.method, Method::Invite | Method::Update | Method::Subscribe | Method::Notify) {
            entry.dialog.refresh_target(&request.headers);
        }
        if request.method == Method::Invite {
            entry.invited = Some(id);
        }
    }
}

/// A host as it is compared: names without case.
fn host_bytes(host: &Host) -> SmallVec<[u8; 32]> {
    match host {
        Host::Name(name) => name.iter().map(u8::to_ascii_lowercase).collect(),
        Host::V4(ip) => SmallVec::from_slice(&ip.octets()),
        Host::V6(ip) | Host::ScopedV6(ip, _) => SmallVec::from_slice(&ip.octets()),
    }
}
