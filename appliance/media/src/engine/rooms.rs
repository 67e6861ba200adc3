//! All rooms: where they are, and when which of them ticks.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};

use crate::engine::room::{Purpose, Room, RoomId};
use crate::sample_rate::SampleRate;
use crate::{ConferenceId, Deadline, Time};

/// The rooms, each boxed so that it can be taken out while it works on the streams.
#[derive(Debug, Default)]
pub(super) struct Rooms {
    places: Vec<Option<Box<Room>>>,
    vacant: Vec<RoomId>,
    /// When which room ticks. A room that is gone leaves its entry behind, which is then passed over.
    agenda: BinaryHeap<Reverse<(Time, RoomId)>>,
    /// Rooms that have ticked, and whose packets are still to be made.
    speaking: VecDeque<RoomId>,
    /// Conferences that have ticked, and of which other engines are still to be told.
    spreading: VecDeque<RoomId>,
}

impl Rooms {
    pub(super) fn open(&mut self, room: Box<Room>) -> RoomId {
        let id = self.vacant.pop().unwrap_or_else(|| {
            self.places.push(None);
            RoomId(self.places.len() - 1)
        });
        self.agenda.push(Reverse((room.next(), id)));
        self.places[id.0] = Some(room);
        id
    }

    pub(super) fn close(&mut self, id: RoomId) -> Option<Box<Room>> {
        let room = self.places.get_mut(id.0)?.take()?;
        self.vacant.push(id);
        self.speaking.retain(|speaking| *speaking != id);
        self.spreading.retain(|spreading| *spreading != id);
        self.agenda.retain(|Reverse((_, booked))| *booked != id);
        Some(room)
    }

    pub(super) fn get_mut(&mut self, id: RoomId) -> Option<&mut Room> {
        self.places.get_mut(id.0)?.as_deref_mut()
    }

    pub(super) fn get(&self, id: RoomId) -> Option<&Room> {
        self.places.get(id.0)?.as_deref()
    }

    /// The rate of a conference.
    pub(super) fn rate(&self, conference: ConferenceId) -> Option<SampleRate> {
        Some(self.get(self.conference(conference)?)?.rate)
    }

    pub(super) fn conference(&self, conference: ConferenceId) -> Option<RoomId> {
        let wanted = Purpose::Conference(conference);
        let is_it = |room: &Option<Box<Room>>| room.as_ref().is_some_and(|room| room.purpose == wanted);
        self.places.iter().position(is_it).map(RoomId)
    }

    /// Whether a room is a conference.
    pub(super) fn is_conference(&self, id: RoomId) -> bool {
        self.get(id).is_some_and(Room::is_conference)
    }

    pub(super) fn len(&self) -> usize {
        self.places.len() - self.vacant.len()
    }

    pub(super) fn next(&self) -> Option<Deadline> {
        self.agenda.peek().map(|Reverse((at, _))| Deadline { at: *at, reason: "audio frame" })
    }

    /// A room whose tick is due. It is to be put [back](Rooms::ticked) after it.
    pub(super) fn take_due(&mut self, now: Time) -> Option<(RoomId, Box<Room>)> {
        let Reverse((_, id)) = *self.agenda.peek().filter(|entry| entry.0.0 <= now)?;
        self.agenda.pop();
        Some((id, self.places[id.0].take()?))
    }

    /// The room has ticked: its packets come next, and then its next tick.
    pub(super) fn ticked(&mut self, id: RoomId, room: Box<Room>) {
        self.agenda.push(Reverse((room.next(), id)));
        if room.spread.is_some() && !self.spreading.contains(&id) {
            self.spreading.push_back(id);
        }
        self.places[id.0] = Some(room);
        self.speaking.push_back(id);
    }

    /// The next conference of which other engines are to be told.
    pub(super) fn next_spread(&mut self) -> Option<RoomId> {
        self.spreading.pop_front()
    }

    /// The room whose packets are to be made. It is to be put [back](Rooms::spoke) after each.
    pub(super) fn take_speaking(&mut self) -> Option<(RoomId, Box<Room>)> {
        loop {
            let id = *self.speaking.front()?;
            match self.places[id.0].take() {
                Some(room) => return Some((id, room)),
                None => self.speaking.pop_front(),
            };
        }
    }

    /// A packet was made, or all were.
    pub(super) fn spoke(&mut self, id: RoomId, room: Box<Room>, done: bool) {
        self.places[id.0] = Some(room);
        if done {
            self.speaking.pop_front();
        }
    }
}
