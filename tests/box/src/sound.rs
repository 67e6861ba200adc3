//! What was heard, measured: pitch by the Goertzel algorithm, level, silence.

use std::path::Path;

use anyhow::{Context, Result, bail};

/// Samples of one channel, -1.0 to 1.0.
#[derive(Debug, Clone)]
pub struct Sound {
    /// Samples a second.
    pub rate: u32,
    /// The samples.
    pub samples: Vec<f64>,
}

/// Reads a WAV file of 16-bit samples; of several channels, the first.
pub fn read_wav(path: &Path) -> Result<Sound> {
    read_channel(path, 0)
}

/// One channel of such a file.
pub fn read_channel(path: &Path, channel: usize) -> Result<Sound> {
    let bytes = std::fs::read(path)?;
    let word = |at: usize| Some(u32::from_le_bytes(bytes.get(at..at + 4)?.try_into().ok()?));
    let half = |at: usize| Some(u16::from_le_bytes(bytes.get(at..at + 2)?.try_into().ok()?));
    if bytes.get(..4) != Some(b"RIFF") || bytes.get(8..12) != Some(b"WAVE") {
        bail!("{} is no WAV file", path.display());
    }
    let (mut at, mut format) = (12, None);
    while let (Some(name), Some(length)) = (bytes.get(at..at + 4), word(at + 4)) {
        let body = at + 8;
        match name {
            b"fmt " => format = half(body + 2).zip(word(body + 4)).zip(half(body + 14)),
            b"data" => {
                let ((channels, rate), bits) = format.context("data before format")?;
                if bits != 16 {
                    bail!("{} has {bits} bits a sample", path.display());
                }
                let end = (body + length as usize).min(bytes.len());
                let frames = bytes[body..end].chunks_exact(usize::from(channels) * 2);
                let (low, high) = (channel * 2, channel * 2 + 1);
                let samples =
                    frames.map(|frame| f64::from(i16::from_le_bytes([frame[low], frame[high]])) / 32_768.0).collect();
                return Ok(Sound { rate, samples });
            }
            _ => {}
        }
        at = body + length as usize + length as usize % 2;
    }
    bail!("{} has no data", path.display())
}

/// Writes a tone of 40 s for a phone to play, in so many samples a second and channels.
pub fn write_tone(path: &Path, (rate, channels): (u32, u16), (pitch, loudness): (f64, f64)) -> Result<()> {
    let (frames, size) = (rate * 40, u32::from(channels) * 2);
    let mut bytes = Vec::with_capacity(44 + (frames * size) as usize);
    bytes.extend_from_slice(b"RIFF");
    bytes.extend_from_slice(&(36 + frames * size).to_le_bytes());
    bytes.extend_from_slice(b"WAVEfmt \x10\0\0\0\x01\0");
    bytes.extend_from_slice(&channels.to_le_bytes());
    bytes.extend_from_slice(&rate.to_le_bytes());
    bytes.extend_from_slice(&(rate * size).to_le_bytes());
    bytes.extend_from_slice(&[size as u8, 0, 16, 0]);
    bytes.extend_from_slice(b"data");
    bytes.extend_from_slice(&(frames * size).to_le_bytes());
    for at in 0..frames {
        let phase = std::f64::consts::TAU * pitch * f64::from(at) / f64::from(rate);
        let sample = ((32_767.0 * loudness * phase.sin()) as i16).to_le_bytes();
        (0..channels).for_each(|_| bytes.extend_from_slice(&sample));
    }
    Ok(std::fs::write(path, bytes)?)
}

impl Sound {
    /// How long it is, in seconds.
    pub fn seconds(&self) -> f64 {
        self.samples.len() as f64 / f64::from(self.rate)
    }

    /// A part of it, in seconds from its start.
    pub fn part(&self, from: f64, to: f64) -> Sound {
        let index = |seconds: f64| ((seconds * f64::from(self.rate)) as usize).min(self.samples.len());
        Sound { rate: self.rate, samples: self.samples[index(from)..index(to)].to_vec() }
    }

    /// The effective level: 0.707 for a full tone, 0 for silence.
    pub fn level(&self) -> f64 {
        let power: f64 = self.samples.iter().map(|sample| sample * sample).sum();
        (power / self.samples.len().max(1) as f64).sqrt()
    }

