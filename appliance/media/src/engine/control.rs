//! What commands do to the streams.

use std::net::{Ipv4Addr, SocketAddr};

use rand_chacha::rand_core::Rng;

use crate::engine::Engine;
use crate::engine::stream::{Agreed, Stream};
use crate::engine::timer::Timer;
use crate::rtp::latching::Latching;
use crate::socket::StreamId;
use crate::srtp::Keys;
use crate::{Command, Ended, Event, Latch, Remote, Time};

impl Engine {
    /// Carries out a command. One that cannot be carried out is counted in [`Engine::counters`] and changes nothing.
    pub fn handle_command(&mut self, now: Time, command: Command) {
        let done = match command {
            Command::Open { stream, port: _ } => self.open(now, stream),
            Command::Configure { .. } => self.configure(now, command),
            Command::Secure { stream, remote, keys } => self.secure(now, stream, remote, keys),
            Command::Connect { a, b } => self.connect(now, a, b),
            Command::Disconnect { stream } => self.disconnect(now, stream),
            Command::Close { stream } => self.close(now, stream),
            Command::SendDigits { stream, digits, duration_ms } => {
                self.send_digits(now, stream, (&digits, duration_ms))
            }
            Command::Mute { stream, mute } => self.mute(stream, mute),
            Command::Echo { stream, on } => self.echo(now, stream, on),
            Command::DetectMachine { stream } => self.detect_machine(now, stream),
            Command::Measure { stream } => self.measure(stream),
            Command::Attach { program, to, hears, speaks } => self.attach(now, (program, to), (hears, speaks)),
            Command::OpenConference { conference, loudest } => self.open_conference(now, conference, loudest),
            Command::Join { stream, conference } => self.join(now, stream, conference),
            Command::LinkConference { conference, with } => self.link_conference(conference, with),
            Command::CloseConference { conference } => self.close_conference(now, conference),
            Command::Play { playback, to, what } => {
                let played = self.play(now, playback, to, what);
                if played.is_none() {
                    let reason = Ended::Failed("there is nobody to play it to".into());
                    self.outbox.answer(Event::PlaybackEnded { playback, to, reason });
                }
                played
            }
            Command::PausePlayback { playback, paused } => self.pause_playback(playback, paused),
            Command::StopPlayback { playback } => self.end_playback(now, playback, Ended::Stopped),
            Command::Record { recording, of, .. } => {
                let recorded = self.record(now, command);
                if recorded.is_none() {
                    let reason = Ended::Failed("there is nobody to record".into());
                    self.outbox.answer(Event::RecordingEnded { recording, of, reason, missed_ms: 0 });
                }
                recorded
            }
            Command::PauseRecording { recording, paused } => self.pause_recording(recording, paused),
            Command::StopRecording { recording } => self.end_recording(now, recording, Ended::Stopped),
        };
        if done.is_none() {
            self.outbox.counters.refused_commands += 1;
        }
    }

    fn open(&mut self, now: Time, id: StreamId) -> Option<()> {
        if self.streams.find(id).is_some() {
            return None;
        }
        if self.streams.len() >= self.config.streams {
            let reason = format!("all {} media streams are in use", self.config.streams);
            self.outbox.answer(Event::OpenFailed { stream: id, reason });
            return None;
        }
        let random = [self.random.next_u32(), self.random.next_u32(), self.random.next_u32()];
        self.streams.insert(Box::new(Stream::new(now, id, random)));
        Some(())
    }

