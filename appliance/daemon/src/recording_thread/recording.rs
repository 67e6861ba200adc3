//! One recording: its file, and what is said of it.

use std::fs::File;
use std::io;
use std::path::PathBuf;
use std::time::Duration;

use media::sound::wav_writer::{HEAD, WavWriter};
use media::{Layout, SampleRate};

use super::RecordedFile;
use super::recordings_folder::RecordingsFolder;

/// A file that grows.
#[derive(Debug)]
pub struct Recording {
    path: PathBuf,
    rate: SampleRate,
    layout: Layout,
    writer: WavWriter<File>,
    // How much of it was on the disk for sure the last time.
    synced: u64,
}

impl Recording {
    /// Makes the file; that it exists is on the disk.
    pub fn begin(
        folder: &RecordingsFolder,
        name: PathBuf,
        layout: Layout,
        rate: SampleRate,
    ) -> Result<Recording, String> {
        let (path, file) = folder.create(&name)?;
        let writer = WavWriter::new(file, rate.hz(), layout.channels() as u16);
        match writer {
            Ok(writer) => Ok(Recording { path, rate, layout, writer, synced: 0 }),
            Err(error) => {
                // Nothing is in it that could be missed.
                let _ = std::fs::remove_file(folder.path().join(&path));
                Err(in_words(error))
            }
        }
    }

    /// Appends samples.
    pub fn write(&mut self, pcm: &[i16]) -> Result<(), String> {
        self.writer.write(pcm).map_err(in_words)
    }

    /// Makes the head right, and brings everything to the disk, if there is anything new.
    pub fn sync(&mut self) -> Result<(), String> {
        let moments = self.writer.moments();
        if moments > self.synced {
            self.writer.checkpoint().and_then(|()| self.writer.sink().sync_data()).map_err(in_words)?;
            self.synced = moments;
        }
        Ok(())
    }

    /// Makes the file whole. One with nothing in it is removed.
    pub fn finish(mut self, folder: &RecordingsFolder) -> Result<Option<RecordedFile>, String> {
        let moments = self.writer.moments();
        if moments == 0 {
            std::fs::remove_file(folder.path().join(&self.path)).map_err(in_words)?;
            return Ok(None);
        }
        // Even if the disk refuses now, what it took before can be played, and is told of.
        let ended = self.writer.checkpoint().and_then(|()| self.writer.sink().sync_all());
        if let Err(error) = ended {
            tracing::error!(%error, path = %self.path.display(), "a recording may lack its end");
        }
        let octets = HEAD + moments * 2 * self.layout.channels() as u64;
        let duration = Duration::from_micros(moments * 1_000 / self.rate.per_ms() as u64);
        Ok(Some(RecordedFile { path: self.path, duration, octets }))
    }
}

fn in_words(error: io::Error) -> String {
    match error.kind() {
        io::ErrorKind::StorageFull => "the disk is full".into(),
        _ => format!("the disk refuses: {error}"),
    }
}
