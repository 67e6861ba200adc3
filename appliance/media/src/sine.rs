//! A sine by table: what tones and music are made of.

/// Entries for one period; one more closes the circle for the interpolation.
const ENTRIES: usize = 1_024;

/// One period in Q15. Between two entries a straight line is at most 4.7 · 10⁻⁶ off, less than a step of 16 bits.
static PERIOD: [i16; ENTRIES + 1] = period();

/// One turn in the units of a phase.
const TURN: f64 = 4_294_967_296.0;

/// A sine whose phase goes on whatever happens to its frequency.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Oscillator {
    phase: u32,
    step: u32,
}

impl Oscillator {
    /// Frequency 0, and so nothing.
    pub const SILENT: Oscillator = Oscillator { phase: 0, step: 0 };

    /// At phase 0, so that it begins without a step.
    pub fn new(hz: f64, sample_rate: u32) -> Oscillator {
        Oscillator { phase: 0, step: (hz / f64::from(sample_rate) * TURN) as u32 }
    }

    /// Another frequency, from the present phase on.
    pub fn retune(&mut self, hz: f64, sample_rate: u32) {
        self.step = Oscillator::new(hz, sample_rate).step;
    }

    /// The next sample, from −32,767 to 32,767.
    pub fn tick(&mut self) -> i32 {
        let sample = sine(self.phase);
        self.phase = self.phase.wrapping_add(self.step);
        sample
    }
}

/// The sine of a phase of which 2³² are a turn, in Q15.
pub fn sine(phase: u32) -> i32 {
    let at = (phase >> 22) as usize;
    let beyond = ((phase >> 7) & 0x7FFF) as i32;
    let (here, next) = (i32::from(PERIOD[at]), i32::from(PERIOD[at + 1]));
    here + (((next - here) * beyond) >> 15)
}

const fn period() -> [i16; ENTRIES + 1] {
    let mut table = [0; ENTRIES + 1];
    let quarter = ENTRIES / 4;
    let mut at = 0;
    while at <= quarter {
        let sine = taylor(at as f64 / ENTRIES as f64 * std::f64::consts::TAU);
        let value = (sine * 32_767.0 + 0.5) as i16;
        table[at] = value;
        table[2 * quarter - at] = value;
        table[2 * quarter + at] = -value;
        table[4 * quarter - at] = -value;
        at += 1;
    }
    table
}

/// The sine of 0 to π/2, by its series: there is no sine at compile time.
const fn taylor(x: f64) -> f64 {
    let mut term = x;
    let mut sum = x;
    let mut n = 1;
    while n < 12 {
        term *= -x * x / ((2 * n) as f64 * (2 * n + 1) as f64);
        sum += term;
        n += 1;
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_a_sine() {
        for phase in (0..u32::MAX).step_by(99_991) {
            let exact = (f64::from(phase) / TURN * std::f64::consts::TAU).sin() * 32_767.0;
            assert!((f64::from(sine(phase)) - exact).abs() <= 1.6, "{phase}: {} for {exact}", sine(phase));
        }
    }

    #[test]
    fn another_frequency_begins_where_the_last_one_ended() {
        let mut oscillator = Oscillator::new(400.0, 8_000);
        let mut last = 0;
        for tick in 0..1_000 {
            if tick % 97 == 0 {
                oscillator.retune(f64::from(300 + tick), 8_000);
            }
            let sample = oscillator.tick();
            // The steepest that 1,300 Hz can be between two samples.
            assert!((sample - last).abs() <= 32_767, "{tick}");
            last = sample;
        }
    }
}
