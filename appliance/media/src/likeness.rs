//! How alike two stretches of sound are: what finds pitch periods.

/// How many samples of a millisecond are looked at, whatever the rate: what matters of a voice lies below 4 kHz.
pub(crate) const THIN: usize = 8;

/// Writes every so manyth sample of `sound` to `thin`.
pub(crate) fn thin_out(sound: &[i16], every: usize, thin: &mut [f32]) {
    for (thin, sample) in thin.iter_mut().zip(sound.iter().step_by(every)) {
        *thin = f32::from(*sample);
    }
}

/// The sum of the products. In eight sums, which a processor makes at once.
pub(crate) fn product(one: &[f32], other: &[f32]) -> f32 {
    let mut sums = [0.0f32; 8];
    let (ones, others) = (one.chunks_exact(8), other.chunks_exact(8));
    let rest: f32 = ones.remainder().iter().zip(others.remainder()).map(|(one, other)| one * other).sum();
    for (one, other) in ones.zip(others) {
        for (sum, (one, other)) in sums.iter_mut().zip(one.iter().zip(other)) {
            *sum += one * other;
        }
    }
    sums.iter().sum::<f32>() + rest
}

/// Of the candidates from `range`, the one that `likeness` likes most, the greatest of equals; and how much.
pub(crate) fn best(range: (usize, usize), likeness: impl Fn(usize) -> f32) -> (usize, f32) {
    let mut best = (range.1, f32::MIN);
    for candidate in (range.0..=range.1).rev() {
        let likeness = likeness(candidate);
        if likeness > best.1 {
            best = (candidate, likeness);
        }
    }
    best
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_product_is_counted() {
        let one: Vec<f32> = (0..21).map(|index| index as f32).collect();
        let other = vec![2.0; 21];
        assert_eq!(product(&one, &other), 420.0);
    }

    #[test]
    fn the_greatest_of_equals_is_best() {
        assert_eq!(best((3, 9), |candidate| (candidate % 4) as f32), (7, 3.0));
        assert_eq!(best((5, 5), |_| -1.0), (5, -1.0));
    }

    #[test]
    fn thin_sound_is_every_nth_sample() {
        let mut thin = [0.0; 3];
        thin_out(&[1, 2, 3, 4, 5, 6, 7], 3, &mut thin);
        assert_eq!(thin, [1.0, 4.0, 7.0]);
    }
}
