//! What a phone hears while nobody speaks, told in a few octets instead of sent (RFC 3389), where it understands that.
//!
//! Only what is both no speech and quiet is left out: music that somebody plays may be as steady as noise, and whoever hears it
//! wants all of it.

use crate::comfort_noise::NoiseEstimator;
use crate::format::{AudioFormat, COMFORT_NOISE};
use crate::sample_rate::SampleRate;
use crate::voice_activity::VoiceActivity;

/// The mean square above which sound is never left out: −40 dBm0.
const QUIET: u64 = 160 * 160;

/// Milliseconds after which the noise is told again.
const REPEATED: usize = 500;

/// Watches for pauses in the sound on its way to one phone, or to all who hear the same.
#[derive(Debug, Default)]
pub(super) struct Pause {
    activity: VoiceActivity,
    noise: NoiseEstimator,
    /// Milliseconds since the noise was told; `None` while somebody speaks.
    told: Option<usize>,
}

/// What becomes of some sound.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It is sent.
    Sound,
    /// The noise is told in so many octets.
    Noise(usize),
    /// Nothing is sent.
    Nothing,
}

impl Pause {
    /// What watches over sound in this format, whose timestamps have to count at 8 kHz, as those of the noise do (RFC 3389 §4).
    pub(super) fn of(audio: &AudioFormat) -> Option<Box<Pause>> {
        let fits = audio.codec.clock_rate() == 8_000 && audio.sample_rate() == SampleRate::Khz8;
        fits.then(Box::default)
    }

    /// Whether `pcm`, which is at 8 kHz, is sent. `is_whole`: it has to be, whatever it is. What tells of the noise is written to
    /// `payload`.
    pub(super) fn judge(&mut self, pcm: &[i16], is_whole: bool, payload: &mut [u8]) -> Verdict {
        let squares: u64 = pcm.iter().map(|sample| u64::from(sample.unsigned_abs()).pow(2)).sum();
        let speaks = self.activity.hear(pcm) || is_whole || squares > QUIET * pcm.len() as u64;
        if speaks {
            self.told = None;
            return Verdict::Sound;
        }
        self.noise.hear(pcm);
        let since = self.told.map(|since| since + pcm.len() / SampleRate::Khz8.per_ms());
        if since.is_some_and(|since| since < REPEATED) {
            self.told = since;
            return Verdict::Nothing;
        }
        self.told = Some(0);
        Verdict::Noise(self.noise.write(payload))
    }
}

/// The payload of a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Uttered {
    /// Octets.
    pub(super) len: usize,
    /// It tells of the noise of a pause.
    pub(super) is_noise: bool,
}

impl Uttered {
    /// The payload type of a packet for a phone with this format.
    pub(super) fn number(self, audio: &AudioFormat) -> u8 {
        if self.is_noise { COMFORT_NOISE } else { audio.payload_type }
    }
}
