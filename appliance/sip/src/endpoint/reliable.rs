//! Reliable provisional replies, ours and the peers' (RFC 3262).

use bytes::Bytes;

use super::client::{Audience, ClientKey};
use super::dialogs::Within;
use super::{Endpoint, Event, Owner, Reply, ServerId};
use crate::dialog::DialogId;
use crate::header::list::elements;
use crate::header::{RAck, RSeq};
use crate::message::HeaderName;
use crate::transaction::{Timer, TimerTable};
use crate::{Headers, Method, Request, Response, Time};

/// Whether a caller understands reliable provisional replies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reliability {
    /// He does not say so.
    Unknown,
    /// `Supported: 100rel`.
    Supported,
    /// `Require: 100rel`: every reply from 101 to 199 must be reliable.
    Required,
}

impl Reliability {
    pub(super) fn of(headers: &Headers) -> Reliability {
        let names =
            |name: HeaderName| headers.get_all(&name).flat_map(elements).any(|tag| tag.eq_ignore_ascii_case(b"100rel"));
        if names(HeaderName::Require) {
            Reliability::Required
        } else if names(HeaderName::Supported) {
            Reliability::Supported
        } else {
            Reliability::Unknown
        }
    }
}

/// A reliable provisional reply that waits for its PRACK.
pub(super) struct Unconfirmed {
    rseq: u32,
    bytes: Bytes,
    interval: Time,
    /// Whether it has a body: then a 2xx must wait for the PRACK (RFC 3262 §3).
    has_body: bool,
}

/// What a PRACK is to us.
pub(super) enum Pracked {
    /// It acknowledges what waited for it.
    Confirms(ServerId),
    /// It comes late, after the final reply.
    Late,
    /// It names nothing we sent.
    Nothing,
}

impl Endpoint {
    /// Sends a provisional or successful reply, or holds it until the PRACK of the one before has come.
    pub(super) fn reply_or_hold(&mut self, now: Time, id: ServerId, reply: Reply) {
        let limit = self.config.limits.held_replies;
        let Some(invite) = self.servers.get_mut(&id).and_then(|server| server.invite.as_mut()) else { return };
        let provisional = reply.status.is_provisional();
        if invite.held.back().is_some_and(|last| last.status.is_success()) {
            // It is answered already, as far as the user can tell.
            return;
        }
        let reliable = provisional
            && match invite.reliability {
                Reliability::Required => true,
                Reliability::Supported => reply.reliable,
                Reliability::Unknown => false,
            };
        let waits = match &invite.unconfirmed {
            Some(unconfirmed) => reliable || !invite.held.is_empty() || (!provisional && unconfirmed.has_body),
            None => false,
        };
        if waits && provisional && invite.held.len() >= limit {
            self.statistics.dropped += 1;
        } else if waits {
            invite.held.push_back(reply);
        } else if reliable {
            self.send_reliably(now, id, &reply);
        } else {
            self.send_invite_reply(now, id, &reply);
        }
    }

    fn send_reliably(&mut self, now: Time, id: ServerId, reply: &Reply) {
        let first = 1 + self.random.below(u32::MAX / 2);
        let Some(server) = self.servers.get_mut(&id) else { return };
        let table = TimerTable::new(self.config.timings, server.flow.transport.is_reliable());
        let Some(invite) = server.invite.as_mut() else { return };
        let rseq = invite.rseq.map_or(first, |rseq| rseq.wrapping_add(1));
        invite.rseq = Some(rseq);
        let Some(bytes) = self.write_invite_reply(id, reply, Some(rseq)) else { return };
        let interval = table.length(Timer::Reliable);
        let unconfirmed = Unconfirmed { rseq, bytes: bytes.clone(), interval, has_body: reply.body.is_some() };
        if let Some(invite) = self.servers.get_mut(&id).and_then(|server| server.invite.as_mut()) {
            invite.unconfirmed = Some(unconfirmed);
        }
        self.pass_reply(now, id, (reply.status, bytes));
        self.arm(now, (Timer::Reliable, interval), Owner::Provisional(id, rseq));
        self.arm(now, (Timer::Prack, table.length(Timer::Prack)), Owner::Provisional(id, rseq));
    }

