//! Who sits in which room.
//!
//! The rule by which a call gets a room is in one place, [`Engine::arrange`]: it has one while its codecs differ, or while
//! something is played to or recorded of one of its streams.

use std::num::NonZeroU16;

use crate::dtmf::sender::WAITING;
use crate::dtmf::{self, Digit};
use crate::engine::Engine;
use crate::engine::room::{Purpose, Room, RoomId};
use crate::engine::seat::Seat;
use crate::forwarding_rule::needs_transcoding;
use crate::sample_rate::SampleRate;
use crate::socket::StreamId;
use crate::{ConferenceId, Ended, Mute, Target, Time};

impl Engine {
    /// Gives a call a room, or takes it away, as its streams need it now. A stream in a conference stays there.
    pub(super) fn arrange(&mut self, now: Time, id: StreamId) {
        // A program sits wherever its phone does.
        let Some(stream) = self.streams.get(id).filter(|stream| stream.attachment.is_none()) else { return };
        if stream.seat.as_ref().is_some_and(|seat| self.rooms.is_conference(seat.room)) {
            return;
        }
        let pair = [Some(id), stream.peer];
        let transcoding = self.transcodes(id);
        let busy =
            |id: StreamId| self.streams.get(id).is_some_and(|stream| stream.is_listened_to() || stream.is_busy());
        if !transcoding && !pair.into_iter().flatten().any(busy) {
            for id in pair.into_iter().flatten() {
                self.unseat(id);
            }
            return;
        }
        self.seat_call(now, id, transcoding);
    }

    /// Makes sure that a stream has a seat, because something is to be played to it or recorded of it.
    pub(super) fn seat_for_work(&mut self, now: Time, id: StreamId) -> Option<()> {
        if self.streams.get(id)?.seat.is_none() {
            let transcoding = self.transcodes(id);
            self.seat_call(now, id, transcoding)?;
        }
        self.streams.get(id)?.seat.as_ref().map(|_| ())
    }

    /// Sends digits to a phone, each for so long.
    pub(super) fn send_digits(&mut self, now: Time, id: StreamId, (digits, duration_ms): (&str, u32)) -> Option<()> {
        if digits.is_empty() || digits.chars().count() > WAITING || !digits.chars().all(dtmf::is_digit) {
            return None;
        }
        self.seat_for_work(now, id)?;
        let seat = self.streams.get_mut(id)?.seat.as_mut()?;
        let room = seat.room;
        let all = digits.chars().all(|digit| seat.keypad.press(Digit { digit, duration_ms }));
        self.settle(room);
        all.then_some(())
    }

    fn transcodes(&self, id: StreamId) -> bool {
        let format = |id| Some(self.streams.get(id)?.agreed.as_ref()?.format);
        let peer = self.streams.get(id).and_then(|stream| stream.peer);
        match (format(id), peer.and_then(format)) {
            (Some(one), Some(other)) => needs_transcoding(&one, &other) || needs_transcoding(&other, &one),
            _ => false,
        }
    }

    /// Puts a stream, and the one it is connected with, into a room of their own.
    fn seat_call(&mut self, now: Time, id: StreamId, transcoding: bool) -> Option<()> {
        let peer = self.streams.get(id)?.peer;
        let here = self.streams.get(id)?.seat.as_ref().map(|seat| seat.room);
        let there = peer.and_then(|peer| self.streams.get(peer)?.seat.as_ref().map(|seat| seat.room));
        let room = match here.or(there) {
            Some(room) => room,
            None => self.open_room(now, Purpose::Call { transcoding }, None),
        };
        for id in [Some(id), peer].into_iter().flatten() {
            self.sit(id, room);
        }
        if let Some(room) = self.rooms.get_mut(room) {
            room.purpose = Purpose::Call { transcoding };
        }
        self.settle(room);
        Some(())
    }

    fn open_room(&mut self, now: Time, purpose: Purpose, loudest: Option<NonZeroU16>) -> RoomId {
        // Rooms tick at five different moments, so that packets that are forwarded need not wait for all of them.
        let phase = std::time::Duration::from_millis(4) * (self.rooms.len() % 5) as u32;
        self.rooms.open(Box::new(Room::new(purpose, loudest, now + phase)))
    }

    /// Takes a seat in a room, with all that is played to and recorded of the stream; its program sits behind it.
    pub(super) fn sit(&mut self, id: StreamId, room: RoomId) -> Option<()> {
        self.take_seat(id, room)?;
        match self.streams.get(id)?.program {
            Some(program) => self.take_seat(program, room),
            None => Some(()),
        }
    }

    fn take_seat(&mut self, id: StreamId, room: RoomId) -> Option<()> {
        let stream = self.streams.get_mut(id)?;
        if stream.seat.as_ref().is_some_and(|seat| seat.room == room) {
            return Some(());
        }
        let format = stream.agreed.as_ref()?.format;
        let target = self.rooms.get_mut(room)?;
        target.prepare(&format).ok()?;
        let before = match &mut stream.seat {
            Some(seat) => {
                let before = seat.room;
                seat.move_to(room, target.rate);
                Some(before)
            }
            None => {
                stream.seat = Some(Box::new(Seat::new(room, &format, target.rate).ok()?));
                None
            }
        };
        target.seats.push(id);
        stream.route.cut();
        self.leave_room(id, before);
        Some(())
    }

    /// Gives up a seat. What was played to and recorded of the stream ends.
    pub(super) fn unseat(&mut self, id: StreamId) {
        let Some(stream) = self.streams.get_mut(id) else { return };
        let Some(seat) = stream.seat.take() else { return };
        stream.playout.add(&seat.receiver.statistics());
        let target = Target::Stream(id);
        self.outbox.playback_ended(seat.player, target, Ended::Stopped);
        self.outbox.recording_ended(seat.recorder, target, Ended::Stopped);
        self.leave_room(id, Some(seat.room));
    }

