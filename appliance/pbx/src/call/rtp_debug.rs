//! A close look at the audio of a call: what each phone sent and was sent, second by second, in the call's ladder.
//!
//! It is for numbers whose `rtp_debug` is set. The first seconds are all noted; after them only those in which something was wrong,
//! so that a long call has room for what one looks for.

use std::time::Duration;

use smallvec::SmallVec;

use super::{Call, LegKey, ladder};
use crate::context::Context;
use crate::limits;
use crate::timers::{Timer, TimerId};

/// How often one looks.
const INTERVAL: Duration = Duration::from_secs(1);
/// Seconds of each leg that are noted whatever they were like.
const FIRST: u32 = 10;
/// Jitter of more than this is heard where the other phone's buffer is short.
const JITTER_MS: f64 = 30.0;

/// What was seen so far.
#[derive(Debug, Default)]
pub struct RtpDebug {
    timer: Option<TimerId>,
    noted: usize,
    seen: SmallVec<[Seen; 2]>,
}

/// What was counted of a leg when one looked last.
#[derive(Debug, Clone, Copy)]
struct Seen {
    leg: LegKey,
    seconds: u32,
    received: u64,
    sent: u64,
    lost: u64,
}

impl Call {
    /// Looks at once and then each second, where that is wanted of the call.
    pub(super) fn begin_rtp_debug(&mut self, ctx: &mut Context) {
        let key = self.key;
        if let Some(debug) = self.rtp_debug.as_mut().filter(|debug| debug.timer.is_none()) {
            debug.timer = Some(ctx.arm(INTERVAL, Timer::RtpDebug(key)));
        }
    }

    /// A second is over: the media engine is asked for its figures.
    pub fn handle_rtp_debug(&mut self, ctx: &mut Context) {
        let is_over = !self.legs.iter().any(|leg| leg.is_live());
        let Some(debug) = self.rtp_debug.as_mut() else { return };
        debug.timer = None;
        if is_over || debug.noted >= limits::RTP_NOTES {
            return;
        }
        for leg in self.legs.iter().filter(|leg| leg.is_up() && leg.audio.is_negotiated()) {
            if let Some(stream) = leg.audio.stream() {
                ctx.media(media::Command::Measure { stream });
            }
        }
        self.begin_rtp_debug(ctx);
    }

    /// The figures of a leg.
    pub fn handle_measured(&mut self, ctx: &Context, place: usize, statistics: &media::Statistics) {
        let leg = self.legs[place].key;
        let Some(debug) = self.rtp_debug.as_mut().filter(|debug| debug.noted < limits::RTP_NOTES) else { return };
        let media::Statistics { packets_received: received, packets_sent: sent, lost, .. } = *statistics;
        let now = Seen { leg, seconds: 0, received, sent, lost };
        let Some(seen) = debug.seen.iter_mut().find(|seen| seen.leg == leg) else {
            debug.seen.push(now);
            return;
        };
        let before = std::mem::replace(seen, Seen { seconds: seen.seconds + 1, ..now });
        let second = seen.seconds;
        let came = received.saturating_sub(before.received);
        let (went, lost) = (sent.saturating_sub(before.sent), lost.saturating_sub(before.lost));
        let jitter = statistics.jitter_ms();
        if second > FIRST && came > 0 && lost == 0 && jitter <= JITTER_MS {
            return;
        }
        debug.noted += 1;
        let words = format!("{came} packets came, {went} went, {lost} were lost, jitter {jitter:.0} ms");
        let columns = (Call::column(place), ladder::MEDIA);
        self.ladder.media(ctx.unix(), columns, format!("second {second} of the audio"), words);
    }

    /// Nobody looks any more.
    pub(super) fn end_rtp_debug(&mut self, ctx: &mut Context) {
        if let Some(debug) = &mut self.rtp_debug {
            ctx.cancel(&mut debug.timer);
        }
    }
}
