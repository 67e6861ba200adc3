//! What is counted of the ways to browsers, for `/metrics`.

use std::sync::atomic::{AtomicU64, Ordering};

/// How many numbers there are.
const NUMBERS: usize = 13;

/// The machine's numbers, to be read by other threads.
#[derive(Debug, Default)]
pub struct Counters {
    numbers: [AtomicU64; NUMBERS],
}

impl Counters {
    /// Writes them down.
    pub fn set(&self, now: webrtc::Counters) {
        for (place, (.., value)) in self.numbers.iter().zip(named(now)) {
            place.store(value, Ordering::Relaxed);
        }
    }

    /// Each with its metric name and its meaning.
    pub fn list(&self) -> Vec<(&'static str, &'static str, u64)> {
        let values = self.numbers.iter().map(|number| number.load(Ordering::Relaxed));
        let names = named(webrtc::Counters::default()).into_iter();
        names.zip(values).map(|((name, meaning, _), value)| (name, meaning, value)).collect()
    }
}

fn named(now: webrtc::Counters) -> [(&'static str, &'static str, u64); NUMBERS] {
    [
        ("webrtc_sessions", "Ways to browsers", now.sessions),
        ("webrtc_checks_total", "Checks of ways that were answered", now.checks),
        ("webrtc_malformed_total", "Datagrams from browsers that are nothing known", now.malformed),
        ("webrtc_unknown_total", "Checks for nobody who is known", now.unknown),
        ("webrtc_not_authentic_total", "Checks with a wrong password", now.not_authentic),
        ("webrtc_unexpected_total", "Handshakes from where no check came", now.unexpected),
        ("webrtc_stray_media_total", "Audio from where none is awaited", now.stray_media),
        ("webrtc_handshakes_total", "Handshakes that ended well", now.handshakes),
        ("webrtc_handshakes_failed_total", "Handshakes that did not", now.handshakes_failed),
        ("webrtc_silent_total", "Browsers that went silent", now.silent),
        ("webrtc_refused_total", "Ways refused because there were too many", now.refused),
        ("webrtc_moves_total", "Changes of the way within a call", now.moves),
        ("webrtc_dropped_total", "Answers that nobody could send", now.dropped),
    ]
}
