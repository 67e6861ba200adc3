//! Digits: sent as named telephone events (RFC 4733), and heard as tones.

pub mod detector;
pub mod sender;
pub mod tones;

use crate::Time;
use crate::limits;
use crate::rtp::media_clock;

/// Whether a key of this name is on a telephone: `0`–`9`, `*`, `#`, `A`–`D`, in either case.
pub fn is_digit(key: char) -> bool {
    DIGITS.contains(&key.to_ascii_uppercase())
}

/// One key press.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Digit {
    /// `0`–`9`, `*`, `#`, `A`–`D`.
    pub digit: char,
    /// How long, in milliseconds.
    pub duration_ms: u32,
}

/// The digits of events 0–15 (RFC 4733 §3.2).
const DIGITS: [char; 16] = ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', '*', '#', 'A', 'B', 'C', 'D'];

/// One packet of an event: where it is in time, and its payload (RFC 4733 §2.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EventPacket {
    /// RTP timestamp: the begin of the event, or of its segment.
    pub timestamp: u32,
    /// RTP marker: the first packet of an event.
    pub marker: bool,
    event: u8,
    end: bool,
    duration: u16,
}

impl EventPacket {
    /// Reads the payload of a packet; `None` when it is too short. Events after the first in one packet are not looked at.
    pub fn parse(timestamp: u32, marker: bool, payload: &[u8]) -> Option<EventPacket> {
        let [event, flags, high, low] = *payload.first_chunk::<4>()?;
        Some(EventPacket {
            timestamp,
            marker,
            event,
            end: flags & 0x80 != 0,
            duration: u16::from_be_bytes([high, low]),
        })
    }
}

#[derive(Debug, Clone, Copy)]
struct Press {
    event: u8,
    timestamp: u32,
    /// Units of the segments that are over (RFC 4733 §2.5.1.3), and of the present one.
    before: u64,
    duration: u16,
    ended: bool,
    heard_at: Time,
}

/// The key that a phone presses, from the first packet of an event until long after its last.
#[derive(Debug, Default)]
pub struct DigitReceiver {
    press: Option<Press>,
}

impl DigitReceiver {
    /// Takes in a packet and yields the digits that are over with it: each once, although its end is sent three times.
    /// There are two when the end of one was lost and the packet is the end of the next.
    pub fn handle(&mut self, now: Time, packet: EventPacket, clock_rate: u32) -> [Option<Digit>; 2] {
        let mut lost_its_end = None;
        match &mut self.press {
            Some(press) if press.continues(&packet) => press.extend(now, &packet),
            // Reordered on the way: the press it belongs to is over.
            Some(press) if (packet.timestamp.wrapping_sub(press.timestamp) as i32) <= 0 => return [None, None],
            press => {
                lost_its_end = press.take().filter(|press| !press.ended).and_then(|press| press.digit(clock_rate));
                *press = Some(Press::begin(now, &packet));
            }
        }
        [lost_its_end, self.end(packet.end, clock_rate)]
    }

    /// Whether a key is down.
    pub fn is_pending(&self) -> bool {
        self.press.is_some_and(|press| !press.ended)
    }

    /// The digit whose end never came, once nothing was heard of it for [`limits::DIGIT_SILENCE`].
    pub fn expire(&mut self, now: Time, clock_rate: u32) -> Option<Digit> {
        let silent = self.press.is_some_and(|press| now.saturating_sub(press.heard_at) >= limits::DIGIT_SILENCE);
        self.end(silent, clock_rate)
    }

    /// The source is another one: its timestamps have nothing to do with what was. Yields the digit that was down.
    pub fn reset(&mut self, clock_rate: u32) -> Option<Digit> {
        self.press.take().filter(|press| !press.ended).and_then(|press| press.digit(clock_rate))
    }

    fn end(&mut self, over: bool, clock_rate: u32) -> Option<Digit> {
        let press = self.press.as_mut().filter(|press| over && !press.ended)?;
        press.ended = true;
        press.digit(clock_rate)
    }
}

impl Press {
    fn begin(now: Time, packet: &EventPacket) -> Press {
        Press {
            event: packet.event,
            timestamp: packet.timestamp,
            before: 0,
            duration: packet.duration,
            ended: false,
            heard_at: now,
        }
    }

    /// Whether `packet` is about this press: the same timestamp, the next segment of a long one, or from one of the
    /// phones that wrongly let the timestamp run while the key is down.
    fn continues(&self, packet: &EventPacket) -> bool {
        if packet.timestamp == self.timestamp {
            return packet.event == self.event;
        }
        let ahead = packet.timestamp.wrapping_sub(self.timestamp);
        let next_segment = ahead >= u32::from(u16::MAX) - 1 && ahead <= u32::from(u16::MAX) + 1;
        let growing = ahead <= u32::from(u16::MAX) && packet.duration > self.duration;
        packet.event == self.event && !packet.marker && !self.ended && (next_segment || growing)
    }

