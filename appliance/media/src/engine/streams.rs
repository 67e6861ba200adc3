//! All streams, found by their number with one multiplication.

use crate::engine::stream::Stream;
use crate::socket::StreamId;

/// A place in the table. It holds until a stream is added or removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Slot(usize);

#[derive(Debug)]
struct Entry {
    id: StreamId,
    stream: Option<Box<Stream>>,
}

/// A table with open addressing that is never more than half full. Numbers that the exchange counts up, whatever their
/// step, spread evenly by Fibonacci's constant, so that the first look nearly always finds the stream.
#[derive(Debug)]
pub(super) struct Streams {
    entries: Vec<Entry>,
    len: usize,
}

const SMALLEST: usize = 64;

impl Streams {
    pub(super) fn new() -> Streams {
        Streams { entries: empty(SMALLEST), len: 0 }
    }

    pub(super) fn len(&self) -> usize {
        self.len
    }

    pub(super) fn find(&self, id: StreamId) -> Option<Slot> {
        let mask = self.entries.len() - 1;
        let mut place = home(id, mask);
        // Ends, because at least half of the places are free.
        loop {
            let entry = &self.entries[place];
            entry.stream.as_ref()?;
            if entry.id == id {
                return Some(Slot(place));
            }
            place = (place + 1) & mask;
        }
    }

    pub(super) fn get(&self, id: StreamId) -> Option<&Stream> {
        let Slot(place) = self.find(id)?;
        self.entries[place].stream.as_deref()
    }

    pub(super) fn get_mut(&mut self, id: StreamId) -> Option<&mut Stream> {
        let Slot(place) = self.find(id)?;
        self.entries[place].stream.as_deref_mut()
    }

    pub(super) fn at_mut(&mut self, slot: Slot) -> Option<&mut Stream> {
        self.entries.get_mut(slot.0)?.stream.as_deref_mut()
    }

    /// Two different streams at once.
    pub(super) fn pair_mut(&mut self, one: Slot, other: StreamId) -> Option<(&mut Stream, &mut Stream)> {
        let other = self.find(other)?;
        let [one, other] = self.entries.get_disjoint_mut([one.0, other.0]).ok()?;
        Some((one.stream.as_deref_mut()?, other.stream.as_deref_mut()?))
    }

    /// Adds a stream whose number is not in the table.
    pub(super) fn insert(&mut self, stream: Box<Stream>) {
        if (self.len + 1) * 2 > self.entries.len() {
            let larger = empty(self.entries.len() * 2);
            for entry in std::mem::replace(&mut self.entries, larger) {
                self.place(entry);
            }
        }
        self.len += 1;
        self.place(Entry { id: stream.id, stream: Some(stream) });
    }

    pub(super) fn remove(&mut self, id: StreamId) -> Option<Box<Stream>> {
        let Slot(mut hole) = self.find(id)?;
        let removed = self.entries[hole].stream.take();
        self.len -= 1;
        // Whatever stands behind the hole and would be looked for through it moves into it.
        let mask = self.entries.len() - 1;
        let mut place = (hole + 1) & mask;
        while self.entries[place].stream.is_some() {
            let wanted = home(self.entries[place].id, mask);
            if place.wrapping_sub(wanted) & mask >= place.wrapping_sub(hole) & mask {
                self.entries.swap(place, hole);
                hole = place;
            }
            place = (place + 1) & mask;
        }
        removed
    }

    fn place(&mut self, entry: Entry) {
        if entry.stream.is_none() {
            return;
        }
        let mask = self.entries.len() - 1;
        let mut place = home(entry.id, mask);
        while self.entries[place].stream.is_some() {
            place = (place + 1) & mask;
        }
        self.entries[place] = entry;
    }
}

fn home(id: StreamId, mask: usize) -> usize {
    // The golden ratio of 2³², and its high bits, which vary most.
    (id.0.wrapping_mul(0x9E37_79B9) >> 8) as usize & mask
}

fn empty(places: usize) -> Vec<Entry> {
    (0..places).map(|_| Entry { id: StreamId(0), stream: None }).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::Time;

    fn stream(id: u32) -> Box<Stream> {
        Box::new(Stream::new(Time::ZERO, StreamId(id), [0; 3]))
    }

    #[test]
    fn finds_what_is_there_and_nothing_else() {
        let mut streams = Streams::new();
        let mut model = BTreeSet::new();
        // A walk that opens and closes numbers which collide again and again; multiplication by an odd number permutes.
        for step in 0..20_000u32 {
            let id = step.wrapping_mul(0x9E37_79B1) % 700 * 64;
            if model.remove(&id) {
                assert_eq!(streams.remove(StreamId(id)).map(|stream| stream.id), Some(StreamId(id)));
            } else {
                model.insert(id);
                streams.insert(stream(id));
            }
            assert_eq!(streams.len(), model.len());
            if step % 500 == 0 {
                for id in 0..700 * 64 {
                    assert_eq!(streams.get(StreamId(id)).map(|stream| stream.id.0), model.get(&id).copied());
                }
            }
        }
    }

    #[test]
    fn numbers_in_a_row_are_found_at_once() {
        let mut streams = Streams::new();
        for id in 100_000..104_000 {
            streams.insert(stream(id));
        }
        let mask = streams.entries.len() - 1;
        let far = (100_000..104_000)
            .filter(|id| streams.find(StreamId(*id)).unwrap().0.wrapping_sub(home(StreamId(*id), mask)) & mask > 2)
            .count();
        assert!(far < 40, "{far}");
    }

    #[test]
    fn lends_two_at_once_but_never_one_twice() {
        let mut streams = Streams::new();
        streams.insert(stream(1));
        streams.insert(stream(2));
        let slot = streams.find(StreamId(1)).unwrap();
        let (one, other) = streams.pair_mut(slot, StreamId(2)).unwrap();
        assert_eq!((one.id, other.id), (StreamId(1), StreamId(2)));
        assert!(streams.pair_mut(slot, StreamId(1)).is_none());
        assert!(streams.pair_mut(slot, StreamId(3)).is_none());
        assert!(streams.at_mut(slot).is_some());
    }
}
