//! Digits on their way to a phone as named telephone events (RFC 4733 §2.5.1).
//!
//! The audio of the stream gives the beat: in every tick the sender is asked whether a packet of its own takes the place of
//! one of sound. A digit begins with a marked packet, is renewed in every tick and ends with three packets that say so,
//! all under the timestamp of its begin. What is too long to be counted goes on in segments (§2.5.1.3), at 48 kHz after
//! 1.4 s.

use super::{DIGITS, Digit};

/// Digits that wait: a card number, its date and its code.
pub const WAITING: usize = 32;

/// What a sender sends in one tick.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EventToSend {
    /// The RTP marker.
    pub marker: bool,
    /// The RTP timestamp.
    pub timestamp: u32,
    /// The payload.
    pub payload: [u8; 4],
}

/// How digits are sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DigitSettings {
    /// The units of timestamps and durations in hertz: those of the audio (RFC 4733 §2.1).
    pub clock_rate: u32,
    /// The power of the tones below 0 dBm0, in dB: 0–63 (RFC 4733 §2.3).
    pub volume: u8,
    /// The least time between two digits, in milliseconds: at least 40 (ITU-T Q.24).
    pub pause_ms: u16,
}

impl DigitSettings {
    /// Digits beside audio of `clock_rate` hertz, as loud as phones make them, with pauses that every device hears.
    pub fn new(clock_rate: u32) -> DigitSettings {
        DigitSettings { clock_rate, volume: 10, pause_ms: 80 }
    }
}

/// The shortest and longest digit in milliseconds. Shorter ones need not be heard (ITU-T Q.24).
pub const LENGTH_MS: (u32, u32) = (40, 10_000);

/// The last packet is sent so often (RFC 4733 §2.5.1.4).
const ENDS: u8 = 3;

#[derive(Debug, Clone, Copy)]
enum State {
    Idle,
    /// A key is down.
    Sending(Press),
    /// It was released; its end is still to be sent so often.
    Ending(Press, u8),
    /// Nothing is sent before this timestamp.
    Pausing(u32),
}

#[derive(Debug, Clone, Copy)]
struct Press {
    event: u8,
    /// When it, or its present segment, began.
    timestamp: u32,
    /// Units that remain of it from there on.
    left: u32,
    /// Whether its first packet was sent.
    is_marked: bool,
}

/// The digits that one stream has to send.
#[derive(Debug)]
pub struct DigitSender {
    settings: DigitSettings,
    state: State,
    /// Event and length in milliseconds, first in first out.
    waiting: [(u8, u16); WAITING],
    count: usize,
}

impl DigitSender {
    /// A sender without digits.
    pub fn new(settings: DigitSettings) -> DigitSender {
        let settings =
            DigitSettings { volume: settings.volume.min(63), pause_ms: settings.pause_ms.max(40), ..settings };
        DigitSender { settings, state: State::Idle, waiting: [(0, 0); WAITING], count: 0 }
    }

    /// Sends a digit after those that wait; its length is brought within [`LENGTH_MS`]. False, without effect, when it is no
    /// digit or too many wait.
    pub fn push(&mut self, digit: Digit) -> bool {
        let wanted = digit.digit.to_ascii_uppercase();
        let Some(event) = DIGITS.iter().position(|known| *known == wanted) else { return false };
        let Some(place) = self.waiting.get_mut(self.count) else { return false };
        *place = (event as u8, digit.duration_ms.clamp(LENGTH_MS.0, LENGTH_MS.1) as u16);
        self.count += 1;
        true
    }

    /// Whether there is something to send, now or later. Sound between two digits is sent.
    pub fn is_busy(&self) -> bool {
        self.count > 0 || !matches!(self.state, State::Idle | State::Pausing(_))
    }

    /// What to send in the tick that begins at `timestamp` and is `units` long, instead of sound; `None`: sound.
    pub fn poll_event(&mut self, timestamp: u32, units: u32) -> Option<EventToSend> {
        if let State::Pausing(until) = self.state
            && (timestamp.wrapping_sub(until) as i32) >= 0
        {
            self.state = State::Idle;
        }
        if let State::Idle = self.state {
            self.begin(timestamp);
        }
        match self.state {
            State::Idle | State::Pausing(_) => None,
            State::Sending(press) => Some(self.renew(press, timestamp, units)),
            State::Ending(press, times) => Some(self.end(press, timestamp, times)),
        }
    }

    fn begin(&mut self, timestamp: u32) {
        if self.count == 0 {
            return;
        }
        let (event, milliseconds) = self.waiting[0];
        self.waiting.rotate_left(1);
        self.count -= 1;
        let left = self.units(milliseconds.into());
        self.state = State::Sending(Press { event, timestamp, left, is_marked: false });
    }

    fn renew(&mut self, mut press: Press, timestamp: u32, units: u32) -> EventToSend {
        let passed = timestamp.wrapping_sub(press.timestamp).saturating_add(units);
        if passed >= press.left && press.left <= u32::from(u16::MAX) {
            return self.end(press, timestamp, ENDS);
        }
        let sent = self.packet(&press, passed.min(u32::from(u16::MAX)) as u16, false);
        press.is_marked = true;
        if passed >= u32::from(u16::MAX) {
            // The next segment begins where this one could no longer count.
            press.timestamp = press.timestamp.wrapping_add(u16::MAX.into());
            press.left -= u32::from(u16::MAX);
        }
        self.state = State::Sending(press);
        sent
    }

