//! The engine: what packets, commands and time do to the streams.

use std::net::SocketAddr;

use crate::config::Config;
use crate::{Command, Counters, Deadline, Event, Forward, Socket, Statistics, StreamId, Time, Transmit};

/// All streams of one media thread.
#[derive(Debug)]
pub struct Engine {
    _config: Config,
}

impl Engine {
    /// An engine without streams. `seed` decides every random number it will ever use.
    pub fn new(config: Config, _seed: [u8; 32]) -> Engine {
        Engine { _config: config }
    }

    /// Tells the wall clock: at `now` it was `unix` after 1970-01-01T00:00:00Z. RTCP needs it (RFC 3550 §4).
    pub fn handle_clock(&mut self, _now: Time, _unix: std::time::Duration) {}

    /// Carries out a command.
    pub fn handle_command(&mut self, _now: Time, _command: Command) {}

    /// A packet arrived. When it has to go on, it was rewritten in place, and the answer says where its first octets go.
    pub fn handle_packet(&mut self, _now: Time, _at: Socket, _from: SocketAddr, _packet: &mut [u8]) -> Option<Forward> {
        None
    }

    /// Does what is due.
    pub fn handle_timeout(&mut self, _now: Time) {}

    /// The next packet of our own.
    pub fn poll_transmit(&mut self) -> Option<Transmit> {
        None
    }

    /// The next event.
    pub fn poll_event(&mut self) -> Option<Event> {
        None
    }

    /// When [`Engine::handle_timeout`] wants to be called; not later than that.
    pub fn poll_timeout(&self) -> Option<Deadline> {
        None
    }

    /// The numbers of a stream.
    pub fn statistics(&self, _stream: StreamId) -> Option<Statistics> {
        None
    }

    /// The numbers of the engine itself.
    pub fn counters(&self) -> Counters {
        Counters::default()
    }
}
