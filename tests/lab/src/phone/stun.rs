//! A phone that plays a STUN server (RFC 8489): it says where it sees whoever asks.

use std::net::IpAddr;

use super::{Outgoing, Phone};

impl Phone {
    /// A question came.
    pub(super) fn answer_stun(&mut self, question: &[u8]) {
        if question.len() != 20 || question[..8] != [0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42] {
            return self.complain(format!("no question of STUN: {question:?}"));
        }
        self.questions += 1;
        let Some(seen) = self.manner.sees_exchange_at else { return };
        let IpAddr::V4(address) = seen.ip() else { return self.complain("it knows IPv4 only") };
        // The cookie masks both (RFC 8489 §14.2).
        let port = (seen.port() ^ 0x2112).to_be_bytes();
        let address = (u32::from(address) ^ 0x2112_a442).to_be_bytes();
        let attribute = [&[0, 0x20, 0, 8, 0, 1][..], &port, &address].concat();
        self.outbox.push_back(Outgoing::Sip([&[1, 1, 0, 12][..], &question[4..], &attribute].concat()));
    }
}