    /// How much of the power is at a pitch, 0.0 to 1.0.
    pub fn share_of(&self, pitch: f64) -> f64 {
        let omega = std::f64::consts::TAU * pitch / f64::from(self.rate);
        let block = (self.rate / 5) as usize;
        let (mut at_pitch, mut all) = (0.0, 0.0);
        for part in self.samples.chunks_exact(block) {
            let (mut before, mut last) = (0.0, 0.0);
            for sample in part {
                let next = sample + 2.0 * omega.cos() * last - before;
                (before, last) = (last, next);
            }
            let power = before * before + last * last - 2.0 * omega.cos() * before * last;
            at_pitch += 2.0 * power / block as f64;
            all += part.iter().map(|sample| sample * sample).sum::<f64>();
        }
        if all == 0.0 { 0.0 } else { at_pitch / all }
    }

    /// The longest stretch below a level, in seconds.
    pub fn longest_silence(&self, level: f64) -> f64 {
        let window = (self.rate / 100) as usize;
        let (mut longest, mut current) = (0usize, 0usize);
        for part in self.samples.chunks_exact(window) {
            let power: f64 = part.iter().map(|sample| sample * sample).sum();
            current = if (power / window as f64).sqrt() < level { current + 1 } else { 0 };
            longest = longest.max(current);
        }
        longest as f64 / 100.0
    }

    /// Where in this another sound is heard, and how alike they are there: the correlation of how loud they are from moment
    /// to moment, which is what codecs and rates leave alone.
    pub fn find(&self, wanted: &Sound) -> (f64, f64) {
        let (heard, wanted) = (self.envelope(), wanted.envelope());
        let last = heard.len().saturating_sub(wanted.len());
        let at = |start: usize| heard.get(start..start + wanted.len()).map_or(0.0, |part| correlation(part, &wanted));
        let best = (0..=last).map(|start| (start, at(start))).max_by(|a, b| a.1.total_cmp(&b.1));
        best.map_or((0.0, 0.0), |(start, likeness)| (start as f64 / 50.0, likeness))
    }

    /// How loud it is in each 20 ms.
    fn envelope(&self) -> Vec<f64> {
        let window = (self.rate / 50) as usize;
        let level = |part: &[f64]| (part.iter().map(|sample| sample * sample).sum::<f64>() / window as f64).sqrt();
        self.samples.chunks_exact(window).map(level).collect()
    }

    /// Fails unless this is the tone, loud, for at least a second and without a gap longer than a tenth.
    pub fn assert_tone(&self, pitch: u32) {
        assert!(self.seconds() > 1.0, "only {:.2} s were heard", self.seconds());
        self.part(0.4, self.seconds() - 0.2).assert_tone_of_any_length(pitch);
    }

    /// Fails unless all of this is the tone, loud, and without a gap longer than a tenth of a second.
    pub fn assert_tone_of_any_length(&self, pitch: u32) {
        assert!(self.level() > 0.05, "too quiet: {:.4}", self.level());
        let share = self.share_of(f64::from(pitch));
        assert!(share > 0.9, "{pitch} Hz is only {:.1} % of what was heard", share * 100.0);
        let gap = self.longest_silence(0.02);
        assert!(gap <= 0.1, "a gap of {gap:.2} s");
    }
}

fn correlation(a: &[f64], b: &[f64]) -> f64 {
    let mean = |list: &[f64]| list.iter().sum::<f64>() / list.len().max(1) as f64;
    let (mean_a, mean_b) = (mean(a), mean(b));
    let sum = |f: &dyn Fn(f64, f64) -> f64| a.iter().zip(b).map(|(a, b)| f(a - mean_a, b - mean_b)).sum::<f64>();
    let (both, only_a, only_b) = (sum(&|a, b| a * b), sum(&|a, _| a * a), sum(&|_, b| b * b));
    if only_a * only_b == 0.0 { 0.0 } else { both / (only_a * only_b).sqrt() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tone(pitch: f64) -> Sound {
        let sample = |n: usize| 0.5 * (std::f64::consts::TAU * pitch * n as f64 / 8000.0).sin();
        Sound { rate: 8000, samples: (0..16_000).map(sample).collect() }
    }

    #[test]
    fn a_tone_is_itself_and_no_other() {
        tone(440.0).assert_tone(440);
        assert!(tone(440.0).share_of(1000.0) < 0.01);
        assert!((tone(440.0).level() - 0.3535).abs() < 0.001);
    }

    #[test]
    #[should_panic(expected = "of what was heard")]
    fn another_tone_is_noticed() {
        tone(1000.0).assert_tone(440);
    }

    #[test]
    #[should_panic(expected = "a gap of")]
    fn a_gap_is_noticed() {
        let mut sound = tone(440.0);
        sound.samples[8000..10_000].fill(0.0);
        sound.assert_tone(440);
    }
}
