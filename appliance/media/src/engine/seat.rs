//! The seat of a stream whose audio is more than forwarded: what its phone says becomes samples, and samples become what it
//! hears.

use crate::codec::CodecError;
use crate::dtmf::Digit;
use crate::engine::ear::Ear;
use crate::engine::keypad::Keypad;
use crate::engine::program::Companion;
use crate::engine::room::RoomId;
use crate::engine::voice::Voice;
use crate::format::Format;
use crate::jitter;
use crate::machine_detector::{Answerer, MachineDetector};
use crate::mixer::{FRAME, Presence};
use crate::player::Player;
use crate::receiver::{Kind, Receiver};
use crate::recorder::Recorder;
use crate::resampler::Resampler;
use crate::sample_rate::SampleRate;
use crate::{Mute, Time};

/// A stream in a room.
#[derive(Debug)]
pub(super) struct Seat {
    pub(super) room: RoomId,
    pub(super) receiver: Receiver,
    /// Makes the packets the phone gets.
    pub(super) voice: Voice,
    /// Whether we make them now. Otherwise they are forwarded, and the seat only listens.
    pub(super) speaks: bool,
    pub(super) player: Option<Box<Player>>,
    pub(super) recorder: Option<Box<Recorder>>,
    /// Digits for the phone.
    pub(super) keypad: Keypad,
    pub(super) presence: Presence,
    /// Where the phone has no other way to tell keys.
    ear: Option<Box<Ear>>,
    /// Whether the phone hears what it says.
    pub(super) echoes: bool,
    /// Finds out who has answered.
    pub(super) detector: Option<Box<MachineDetector>>,
    /// What goes to the phone's program, and comes from it.
    pub(super) companion: Option<Box<Companion>>,
    to_room: Resampler,
    /// A frame at the rate of the room.
    said: Box<[i16]>,
    kind: Kind,
}

fn frame(rate: SampleRate) -> Box<[i16]> {
    vec![0; rate.frame()].into()
}

impl Seat {
    /// A seat for a phone with this `format` in a room of this `rate`.
    pub(super) fn new(room: RoomId, format: &Format, rate: SampleRate) -> Result<Seat, CodecError> {
        let receiver = Receiver::at_most(rate, format, jitter::Settings::default());
        let ear = (!format.tells_digits()).then(|| Box::new(Ear::new(receiver.rate())));
        Ok(Seat {
            room,
            to_room: Resampler::new(receiver.rate(), rate),
            receiver,
            voice: Voice::new(format, rate)?,
            speaks: false,
            player: None,
            recorder: None,
            keypad: Keypad::new(format),
            presence: Presence::default(),
            ear,
            echoes: false,
            detector: None,
            companion: None,
            said: frame(rate),
            kind: Kind::Silence,
        })
    }

    /// Something else was agreed on; what it plays and records goes on.
    pub(super) fn agree(&mut self, format: &Format, rate: SampleRate) -> Result<(), CodecError> {
        let fresh = Seat::new(self.room, format, rate)?;
        let before = std::mem::replace(self, fresh);
        self.speaks = before.speaks;
        self.player = before.player;
        self.recorder = before.recorder;
        self.keypad = before.keypad.agree(format);
        self.presence = before.presence;
        self.echoes = before.echoes;
        self.detector = before.detector;
        self.companion = before.companion;
        self.listen_at(rate);
        Ok(())
    }

    /// The room has another rate now.
    pub(super) fn move_to(&mut self, room: RoomId, rate: SampleRate) {
        self.room = room;
        self.receiver.listen_at(rate);
        self.to_room = Resampler::new(self.receiver.rate(), rate);
        self.voice.speak_at(rate);
        self.listen_at(rate);
    }

    fn listen_at(&mut self, rate: SampleRate) {
        self.said = frame(rate);
        self.kind = Kind::Silence;
        if let Some(player) = &mut self.player {
            player.listen_at(rate);
        }
        if let Some(recorder) = &mut self.recorder {
            recorder.listen_at(rate);
        }
    }

    /// Takes what the phone says in this tick; whether it is listened for keys.
    pub(super) fn listen(&mut self, (now, heeds_keys): (Time, bool), mute: Mute, scratch: &mut [i16; FRAME]) {
        let pulled = self.receiver.pull(now, scratch);
        if let Some(ear) = self.ear.as_mut().filter(|_| heeds_keys) {
            ear.hear(pulled.rate, (pulled.kind != Kind::Silence).then_some(&scratch[..pulled.samples]));
        }
        self.kind = if mute.said { Kind::Silence } else { pulled.kind };
        if self.kind == Kind::Silence {
            self.presence.rest();
            return;
        }
        // A phone may change between codecs of different rates.
        if pulled.rate != self.to_room.from() {
            self.to_room = Resampler::new(pulled.rate, self.to_room.to());
        }
        self.to_room.process(&scratch[..pulled.samples], &mut self.said);
        self.presence.hear(&self.said);
    }

    /// The next digit that was heard in what the phone said.
    pub(super) fn poll_digit(&mut self) -> Option<Digit> {
        self.ear.as_mut()?.poll_digit()
    }

    /// Listens on for who has answered; tells it once it is known.
    pub(super) fn judge(&mut self) -> Option<Answerer> {
        // The noise of a pause is made by us as often as by the phone: it is no word.
        let said = matches!(self.kind, Kind::Speech | Kind::Concealed).then_some(&*self.said);
        let answerer = self.detector.as_mut()?.hear(said)?;
        self.detector = None;
        Some(answerer)
    }

    /// Others hear this as well, as if the phone had said it.
    pub(super) fn say_besides(&mut self, frame: &[i16]) {
        let said = &mut self.said;
        if self.kind == Kind::Silence {
            said.fill(0);
            self.kind = Kind::Speech;
        }
        said.iter_mut().zip(frame).for_each(|(said, more)| *said = said.saturating_add(*more));
        self.presence.hear(said);
    }

    /// What the phone says in this tick; `None`: nothing.
    pub(super) fn said(&self) -> Option<&[i16]> {
        (self.kind != Kind::Silence).then_some(&*self.said)
    }

    /// Whether there is something to do here besides forwarding.
    pub(super) fn is_busy(&self) -> bool {
        let works = self.player.is_some() || self.recorder.is_some() || self.keypad.is_busy();
        works || self.echoes || self.detector.is_some()
    }
}
