//! What a band's next sample will be, told from the last two samples and the last six differences (G.722 block 4).

/// The adaptive predictor of a band. Indices count back in time: 0 is the newest.
#[derive(Debug, Default)]
pub(super) struct Predictor {
    /// The prediction (S), and the part of it that the differences make (SZ).
    prediction: i16,
    zeros: i16,
    /// The last two reconstructed samples (RLT) and their signs without the poles' part (PLT).
    samples: [i16; 2],
    partial: [i16; 2],
    /// The coefficients of the samples (A).
    poles: [i16; 2],
    /// The last six differences (DLT) and their coefficients (B).
    differences: [i16; 6],
    coefficients: [i16; 6],
}

impl Predictor {
    /// The sample that is expected next.
    pub(super) fn prediction(&self) -> i16 {
        self.prediction
    }

    /// Takes the next quantized difference from what was expected into account.
    pub(super) fn adapt(&mut self, difference: i16) {
        let sample = self.prediction.saturating_add(difference);
        let partial = self.zeros.saturating_add(difference);
        self.adapt_poles(partial);
        self.adapt_zeros(difference);
        self.samples = [sample, self.samples[0]];
        self.partial = [partial, self.partial[0]];
        self.predict();
    }

    /// UPPOL2, UPPOL1.
    fn adapt_poles(&mut self, partial: i16) {
        let [first, second] = self.poles;
        let alike = |other: i16| (partial ^ other) >= 0;
        let four_times = first.saturating_mul(4);
        let towards = if alike(self.partial[0]) { four_times.saturating_neg() } else { four_times };
        let leap = if alike(self.partial[1]) { 128 } else { -128 };
        let second = ((towards >> 7) + leap + multiply(second, 32_512)).clamp(-12_288, 12_288);
        let leap = if alike(self.partial[0]) { 192 } else { -192 };
        // The second is within ±12,288, so the limit is positive and fits.
        let limit = 15_360 - second;
        let first = multiply(first, 32_640).saturating_add(leap).clamp(-limit, limit);
        self.poles = [first, second];
    }

    /// UPZERO, DELAYA.
    fn adapt_zeros(&mut self, difference: i16) {
        let leap = if difference == 0 { 0 } else { 128 };
        for (coefficient, past) in self.coefficients.iter_mut().zip(self.differences) {
            let leap = if (past ^ difference) < 0 { -leap } else { leap };
            *coefficient = multiply(*coefficient, 32_640).saturating_add(leap);
        }
        let [a, b, c, d, e, _] = self.differences;
        self.differences = [difference, a, b, c, d, e];
    }

    /// FILTEP, FILTEZ, PREDIC.
    fn predict(&mut self) {
        let twice = |value: i16| value.saturating_add(value);
        let [first, second] = [0, 1].map(|index| multiply(self.poles[index], twice(self.samples[index])));
        let mut zeros = 0_i16;
        // The oldest first: the order matters where a sum is cut off.
        for (coefficient, past) in self.coefficients.iter().zip(self.differences).rev() {
            zeros = zeros.saturating_add(multiply(*coefficient, twice(past)));
        }
        self.zeros = zeros;
        self.prediction = first.saturating_add(second).saturating_add(zeros);
    }
}

/// The product of two numbers that count in 2⁻¹⁵.
fn multiply(a: i16, b: i16) -> i16 {
    // Only (−2¹⁵)² does not fit; no coefficient gets that far, and it would be cut off, not wrapped.
    ((i32::from(a) * i32::from(b)) >> 15).min(i16::MAX.into()) as i16
}
