//! A WAV file that is right on the disk while it grows: 16 bits, one or two channels.
//!
//! [`WavWriter::checkpoint`] writes the lengths into the head as they are now; whoever owns the file does so often, and syncs it,
//! so that whatever happens leaves a file that every player reads up to there. [`repair`] makes it right up to its last sample. Beyond
//! 4 GiB the file becomes RF64 (EBU Tech 3306), for whose longer lengths the head has room from the beginning.

use std::io::{self, Read, Seek, SeekFrom, Write};

use super::SoundError;
use super::input::Input;
use super::pcm::Encoding;
use super::wav;

/// Octets before the first sample.
pub const HEAD: u64 = 80;

/// Octets of what comes before the samples, by the names of the chunks.
const RIFF: usize = 12;
const DS64: usize = 28;
const FMT: usize = 16;

/// Octets that are handed to the sink at a time.
const BLOCK: usize = 8 * 1_024;

/// Writes one file.
#[derive(Debug)]
pub struct WavWriter<W> {
    sink: W,
    hz: u32,
    channels: u16,
    // Octets of sound.
    written: u64,
}

impl<W: Write + Seek> WavWriter<W> {
    /// Begins a file at the beginning of `sink`, which is empty. `channels` is 1 or 2.
    pub fn new(sink: W, hz: u32, channels: u16) -> io::Result<WavWriter<W>> {
        let mut writer = WavWriter { sink, hz, channels: channels.clamp(1, 2), written: 0 };
        writer.checkpoint()?;
        Ok(writer)
    }

    /// Appends samples, the channels in turn. After an error all whole moments that the sink took are part of the file, and the next
    /// samples come behind them.
    pub fn write(&mut self, pcm: &[i16]) -> io::Result<()> {
        let mut block = [0; BLOCK];
        for samples in pcm.chunks(BLOCK / 2) {
            let octets = &mut block[..samples.len() * 2];
            for (octets, sample) in octets.chunks_exact_mut(2).zip(samples) {
                octets.copy_from_slice(&sample.to_le_bytes());
            }
            let mut rest = &*octets;
            while !rest.is_empty() {
                match self.sink.write(rest) {
                    Ok(0) => return self.step_back(io::ErrorKind::WriteZero.into()),
                    Ok(count) => {
                        self.written += count as u64;
                        rest = &rest[count..];
                    }
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                    Err(error) => return self.step_back(error),
                }
            }
        }
        Ok(())
    }

    /// Makes the head tell how long the file is now. Nothing but the first octets of the file is touched.
    pub fn checkpoint(&mut self) -> io::Result<()> {
        let head = head(self.hz, self.channels, self.written);
        self.sink.seek(SeekFrom::Start(0))?;
        self.sink.write_all(&head)?;
        self.sink.seek(SeekFrom::Start(HEAD + self.written))?;
        Ok(())
    }

    /// Moments (samples of each channel) that the file holds.
    pub fn moments(&self) -> u64 {
        self.written / u64::from(self.channels * 2)
    }

    /// What it writes to, to be synced.
    pub fn sink(&self) -> &W {
        &self.sink
    }

    /// Leaves out what is no whole moment, so that no later sample stands in the wrong place.
    fn step_back(&mut self, error: io::Error) -> io::Result<()> {
        self.written -= self.written % u64::from(self.channels * 2);
        self.sink.seek(SeekFrom::Start(HEAD + self.written))?;
        Err(error)
    }
}

/// What a file of ours holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Held {
    /// Samples a second.
    pub hz: u32,
    /// One or two.
    pub channels: u16,
    /// Samples of each channel.
    pub moments: u64,
    /// Whether the lengths in the head are wrong, or were before they were repaired.
    pub was_wrong: bool,
}

impl Held {
    fn head(&self) -> [u8; HEAD as usize] {
        head(self.hz, self.channels, self.moments * u64::from(self.channels * 2))
    }
}

/// What a file that a [`WavWriter`] left behind holds, whatever its head says of its length. Other files are refused.
pub fn inspect<F: Read + Seek>(file: &mut F) -> Result<Held, SoundError> {
    let error_at = |at| move |error| SoundError::Read { at, error };
    let length = file.seek(SeekFrom::End(0)).map_err(error_at(0))?;
    file.seek(SeekFrom::Start(0)).map_err(error_at(0))?;
    let mut input = Input::new(&mut *file);
    let (format, _) = wav::head(&mut input)?;
    if input.at() != HEAD || format.encoding != Encoding::S16 || format.channels > 2 {
        return Err(SoundError::Unsupported("the WAV file was not written by us".into()));
    }
    let moments = length.saturating_sub(HEAD) / u64::from(format.channels * 2);
    let held = Held { hz: format.hz, channels: format.channels, moments, was_wrong: false };
    let mut present = [0; HEAD as usize];
    file.seek(SeekFrom::Start(0)).and_then(|_| file.read_exact(&mut present)).map_err(error_at(0))?;
    Ok(Held { was_wrong: present != held.head(), ..held })
}

/// Makes the head of a file that a [`WavWriter`] left behind tell its true length. Other files are refused, and left as they are.
pub fn repair<F: Read + Write + Seek>(file: &mut F) -> Result<Held, SoundError> {
    let held = inspect(file)?;
    if held.was_wrong {
        let written = file.seek(SeekFrom::Start(0)).and_then(|_| file.write_all(&held.head()));
        written.map_err(|error| SoundError::Read { at: 0, error })?;
    }
    Ok(held)
}

/// Everything before the samples.
fn head(hz: u32, channels: u16, written: u64) -> [u8; HEAD as usize] {
    let mut head = [0; HEAD as usize];
    let mut rest = &mut head[..];
    let mut put = |octets: &[u8]| {
        let (here, behind) = std::mem::take(&mut rest).split_at_mut(octets.len());
        here.copy_from_slice(octets);
        rest = behind;
    };
    let riff_length = HEAD - 8 + written;
    let short = u32::try_from(riff_length).ok().map(|length| (length, written as u32));
    let (riff_short, data_short) = short.unwrap_or((u32::MAX, u32::MAX));
    put(if short.is_some() { b"RIFF" } else { b"RF64" });
    put(&riff_short.to_le_bytes());
    put(b"WAVE");
    put(if short.is_some() { b"JUNK" } else { b"ds64" });
    put(&(DS64 as u32).to_le_bytes());
    let moment = channels * 2;
    let long = if short.is_some() { [0; 3] } else { [riff_length, written, written / u64::from(moment)] };
    long.iter().for_each(|length| put(&length.to_le_bytes()));
    put(&[0; DS64 - 24]);
    put(b"fmt ");
    put(&(FMT as u32).to_le_bytes());
    put(&1_u16.to_le_bytes());
    put(&channels.to_le_bytes());
    put(&hz.to_le_bytes());
    put(&(hz * u32::from(moment)).to_le_bytes());
    put(&moment.to_le_bytes());
    put(&16_u16.to_le_bytes());
    put(b"data");
    put(&data_short.to_le_bytes());
    head
}

const _: () = assert!(RIFF + 8 + DS64 + 8 + FMT + 8 == HEAD as usize, "the chunks fill the head");

#[cfg(test)]
mod tests;