    fn extend(&mut self, now: Time, packet: &EventPacket) {
        if packet.timestamp != self.timestamp && packet.duration <= self.duration {
            self.before += u64::from(self.duration);
            self.duration = packet.duration;
        }
        self.timestamp = packet.timestamp;
        self.duration = self.duration.max(packet.duration);
        self.heard_at = now;
    }

    fn digit(&self, clock_rate: u32) -> Option<Digit> {
        let digit = *DIGITS.get(usize::from(self.event))?;
        let duration_ms = media_clock::milliseconds(self.before + u64::from(self.duration), clock_rate);
        Some(Digit { digit, duration_ms })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATE: u32 = 8_000;

    fn packet(timestamp: u32, event: u8, end: bool, duration: u16) -> EventPacket {
        let [high, low] = duration.to_be_bytes();
        let flags = if end { 0x8A } else { 0x0A };
        EventPacket::parse(timestamp, false, &[event, flags, high, low]).unwrap()
    }

    fn digit(digit: char, duration_ms: u32) -> Option<Digit> {
        Some(Digit { digit, duration_ms })
    }

    fn ms(milliseconds: u64) -> Time {
        Time::from_millis(milliseconds)
    }

    #[test]
    fn a_press_is_one_digit() {
        let mut receiver = DigitReceiver::default();
        for step in 1..=4u16 {
            assert_eq!(receiver.handle(ms(0), packet(1_000, 5, false, step * 160), RATE), [None, None]);
        }
        assert!(receiver.is_pending());
        assert_eq!(receiver.handle(ms(0), packet(1_000, 5, true, 800), RATE), [None, digit('5', 100)]);
        for _ in 0..2 {
            assert_eq!(receiver.handle(ms(0), packet(1_000, 5, true, 800), RATE), [None, None]);
        }
        assert!(!receiver.is_pending());
        assert_eq!(receiver.handle(ms(0), packet(3_000, 5, true, 800), RATE), [None, digit('5', 100)]);
    }

    #[test]
    fn every_event_has_its_digit() {
        let mut receiver = DigitReceiver::default();
        let heard: String = (0..20u8)
            .filter_map(|event| receiver.handle(ms(0), packet(u32::from(event) * 2_000, event, true, 400), RATE)[1])
            .map(|digit| digit.digit)
            .collect();
        assert_eq!(heard, "0123456789*#ABCD");
    }

    #[test]
    fn a_lost_end_is_noticed_by_the_next_press_and_by_silence() {
        let mut receiver = DigitReceiver::default();
        receiver.handle(ms(0), packet(0, 1, false, 480), RATE);
        assert_eq!(receiver.handle(ms(90), packet(2_000, 2, true, 320), RATE), [digit('1', 60), digit('2', 40)]);
        receiver.handle(ms(500), packet(9_000, 3, false, 480), RATE);
        assert_eq!(receiver.expire(ms(600), RATE), None);
        assert_eq!(receiver.expire(ms(700), RATE), digit('3', 60));
        assert_eq!(receiver.expire(ms(900), RATE), None);
        assert_eq!(receiver.handle(ms(901), packet(9_000, 3, true, 480), RATE), [None, None]);
    }

    #[test]
    fn an_old_packet_is_no_new_press() {
        let mut receiver = DigitReceiver::default();
        receiver.handle(ms(0), packet(5_000, 1, true, 480), RATE);
        assert_eq!(receiver.handle(ms(0), packet(4_000, 2, true, 480), RATE), [None, None]);
        assert_eq!(receiver.reset(RATE), None);
        assert_eq!(receiver.handle(ms(0), packet(4_000, 2, true, 480), RATE), [None, digit('2', 60)]);
    }

    #[test]
    fn a_long_press_in_segments_is_one_digit() {
        let mut receiver = DigitReceiver::default();
        receiver.handle(ms(0), packet(u32::MAX, 9, false, 0xFFFF), RATE);
        receiver.handle(ms(0), packet(0xFFFE, 9, false, 160), RATE);
        let end = receiver.handle(ms(0), packet(0xFFFE, 9, true, 1_600), RATE);
        assert_eq!(end, [None, digit('9', (0xFFFF + 1_600) / 8)]);
    }

    #[test]
    fn a_timestamp_that_runs_with_the_press_is_one_digit() {
        let mut receiver = DigitReceiver::default();
        for step in 1..=4u16 {
            let packet = packet(u32::from(step) * 160, 4, false, step * 160);
            assert_eq!(receiver.handle(ms(0), packet, RATE), [None, None]);
        }
        assert_eq!(receiver.handle(ms(0), packet(800, 4, true, 800), RATE), [None, digit('4', 100)]);
    }

    #[test]
    fn a_short_payload_is_no_event() {
        assert_eq!(EventPacket::parse(0, false, &[1, 2, 3]), None);
    }
}
