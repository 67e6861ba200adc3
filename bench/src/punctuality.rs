//! Whether packets leave on the beat: those of a seat should be 20 ms apart, so that the earliest shows where the beat is.

use std::time::Duration;

use crate::crowd::{Heard, Leg};

/// Samples a second that timestamps count, and those of a packet.
const CLOCK: i64 = 8_000;
const PACKET: i64 = 160;

/// Of a seat: the first timestamp, the earliest beat, what was heard, and between which timestamps.
#[derive(Debug, Clone, Copy)]
struct Seat {
    first: u32,
    earliest: i64,
    heard: i64,
    span: (i64, i64),
}

/// The share of packets to the seats of `legs` that left more than `limit` after their beat, or did not.
pub fn late(heard: &[Heard], legs: &[Leg], limit: Duration) -> f64 {
    let mut seats: Vec<Option<Seat>> = vec![None; usize::from(u16::MAX) + 1];
    for packet in heard {
        let fresh = Seat { first: packet.timestamp, earliest: i64::MAX, heard: 0, span: (0, 0) };
        let seat = seats[usize::from(packet.server)].get_or_insert(fresh);
        let place = place(packet, seat);
        seat.earliest = seat.earliest.min(beat(packet, seat));
        seat.heard += 1;
        seat.span = (seat.span.0.min(place), seat.span.1.max(place));
    }
    let of = |leg: &Leg| seats[usize::from(leg.server)];
    let expected = |seat: Seat| ((seat.span.1 - seat.span.0) / PACKET + 1).max(seat.heard);
    // A seat that heard nothing missed as much as the others heard.
    let most = legs.iter().filter_map(of).map(expected).max().unwrap_or(1);
    let all: i64 = legs.iter().map(|leg| of(leg).map_or(most, expected)).sum();
    let in_time = heard.iter().filter(|packet| {
        let seat = seats[usize::from(packet.server)];
        seat.is_some_and(|seat| beat(packet, &seat) - seat.earliest <= limit.as_nanos() as i64)
    });
    1.0 - in_time.count() as f64 / all.max(1) as f64
}

fn place(packet: &Heard, seat: &Seat) -> i64 {
    i64::from(packet.timestamp.wrapping_sub(seat.first) as i32)
}

/// When the seat's first packet would have come, had all come as this one did, in nanoseconds.
fn beat(packet: &Heard, seat: &Seat) -> i64 {
    packet.at.as_nanos() as i64 - place(packet, seat) * 1_000_000_000 / CLOCK
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: Duration = Duration::from_millis(5);

    fn leg(server: u16) -> Leg {
        Leg { index: 0, server, payload_type: 0, loud: false }
    }

    fn packet(number: u32, late_ms: u64) -> Heard {
        let at = Duration::from_millis(u64::from(number) * 20 + late_ms + 1_000);
        Heard { server: 7, payload_type: 0, timestamp: (u32::MAX - 300).wrapping_add(160 * number), at }
    }

    #[test]
    fn late_lost_and_silent_are_counted() {
        let mut heard: Vec<Heard> = (0..10).map(|number| packet(number, 4)).collect();
        assert_eq!(late(&heard, &[leg(7)], LIMIT), 0.0);
        heard[4] = packet(4, 10);
        assert!((late(&heard, &[leg(7)], LIMIT) - 0.1).abs() < 1e-9);
        heard.remove(5);
        assert!((late(&heard, &[leg(7)], LIMIT) - 0.2).abs() < 1e-9);
        assert!((late(&heard, &[leg(7), leg(8)], LIMIT) - 0.6).abs() < 1e-9);
        assert_eq!(late(&[], &[leg(7)], LIMIT), 1.0);
    }
}
