//! Session timers (RFC 4028): who proves when that both ends are still there.

use std::time::Duration;

use sip::Headers;
use sip::header::{HeaderError, MinSe, Refresher, SessionExpires, Supported, TypedHeader};

use crate::limits;
use crate::timers::TimerId;

/// The session timer of one dialog.
#[derive(Debug, Default)]
pub struct SessionTimer {
    /// What was agreed on, if anything.
    pub agreed: Option<Agreed>,
    /// The least interval that this peer accepts.
    pub min_se: u32,
    /// Armed for the refresh or for the expiry.
    pub timer: Option<TimerId>,
}

/// An interval and who refreshes within it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Agreed {
    /// The interval in seconds.
    pub interval: u32,
    /// Whether we send the refreshes.
    pub we_refresh: bool,
}

impl Agreed {
    /// When to act: the refresher at half time (RFC 4028 §10), the other a little before the end: min(32 s, a third).
    pub fn delay(self) -> Duration {
        let interval = Duration::from_secs(u64::from(self.interval));
        if self.we_refresh { interval / 2 } else { interval - (interval / 3).min(Duration::from_secs(32)) }
    }
}

/// What a request of the peer asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asked {
    /// Nothing.
    Nothing,
    /// An interval below ours: answer 422 with our Min-SE.
    TooSmall,
    /// This.
    Agreed {
        /// What it comes to.
        agreed: Agreed,
        /// Whether the peer can do session timers itself: then the answer requires it to.
        peer_supports: bool,
    },
}

/// Reads what an INVITE or UPDATE of the peer asks for (RFC 4028 §9).
pub fn asked(headers: &Headers) -> Result<Asked, HeaderError> {
    let Some(wanted) = headers.typed_opt::<SessionExpires>()? else { return Ok(Asked::Nothing) };
    if wanted.seconds < limits::MIN_SESSION_EXPIRES {
        return Ok(Asked::TooSmall);
    }
    let peer_supports = headers.typed_opt::<Supported>()?.is_some_and(|tags| tags.has("timer"));
    let we_refresh = !peer_supports || wanted.refresher == Some(Refresher::Uas);
    Ok(Asked::Agreed { agreed: Agreed { interval: wanted.seconds, we_refresh }, peer_supports })
}

/// The headers of a 2xx that tell the peer what was agreed on.
pub fn write_answer(asked: Asked, headers: &mut Headers) {
    let Asked::Agreed { agreed, peer_supports } = asked else { return };
    let refresher = if agreed.we_refresh { Refresher::Uas } else { Refresher::Uac };
    headers.add(&SessionExpires::new(agreed.interval, Some(refresher)));
    if peer_supports && !agreed.we_refresh {
        headers.push(sip::message::HeaderName::Require, "timer");
    }
}

/// The headers of an INVITE or refresh of ours.
pub fn write_request(interval: u32, refresher: Option<Refresher>, min_se: u32, headers: &mut Headers) {
    headers.add(&SessionExpires::new(interval, refresher));
    headers.add(&MinSe(min_se.max(limits::MIN_SESSION_EXPIRES)));
}

/// What the peer's 2xx to a request of ours agreed to (RFC 4028 §7.2). Without Session-Expires there is no session timer.
pub fn answered(headers: &Headers) -> Option<Agreed> {
    let answer = headers.typed_opt::<SessionExpires>().ok()??;
    let we_refresh = answer.refresher != Some(Refresher::Uas);
    Some(Agreed { interval: answer.seconds.max(limits::MIN_SESSION_EXPIRES), we_refresh })
}

/// The least interval that a 422 of the peer names.
pub fn demanded(headers: &Headers) -> Option<u32> {
    headers.typed_opt::<MinSe>().ok()?.map(|min| min.0)
}

/// The header's name, so that those who build answers need not know it.
pub fn min_se_header(headers: &mut Headers) {
    headers.push(MinSe::NAME, limits::MIN_SESSION_EXPIRES.to_string());
}