    pub(super) fn handle_provisional_timer(&mut self, now: Time, timer: Timer, (id, rseq): (ServerId, u32)) {
        let Some(server) = self.servers.get_mut(&id) else { return };
        let (flow, dialog) = (server.flow, server.dialog);
        let Some(invite) = server.invite.as_mut() else { return };
        let Some(unconfirmed) = invite.unconfirmed.as_mut().filter(|unconfirmed| unconfirmed.rseq == rseq) else {
            return;
        };
        if timer == Timer::Reliable {
            unconfirmed.interval *= 2;
            let (interval, bytes) = (unconfirmed.interval, unconfirmed.bytes.clone());
            self.statistics.repeated += 1;
            self.transmit(flow, bytes);
            return self.arm(now, (Timer::Reliable, interval), Owner::Provisional(id, rseq));
        }
        invite.unconfirmed = None;
        invite.held.clear();
        if let Some(dialog) = dialog {
            self.tell(Event::ProvisionalUnacknowledged { server: id, dialog });
        }
    }

    pub(super) fn provisional_awaits(&self, (id, rseq): (ServerId, u32)) -> bool {
        let invite = self.servers.get(&id).and_then(|server| server.invite.as_ref());
        invite.and_then(|invite| invite.unconfirmed.as_ref()).is_some_and(|unconfirmed| unconfirmed.rseq == rseq)
    }

    /// Which reply of ours a PRACK in this dialog acknowledges.
    pub(super) fn match_prack(&mut self, dialog: DialogId, request: &Request) -> Pracked {
        let Ok(rack) = request.headers.typed::<RAck>() else { return Pracked::Nothing };
        let Some(id) = self.dialogs.get(&dialog).and_then(|entry| entry.invited) else { return Pracked::Nothing };
        let Some(server) = self.servers.get_mut(&id) else { return Pracked::Nothing };
        let Some(invite) = server.invite.as_mut() else { return Pracked::Nothing };
        if rack.cseq != invite.cseq || rack.method != Method::Invite {
            return Pracked::Nothing;
        }
        if invite.unconfirmed.take_if(|unconfirmed| unconfirmed.rseq == rack.rseq).is_some() {
            return Pracked::Confirms(id);
        }
        if invite.rseq == Some(rack.rseq) && !server.machine.is_proceeding() { Pracked::Late } else { Pracked::Nothing }
    }

    /// The PRACK has come: what waited for it goes out, up to the next one that must wait.
    pub(super) fn release_held(&mut self, now: Time, id: ServerId) {
        let Some(invite) = self.servers.get_mut(&id).and_then(|server| server.invite.as_mut()) else { return };
        let mut waiting = std::mem::take(&mut invite.held);
        while let Some(reply) = waiting.pop_front() {
            self.reply_or_hold(now, id, reply);
            let Some(server) = self.servers.get_mut(&id).filter(|server| server.machine.is_proceeding()) else {
                return;
            };
            let Some(invite) = server.invite.as_mut() else { return };
            if !invite.held.is_empty() {
                invite.held.append(&mut waiting);
            }
        }
    }

    /// Whether a provisional answer to an INVITE of ours is to be told: a reliable one only in its order and once. It is acknowledged
    /// here, unless it makes the offer: then the user must send the PRACK, with the answer (RFC 3262 §5).
    pub(super) fn take_reliable(&mut self, now: Time, (key, id): (ClientKey, DialogId), response: &Response) -> bool {
        let Ok(Some(RSeq(rseq))) = response.headers.typed_opt::<RSeq>() else { return true };
        if Reliability::of(&response.headers) != Reliability::Required {
            return true;
        }
        let Some(client) = self.clients.get(&key) else { return true };
        let offered = client.invite.as_ref().is_some_and(|invite| invite.offered);
        let cseq = client.cseq;
        let Some(entry) = self.dialogs.get_mut(&id) else { return true };
        if let Some((last, of)) = entry.heard
            && of == cseq
            && rseq != last.wrapping_add(1)
        {
            return false;
        }
        entry.heard = Some((rseq, cseq));
        if offered || response.body.is_empty() {
            let headers = Headers::new();
            let prack = Within { method: Method::Prack, headers: &headers, body: None, audience: Audience::Nobody };
            // It can only fail where the dialog is ending, and then nobody waits for the PRACK.
            let _ = self.send_in_dialog(now, id, prack);
        }
        true
    }
}
