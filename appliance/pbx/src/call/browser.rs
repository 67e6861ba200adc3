//! What becomes of the way to a browser within a call: found, secured, moved, lost.

use media::srtp::Profile;
use media::webrtc::Event;

use super::cause::Cause;
use super::leg::Ending;
use super::record::HangupReason;
use super::{Call, ladder};
use crate::context::Context;
use crate::event::EventKind;

impl Call {
    /// The browser was found or its way secured, or there is no way any more.
    pub fn handle_webrtc(&mut self, ctx: &mut Context, place: usize, event: &Event) {
        let at = ctx.unix();
        let columns = (Call::column(place), ladder::MEDIA);
        match event {
            Event::Found { path: (local, remote), tcp, moved, took, .. } => {
                let label = match (moved, tcp) {
                    (false, false) => "ICE: path chosen",
                    (false, true) => "ICE: path chosen, TCP",
                    (true, false) => "ICE: another path",
                    (true, true) => "ICE: another path, TCP",
                };
                let (proto, took) = (if *tcp { "tcp" } else { "udp" }, took.as_millis());
                self.ladder.media(at, columns, label, format!("{proto} {remote} ↔ {local}, {took} ms"));
                let before = self.legs[place].record.ice_transport.replace(proto);
                // The first way is told with what secures it.
                if *moved && before != Some(proto) {
                    self.state(ctx, place, EventKind::CallUpdated);
                }
            }
            Event::Secured { version, profile, took, .. } => {
                let (name, took) = (name_of(*profile), took.as_millis());
                self.ladder.media(at, columns, format!("DTLS {version}: {name}"), format!("{took} ms"));
                self.legs[place].audio.note_secured(name);
                self.note_change(ctx, place);
            }
            Event::Lost { reason, .. } => {
                ctx.totals.browsers_lost += 1;
                self.ladder.media(at, columns, "no way to the browser", reason.to_string());
                if self.legs[place].is_live() {
                    self.end_all(ctx, place, Ending::local(HangupReason::Normal, Cause::TIMER));
                }
            }
        }
    }
}

/// As records show it, which is as SIP would write it.
fn name_of(profile: Profile) -> &'static str {
    match profile {
        Profile::AesCm128HmacSha1_80 => "AES_CM_128_HMAC_SHA1_80",
        Profile::AesCm128HmacSha1_32 => "AES_CM_128_HMAC_SHA1_32",
        Profile::AesCm256HmacSha1_80 => "AES_256_CM_HMAC_SHA1_80",
        Profile::AesCm256HmacSha1_32 => "AES_256_CM_HMAC_SHA1_32",
        Profile::AeadAes128Gcm => "AEAD_AES_128_GCM",
        Profile::AeadAes256Gcm => "AEAD_AES_256_GCM",
    }
}
