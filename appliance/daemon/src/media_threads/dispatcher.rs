//! Which order of the exchange is for which media thread.
//!
//! A stream is on the thread whose port it has, a conference where its streams are: the thread that is the first to have one of
//! them is its home, where it is announced and recorded; others are linked with it as they come to have one.
//!
//! A call's streams are on one thread. After a transfer they may not be: two streams of different threads are bridged by a
//! conference of the two, which is ours and nobody else's.

use media::{Command, ConferenceId, Event, Lane, StreamId, Target};
use pbx::ports::{PortOrder, lane_of};
use rustc_hash::FxHashMap;

use super::deliveries::{Owners, Work};
use crate::media_thread::Order;
use crate::queue::Queue;
use crate::webrtc_thread;

/// The threads that have a part of a conference, its home first, and the command that opens it.
#[derive(Debug)]
struct Parts {
    lanes: Vec<Lane>,
    open: Command,
}

/// Gives each order to the thread it is for.
#[derive(Debug)]
pub struct Dispatcher {
    queues: Vec<Queue<Order>>,
    // Who finds browsers, if there can be any.
    webrtc: Option<Queue<webrtc_thread::Order>>,
    // Who has orders without having been woken for them.
    ordered: Vec<bool>,
    streams: FxHashMap<StreamId, Lane>,
    conferences: FxHashMap<ConferenceId, Parts>,
    // The bridges over two threads, found by either stream.
    bridges: FxHashMap<StreamId, Bridge>,
    bridged: u32,
    owners: Owners,
}

/// A bridge over two threads, seen from one of its streams.
#[derive(Debug, Clone, Copy)]
struct Bridge {
    conference: ConferenceId,
    other: StreamId,
}

/// The names of our own conferences begin here; the exchange counts from 1.
const BRIDGES: u32 = 1 << 31;

impl Dispatcher {
    /// Over these queues, one for each thread.
    pub fn new(queues: Vec<Queue<Order>>, webrtc: Option<Queue<webrtc_thread::Order>>, owners: Owners) -> Dispatcher {
        Dispatcher {
            ordered: vec![false; queues.len()],
            queues,
            webrtc,
            streams: FxHashMap::default(),
            conferences: FxHashMap::default(),
            bridges: FxHashMap::default(),
            bridged: 0,
            owners,
        }
    }

    /// Orders something about a port.
    pub fn order_port(&mut self, order: PortOrder) {
        let (PortOrder::Bind(port) | PortOrder::Release(port)) = order;
        self.push(self.lane_of(port), Order::Port(order));
    }

    /// Orders a stream to be opened. False: its thread is far behind, and will not.
    pub fn order_open(&mut self, stream: StreamId, port: u16) -> bool {
        let lane = self.lane_of(port);
        let order = Order::Command(Command::Open { stream, port });
        let taken = self.queues[usize::from(lane.0)].push(order).is_ok();
        if taken {
            self.ordered[usize::from(lane.0)] = true;
            self.streams.insert(stream, lane);
        }
        taken
    }

    /// Orders something about the way to a browser.
    pub fn order_webrtc(&mut self, command: media::webrtc::Command) {
        let (media::webrtc::Command::Expect { stream, .. }
        | media::webrtc::Command::Agree { stream, .. }
        | media::webrtc::Command::Close { stream }) = &command;
        if let Some(webrtc) = &self.webrtc {
            webrtc.push_always(webrtc_thread::Order::Command(self.lane(*stream), command));
            webrtc.ring();
        }
    }

    /// Orders anything else of the engines.
    pub fn order(&mut self, command: Command) {
        if let Command::Connect { .. } | Command::Disconnect { .. } | Command::Close { .. } | Command::Join { .. } =
            &command
        {
            self.end_bridges(&command);
        }
        match &command {
            Command::Open { stream, port } => drop(self.order_open(*stream, *port)),
            Command::Configure { stream, .. }
            | Command::Secure { stream, .. }
            | Command::Disconnect { stream }
            | Command::Close { stream }
            | Command::SendDigits { stream, .. }
            | Command::Echo { stream, .. }
            | Command::DetectMachine { stream }
            | Command::Measure { stream }
            | Command::Attach { to: stream, .. }
            | Command::Mute { stream, .. } => self.push(self.lane(*stream), Order::Command(command)),
            Command::Connect { a, b } if self.lane(*a) != self.lane(*b) => self.bridge(*a, *b),
            Command::Connect { a, .. } => self.push(self.lane(*a), Order::Command(command)),
            Command::OpenConference { conference, .. } => {
                self.conferences.insert(*conference, Parts { lanes: Vec::new(), open: command });
            }
            Command::Join { stream, conference } => {
                let lane = self.lane(*stream);
                self.take_part(*conference, lane);
                self.push(lane, Order::Command(command));
            }
            Command::CloseConference { conference } => {
                let parts = self.conferences.remove(conference);
                for lane in parts.map(|parts| parts.lanes).unwrap_or_default() {
                    self.push(lane, Order::Command(command.clone()));
                }
            }
            // That is ours to order.
            Command::LinkConference { .. } => {}
            Command::Play { playback, to, .. } => self.order_work(Work::Playback(*playback), *to, command),
            Command::Record { recording, of, .. } => self.order_work(Work::Recording(*recording), *of, command),
            Command::PausePlayback { playback, .. } | Command::StopPlayback { playback } => {
                self.order_of(Work::Playback(*playback), command);
            }
            Command::PauseRecording { recording, .. } | Command::StopRecording { recording } => {
                self.order_of(Work::Recording(*recording), command);
            }
        }
    }

