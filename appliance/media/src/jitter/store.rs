//! Where waiting packets lie: a fixed table of places by sequence number, and one piece of memory for their payloads.

use super::ReceivedPacket;

/// Packets that can wait: those of 640 ms when each holds 10 ms.
pub(super) const PLACES: usize = 64;

/// Payload octets that can wait at most: 1 s of G.711, 250 ms of L16 at 16 kHz.
pub(super) const OCTETS: usize = 8 * 1_024;

/// A packet that waits.
#[derive(Debug, Clone, Copy)]
pub(super) struct Stored {
    pub(super) sequence: u64,
    pub(super) timestamp: u32,
    /// When it would have come if the network had not held it up, in microseconds.
    pub(super) unhindered: u64,
    pub(super) payload_type: u8,
    /// Whether it holds sound; else it only has a number.
    pub(super) is_audio: bool,
    /// Its timestamp has nothing to do with those before it.
    pub(super) resynchronises: bool,
    start: u16,
    len: u16,
}

impl Stored {
    /// A packet, and when it would have come unhindered.
    pub(super) fn new(packet: &ReceivedPacket<'_>, unhindered: u64) -> Stored {
        Stored {
            sequence: packet.sequence,
            timestamp: packet.timestamp,
            unhindered,
            payload_type: packet.payload_type,
            is_audio: true,
            resynchronises: false,
            start: 0,
            len: 0,
        }
    }
}

/// The waiting packets. All of them have numbers less than [`PLACES`] apart.
#[derive(Debug)]
pub(super) struct Store {
    places: [Option<Stored>; PLACES],
    /// Which places are taken, one bit each.
    taken: u64,
    octets: Box<[u8]>,
    /// Octets up to here are, or were, in use.
    end: usize,
    /// Octets of the packets that wait.
    used: usize,
}

impl Store {
    /// With room for so many octets of payload, at most [`OCTETS`].
    pub(super) fn new(octets: usize) -> Store {
        let octets = vec![0; octets.min(OCTETS)].into_boxed_slice();
        Store { places: [None; PLACES], taken: 0, octets, end: 0, used: 0 }
    }

    /// The waiting packet of least number, none of which is less than `from`.
    pub(super) fn first(&self, from: u64) -> Option<&Stored> {
        if self.taken == 0 {
            return None;
        }
        let shift = (from % PLACES as u64) as u32;
        let place = (self.taken.rotate_right(shift).trailing_zeros() + shift) as usize % PLACES;
        self.places[place].as_ref()
    }

    /// Whether a packet of this number would lie less than [`PLACES`] before all that wait.
    pub(super) fn reaches(&self, sequence: u64) -> bool {
        self.places.iter().flatten().all(|stored| stored.sequence.abs_diff(sequence) < PLACES as u64)
    }

    /// The waiting packet of this number.
    pub(super) fn get(&self, sequence: u64) -> Option<&Stored> {
        self.places[place(sequence)].as_ref().filter(|stored| stored.sequence == sequence)
    }

    /// The payload of a packet that waits, or was taken and nothing was put in since.
    pub(super) fn payload(&self, stored: &Stored) -> &[u8] {
        let start = usize::from(stored.start);
        self.octets.get(start..start + usize::from(stored.len)).unwrap_or_default()
    }

    /// Whether a payload of `len` octets finds room.
    pub(super) fn has_room(&self, len: usize) -> bool {
        self.used + len <= self.octets.len()
    }

    /// Puts a packet in its place, which is free; the caller made room.
    pub(super) fn insert(&mut self, mut stored: Stored, payload: &[u8]) {
        if self.end + payload.len() > self.octets.len() {
            self.compact();
        }
        let Some(room) = self.octets.get_mut(self.end..self.end + payload.len()) else { return };
        room.copy_from_slice(payload);
        (stored.start, stored.len) = (self.end as u16, payload.len() as u16);
        self.end += payload.len();
        self.used += payload.len();
        let place = place(stored.sequence);
        self.taken |= 1 << place;
        self.places[place] = Some(stored);
    }

    /// Takes a packet out. Its payload stays readable until the next [`Store::insert`].
    pub(super) fn take(&mut self, sequence: u64) -> Option<Stored> {
        let place = place(sequence);
        let stored = self.places[place].take_if(|stored| stored.sequence == sequence)?;
        self.taken &= !(1 << place);
        self.used -= usize::from(stored.len);
        if self.taken == 0 {
            self.end = 0;
        }
        Some(stored)
    }

