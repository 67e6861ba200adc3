//! What time does to the streams.

use crate::engine::Engine;
use crate::engine::streams::Slot;
use crate::engine::timer::Timer;
use crate::limits;
use crate::socket::Socket;
use crate::{Event, Time, Transmit};

impl Engine {
    /// Does what is due, at most [`limits::TIMERS_A_TURN`] streams at once, so that packets need not wait for long. What is
    /// left stays due: [`Engine::poll_timeout`] then names a moment that has passed.
    ///
    /// Where rooms were due, their packets wait in [`Engine::poll_audio`].
    pub fn handle_timeout(&mut self, now: Time) {
        for _ in 0..limits::ROOMS_A_TURN {
            let Some((id, mut room)) = self.rooms.take_due(now) else { break };
            room.tick(now, &mut self.streams, &mut self.outbox);
            self.rooms.ticked(id, room);
        }
        for _ in 0..limits::TIMERS_A_TURN {
            let Some((id, booked)) = self.agenda.pop_due(now) else { break };
            let Some(slot) = self.streams.find(id) else { continue };
            let Some(stream) = self.streams.at_mut(slot) else { continue };
            if !stream.timers.is_booked(booked) {
                continue;
            }
            stream.timers.unbook();
            self.look_at(now, slot);
            if let Some(stream) = self.streams.at_mut(slot) {
                self.agenda.book(id, &mut stream.timers);
            }
        }
        let streams = &self.streams;
        let counts = |id, at| streams.get(id).is_some_and(|stream| stream.timers.is_booked(at));
        self.agenda.tidy(streams.len(), counts);
    }

    fn look_at(&mut self, now: Time, slot: Slot) {
        let Some(stream) = self.streams.at_mut(slot) else { return };
        if stream.timers.take_due(Timer::Silence, now) {
            self.watch_silence(now, slot);
        }
        let Some(stream) = self.streams.at_mut(slot) else { return };
        if stream.timers.take_due(Timer::Keepalive, now) {
            self.keep_alive(now, slot);
        }
        let Some(stream) = self.streams.at_mut(slot) else { return };
        if stream.timers.take_due(Timer::Report, now) {
            stream.expire_digit(now, &mut self.outbox);
            self.send_report(now, slot, false);
            let next = now.saturating_add(self.report_interval());
            if let Some(stream) = self.streams.at_mut(slot) {
                stream.timers.set(Timer::Report, Some(next));
            }
        }
    }

    /// Tells once of each silence that is too long.
    fn watch_silence(&mut self, now: Time, slot: Slot) {
        let Some(stream) = self.streams.at_mut(slot) else { return };
        let Some(limit) = stream.silence_limit(&self.config) else { return };
        let heard_at = stream.heard_at();
        let silent_for = now.saturating_sub(heard_at);
        let mut next = heard_at.saturating_add(limit);
        if silent_for < limit {
            stream.silence.reported = false;
        } else {
            if !stream.silence.reported {
                self.outbox.event(Event::Timeout { stream: stream.id, silent_for });
            }
            stream.silence.reported = true;
            next = now.saturating_add(limit);
        }
        stream.timers.set(Timer::Silence, Some(next));
    }

    /// Keeps the phone's NAT open while we have nothing to say: an empty packet (RFC 6263 §4.1), which no receiver can take
    /// for audio, and which uses up no sequence number.
    fn keep_alive(&mut self, now: Time, slot: Slot) {
        let Some(limit) = self.config.keepalive else { return };
        let Some(stream) = self.streams.at_mut(slot) else { return };
        let mut last_at = stream.sender.last_at().max(stream.kept_alive_at);
        let destination = stream.agreed.as_ref().and_then(|agreed| agreed.latching.rtp_destination());
        if now.saturating_sub(last_at) >= limit {
            if let Some(to) = destination {
                self.outbox.transmit(Transmit::new(Socket::rtp(stream.id), to));
            }
            stream.kept_alive_at = now;
            last_at = now;
        }
        stream.timers.set(Timer::Keepalive, Some(last_at.saturating_add(limit)));
    }
}
