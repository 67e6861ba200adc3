//! Digits on their way to a phone whose packets we make: as telephone events (RFC 4733) where it takes them, else as tones.

use crate::dtmf::Digit;
use crate::dtmf::sender::{DigitSender, DigitSettings, EventToSend};
use crate::dtmf::tones::DigitTones;
use crate::format::Format;
use crate::sample_rate::SampleRate;

/// What sends digits to one phone.
#[derive(Debug)]
pub(super) struct Keypad {
    way: Way,
    /// There may be something to send: looked at in every packet.
    is_on: bool,
    /// It was, and is no longer: the room may not be needed any more.
    has_ended: bool,
}

#[derive(Debug)]
enum Way {
    Events { payload_type: u8, sender: DigitSender, clocks: Clocks },
    Tones(DigitTones),
}

/// Units a second: of the audio, in which timestamps count, and of the events, in which their length does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Clocks {
    audio: u32,
    events: u32,
}

/// A packet that takes the place of one of sound.
#[derive(Debug)]
pub(super) struct KeyPacket {
    pub(super) payload_type: u8,
    pub(super) event: EventToSend,
}

impl Keypad {
    pub(super) fn new(format: &Format) -> Keypad {
        let way = match format.telephone_event.send {
            Some(payload_type) => {
                let clocks = Clocks { audio: format.clock_rate(), events: format.telephone_event.clock_rate };
                Way::Events { payload_type, sender: DigitSender::new(DigitSettings::new(clocks.audio)), clocks }
            }
            None => Way::Tones(DigitTones::default()),
        };
        Keypad { way, is_on: false, has_ended: false }
    }

    /// Something else was agreed on: digits that wait are still sent if it is in the same way.
    pub(super) fn agree(self, format: &Format) -> Keypad {
        let fresh = Keypad::new(format);
        match (&self.way, &fresh.way) {
            (Way::Tones(_), Way::Tones(_)) => self,
            (Way::Events { payload_type, clocks, .. }, Way::Events { payload_type: other, clocks: others, .. })
                if (payload_type, clocks) == (other, others) =>
            {
                self
            }
            _ => fresh,
        }
    }

    /// Sends a digit after those that wait. False, without effect, where too many wait.
    pub(super) fn press(&mut self, digit: Digit) -> bool {
        let pressed = match &mut self.way {
            Way::Events { sender, .. } => sender.push(digit),
            Way::Tones(tones) => tones.push(digit),
        };
        self.is_on |= pressed;
        pressed
    }

    /// Whether there is something to send, now or later.
    pub(super) fn is_busy(&self) -> bool {
        self.is_on
    }

    /// Whether the last digit is over; told once.
    pub(super) fn take_ended(&mut self) -> bool {
        self.has_ended && std::mem::take(&mut self.has_ended)
    }

    /// Whether what the phone hears is a tone, or the pause between two, instead of what others hear.
    pub(super) fn is_sounding(&self) -> bool {
        self.is_on && matches!(self.way, Way::Tones(_))
    }

    /// Puts the tones of the next frame in the place of what is in it.
    pub(super) fn sound(&mut self, frame: &mut [i16], rate: SampleRate) {
        if let (true, Way::Tones(tones)) = (self.is_on, &mut self.way) {
            self.is_on = tones.fill(frame, rate);
            self.has_ended = !self.is_on;
        }
    }

    /// What to send instead of the packet that begins at `timestamp` and is `units` long.
    pub(super) fn poll_event(&mut self, timestamp: u32, units: u32) -> Option<KeyPacket> {
        let Way::Events { payload_type, sender, clocks } = &mut self.way else { return None };
        let event = sender.poll_event(timestamp, units);
        self.is_on = event.is_some() || sender.is_busy();
        self.has_ended = !self.is_on;
        let mut event = event?;
        let [_, _, high, low] = event.payload;
        let length =
            u64::from(u16::from_be_bytes([high, low])) * u64::from(clocks.events) / u64::from(clocks.audio.max(1));
        let [high, low] = (length.min(u16::MAX.into()) as u16).to_be_bytes();
        event.payload[2..].copy_from_slice(&[high, low]);
        Some(KeyPacket { payload_type: *payload_type, event })
    }
}
