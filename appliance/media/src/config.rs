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