    /// Wakes those who have orders.
    pub fn ring(&mut self) {
        for (queue, ordered) in self.queues.iter().zip(&mut self.ordered) {
            if std::mem::take(ordered) {
                queue.ring();
            }
        }
    }

    /// Forgets what is over.
    pub fn observe(&mut self, event: &Event) {
        match event {
            Event::Closed { stream, .. } | Event::OpenFailed { stream, .. } => drop(self.streams.remove(stream)),
            Event::PlaybackEnded { playback, .. } => self.owners.forget(Work::Playback(*playback)),
            Event::RecordingEnded { recording, .. } => self.owners.forget(Work::Recording(*recording)),
            _ => {}
        }
    }

    /// Brings two streams of different threads together.
    fn bridge(&mut self, a: StreamId, b: StreamId) {
        self.bridged = self.bridged.wrapping_add(1) % BRIDGES;
        let conference = ConferenceId(BRIDGES + self.bridged);
        self.order(Command::OpenConference { conference, loudest: None });
        for (stream, other) in [(a, b), (b, a)] {
            self.order(Command::Join { stream, conference });
            self.bridges.insert(stream, Bridge { conference, other });
        }
    }

    /// Closes the bridges of streams that are about to be elsewhere.
    fn end_bridges(&mut self, command: &Command) {
        let (one, two) = match command {
            Command::Connect { a, b } => (*a, *b),
            Command::Disconnect { stream } | Command::Close { stream } | Command::Join { stream, .. } => {
                (*stream, *stream)
            }
            _ => return,
        };
        for stream in [one, two] {
            if let Some(Bridge { conference, other }) = self.bridges.remove(&stream) {
                self.bridges.remove(&other);
                self.order(Command::CloseConference { conference });
            }
        }
    }

    fn order_work(&mut self, work: Work, target: Target, command: Command) {
        let lane = match target {
            Target::Stream(stream) => self.lane(stream),
            Target::Conference(conference) => self.home(conference),
        };
        self.owners.set(work, lane);
        self.push(lane, Order::Command(command));
    }

    fn order_of(&mut self, work: Work, command: Command) {
        self.push(self.owners.of(work), Order::Command(command));
    }

    /// Where a conference is announced and recorded. One without anybody is at home with the first thread.
    fn home(&mut self, conference: ConferenceId) -> Lane {
        let home = |parts: &Parts| parts.lanes.first().copied();
        self.conferences.get(&conference).and_then(home).unwrap_or_else(|| {
            self.take_part(conference, Lane::default());
            Lane::default()
        })
    }

    /// Opens a conference on a thread, and links it with the others that have a part of it.
    fn take_part(&mut self, conference: ConferenceId, lane: Lane) {
        let Some(parts) = self.conferences.get_mut(&conference) else { return };
        if parts.lanes.contains(&lane) {
            return;
        }
        let (others, open) = (parts.lanes.clone(), parts.open.clone());
        parts.lanes.push(lane);
        self.push(lane, Order::Command(open));
        for other in others {
            for (lane, with) in [(lane, other), (other, lane)] {
                self.push(lane, Order::Command(Command::LinkConference { conference, with }));
            }
        }
    }

    fn lane_of(&self, port: u16) -> Lane {
        lane_of(port, self.queues.len() as u8)
    }

    /// Orders for streams that nobody knows are counted by the first thread.
    fn lane(&self, stream: StreamId) -> Lane {
        self.streams.get(&stream).copied().unwrap_or_default()
    }

    fn push(&mut self, lane: Lane, order: Order) {
        if let Some(queue) = self.queues.get(usize::from(lane.0)) {
            queue.push_always(order);
            self.ordered[usize::from(lane.0)] = true;
        }
    }
}

#[cfg(test)]
mod tests;