    fn configure(&mut self, now: Time, command: Command) -> Option<()> {
        let Command::Configure { stream: id, remote, format, direction, latch, keys } = command else { return None };
        let first_report = self.report_interval() / 2;
        let stream = self.streams.get_mut(id)?;
        let is_nominated = latch == Latch::Nominated;
        let known = stream.agreed.as_ref().and_then(|before| before.latching.nominated());
        let remote = if is_nominated { nominated(known) } else { remote };
        let before = stream.agreed.take().filter(|before| before.latching.is_nominated() == is_nominated);
        if before.is_none() {
            // Who is believed by a handshake is nobody whom we know otherwise.
            stream.session = stream.session.take().filter(|_| !is_nominated);
        }
        let latching = match before {
            Some(before) => {
                let mut latching = before.latching;
                latching.configure(now, latch, remote);
                latching
            }
            None => Latching::new(latch, remote),
        };
        stream.agreed = Some(Agreed::new(format, direction, latching));
        // A handshake brings them, or has done so.
        if !is_nominated {
            stream.agree_on_keys(keys, &mut self.random);
        }
        stream.route.renew();
        stream.silence.since = now;
        stream.silence.reported = false;
        let limit = stream.silence_limit(&self.config);
        stream.timers.set(Timer::Silence, limit.map(|limit| now.saturating_add(limit)));
        if !stream.timers.is_set(Timer::Report) {
            stream.timers.set(Timer::Report, Some(now.saturating_add(first_report)));
            stream.timers.set(Timer::Keepalive, self.config.keepalive.map(|limit| now.saturating_add(limit)));
        }
        self.agenda.book(id, &mut stream.timers);
        let peer = stream.peer;
        if let Some(peer) = peer.and_then(|peer| self.streams.get_mut(peer)) {
            peer.route.renew();
        }
        self.agree_again(now, id);
        Some(())
    }

    fn secure(&mut self, now: Time, id: StreamId, remote: SocketAddr, keys: Box<Keys>) -> Option<()> {
        let stream = self.streams.get_mut(id)?;
        let latching =
            stream.agreed.as_mut().map(|agreed| &mut agreed.latching).filter(|latching| latching.is_nominated())?;
        latching.configure(now, Latch::Nominated, nominated(Some(remote)));
        stream.agree_on_keys(Some(keys), &mut self.random);
        // Nobody could speak before.
        stream.silence.since = now;
        stream.route.renew();
        if let Some(peer) = stream.peer.and_then(|peer| self.streams.get_mut(peer)) {
            peer.route.renew();
        }
        Some(())
    }

    fn connect(&mut self, now: Time, a: StreamId, b: StreamId) -> Option<()> {
        if a == b || self.streams.find(a).is_none() || self.streams.find(b).is_none() {
            return None;
        }
        let connected = self.streams.get(a).is_some_and(|stream| stream.peer == Some(b));
        if !connected {
            self.disconnect(now, a);
            self.disconnect(now, b);
            self.streams.get_mut(a)?.peer = Some(b);
            self.streams.get_mut(b)?.peer = Some(a);
            self.arrange(now, a);
        }
        Some(())
    }

    pub(super) fn disconnect(&mut self, now: Time, id: StreamId) -> Option<()> {
        let stream = self.streams.get_mut(id)?;
        stream.route.cut();
        let peer = stream.peer.take();
        if let Some(peer) = peer.and_then(|peer| self.streams.get_mut(peer)) {
            peer.route.cut();
            peer.peer = None;
        }
        for id in [Some(id), peer].into_iter().flatten() {
            self.part(now, id);
        }
        Some(())
    }

    fn measure(&mut self, id: StreamId) -> Option<()> {
        let statistics = Box::new(self.streams.get(id)?.statistics());
        self.outbox.answer(Event::Measured { stream: id, statistics });
        Some(())
    }

    fn close(&mut self, now: Time, id: StreamId) -> Option<()> {
        let slot = self.streams.find(id)?;
        self.disconnect(now, id);
        self.detach(now, id);
        self.unseat(id);
        self.send_report(now, slot, true);
        let stream = self.streams.remove(id)?;
        self.outbox.answer(Event::Closed { stream: id, statistics: Box::new(stream.statistics()) });
        Some(())
    }
}

/// Where a browser is, which has one address for all; nowhere, as long as nobody knows.
fn nominated(at: Option<SocketAddr>) -> Remote {
    let at = at.unwrap_or(SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0)));
    Remote { rtp: at, rtcp: at }
}
