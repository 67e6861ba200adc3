//! What a phone remembers of the other end of a call (RFC 3261 §12).

use crate::wire::{Message, uri_of};

/// A dialog, possibly still early.
#[derive(Debug, Clone, Default)]
pub struct Dialog {
    /// The call's Call-ID.
    pub call_id: String,
    /// From or To as the phone writes itself, tag included.
    pub own: String,
    /// From or To as the phone writes its peer, tag included once it is known.
    pub peer: String,
    /// The peer's tag.
    pub peer_tag: Option<String>,
    /// The number of the phone's last request.
    pub own_cseq: u32,
    /// The number of the peer's last request.
    pub peer_cseq: Option<u32>,
    /// Where requests go: the peer's Contact.
    pub target: String,
    /// Route headers.
    pub routes: Vec<String>,
}

impl Dialog {
    /// A request within the dialog.
    pub fn request(&mut self, method: &str) -> Message {
        if method != "ACK" && method != "CANCEL" {
            self.own_cseq += 1;
        }
        let mut message = Message::request(method, &self.target);
        for route in &self.routes {
            message = message.with("Route", route);
        }
        message
            .with("From", &self.own)
            .with("To", &self.peer)
            .with("Call-ID", &self.call_id)
            .with("CSeq", format!("{} {method}", self.own_cseq))
    }

    /// Learns from a response to the phone's INVITE (RFC 3261 §12.1.2).
    pub fn learn_from_response(&mut self, response: &Message) {
        let Some(tag) = response.tag("To") else { return };
        self.peer_tag = Some(tag.into());
        self.peer = response.need("To").into();
        if let Some(contact) = response.header("Contact") {
            self.target = uri_of(contact).into();
        }
        let mut routes: Vec<String> = response.all("Record-Route").map(str::to_string).collect();
        routes.reverse();
        self.routes = routes;
    }

    /// Learns from an INVITE that came in (RFC 3261 §12.1.1).
    pub fn from_invite(invite: &Message, own_tag: &str) -> Dialog {
        Dialog {
            call_id: invite.need("Call-ID").into(),
            own: format!("{};tag={own_tag}", invite.need("To")),
            peer: invite.need("From").into(),
            peer_tag: invite.tag("From").map(str::to_string),
            own_cseq: 0,
            peer_cseq: Some(invite.cseq().0),
            target: uri_of(invite.need("Contact")).into(),
            routes: invite.all("Record-Route").map(str::to_string).collect(),
        }
    }

    /// What a Replaces header says that names this dialog to the peer (RFC 3891).
    pub fn replaces(&self) -> String {
        let own_tag = self.own.split(";tag=").nth(1).unwrap_or_default();
        format!("{};to-tag={};from-tag={own_tag}", self.call_id, self.peer_tag.as_deref().unwrap_or_default())
    }

    /// Whether a request or response of this Call-ID and these tags belongs here. `peer_tag`: the tag of whoever sent it.
    pub fn is_of(&self, call_id: &str, peer_tag: Option<&str>) -> bool {
        self.call_id == call_id && (self.peer_tag.is_none() || self.peer_tag.as_deref() == peer_tag)
    }
}
