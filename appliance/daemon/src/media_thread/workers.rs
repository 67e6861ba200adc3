//! The threads that touch disks for the media thread: one decodes what is played, one writes down what is recorded.
//!
//! Nothing here waits. Orders are pushed always, because they are bounded by the buffers that circulate; a thread that is
//! behind gives none back, and the engine counts what is missing and makes it silence.

use std::collections::VecDeque;
use std::sync::Arc;

use media::{Command, Engine, Event, Parcel, Playable, RecordedBuffer, Sound};

use crate::queue::Queue;
use crate::{recording_thread, sound_thread};

/// The ways to them and back.
#[derive(Debug)]
pub struct Workers {
    /// What the sound thread is told.
    pub sound: Queue<sound_thread::Order>,
    /// What the sound thread brings.
    pub decoded: Queue<sound_thread::Delivery>,
    /// What the recording thread is told.
    pub recording: Queue<recording_thread::Order>,
    /// What the recording thread brings.
    pub emptied: Queue<recording_thread::Delivery>,
    /// What is played where the exchange wants music; our own piece if there is nothing.
    pub music: Option<Arc<[Sound]>>,
}

/// The same, seen from the thread that owns the engine.
#[derive(Debug)]
pub struct Desk {
    workers: Workers,
    decoded: VecDeque<sound_thread::Delivery>,
    emptied: VecDeque<recording_thread::Delivery>,
    // Who was given orders without being woken for them yet.
    sound_is_ordered: bool,
    recording_is_ordered: bool,
}

impl Desk {
    /// Nothing is ordered yet.
    pub fn new(workers: Workers) -> Desk {
        let (decoded, emptied) = (VecDeque::new(), VecDeque::new());
        Desk { workers, decoded, emptied, sound_is_ordered: false, recording_is_ordered: false }
    }

    /// Hands what the threads brought to the engine.
    pub fn deliver(&mut self, now: media::Time, engine: &mut Engine) {
        self.workers.decoded.take(&mut self.decoded);
        for delivery in self.decoded.drain(..) {
            match delivery {
                sound_thread::Delivery::Filled { playback, buffer } => engine.handle_sound(playback, buffer),
                sound_thread::Delivery::Failed { playback, reason } => {
                    engine.handle_sound_failed(now, playback, reason);
                }
            }
        }
        self.workers.emptied.take(&mut self.emptied);
        for delivery in self.emptied.drain(..) {
            match delivery {
                recording_thread::Delivery::Empty { recording, pcm } => engine.handle_buffer(recording, pcm),
                recording_thread::Delivery::Failed { recording, reason } => {
                    engine.handle_recording_failed(now, recording, reason);
                }
            }
        }
    }

    /// Has the engine play something, and the sounds of it decoded, if there are any.
    pub fn play(&mut self, now: media::Time, engine: &mut Engine, command: Command) {
        let Command::Play { playback, to, what } = command else { return engine.handle_command(now, command) };
        let (sounds, repeats) = match (&what, &self.workers.music) {
            (Playable::Sounds(sounds), _) => (sounds.clone(), false),
            (Playable::Music, Some(music)) => (music.clone(), true),
            _ => return engine.handle_command(now, Command::Play { playback, to, what }),
        };
        engine.handle_command(now, Command::Play { playback, to, what: Playable::Sounds(sounds.clone()) });
        let rate = engine.rate(to);
        self.order_sound(sound_thread::Order::Start { playback, sounds, rate, repeats });
    }

    /// Carries a buffer to where it is filled or emptied.
    pub fn carry(&mut self, parcel: Parcel) {
        match parcel {
            Parcel::Played { playback, pcm } => self.order_sound(sound_thread::Order::Refill { playback, pcm }),
            Parcel::Recorded { recording, buffer } => self.write(recording, buffer),
        }
    }

    /// An event of the engine may be the last of a playback or a recording. Its buffers were carried before.
    pub fn observe(&mut self, event: &Event) {
        match event {
            Event::PlaybackEnded { playback, .. } => {
                self.order_sound(sound_thread::Order::Stop { playback: *playback });
            }
            Event::RecordingEnded { recording, .. } => {
                self.recording_is_ordered = true;
                let stop = recording_thread::Order::Stop { recording: *recording };
                self.workers.recording.push_always(stop);
            }
            _ => {}
        }
    }

    /// Wakes whoever was given orders.
    pub fn ring(&mut self) {
        if std::mem::take(&mut self.sound_is_ordered) {
            self.workers.sound.ring();
        }
        if std::mem::take(&mut self.recording_is_ordered) {
            self.workers.recording.ring();
        }
    }

    fn write(&mut self, recording: media::RecordingId, buffer: RecordedBuffer) {
        self.recording_is_ordered = true;
        self.workers.recording.push_always(recording_thread::Order::Write { recording, buffer });
    }

    fn order_sound(&mut self, order: sound_thread::Order) {
        self.sound_is_ordered = true;
        self.workers.sound.push_always(order);
    }
}
