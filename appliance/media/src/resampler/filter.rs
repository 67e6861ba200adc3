//! The low-pass filters of the resampler, computed when the program is compiled.
//!
//! Each is a sinc under a Kaiser window, [`SPAN`] periods of the lower rate long and so of the same shape for every pair of
//! rates: with `f` for the lower rate, up to [`PASS`]·f it lets everything through (within 0.01 dB), from [`STOP`]·f on it
//! lets nothing through (80 dB and more below). Between 8 and 16 kHz that is 3,400 and 4,480 Hz: what of the band between
//! folds lands above 3,500 Hz, where telephones are deaf, and the delay is half of what a filter that ends at 4,000 Hz needs.

/// Length in periods of the lower rate. The delay is half of it.
pub(crate) const SPAN: usize = 40;
/// Where the pass-band ends, as a part of the lower rate.
pub(super) const PASS: f64 = 0.425;
/// Where the stop-band begins, as a part of the lower rate.
pub(super) const STOP: f64 = 0.56;

/// The window's shape: 83 dB by Kaiser's formula 0.1102 · (83 − 8.7).
const BETA: f64 = 8.188;
const PI: f64 = std::f64::consts::PI;

/// One filter, cut into a piece for each phase an output sample may have between two input samples.
#[derive(Debug)]
pub(super) struct Bank {
    /// The pieces one after the other, each with its last tap first.
    taps: &'static [f32],
    /// Taps in a piece, a multiple of 4.
    pub(super) length: usize,
    /// Input samples, times the number of phases, from one output sample to the next.
    pub(super) step: usize,
    /// How many phases there are.
    pub(super) phases: usize,
}

impl Bank {
    /// The piece of a phase, oldest sample first.
    pub(super) fn phase(&self, phase: usize) -> &'static [f32] {
        &self.taps[phase * self.length..][..self.length]
    }
}

/// Makes the bank for `up` phases and `down` steps, where `ratio` is the common multiple of both rates over the lower.
macro_rules! bank {
    ($name:ident, $up:literal, $down:literal, $ratio:literal) => {
        pub(super) static $name: Bank = {
            static TAPS: [f32; SPAN * $ratio] = pieces::<{ SPAN * $ratio }>($up, $ratio);
            Bank { taps: &TAPS, length: SPAN * $ratio / $up, step: $down, phases: $up }
        };
    };
}

bank!(UP_2, 2, 1, 2);
bank!(UP_3, 3, 1, 3);
bank!(UP_6, 6, 1, 6);
bank!(DOWN_2, 1, 2, 2);
bank!(DOWN_3, 1, 3, 3);
bank!(DOWN_6, 1, 6, 6);
bank!(UP_3_DOWN_2, 3, 2, 3);
bank!(UP_2_DOWN_3, 2, 3, 3);

const fn pieces<const N: usize>(phases: usize, ratio: usize) -> [f32; N] {
    // Rounding and the window move the gain for constant input a little from 1: it is set to 1 here, for all phases together.
    let mut sum = 0.0;
    let mut index = 0;
    while index < N {
        sum += tap(index, ratio);
        index += 1;
    }
    let length = N / phases;
    let mut taps = [0.0; N];
    index = 0;
    while index < N {
        let (phase, place) = (index % phases, index / phases);
        taps[phase * length + length - 1 - place] = (tap(index, ratio) * phases as f64 / sum) as f32;
        index += 1;
    }
    taps
}

/// The filter's answer to an impulse, at `ratio` places for a period of the lower rate. It is symmetric around its middle, a whole
/// number of samples of either rate, and its very first tap is 0.
pub(crate) const fn tap(index: usize, ratio: usize) -> f64 {
    let middle = (SPAN * ratio / 2) as f64;
    let from_middle = index as f64 - middle;
    let cut_off = (PASS + STOP) / ratio as f64;
    let relative = from_middle / middle;
    sinc(cut_off * from_middle) * bessel(1.0 - relative * relative)
        - if index == 0 { tap_at_edge(cut_off * middle) } else { 0.0 }
}

/// What the window leaves at its edge, where it is cut off.
const fn tap_at_edge(place: f64) -> f64 {
    sinc(place) * bessel(0.0)
}

/// sin(πx)/(πx).
const fn sinc(x: f64) -> f64 {
    let angle = PI * x;
    if angle == 0.0 { 1.0 } else { sine(angle) / angle }
}

/// The sine by its series, after whole turns are taken away: exact to 10⁻¹².
const fn sine(angle: f64) -> f64 {
    let turns = angle / (2.0 * PI);
    let whole = if turns < 0.0 { (turns - 0.5) as i64 } else { (turns + 0.5) as i64 };
    let angle = angle - whole as f64 * 2.0 * PI;
    let (mut term, mut sum, mut power) = (angle, angle, 1.0);
    while power < 40.0 {
        term *= -angle * angle / ((power + 1.0) * (power + 2.0));
        sum += term;
        power += 2.0;
    }
    sum
}

/// Kaiser's window: the modified Bessel function I₀(β√x) by its series.
const fn bessel(x: f64) -> f64 {
    let quarter = BETA * BETA * x / 4.0;
    let (mut term, mut sum, mut k) = (1.0, 1.0, 1.0);
    while k < 40.0 {
        term *= quarter / (k * k);
        sum += term;
        k += 1.0;
    }
    sum
}
