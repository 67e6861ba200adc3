//! What is put in the place of sound that is lost, for codecs that know no better: ITU-T G.711 Appendix I, for any rate.
//!
//! The last pitch period before the gap is repeated; after 10 ms the last two, after 20 ms the last three, so that it does
//! not sound like a tone. From 10 ms on it fades, after 60 ms there is silence. What comes after the gap is faded into from
//! where the repetition stands.
//!
//! Deviation from the appendix: it holds back 3.75 ms of all sound, so that it can bend the end of what was heard into the
//! repetition. Here nothing is held back; the beginning of the repetition is bent to the end of what was heard.

use crate::SampleRate;
use crate::likeness::{THIN, best, product, thin_out};

/// Quarter milliseconds of sound that are remembered: three of the longest periods and a quarter of one (48.75 ms).
const HISTORY: usize = 195;

/// The shortest and the longest pitch period in milliseconds.
const PERIODS: (usize, usize) = (5, 15);

/// Milliseconds that are compared to find the period.
const COMPARED: usize = 20;

/// Milliseconds before it fades, which is also when another period is taken in.
const STEADY: usize = 10;

/// Milliseconds after which there is silence.
const SILENT: usize = 60;

/// The longest fade into what comes after a gap, in milliseconds, and what each 10 ms of gap add to it.
const FADE: (usize, usize) = (10, 4);

/// The state of one stream of sound.
#[derive(Debug)]
pub struct Concealment {
    rate: SampleRate,
    /// What was played last, the newest at the end.
    history: Box<[i16]>,
    gap: Option<Gap>,
    /// During a gap: the history as it was before it, its end bent so that periods of it follow each other smoothly.
    repeated: Box<[i16]>,
}

#[derive(Debug, Clone, Copy)]
struct Gap {
    period: usize,
    /// How many periods are repeated.
    periods: usize,
    /// The next sample, counted from the begin of what is repeated.
    offset: usize,
    /// Samples since the begin.
    length: usize,
    /// The step between the last sample heard and the first repeated one.
    step: i32,
}

impl Concealment {
    /// For sound at `rate`; nothing was heard yet.
    pub fn new(rate: SampleRate) -> Concealment {
        let samples = HISTORY * rate.per_ms() / 4;
        let silence = || vec![0; samples].into_boxed_slice();
        Concealment { rate, history: silence(), gap: None, repeated: silence() }
    }

    /// Whether the last that was played was made up.
    pub fn is_concealing(&self) -> bool {
        self.gap.is_some()
    }

    /// Takes in what is played. After a gap its beginning is changed so that it follows smoothly.
    pub fn heard(&mut self, pcm: &mut [i16]) {
        if let Some(gap) = self.gap.take() {
            self.fade_into(gap, pcm);
        }
        self.remember(pcm);
    }

    /// Fills `pcm` with what may follow what was heard. Called again, it goes on. With an empty `pcm`, it only notes that what
    /// is heard next does not follow what was heard last.
    pub fn conceal(&mut self, pcm: &mut [i16]) {
        let mut gap = self.gap.take().unwrap_or_else(|| self.begin());
        let mut rest = &mut *pcm;
        while !rest.is_empty() {
            let until_next = self.ms(STEADY) - gap.length % self.ms(STEADY);
            let (part, behind) = rest.split_at_mut(until_next.min(rest.len()));
            self.extend(&mut gap, part);
            rest = behind;
        }
        self.gap = Some(gap);
        self.remember(pcm);
    }

    fn ms(&self, milliseconds: usize) -> usize {
        self.rate.per_ms() * milliseconds
    }

    fn begin(&mut self) -> Gap {
        let period = self.find_period();
        self.repeated.copy_from_slice(&self.history);
        let mut gap = Gap { period, periods: 1, offset: 0, length: 0, step: 0 };
        self.close(&gap);
        let last = self.history.len() - 1;
        gap.step = i32::from(self.history[last]) - i32::from(self.history[last - period]);
        gap
    }

    /// Bends the last quarter of a period into the quarter before what is repeated, so that its end leads to its begin.
    fn close(&mut self, gap: &Gap) {
        let quarter = gap.period / 4;
        let end = self.history.len() - quarter;
        let before = self.history.len() - gap.periods * gap.period - quarter;
        for sample in 0..quarter {
            let fading = self.history[end + sample];
            self.repeated[end + sample] = mix(fading, self.history[before + sample], sample, quarter);
        }
    }

