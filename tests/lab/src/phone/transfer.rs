//! Transfers: the phone sends whom it talks to elsewhere (RFC 5589), and hears how that gets on.

use super::client::Purpose;
use super::{Phone, State};
use crate::REALM;
use crate::wire::Message;

impl Phone {
    /// Sends whom it talks to to a number.
    pub fn refer(&mut self, number: &str) {
        self.refer_to(&format!("<sip:{number}@{REALM}>"));
    }

    /// Brings together those whom it talks to in its two newest calls; whoever it talked to first is sent to the other.
    pub fn refer_to_other_call(&mut self) {
        let up: Vec<usize> = (0..self.calls.len()).filter(|index| self.calls[*index].state == State::Up).collect();
        let [.., first, second] = up[..] else { return };
        let replaces = self.calls[second].dialog.replaces();
        let replaces = replaces.replace('@', "%40").replace(';', "%3B").replace('=', "%3D");
        self.send_refer(first, &format!("<sip:other@{REALM}?Replaces={replaces}>"));
    }

    /// Calls to take the place of another phone: `replaces` names that phone's dialog.
    pub fn pick_up(&mut self, number: &str, replaces: &str) -> usize {
        self.manner.extra.push(("Replaces", replaces.into()));
        let index = self.call(number);
        self.manner.extra.pop();
        index
    }

    /// Sends whom it talks to wherever this header says.
    pub fn refer_to(&mut self, refer_to: &str) {
        if let Some(index) = self.find(|call| call.state == State::Up) {
            self.send_refer(index, refer_to);
        }
    }

    fn send_refer(&mut self, index: usize, refer_to: &str) {
        let refer = self.calls[index].dialog.request("REFER").with("Contact", self.contact());
        self.request(refer.with("Refer-To", refer_to), Purpose::Within(index));
    }

    /// How a transfer gets on.
    pub(crate) fn handle_notify(&mut self, server: usize, notify: &Message) {
        if self.dialog_of(notify).is_none() {
            return self.respond(server, Message::response(notify, 481));
        }
        if notify.header("Event") != Some("refer") || notify.header("Subscription-State").is_none() {
            self.complain(format!("a NOTIFY of {:?}", notify.header("Event")));
        }
        match notify.body.split(' ').nth(1).and_then(|status| status.parse().ok()) {
            Some(status) if notify.body.starts_with("SIP/2.0 ") => self.notified.push(status),
            _ => self.complain(format!("no sipfrag: {:?}", notify.body)),
        }
        self.respond(server, Message::response(notify, 200));
    }
}
