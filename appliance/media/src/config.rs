//! What the owner of the engine may set.

use std::time::Duration;

use crate::limits;

/// Settings of the engine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// Streams at once; more are refused with `OpenFailed`.
    pub streams: usize,
    /// Silence, while audio is expected, after which a stream is reported as dead.
    pub rtp_timeout: Duration,
    /// The same while none is expected (hold). `None`: never, because many phones send no RTCP on hold.
    pub hold_timeout: Option<Duration>,
    /// Mean time between two RTCP reports (RFC 3550 §6.2).
    pub rtcp_interval: Duration,
    /// Our name in RTCP (RFC 3550 §6.5.1), cut at [`limits::CNAME`] octets. Empty: one drawn from the seed (RFC 7022).
    pub cname: String,
    /// Silence of ours after which a keepalive goes to the phone (RFC 6263). `None`: never.
    pub keepalive: Option<Duration>,
}

impl Default for Config {
    fn default() -> Config {
        Config {
            streams: limits::STREAMS,
            rtp_timeout: Duration::from_secs(60),
            hold_timeout: None,
            rtcp_interval: Duration::from_secs(5),
            cname: String::new(),
            keepalive: Some(limits::KEEPALIVE),
        }
    }
}

impl Config {
    /// The same, with values that make sense: no name that does not fit, no timer that never rests.
    pub(crate) fn bounded(mut self) -> Config {
        let second = Duration::from_secs(1);
        self.rtcp_interval = self.rtcp_interval.clamp(second, limits::INTERVAL);
        self.rtp_timeout = self.rtp_timeout.max(second);
        self.hold_timeout = self.hold_timeout.map(|limit| limit.max(second));
        self.keepalive = self.keepalive.map(|limit| limit.max(second));
        self.cname.truncate(self.cname.floor_char_boundary(limits::CNAME));
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn senseless_values_are_brought_to_sense() {
        let config = Config {
            rtp_timeout: Duration::ZERO,
            hold_timeout: Some(Duration::ZERO),
            rtcp_interval: Duration::MAX,
            cname: "é".repeat(200),
            keepalive: Some(Duration::ZERO),
            ..Config::default()
        };
        let bounded = config.bounded();
        assert_eq!(bounded.rtp_timeout, Duration::from_secs(1));
        assert_eq!(bounded.hold_timeout, Some(Duration::from_secs(1)));
        assert_eq!(bounded.rtcp_interval, limits::INTERVAL);
        assert_eq!(bounded.keepalive, Some(Duration::from_secs(1)));
        assert_eq!(bounded.cname, "é".repeat(limits::CNAME / 2));
    }
}
