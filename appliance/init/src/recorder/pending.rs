//! Frames that wait for the disk: so many octets, and the oldest go first.

use heapless::Deque;

/// Before the data partition is mounted everything waits here, and for good where there is none.
const ROOM: usize = 16 * 1_024;
/// A longer frame is not kept: a text that somebody forgot to bound.
const LONGEST: usize = 512;

/// Whole frames, each ended by a zero.
#[derive(Debug)]
pub struct Pending {
    octets: Deque<u8, ROOM>,
    /// Of the frame that is being written.
    unfinished: usize,
    too_long: bool,
}

impl Pending {
    /// Nothing waits.
    pub const fn new() -> Pending {
        Pending { octets: Deque::new(), unfinished: 0, too_long: false }
    }

    /// A frame begins.
    pub fn begin(&mut self) {
        (self.unfinished, self.too_long) = (0, false);
    }

    /// More of it.
    pub fn write(&mut self, octets: &[u8]) {
        for octet in octets {
            if self.unfinished == LONGEST || self.too_long {
                self.too_long = true;
                return;
            }
            if self.octets.is_full() {
                self.forget_oldest();
            }
            // There is room now: a frame is far shorter than all of it.
            let _ = self.octets.push_back(*octet);
            self.unfinished += 1;
        }
    }

    /// It is whole.
    pub fn end(&mut self) {
        if self.too_long {
            self.octets.truncate(self.octets.len() - self.unfinished);
        }
        self.unfinished = 0;
    }

    /// Takes everything.
    pub fn take(&mut self) -> Vec<u8> {
        let taken = self.octets.iter().copied().collect();
        self.octets.clear();
        taken
    }

    fn forget_oldest(&mut self) {
        while self.octets.len() > self.unfinished && self.octets.pop_front().is_some_and(|octet| octet != 0) {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(pending: &mut Pending, octets: &[u8]) {
        pending.begin();
        octets.chunks(3).for_each(|part| pending.write(part));
        pending.write(&[0]);
        pending.end();
    }

    #[test]
    fn the_oldest_frames_go_whole() {
        let mut pending = Pending::new();
        for number in 0..10_000u32 {
            frame(&mut pending, &[1 + (number % 255) as u8; 9]);
        }
        let kept = pending.take();
        assert!((ROOM - 10..=ROOM).contains(&kept.len()), "{}", kept.len());
        assert!(kept.split_inclusive(|octet| *octet == 0).all(|frame| frame.len() == 10));
        assert_eq!(kept[kept.len() - 2], 1 + (9_999 % 255) as u8, "the newest is there");
        assert!(pending.take().is_empty());
    }

    #[test]
    fn a_frame_without_end_takes_nothing_with_it() {
        let mut pending = Pending::new();
        frame(&mut pending, &[7; 5]);
        frame(&mut pending, &[8; 20_000]);
        frame(&mut pending, &[9; 5]);
        assert_eq!(pending.take(), [7, 7, 7, 7, 7, 0, 9, 9, 9, 9, 9, 0]);
    }
}