    /// How many packets wait.
    pub(super) fn len(&self) -> usize {
        self.taken.count_ones() as usize
    }

    pub(super) fn clear(&mut self) {
        self.places = [None; PLACES];
        (self.taken, self.end, self.used) = (0, 0, 0);
    }

    /// Moves the payloads together, in the order in which they lie.
    fn compact(&mut self) {
        let mut order = [0u8; PLACES];
        let mut count = 0;
        for index in 0..PLACES {
            let Some(stored) = &self.places[index] else { continue };
            let mut at = count;
            // Packets mostly lie in the order of their numbers: this insertion seldom moves anything.
            while at > 0 && self.places[usize::from(order[at - 1])].is_some_and(|before| before.start > stored.start) {
                order[at] = order[at - 1];
                at -= 1;
            }
            order[at] = index as u8;
            count += 1;
        }
        self.end = 0;
        for index in &order[..count] {
            let Some(stored) = &mut self.places[usize::from(*index)] else { continue };
            let (start, len) = (usize::from(stored.start), usize::from(stored.len));
            self.octets.copy_within(start..start + len, self.end);
            stored.start = self.end as u16;
            self.end += len;
        }
    }
}

fn place(sequence: u64) -> usize {
    (sequence % PLACES as u64) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    fn put(store: &mut Store, sequence: u64, len: usize) {
        let payload = vec![sequence as u8; len];
        let packet =
            ReceivedPacket { sequence, timestamp: 0, payload_type: 0, marker: false, payload: payload.as_slice() };
        assert!(store.has_room(len));
        store.insert(Stored::new(&packet, 0), &payload);
    }

    fn is_whole(store: &Store, sequence: u64, len: usize) {
        let stored = store.get(sequence).unwrap();
        assert_eq!(store.payload(stored), vec![sequence as u8; len]);
    }

    #[test]
    fn the_first_is_the_one_of_least_number() {
        let mut store = Store::new(OCTETS);
        assert!(store.first(7).is_none());
        for sequence in [130, 127, 129] {
            put(&mut store, sequence, 10);
        }
        assert_eq!(store.first(127).unwrap().sequence, 127);
        assert_eq!(store.take(127).unwrap().sequence, 127);
        assert_eq!(store.first(128).unwrap().sequence, 129);
        assert_eq!(store.first(129).unwrap().sequence, 129);
        assert!(store.get(129 + 64).is_none() && store.take(129 + 64).is_none());
        assert_eq!(store.len(), 2);
    }

    #[test]
    fn a_payload_is_readable_until_the_next_comes() {
        let mut store = Store::new(OCTETS);
        put(&mut store, 5, 3);
        let stored = store.take(5).unwrap();
        assert_eq!(store.payload(&stored), [5; 3]);
    }

    #[test]
    fn holes_are_closed_when_the_end_is_reached() {
        let mut store = Store::new(OCTETS);
        // Reordered, and of every length, so that places and memory are in different orders.
        for round in 0..500u64 {
            for sequence in [round * 4 + 2, round * 4, round * 4 + 3, round * 4 + 1] {
                put(&mut store, sequence, 100 + (sequence % 7) as usize * 90);
            }
            for sequence in round * 4..round * 4 + 4 {
                is_whole(&store, sequence, 100 + (sequence % 7) as usize * 90);
            }
            for sequence in (round * 4).saturating_sub(4)..round * 4 {
                is_whole(&store, sequence, 100 + (sequence % 7) as usize * 90);
                store.take(sequence);
            }
        }
        assert_eq!(store.len(), 4);
    }

    #[test]
    fn every_octet_can_be_used() {
        let mut store = Store::new(OCTETS);
        for sequence in 0..64 {
            put(&mut store, sequence, OCTETS / 64);
        }
        assert!(!store.has_room(1));
        store.take(31);
        put(&mut store, 64 + 31, OCTETS / 64);
        is_whole(&store, 64 + 31, OCTETS / 64);
        is_whole(&store, 63, OCTETS / 64);
        store.clear();
        assert!(store.has_room(OCTETS) && store.len() == 0);
    }
}
