//! The exchange: one value that takes every input and gives every output.

use std::time::Duration;

use bytes::Bytes;
use sip::{Flow, Transmit};

use crate::command::{Command, Rejection, Reply, RequestId};
use crate::directory::Extension;
use crate::event::Event;
use crate::registrar::Binding;
use crate::sequence::Sequence;
use crate::settings::Settings;
use crate::{Deadline, Time};

/// Everything that reaches the exchange.
#[derive(Debug)]
pub enum Input {
    /// A whole SIP message: a datagram, or a framed piece of a stream.
    Sip(Flow, Bytes),
    /// A stream connection is gone, or could not be opened.
    SipClosed(Flow),
    /// The media engine reports.
    Media(media::Event),
    /// Somebody asks.
    Command(RequestId, Command),
    /// The wall clock was read: at this `now` it showed this time since 1970. Given once before anything else, and after each adjustment.
    Clock(Duration),
    /// What the store remembers, before anything else.
    Restore(Vec<Extension>, Vec<Binding>),
    /// SIGTERM: no new calls, running calls go on.
    Drain,
}

/// Everything that leaves the exchange, in an order that matters: a [`Output::Reply`] follows the events it stands for.
#[derive(Debug)]
pub enum Output {
    /// A SIP message to be sent.
    Sip(Transmit),
    /// The media engine's orders.
    Media(media::Command),
    /// A fact for the event log.
    Event(Event),
    /// A refreshed registration: its row changes, no event is written; the latest for a contact wins.
    Refreshed(Box<Binding>),
    /// The ladder of a call that is over, to be kept.
    Sequence(Box<Sequence>),
    /// The answer to a command.
    Reply(RequestId, Result<Reply, Rejection>),
    /// After [`Input::Drain`]: the last call is over.
    Drained,
}

/// The exchange.
#[derive(Debug)]
pub struct Pbx {}

impl Pbx {
    /// An exchange with nobody in it. Whoever seeds it with the same bytes and gives it the same inputs sees the same outputs.
    pub fn new(_settings: Settings, _seed: [u8; 32]) -> Pbx {
        todo!()
    }

    /// Takes one input. Drain [`Pbx::poll_output`] afterwards.
    pub fn handle(&mut self, _now: Time, _input: Input) {
        todo!()
    }

    /// Runs what is due.
    pub fn handle_timeout(&mut self, _now: Time) {
        todo!()
    }

    /// The next output, until there is none.
    pub fn poll_output(&mut self) -> Option<Output> {
        todo!()
    }

    /// When to call [`Pbx::handle_timeout`] at the latest.
    pub fn poll_timeout(&self) -> Option<Deadline> {
        todo!()
    }
}