    fn leave_room(&mut self, id: StreamId, room: Option<RoomId>) {
        let Some((number, room)) = room.and_then(|number| Some((number, self.rooms.get_mut(number)?))) else { return };
        room.seats.retain(|seated| *seated != id);
        if room.seats.is_empty() && !room.is_conference() {
            self.rooms.close(number);
        } else {
            self.settle(number);
        }
    }

    /// Decides the rate of a room, which is the highest that everybody in it can hear, and who is spoken to.
    pub(super) fn settle(&mut self, id: RoomId) -> Option<()> {
        let room = self.rooms.get_mut(id)?;
        let streams = &mut self.streams;
        let phones = room.seats.iter().filter_map(|id| streams.get(*id)).filter(|stream| stream.attachment.is_none());
        let rates = phones.filter_map(|stream| Some(stream.agreed.as_ref()?.format.send.sample_rate()));
        let rate = rates.min().unwrap_or(SampleRate::Khz8);
        let moved = rate != room.rate;
        if moved {
            room.speak_at(rate);
        }
        let is_program = |id: &StreamId| streams.get(*id).is_some_and(|stream| stream.attachment.is_some());
        room.has_programs = room.seats.iter().any(is_program);
        let all = room.has_programs || room.purpose != (Purpose::Call { transcoding: false });
        for stream in &room.seats {
            let Some(seat) = streams.get_mut(*stream).and_then(|stream| stream.seat.as_mut()) else { continue };
            if moved {
                seat.move_to(id, rate);
            }
            seat.speaks = all || seat.player.is_some() || seat.keypad.is_busy() || seat.echoes;
        }
        Some(())
    }

    /// What was agreed with a stream is another thing now.
    pub(super) fn agree_again(&mut self, now: Time, id: StreamId) {
        if let Some(stream) = self.streams.get_mut(id)
            && let (Some(seat), Some(agreed)) = (&mut stream.seat, &stream.agreed)
            && let Some(room) = self.rooms.get_mut(seat.room)
        {
            let number = seat.room;
            let did = seat.receiver.statistics();
            let agreed = room.prepare(&agreed.format).and_then(|()| seat.agree(&agreed.format, room.rate));
            match agreed {
                Ok(()) => {
                    stream.playout.add(&did);
                    self.settle(number);
                }
                Err(_) => self.unseat(id),
            }
        }
        self.arrange(now, id);
    }

    /// The stream is alone from now on.
    pub(super) fn part(&mut self, now: Time, id: StreamId) {
        let Some(stream) = self.streams.get(id).filter(|stream| stream.attachment.is_none()) else { return };
        match stream.seat.as_ref().map(|_| stream.is_busy()) {
            None => return self.arrange(now, id),
            Some(false) => {
                self.unseat(id);
                return self.arrange(now, id);
            }
            Some(true) => {}
        }
        // What is played to it and recorded of it goes on where it is alone.
        let alone = self.open_room(now, Purpose::Call { transcoding: false }, None);
        if self.sit(id, alone).is_none() {
            self.rooms.close(alone);
        }
        self.settle(alone);
    }

    /// Lets a phone hear itself, or no longer.
    pub(super) fn echo(&mut self, now: Time, id: StreamId, on: bool) -> Option<()> {
        if on {
            self.seat_for_work(now, id)?;
        }
        let seat = self.streams.get_mut(id)?.seat.as_mut()?;
        seat.echoes = on;
        let room = seat.room;
        self.settle(room)?;
        self.arrange(now, id);
        Some(())
    }

    /// Listens from now on for who has answered.
    pub(super) fn detect_machine(&mut self, now: Time, id: StreamId) -> Option<()> {
        self.seat_for_work(now, id)?;
        self.streams.get_mut(id)?.seat.as_mut()?.detector = Some(Box::default());
        Some(())
    }

    pub(super) fn open_conference(
        &mut self,
        now: Time,
        conference: ConferenceId,
        loudest: Option<NonZeroU16>,
    ) -> Option<()> {
        if self.rooms.conference(conference).is_some() {
            return None;
        }
        self.open_room(now, Purpose::Conference(conference), loudest);
        Some(())
    }

    pub(super) fn join(&mut self, now: Time, id: StreamId, conference: ConferenceId) -> Option<()> {
        let room = self.rooms.conference(conference)?;
        self.streams.get(id)?.agreed.as_ref()?;
        self.disconnect(now, id)?;
        self.sit(id, room)?;
        self.settle(room)
    }

    pub(super) fn close_conference(&mut self, now: Time, conference: ConferenceId) -> Option<()> {
        let number = self.rooms.conference(conference)?;
        // Its number may be the next room's, in which somebody is alone from now on: all leave before it is free.
        for id in self.rooms.get(number)?.seats.clone() {
            self.part(now, id);
        }
        let room = self.rooms.close(number)?;
        let target = Target::Conference(conference);
        self.outbox.playback_ended(room.player, target, Ended::Stopped);
        self.outbox.recording_ended(room.recorder, target, Ended::Stopped);
        Some(())
    }

    pub(super) fn mute(&mut self, id: StreamId, mute: Mute) -> Option<()> {
        let stream = self.streams.get_mut(id)?;
        stream.mute = mute;
        stream.route.cut();
        if let Some(peer) = stream.peer.and_then(|peer| self.streams.get_mut(peer)) {
            peer.route.cut();
        }
        Some(())
    }
}
