//! Whether somebody speaks: the loudness of each 20 ms against that of the quietest moments lately.
//!
//! Speech, however long, has moments between its syllables in which only the room is heard; the least loudness of the last
//! two seconds is therefore that of the noise, and it follows noise that changes within that time. What is clearly
//! louder is speech, and so is what follows within a fifth of a second: the ends of words are quiet.
//!
//! Measured on generated speech of −20 dBm0 at 8 and 16 kHz (see the tests): of the spoken frames 1 in 100 is missed without
//! noise, 5 in 100 in white noise of −40 dBm0 and 7 in 100 in white noise of −30 dBm0, nearly all of them soft consonants before a
//! word; of the others, once the hangover is over, 1 in 90 is taken for speech.

/// Frames in a block, of which only the quietest counts, and blocks: two seconds.
const BLOCK: u32 = 10;
const BLOCKS: usize = 10;

/// The power of noise that is as quiet as a frame ever is: −60 dBm0, in squared samples.
const QUIETEST: f32 = 258.0;

/// How much louder than the quietest moments speech is, in power: 4 dB; and while it goes on, 3 dB.
const LOUDER: (f32, f32) = (2.5, 2.0);

/// Frames for which it goes on after the last loud one: 200 ms.
const HANGOVER: u8 = 10;

/// What listens to one stream.
#[derive(Debug)]
pub struct VoiceActivity {
    /// The least power of each block, the present one first.
    blocks: [f32; BLOCKS],
    /// Frames in the present one.
    frames: u32,
    hangover: u8,
}

impl Default for VoiceActivity {
    fn default() -> VoiceActivity {
        VoiceActivity { blocks: [f32::MAX; BLOCKS], frames: 0, hangover: 0 }
    }
}

impl VoiceActivity {
    /// Hears a frame of 20 ms, of any rate; whether it belongs to speech.
    pub fn hear(&mut self, frame: &[i16]) -> bool {
        let squares: f32 = frame.iter().map(|sample| f32::from(*sample).powi(2)).sum();
        let power = (squares / frame.len().max(1) as f32).max(QUIETEST);
        let louder = if self.hangover > 0 { LOUDER.1 } else { LOUDER.0 };
        let noise = self.blocks.iter().copied().fold(power, f32::min);
        self.remember(power);
        if power > noise * louder {
            self.hangover = HANGOVER;
            return true;
        }
        self.hangover = self.hangover.saturating_sub(1);
        self.hangover > 0
    }

    /// Whether the last frame belonged to speech.
    pub fn is_speech(&self) -> bool {
        self.hangover > 0
    }

    fn remember(&mut self, power: f32) {
        if self.frames == BLOCK {
            self.blocks.rotate_right(1);
            (self.blocks[0], self.frames) = (f32::MAX, 0);
        }
        self.blocks[0] = self.blocks[0].min(power);
        self.frames += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_sound::{add, noise, speech, tone};

    /// Parts of frames: those spoken that are missed, and those not spoken, behind the hangover, that are taken for speech.
    #[derive(Debug)]
    struct Errors {
        missed: f64,
        invented: f64,
    }

    fn errors(rate: u32, level: f64, noise_level: f64) -> Errors {
        let (mut spoken, mut missed, mut silent, mut invented) = (0usize, 0usize, 0usize, 0usize);
        for seed in 1..=3 {
            let speech = speech(seed, rate, level, 60);
            let mut sound = speech.pcm;
            add(&mut sound, &noise(seed, rate, noise_level, 60_000));
            let mut activity = VoiceActivity::default();
            let mut since = 0;
            for (index, frame) in sound.chunks_exact(rate as usize / 50).enumerate() {
                let heard = activity.hear(frame);
                since = if speech.spoken[index] { 0 } else { since + 1 };
                // It needs a second to learn what the room is like.
                if index < 100 {
                    continue;
                }
                spoken += usize::from(since == 0);
                missed += usize::from(since == 0 && !heard);
                silent += usize::from(since > usize::from(HANGOVER) + 1);
                invented += usize::from(since > usize::from(HANGOVER) + 1 && heard);
            }
        }
        assert!(spoken > 3_000 && silent > 2_000, "{spoken} {silent}");
        Errors { missed: missed as f64 / spoken as f64, invented: invented as f64 / silent as f64 }
    }

    #[test]
    fn speech_is_told_from_noise() {
        for rate in [8_000, 16_000] {
            for (level, noise, missed) in [
                (-20.0, -80.0, 0.01),
                (-20.0, -50.0, 0.025),
                (-20.0, -40.0, 0.05),
                (-20.0, -30.0, 0.07),
                (-40.0, -70.0, 0.06),
            ] {
                let errors = errors(rate, level, noise);
                assert!(errors.missed < missed && errors.invented < 0.011, "{rate} {level} {noise}: {errors:?}");
            }
        }
    }

    fn count(activity: &mut VoiceActivity, sound: &[i16]) -> usize {
        sound.chunks_exact(160).filter(|frame| activity.hear(frame)).count()
    }

    #[test]
    fn steady_sounds_become_the_room() {
        let mut activity = VoiceActivity::default();
        assert_eq!(count(&mut activity, &[0; 160 * 50]), 0);
        // A fan is switched on: it is news for two seconds and a hangover.
        let fan = count(&mut activity, &noise(1, 8_000, -30.0, 10_000));
        assert!((90..=115).contains(&fan), "{fan}");
        let whistle = count(&mut activity, &tone(8_000, 1_000.0, -15.0, 10_000));
        assert!((90..=115).contains(&whistle), "{whistle}");
        assert_eq!(count(&mut activity, &[0; 160 * 50]), 0);
        assert!(!activity.is_speech());
    }

    #[test]
    fn what_is_too_quiet_to_hear_is_never_speech() {
        let mut activity = VoiceActivity::default();
        count(&mut activity, &[0; 160 * 50]);
        assert_eq!(count(&mut activity, &tone(8_000, 300.0, -62.0, 2_000)), 0);
        assert_eq!(count(&mut activity, &tone(8_000, 300.0, -50.0, 100)), 5);
        assert!(activity.hear(&[]) && activity.is_speech());
    }
}