    fn end(&mut self, mut press: Press, timestamp: u32, times: u8) -> EventToSend {
        let sent = self.packet(&press, press.left as u16, true);
        press.is_marked = true;
        self.state = match times {
            2.. => State::Ending(press, times - 1),
            _ => {
                let over = press.timestamp.wrapping_add(press.left);
                let until = over.wrapping_add(self.units(self.settings.pause_ms.into()));
                // Later than the packet that says it last.
                State::Pausing(if (until.wrapping_sub(timestamp) as i32) > 0 {
                    until
                } else {
                    timestamp.wrapping_add(1)
                })
            }
        };
        sent
    }

    fn packet(&self, press: &Press, duration: u16, is_end: bool) -> EventToSend {
        let [high, low] = duration.to_be_bytes();
        let flags = u8::from(is_end) << 7 | self.settings.volume;
        EventToSend { marker: !press.is_marked, timestamp: press.timestamp, payload: [press.event, flags, high, low] }
    }

    fn units(&self, milliseconds: u32) -> u32 {
        (u64::from(milliseconds) * u64::from(self.settings.clock_rate) / 1_000) as u32
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Time;
    use crate::dtmf::{DigitReceiver, EventPacket};

    /// What is sent in so many ticks of 20 ms, tick by tick, from timestamp `first` on.
    fn send(sender: &mut DigitSender, first: u32, ticks: u32) -> Vec<Option<EventToSend>> {
        let units = sender.settings.clock_rate / 50;
        (0..ticks).map(|tick| sender.poll_event(first.wrapping_add(tick * units), units)).collect()
    }

    fn digit(digit: char, duration_ms: u32) -> Digit {
        Digit { digit, duration_ms }
    }

    #[test]
    fn a_digit_is_marked_renewed_and_ended_three_times() {
        let mut sender = DigitSender::new(DigitSettings::new(8_000));
        assert!(!sender.is_busy() && sender.push(digit('5', 70)) && sender.is_busy());
        let sent = send(&mut sender, u32::MAX - 100, 8);
        let packet = |marker, flags, high, low| {
            Some(EventToSend { marker, timestamp: u32::MAX - 100, payload: [5, flags, high, low] })
        };
        let expected = [
            packet(true, 10, 0, 160),
            packet(false, 10, 1, 64),
            packet(false, 10, 1, 224),
            packet(false, 0x8A, 2, 48),
            packet(false, 0x8A, 2, 48),
            packet(false, 0x8A, 2, 48),
            None,
            None,
        ];
        assert_eq!(sent, expected);
        assert!(!sender.is_busy());
    }

    #[test]
    fn what_is_sent_is_heard_at_every_clock() {
        for clock_rate in [8_000, 16_000, 48_000] {
            let mut sender = DigitSender::new(DigitSettings { volume: 200, ..DigitSettings::new(clock_rate) });
            for key in "0123456789*#abcd".chars() {
                assert!(sender.push(digit(key, 100)));
            }
            // Longer than 16 bits of 48 kHz, and of 8 kHz, can count.
            assert!(sender.push(digit('7', 3_000)) && sender.push(digit('8', 9_990)));
            let mut receiver = DigitReceiver::default();
            let mut heard = Vec::new();
            for (tick, sent) in send(&mut sender, 77, 1_000).into_iter().enumerate() {
                let Some(sent) = sent else { continue };
                assert!(sent.payload[1] & 0x40 == 0 && sent.payload[1] & 0x3F == 63);
                let packet = EventPacket::parse(sent.timestamp, sent.marker, &sent.payload).unwrap();
                let now = Time::from_millis(20 * tick as u64);
                heard.extend(receiver.handle(now, packet, clock_rate).into_iter().flatten());
            }
            let digits: String = heard.iter().map(|digit| digit.digit).collect();
            assert_eq!(digits, "0123456789*#ABCD78", "{clock_rate}");
            assert!(heard[..16].iter().all(|digit| digit.duration_ms == 100));
            assert_eq!((heard[16].duration_ms, heard[17].duration_ms), (3_000, 9_990), "{clock_rate}");
        }
    }

    #[test]
    fn digits_have_a_pause_between_them() {
        let settings = DigitSettings { pause_ms: 100, ..DigitSettings::new(8_000) };
        let mut sender = DigitSender::new(settings);
        assert!(sender.push(digit('1', 40)) && sender.push(digit('1', 40)));
        let sent = send(&mut sender, 0, 16);
        let begins: Vec<usize> = (0..16).filter(|tick| sent[*tick].is_some_and(|sent| sent.marker)).collect();
        // 40 ms, 100 ms of pause, in which the end is told twice more.
        assert_eq!(begins, [0, 7]);
        assert_eq!(sent.iter().flatten().count(), 2 * 4);
        assert!(sent[4..7].iter().all(Option::is_none));
    }

    #[test]
    fn the_shortest_digit_is_its_begin_and_its_end() {
        let mut sender = DigitSender::new(DigitSettings::new(8_000));
        assert!(sender.push(digit('1', 0)));
        // Packets of 60 ms.
        let sent = sender.poll_event(0, 480).unwrap();
        assert_eq!((sent.marker, sent.payload), (true, [1, 0x8A, 1, 64]));
        assert!(!sender.poll_event(480, 480).unwrap().marker);
    }

    #[test]
    fn what_cannot_be_sent_is_refused() {
        let mut sender = DigitSender::new(DigitSettings::new(8_000));
        assert!(!sender.push(digit('x', 100)) && !sender.push(digit('٣', 100)));
        for _ in 0..WAITING {
            assert!(sender.push(digit('1', u32::MAX)));
        }
        assert!(!sender.push(digit('1', 100)));
        send(&mut sender, 0, 1);
        assert!(sender.push(digit('1', 100)));
    }
}
