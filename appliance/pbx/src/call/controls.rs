//! What is ordered of a leg's audio, and what a phone hears while nobody is there to be heard.
//!
//! | order | what happens |
//! | --- | --- |
//! | hold | the phone is told (re-INVITE with `a=sendonly`) and hears music; nobody hears it; whom it talked to hears music |
//! | moh | the phone hears our music instead of anybody |
//! | silence | the phone hears nothing, with packets that go on |
//! | mute `in` | nobody hears what the phone says |
//! | mute `out` | the phone hears nobody; music and tones it hears |
//!
//! A phone that holds the call itself (`a=sendonly`, `a=inactive`, the address 0.0.0.0) is the same to whom it talked to: that one
//! hears music. All of this is derived from the legs' records in one place, [`Call::tend_audio`].

use media::tone::{Country, Signal, Tone};
use media::{Mute, Playable, PlaybackId, Target};
use uuid::Uuid;

use super::record::Controls;
use super::{CALLER, Call, Calls, ladder};
use crate::command::{Rejection, Reply};
use crate::context::Context;
use crate::event::EventKind;

/// An order about a leg's audio; the value says whether it begins or ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Control {
    /// On hold.
    Hold(bool),
    /// Music.
    Music(bool),
    /// Silence.
    Silence(bool),
    /// Muted, one way or both.
    Mute {
        /// Which way.
        direction: MuteDirection,
        /// Whether it begins or ends.
        on: bool,
    },
}

/// Which way a leg is muted, seen from the exchange as VoIPBIN does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MuteDirection {
    /// Both.
    Both,
    /// Towards us: nobody hears the phone.
    In,
    /// From us: the phone hears nobody.
    Out,
}

/// What a phone hears instead of anybody.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Waiting {
    /// Music.
    Music,
    /// Nothing.
    Silence,
    /// That somebody is rung.
    Ringing,
}

impl Calls {
    /// Carries out an order about the audio of a leg.
    pub fn control(&mut self, ctx: &mut Context, record: Uuid, control: Control) -> Result<Reply, Rejection> {
        let leg = *ctx.index.records.get(&record).ok_or(Rejection::NotFound("call"))?;
        self.with(ctx, leg, |call, ctx, place| {
            if !call.legs[place].is_live() {
                return Err(Rejection::AlreadyHungUp);
            }
            if !call.legs[place].is_up() || !call.legs[place].audio.is_negotiated() {
                return Err(Rejection::NotAnswered);
            }
            call.control(ctx, place, control);
            Ok(Reply::Call(Box::new(call.legs[place].record.clone())))
        })
        .unwrap_or(Err(Rejection::AlreadyHungUp))
    }
}

impl Controls {
    fn with(mut self, control: Control) -> Controls {
        match control {
            Control::Hold(on) => self.on_hold = on,
            Control::Music(on) => self.music = on,
            Control::Silence(on) => self.silence = on,
            Control::Mute { direction, on } => {
                if direction != MuteDirection::Out {
                    self.mute_in = on;
                }
                if direction != MuteDirection::In {
                    self.mute_out = on;
                }
            }
        }
        self
    }

    fn mute(self) -> Mute {
        Mute { said: self.mute_in || self.on_hold, heard: self.mute_out }
    }
}

impl Control {
    fn label(self) -> &'static str {
        match self {
            Control::Hold(true) => "hold",
            Control::Hold(false) => "take up again",
            Control::Music(true) => "music",
            Control::Music(false) => "end of music",
            Control::Silence(true) => "silence",
            Control::Silence(false) => "end of silence",
            Control::Mute { on: true, .. } => "mute",
            Control::Mute { on: false, .. } => "unmute",
        }
    }
}

impl Call {
    /// Carries out an order about a leg that is up.
    pub fn control(&mut self, ctx: &mut Context, place: usize, control: Control) {
        let before = self.legs[place].record.controls;
        let after = before.with(control);
        if after == before {
            return;
        }
        self.legs[place].record.controls = after;
        self.ladder.internal(ctx.unix(), (ladder::CALL, Call::column(place)), control.label(), "was asked for".into());
        if let (true, Some(stream)) = (after.mute() != before.mute(), self.legs[place].audio.stream()) {
            ctx.media(media::Command::Mute { stream, mute: after.mute() });
        }
        if after.on_hold != before.on_hold && self.legs[place].audio.hold(after.on_hold) {
            self.send_refresh(ctx, place);
        }
        self.state(ctx, place, EventKind::CallUpdated);
        self.tend_audio(ctx);
    }

    /// Has every phone hear what it is to hear now.
    pub fn tend_audio(&mut self, ctx: &mut Context) {
        for place in 0..self.legs.len() {
            let wanted = self.waits_with(ctx, place);
            let leg = &mut self.legs[place];
            let Some(stream) = leg.audio.stream() else { continue };
            if leg.playing.map(|(_, waiting)| waiting) == wanted {
                continue;
            }
            if let Some((playback, _)) = leg.playing.take() {
                ctx.media(media::Command::StopPlayback { playback });
            }
            if let Some(waiting) = wanted {
                let playback = ctx.index.new_playback();
                leg.playing = Some((playback, waiting));
                ctx.media(media::Command::Play { playback, to: Target::Stream(stream), what: waiting.playable() });
            }
        }
    }

    /// What a phone is to hear instead of anybody, as the records of its leg and of the other one have it.
    fn waits_with(&self, ctx: &Context, place: usize) -> Option<Waiting> {
        let leg = &self.legs[place];
        // A phone that holds the call hears nothing anyway.
        if !leg.is_up() || leg.record.held {
            return None;
        }
        let controls = leg.record.controls;
        let other = self.other(place).map(|other| &self.legs[other].record);
        let is_held = other.is_some_and(|other| other.held || other.controls.on_hold);
        match () {
            () if controls.silence => Some(Waiting::Silence),
            () if controls.music => Some(Waiting::Music),
            () if place == CALLER
                && self.bridged.is_none()
                && (self.rings_for_flow() || self.rings_for_transfer() && self.is_ringing()) =>
            {
                Some(Waiting::Ringing)
            }
            () if (controls.on_hold || is_held || place == CALLER && self.rings_for_transfer())
                && ctx.settings.music_on_hold =>
            {
                Some(Waiting::Music)
            }
            () => None,
        }
    }

    /// Something that was played to a phone is over.
    pub fn handle_playback_ended(&mut self, ctx: &mut Context, place: usize, playback: PlaybackId) {
        let leg = &mut self.legs[place];
        if leg.playing.is_some_and(|(current, _)| current == playback) {
            leg.playing = None;
        }
        self.offer_playback_to_flow(ctx, playback);
    }
}

impl Waiting {
    fn playable(self) -> Playable {
        match self {
            Waiting::Music => Playable::Music,
            Waiting::Ringing => {
                let ringing = Country::INTERNATIONAL.tone(Signal::Ringing);
                Playable::Tone(Box::new(ringing.expect("E.180 recommends a ringing tone")))
            }
            Waiting::Silence => Playable::Tone(Box::new(Tone::parse("0").expect("a tone may be silence without end"))),
        }
    }
}
