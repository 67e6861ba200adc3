//! What waits to be fetched from the engine, with a bound.

use std::collections::VecDeque;

use crate::limits;
use crate::{Counters, Event, Transmit};

/// Events and packets of our own. The places for both are there from the start, so that adding one allocates nothing.
#[derive(Debug)]
pub(super) struct Outbox {
    events: VecDeque<Event>,
    transmits: VecDeque<Transmit>,
    pub(super) counters: Counters,
}

impl Outbox {
    pub(super) fn new() -> Outbox {
        Outbox {
            events: VecDeque::with_capacity(limits::EVENTS),
            transmits: VecDeque::with_capacity(limits::TRANSMITS),
            counters: Counters::default(),
        }
    }

    /// An event that a packet or the time caused. Lost, and counted, when too many wait.
    pub(super) fn event(&mut self, event: Event) {
        if self.events.len() < limits::EVENTS {
            self.events.push_back(event);
        } else {
            self.counters.lost_events += 1;
        }
    }

    /// The answer to a command. Never lost: there are no more of them than the caller gave commands.
    pub(super) fn answer(&mut self, event: Event) {
        self.events.push_back(event);
    }

    /// A packet of our own. Lost, and counted, when too many wait.
    pub(super) fn transmit(&mut self, transmit: Transmit) {
        if self.transmits.len() < limits::TRANSMITS {
            self.transmits.push_back(transmit);
        } else {
            self.counters.lost_transmits += 1;
        }
    }

    pub(super) fn next_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    pub(super) fn next_transmit(&mut self) -> Option<Transmit> {
        self.transmits.pop_front()
    }
}
