//! A program that listens to a phone and speaks into its call: a stream that sits behind the phone's in the same room.
//!
//! In each tick the phone's [`Companion`] takes what the program says and passes it on, and gathers what the program hears. The
//! program has no voice of its own in the sum: others hear it as if the phone spoke, or the phone hears it besides them.

use crate::engine::Engine;
use crate::engine::room::Room;
use crate::engine::streams::Streams;
use crate::mixer::FRAME;
use crate::socket::StreamId;
use crate::{Sides, Time};

/// Where a program listens and speaks.
#[derive(Debug, Clone, Copy)]
pub(super) struct Attachment {
    pub(super) to: StreamId,
    hears: Sides,
    speaks: Sides,
}

/// What goes to a phone's program, and what comes from it for the phone.
#[derive(Debug)]
pub(super) struct Companion {
    hears: Sides,
    /// What the program hears in this tick.
    heard: [i16; FRAME],
    /// What it says to the phone.
    whisper: Option<[i16; FRAME]>,
}

impl Companion {
    fn new(attachment: &Attachment) -> Companion {
        let whisper = attachment.speaks.heard.then_some([0; FRAME]);
        Companion { hears: attachment.hears, heard: [0; FRAME], whisper }
    }

    /// Begins a tick with what the phone says, and what the program says.
    fn begin(&mut self, said: Option<&[i16]>, speech: &[i16]) {
        let heard = &mut self.heard[..speech.len()];
        match said.filter(|_| self.hears.said) {
            Some(said) => heard.copy_from_slice(said),
            None => heard.fill(0),
        }
        if let Some(whisper) = &mut self.whisper {
            whisper[..speech.len()].copy_from_slice(speech);
        }
    }

    /// Lets the program hear what the phone hears, and then the phone the program.
    pub(super) fn pass(&mut self, frame: &mut [i16]) {
        if self.hears.heard {
            add(&mut self.heard, frame);
        }
        if let Some(whisper) = &self.whisper {
            add(frame, whisper);
        }
    }
}

fn add(sum: &mut [i16], more: &[i16]) {
    sum.iter_mut().zip(more).for_each(|(sum, more)| *sum = sum.saturating_add(*more));
}

impl Room {
    /// Lets programs say what they say, and then proposes all phones to be heard.
    pub(super) fn hear_programs(&mut self, streams: &mut Streams) {
        let samples = self.rate.frame();
        for id in &self.seats {
            let Some(attachment) = streams.get(*id).and_then(|stream| stream.attachment) else { continue };
            let speech = &mut self.scratch[..samples];
            match streams.get(*id).and_then(|stream| stream.seat.as_ref()?.said()) {
                Some(said) => speech.copy_from_slice(said),
                None => speech.fill(0),
            }
            let Some(seat) = streams.get_mut(attachment.to).and_then(|stream| stream.seat.as_mut()) else { continue };
            let Some(mut companion) = seat.companion.take() else { continue };
            companion.begin(seat.said(), speech);
            seat.companion = Some(companion);
            if attachment.speaks.said && speech.iter().any(|sample| *sample != 0) {
                seat.say_besides(speech);
            }
        }
        for (place, id) in self.seats.iter().enumerate() {
            let Some(stream) = streams.get(*id).filter(|stream| stream.attachment.is_none()) else { continue };
            if let Some(seat) = stream.seat.as_ref().filter(|seat| seat.said().is_some()) {
                self.mixer.propose(place, seat.presence);
            }
        }
    }

    /// Puts into `scratch` what a program hears. False: that stream is none.
    pub(super) fn fetch_for_program(&mut self, id: StreamId, streams: &Streams) -> bool {
        let Some(attachment) = streams.get(id).and_then(|stream| stream.attachment) else { return false };
        let frame = &mut self.scratch[..self.rate.frame()];
        let seat = streams.get(attachment.to).and_then(|stream| stream.seat.as_ref());
        match seat.and_then(|seat| seat.companion.as_ref()) {
            Some(companion) => frame.copy_from_slice(&companion.heard[..frame.len()]),
            None => frame.fill(0),
        }
        true
    }
}

impl Engine {
    /// Has a program listen to a phone, and speak.
    pub(super) fn attach(
        &mut self,
        now: Time,
        (program, to): (StreamId, StreamId),
        (hears, speaks): (Sides, Sides),
    ) -> Option<()> {
        let free = |id| self.streams.get(id).filter(|one| one.attachment.is_none() && one.program.is_none());
        if program == to || free(to).is_none() {
            return None;
        }
        free(program).filter(|program| program.peer.is_none())?.agreed.as_ref()?;
        self.unseat(program);
        self.seat_for_work(now, to)?;
        let attachment = Attachment { to, hears, speaks };
        let phone = self.streams.get_mut(to)?;
        phone.program = Some(program);
        let seat = phone.seat.as_mut()?;
        seat.companion = Some(Box::new(Companion::new(&attachment)));
        let room = seat.room;
        self.streams.get_mut(program)?.attachment = Some(attachment);
        self.sit(program, room)?;
        self.settle(room)
    }

    /// Parts a phone that is about to go from its program, or a program from its phone.
    pub(super) fn detach(&mut self, now: Time, id: StreamId) -> Option<()> {
        let stream = self.streams.get(id)?;
        let (program, to) = match (&stream.attachment, stream.program) {
            (Some(attachment), _) => (id, attachment.to),
            (None, Some(program)) => (program, id),
            (None, None) => return None,
        };
        self.unseat(program);
        if let Some(program) = self.streams.get_mut(program) {
            program.attachment = None;
        }
        let phone = self.streams.get_mut(to)?;
        phone.program = None;
        let seat = phone.seat.as_mut()?;
        seat.companion = None;
        let room = seat.room;
        self.settle(room)?;
        self.arrange(now, to);
        Some(())
    }
}
