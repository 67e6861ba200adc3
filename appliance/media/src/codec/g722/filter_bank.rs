//! The quadrature mirror filters that split a signal of 16 kHz into two bands of 8 kHz, and join them again (G.722 clause 3.1,
//! 4.4).

use super::tables::FILTER;

/// Samples before the present two that the filter looks at.
const HISTORY: usize = 22;
/// Samples that are worked on at once: 10 ms.
const BLOCK: usize = 160;

/// Splits.
#[derive(Debug)]
pub(super) struct Analysis {
    /// [`HISTORY`] samples of what came before, then those that are worked on.
    samples: [i16; HISTORY + BLOCK],
}

/// Joins.
#[derive(Debug)]
pub(super) struct Synthesis {
    /// Sum and difference of both bands in turn: [`HISTORY`] of what came before, then those that are worked on.
    samples: [i16; HISTORY + BLOCK],
}

impl Default for Analysis {
    fn default() -> Analysis {
        Analysis { samples: [0; HISTORY + BLOCK] }
    }
}

impl Default for Synthesis {
    fn default() -> Synthesis {
        Synthesis { samples: [0; HISTORY + BLOCK] }
    }
}

impl Analysis {
    /// Writes what `code` makes of the lower and the upper band of each pair of samples.
    pub(super) fn split(&mut self, pairs: &[[i16; 2]], codes: &mut [u8], mut code: impl FnMut(i16, i16) -> u8) {
        for (pairs, codes) in pairs.chunks(BLOCK / 2).zip(codes.chunks_mut(BLOCK / 2)) {
            let pairs = &pairs[..codes.len().min(pairs.len())];
            self.samples[HISTORY..][..pairs.len() * 2].copy_from_slice(pairs.as_flattened());
            for (index, octet) in codes.iter_mut().take(pairs.len()).enumerate() {
                let (even, odd) = products(window(&self.samples, index));
                // The coefficients of each half add up to 2¹², so both bands are half as loud as the signal and fit.
                *octet = code(shifted(odd + even, 14), shifted(odd - even, 14));
            }
            self.samples.copy_within(pairs.len() * 2..pairs.len() * 2 + HISTORY, 0);
        }
    }
}

impl Synthesis {
    /// Writes the pair of samples whose lower and upper band `bands` makes of each code.
    pub(super) fn join(&mut self, codes: &[u8], pairs: &mut [[i16; 2]], mut bands: impl FnMut(u8) -> (i16, i16)) {
        for (codes, pairs) in codes.chunks(BLOCK / 2).zip(pairs.chunks_mut(BLOCK / 2)) {
            let present = self.samples[HISTORY..].as_chunks_mut::<2>().0;
            for (present, octet) in present.iter_mut().zip(codes) {
                let (low, high) = bands(*octet);
                // Both are limited to 15 bits.
                *present = [low + high, low - high];
            }
            for (index, pair) in pairs.iter_mut().take(codes.len()).enumerate() {
                let (even, odd) = products(window(&self.samples, index));
                *pair = [shifted(odd, 11), shifted(even, 11)];
            }
            let used = codes.len().min(pairs.len()) * 2;
            self.samples.copy_within(used..used + HISTORY, 0);
        }
    }
}

fn window(samples: &[i16; HISTORY + BLOCK], pair: usize) -> &[i16; HISTORY + 2] {
    samples[pair * 2..].first_chunk().expect("a block has as many pairs as fit behind the history")
}

/// The even and the odd samples, each filtered by its half of the coefficients.
#[inline]
fn products(window: &[i16; HISTORY + 2]) -> (i32, i32) {
    let (mut even, mut odd) = (0, 0);
    for (index, [first, second]) in window.as_chunks::<2>().0.iter().enumerate() {
        even += i32::from(*first) * i32::from(FILTER[index]);
        odd += i32::from(*second) * i32::from(FILTER[11 - index]);
    }
    (even, odd)
}

fn shifted(sum: i32, bits: u32) -> i16 {
    (sum >> bits).clamp(i16::MIN.into(), i16::MAX.into()) as i16
}
