//! What an endpoint is told when it is made.

use std::net::IpAddr;

use bytes::Bytes;

use super::limits::Limits;
use crate::transaction::Timings;
use crate::{Method, Time};

/// The settings of one [`Endpoint`](crate::Endpoint).
#[derive(Debug, Clone)]
pub struct Config {
    /// The value of User-Agent in requests and of Server in answers. Empty: neither is sent.
    pub user_agent: Bytes,
    /// Where peers reach us when it is not our end of the flow, because there is an address translation between: our Contact names
    /// it, with the port of the flow. Flows of the other address family keep their own.
    pub advertise: Option<IpAddr>,
    /// T1, T2 and T4 of RFC 3261 §17.
    pub timings: Timings,
    /// How long an INVITE of ours may ring before the endpoint cancels it itself (RFC 3261 §16.6 timer C): a safety net behind the exchange's own no-answer time.
    pub ringing: Time,
    /// Option tags understood in Require, and named in Supported (RFC 3261 §8.2.2.3).
    pub supported: Vec<&'static str>,
    /// Methods named in Allow.
    pub allow: Vec<Method>,
    /// How much is held at most.
    pub limits: Limits,
}

impl Default for Config {
    fn default() -> Self {
        use Method::*;
        Config {
            user_agent: Bytes::from_static(b"Tandem"),
            advertise: None,
            timings: Timings::default(),
            ringing: Time::from_secs(600),
            supported: vec!["100rel", "timer", "replaces", "path", "outbound"],
            allow: vec![Invite, Ack, Bye, Cancel, Options, Info, Prack, Update, Refer, Notify, Message],
            limits: Limits::default(),
        }
    }
}
