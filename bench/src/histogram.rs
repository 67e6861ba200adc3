//! Times, sorted when they are asked for.

use std::time::Duration;

/// A collection of times.
#[derive(Debug, Default)]
pub struct Histogram {
    nanoseconds: Vec<u64>,
}

impl Histogram {
    /// Adds one.
    pub fn add(&mut self, time: Duration) {
        self.nanoseconds.push(time.as_nanos() as u64);
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.nanoseconds.len()
    }

    /// The time in milliseconds that `share` of all do not exceed.
    pub fn milliseconds(&mut self, share: f64) -> f64 {
        self.nanoseconds.sort_unstable();
        let rank = (self.nanoseconds.len() as f64 * share).ceil() as usize;
        let nanoseconds = self.nanoseconds.get(rank.saturating_sub(1)).copied().unwrap_or_default();
        nanoseconds as f64 / 1e6
    }

    /// How many are longer than so many milliseconds.
    pub fn above(&self, milliseconds: f64) -> usize {
        self.nanoseconds.iter().filter(|nanoseconds| **nanoseconds as f64 > milliseconds * 1e6).count()
    }
}

/// The middle one of several measurements.
pub fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_ranks() {
        let mut histogram = Histogram::default();
        (1..=100).rev().for_each(|n| histogram.add(Duration::from_millis(n)));
        assert_eq!((histogram.milliseconds(0.5), histogram.milliseconds(0.99)), (50.0, 99.0));
        assert_eq!(histogram.above(95.0), 5);
        assert_eq!(Histogram::default().milliseconds(0.5), 0.0);
        assert_eq!(median(vec![3.0, 1.0, 2.0]), 2.0);
    }
}