    /// Fills `part`, which lies within one interval of [`STEADY`].
    fn extend(&mut self, gap: &mut Gap, part: &mut [i16]) {
        let intervals = gap.length / self.ms(STEADY);
        if intervals >= 3 || gap.periods > intervals {
            return part.iter_mut().for_each(|sample| *sample = self.repeat(gap));
        }
        let mut narrow = *gap;
        let fade = (gap.period / 4).min(part.len());
        part[..fade].iter_mut().for_each(|sample| *sample = self.repeat(&mut narrow));
        // Goes on at the same place of the period, but of the oldest one.
        gap.periods = intervals + 1;
        gap.offset %= gap.period;
        self.close(gap);
        for (index, sample) in part.iter_mut().enumerate() {
            let wide = self.repeat(gap);
            *sample = if index < fade { mix(*sample, wide, index, fade) } else { wide };
        }
    }

    /// The next sample of the repetition.
    fn repeat(&self, gap: &mut Gap) -> i16 {
        let repeated = gap.periods * gap.period;
        let sample = i32::from(self.repeated[self.repeated.len() - repeated + gap.offset]);
        let (since, bend) = (gap.length, gap.period / 4);
        gap.offset = (gap.offset + 1) % repeated;
        gap.length += 1;
        let (steady, silent) = (self.ms(STEADY), self.ms(SILENT));
        if since < bend {
            return clip(sample + gap.step * (bend - since) as i32 / bend as i32);
        }
        if since < steady {
            return clip(sample);
        }
        clip(sample * silent.saturating_sub(since) as i32 / (silent - steady) as i32)
    }

    fn fade_into(&self, mut gap: Gap, pcm: &mut [i16]) {
        let more = gap.length.saturating_sub(1) / self.ms(STEADY) * self.ms(FADE.1);
        let fade = (gap.period / 4 + more).min(self.ms(FADE.0)).min(pcm.len());
        for (index, sample) in pcm[..fade].iter_mut().enumerate() {
            *sample = mix(self.repeat(&mut gap), *sample, index, fade);
        }
    }

    fn remember(&mut self, pcm: &[i16]) {
        let kept = self.history.len().saturating_sub(pcm.len());
        let newest = &pcm[pcm.len().saturating_sub(self.history.len())..];
        self.history.copy_within(newest.len().., 0);
        self.history[kept..].copy_from_slice(newest);
    }

    /// The distance at which the last [`COMPARED`] milliseconds are most like themselves: to an eighth of a millisecond first,
    /// then to the sample.
    fn find_period(&self) -> usize {
        let every = self.rate.per_ms() / THIN;
        let mut thin = [0.0; (COMPARED + PERIODS.1) * THIN];
        thin_out(&self.history[self.history.len() - thin.len() * every..], every, &mut thin);
        let start = PERIODS.1 * THIN;
        let (now, length) = (&thin[start..], COMPARED * THIN);
        let (rough, _) = best((PERIODS.0 * THIN, PERIODS.1 * THIN), |period| {
            let then = &thin[start - period..][..length];
            product(now, then) / (product(then, then) + 1.0).sqrt()
        });
        if every == 1 {
            return rough;
        }
        let (shortest, longest) = (self.ms(PERIODS.0), self.ms(PERIODS.1));
        let around = (shortest.max((rough - 1) * every), longest.min((rough + 1) * every));
        best(around, |period| {
            let mut then = [0.0; COMPARED * THIN];
            thin_out(&self.history[self.history.len() - self.ms(COMPARED) - period..], every, &mut then);
            product(now, &then) / (product(&then, &then) + 1.0).sqrt()
        })
        .0
    }
}

/// From `from` to `to`, at `part` of `whole`.
fn mix(from: i16, to: i16, part: usize, whole: usize) -> i16 {
    let (part, whole) = (part as i32, whole as i32);
    clip((i32::from(from) * (whole - part) + i32::from(to) * part) / whole)
}

fn clip(sample: i32) -> i16 {
    sample.clamp(i16::MIN.into(), i16::MAX.into()) as i16
}

#[cfg(test)]
mod tests;
