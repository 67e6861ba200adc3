//! The dialogs, what is under way in each, and requests of ours within one.

use super::client::{Audience, ClientKey, NewClient};
use super::inviting::Inviting;
use super::memory::give_back;
use super::write::RequestParts;
use super::{Body, ClientId, Endpoint, Event, InDialogError, Owner, Reply, ServerId};
use crate::dialog::{self, Dialog, DialogId, Stage};
use crate::header::{RAck, TypedHeader};
use crate::message::HeaderName;
use crate::transaction::{Timer, TimerTable};
use crate::{Flow, Headers, Method, Time};

/// A dialog, and the INVITEs in it.
pub(super) struct DialogEntry {
    pub(super) dialog: Dialog,
    /// The last INVITE to us in it, from its coming until its transaction ends.
    pub(super) invited: Option<ServerId>,
    /// The INVITE of ours in it that is not yet answered, or not yet acknowledged, and its number.
    pub(super) inviting: Option<(ClientKey, u32)>,
    /// The last reliable provisional answer to us, and the number of its INVITE (RFC 3262 §4).
    pub(super) heard: Option<(u32, u32)>,
}

/// A request of ours within a dialog.
pub(super) struct Within<'a> {
    pub(super) method: Method,
    pub(super) headers: &'a Headers,
    pub(super) body: Option<&'a Body>,
    pub(super) audience: Audience,
}

impl Endpoint {
    pub(super) fn new_dialog_id(&mut self) -> DialogId {
        self.last_dialog += 1;
        DialogId(self.last_dialog)
    }

    /// Takes a new dialog in; `None` if one with the same Call-ID and tags is there already.
    pub(super) fn add_dialog(&mut self, dialog: Dialog) -> Option<DialogId> {
        let (id, flow) = (dialog.id, dialog.flow);
        let key = dialog.key(&self.secret);
        if self.dialog_keys.contains_key(&key) {
            return None;
        }
        self.dialog_keys.insert(key, id);
        self.use_stream(&flow, Owner::Dialog(id));
        self.dialogs.insert(id, DialogEntry { dialog, invited: None, inviting: None, heard: None });
        Some(id)
    }

    /// The dialog with this Call-ID and (local, remote) tags.
    pub(super) fn find_dialog(&self, call_id: &[u8], tags: (&[u8], &[u8])) -> Option<DialogId> {
        self.dialog_keys.get(&dialog::key(&self.secret, call_id, tags)).copied()
    }

    /// Removes a dialog. An INVITE to us that is unanswered in it is answered 487 (RFC 3261 §15.1.2); a 2xx is repeated no more.
    pub(super) fn end_dialog(&mut self, id: DialogId) {
        let Some(entry) = self.dialogs.remove(&id) else { return };
        self.dialog_keys.remove(&entry.dialog.key(&self.secret));
        self.leave_stream(&entry.dialog.flow, Owner::Dialog(id));
        give_back(&mut self.dialogs);
        give_back(&mut self.dialog_keys);
        let Some(server) = entry.invited else { return };
        if self.is_unanswered(server) {
            // The last input's time is now: nothing ends a dialog between inputs.
            self.respond_to_invite(self.now, server, Reply::new(487));
            self.tell(Event::Cancelled { server, reason: None });
        } else {
            self.stop_repeating(server);
        }
    }

    pub(super) fn move_dialog(&mut self, id: DialogId, flow: Flow) {
        let Some(entry) = self.dialogs.get_mut(&id) else { return };
        if entry.dialog.flow == flow {
            return;
        }
        let old = std::mem::replace(&mut entry.dialog.flow, flow);
        self.leave_stream(&old, Owner::Dialog(id));
        self.use_stream(&flow, Owner::Dialog(id));
    }

    /// Whether an INVITE in the dialog is unanswered, or answered and not acknowledged.
    pub(super) fn has_invite_pending(&self, id: DialogId) -> bool {
        let Some(entry) = self.dialogs.get(&id) else { return false };
        entry.inviting.is_some() || entry.invited.is_some_and(|server| self.is_invite_open(server))
    }

    pub(super) fn table_of_dialog(&self, id: DialogId) -> TimerTable {
        let reliable = self.dialogs.get(&id).is_some_and(|entry| entry.dialog.flow.transport.is_reliable());
        TimerTable::new(self.config.timings, reliable)
    }

    pub(super) fn send_in_dialog(
        &mut self,
        now: Time,
        id: DialogId,
        within: Within<'_>,
    ) -> Result<ClientId, InDialogError> {
        let pending = within.method == Method::Invite && self.has_invite_pending(id);
        let key = self.new_client_key();
        let entry = self.dialogs.get_mut(&id).ok_or(InDialogError::NoSuchDialog)?;
        if entry.dialog.stage == Stage::Ending && within.method != Method::Bye {
            return Err(InDialogError::NoSuchDialog);
        }
        if pending {
            return Err(InDialogError::InvitePending);
        }
        let state = &mut entry.dialog;
        state.local_cseq = state.local_cseq.wrapping_add(1);
        let (cseq, flow) = (state.local_cseq, state.flow);
        let rack = rack_for(&within, entry.heard);
        let headers = rack.as_ref().unwrap_or(within.headers);
        let invite = (within.method == Method::Invite).then(|| Inviting::new(headers, within.body.is_some(), None));
        if invite.is_some() {
            entry.inviting = Some((key, cseq));
        }
        let state = &mut entry.dialog;
        let target = state.target();
        let request = self.writer.request(&RequestParts {
            method: &within.method,
            uri: &target.uri,
            flow: &flow,
            branch: key.token,
            max_forwards: 70,
            route: &target.route,
            from: (&state.local, Some(&state.local_tag)),
            to: (&state.remote, Some(&state.remote_tag).filter(|tag| !tag.is_empty())),
            call_id: &state.call_id,
            cseq,
            contact: refreshes_target(&within.method).then_some(&state.local_target),
            headers,
            body: within.body,
        });
        if within.method == Method::Bye {
            state.stage = Stage::Ending;
        }
        let Within { method, audience, .. } = within;
        self.start_client(now, NewClient { key, flow, method, cseq, dialog: Some(id), audience, invite }, request);
        Ok(ClientId(key.token))
    }

    pub(super) fn handle_dialog_timer(&mut self, timer: Timer, id: DialogId) {
        if timer == Timer::Ending && self.dialogs.get(&id).is_some_and(|entry| entry.dialog.stage == Stage::Ending) {
            self.end_dialog(id);
        }
    }
}

/// The headers of a PRACK that does not say itself what it acknowledges.
fn rack_for(within: &Within<'_>, heard: Option<(u32, u32)>) -> Option<Headers> {
    if within.method != Method::Prack || within.headers.contains(&HeaderName::RAck) {
        return None;
    }
    let (rseq, cseq) = heard?;
    let mut headers = within.headers.clone();
    headers.push(HeaderName::RAck, RAck { rseq, cseq, method: Method::Invite }.to_bytes());
    Some(headers)
}

/// The requests that carry a Contact: it becomes the remote target of the peer (RFC 3261 §12.2, RFC 3311, RFC 6665).
fn refreshes_target(method: &Method) -> bool {
    matches!(method, Method::Invite | Method::Update | Method::Subscribe | Method::Notify | Method::Refer)
}
