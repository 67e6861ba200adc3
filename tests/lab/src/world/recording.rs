//! Whoever writes the files of recordings: here they are lists of samples.

use std::collections::BTreeMap;
use std::time::Duration;

use media::{Layout, Parcel, RecordingId, SampleRate};
use pbx::recording::{RecordedFile, RecordingFormat, RecordingOrder, RecordingReport};
use uuid::Uuid;

use super::Lab;
use super::carriage::Arrival;

/// How long the disk takes.
const DELAY: Duration = Duration::from_millis(2);

/// The disk of the exchange.
#[derive(Debug, Default)]
pub struct Disk {
    /// Whether no file can be made.
    pub is_read_only: bool,
    /// Samples of each channel that fit, if that is limited.
    pub room: Option<usize>,
    files: BTreeMap<RecordingId, File>,
}

/// A recording.
#[derive(Debug, Clone)]
pub struct File {
    /// Its id.
    pub id: Uuid,
    /// Samples a second.
    pub rate: SampleRate,
    /// Samples, left and right in turn.
    pub samples: Vec<i16>,
    /// Whether nothing more will come.
    pub is_complete: bool,
    layout: Layout,
    format: RecordingFormat,
    // What the engine still gives out is dropped.
    has_failed: bool,
}

impl Disk {
    /// The file with this id.
    pub fn file(&self, id: Uuid) -> &File {
        self.files.values().find(|file| file.id == id).expect("there is such a file")
    }
}

impl File {
    /// How long it plays.
    pub fn duration(&self) -> Duration {
        let moments = self.samples.len() / self.layout.channels();
        Duration::from_micros(moments as u64 * 1_000_000 / u64::from(self.rate.hz()))
    }

    /// One channel between two moments: 0 is the left one.
    pub fn channel(&self, channel: usize, from: Duration, to: Duration) -> Vec<i16> {
        let at = |moment: Duration| (moment.as_secs_f64() * f64::from(self.rate.hz())) as usize;
        let samples = self.samples.chunks_exact(self.layout.channels()).map(|moment| moment[channel]);
        samples.skip(at(from)).take(at(to) - at(from)).collect()
    }
}

impl Lab {
    pub(super) fn handle_recording_order(&mut self, order: RecordingOrder) {
        let RecordingOrder::Begin { recording, id, format, layout, rate, at: _ } = order;
        let file = File { id, rate, samples: Vec::new(), is_complete: false, layout, format, has_failed: false };
        assert!(self.disk.files.insert(recording, file).is_none(), "two recordings have one name");
        let report = match self.disk.is_read_only {
            true => RecordingReport::Lost(recording, "Read-only file system".into()),
            false => RecordingReport::Begun(recording),
        };
        self.post(DELAY, Arrival::Recording(report));
    }

    pub(super) fn lend_buffers(&mut self, recording: RecordingId) {
        let file = &self.disk.files[&recording];
        let samples = 200 * file.rate.per_ms() * file.layout.channels();
        for _ in 0..media::recorder::BUFFERS {
            self.engine.handle_buffer(recording, vec![0; samples].into());
        }
    }

    pub(super) fn drain_parcels(&mut self) {
        while let Some(parcel) = self.engine.poll_parcel() {
            let Parcel::Recorded { recording, buffer } = parcel else { continue };
            let room = self.disk.room;
            let file = self.disk.files.get_mut(&recording).expect("its order came before");
            if file.has_failed {
                continue;
            }
            assert!(!file.is_complete || buffer.len == 0, "sound after the end");
            let count = buffer.len / file.layout.channels();
            if room.is_some_and(|room| file.samples.len() / file.layout.channels() + count > room) {
                let reason = "No space left on device".to_owned();
                self.engine.handle_recording_failed(self.now, recording, reason);
                continue;
            }
            file.samples.extend(&buffer.pcm[..buffer.len]);
            if !buffer.last && !buffer.pcm.is_empty() && !file.is_complete {
                self.engine.handle_buffer(recording, buffer.pcm);
            }
        }
    }

    /// Nothing more can be written into the one file that is written.
    pub fn fail_recording(&mut self, reason: &str) {
        let writing = self.disk.files.iter().find(|(_, file)| !file.is_complete).map(|(recording, _)| *recording);
        let recording = writing.expect("something is recorded");
        let report = RecordingReport::Failed(recording, reason.to_owned());
        self.post(Duration::ZERO, Arrival::Recording(report));
        self.complete_recording(recording);
        self.disk.files.get_mut(&recording).expect("it was just there").has_failed = true;
    }

    pub(super) fn complete_recording(&mut self, recording: RecordingId) {
        let file = self.disk.files.get_mut(&recording).expect("its order came before");
        if file.has_failed {
            return;
        }
        file.is_complete = true;
        let octets = file.samples.len() as u64 * 2;
        let (path, format, duration) = (format!("{}.wav", file.id), file.format, file.duration());
        let report = match octets {
            0 => RecordingReport::Lost(recording, "nothing was recorded".into()),
            _ => RecordingReport::Filed(recording, RecordedFile { path, format, octets, duration }),
        };
        self.post(DELAY, Arrival::Recording(report));
    }
}
