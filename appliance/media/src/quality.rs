//! How good a listener would call what arrives: the E-model (ITU-T G.107, 2015) with the codecs of G.113 Appendix I.
//!
//! ```text
//! R = Ro − Is − Id − Ie,eff           (§7.1, with the advantage factor A = 0)
//! ```
//!
//! *Ro* and *Is* are those of G.107's default values, that is of an ordinary telephone in an ordinary room. *Id* (§7.4) comes
//! from the one-way delay *T*, with the default echo losses and Ta = T, Tr = 2 T. *Ie,eff* (§7.5) comes from the codec, the
//! part of packets that was not played, *Ppl*, and their burst ratio. *R* becomes a mean opinion score by Annex B.
//!
//! The scale is that of narrow-band telephony and ends at 4.5: G.722, Opus and L16 sound better than it can say. G.113 has no
//! values for them on this scale; they are counted as G.711 with concealment, which is what they are played with here.

use std::time::Duration;

use crate::format::Codec;

/// What became of a stream on its way to a listener.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Impairments {
    /// The codec.
    pub codec: Codec,
    /// The part of packets that was not played, because it was lost or late: 0.0–1.0.
    pub loss: f64,
    /// How much longer the runs of packets that were not played are than if each were lost on its own (G.107 §7.5): 1.0 for
    /// random loss, more for bursts.
    pub burst_ratio: f64,
    /// From mouth to ear.
    pub delay: Duration,
}

/// A mean opinion score in hundredths: 100 (bad) to 450 (excellent).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OpinionScore(u16);

impl OpinionScore {
    /// From 1.0 to 4.5.
    pub fn value(self) -> f64 {
        f64::from(self.0) / 100.0
    }
}

/// Ro − Is with all default values of G.107 table 3: 94.77 (§7.2) less 1.41 (§7.3).
const BASIC: f64 = 93.355;

/// Ro, and the room noise No it comes from, in dBm0p (§7.2).
const RO: f64 = 94.77;
const NO: f64 = -61.18;

/// Default values of G.107 table 3: the loudness rating of the receiver, the talker echo's, and the echo path's loss.
const RLR: f64 = 2.0;
const TELR: f64 = 65.0;
const WEPL: f64 = 110.0;

impl Impairments {
    /// The transmission rating R: 93.2 at best, below 50 nobody is satisfied.
    pub fn rating(&self) -> f64 {
        let delay = self.delay.as_secs_f64() * 1_000.0;
        BASIC - talker_echo(delay) - listener_echo(2.0 * delay) - absolute_delay(delay) - self.equipment()
    }

    /// What a listener would say.
    pub fn opinion(&self) -> OpinionScore {
        let rating = self.rating();
        let score = if rating >= 100.0 {
            4.5
        } else if rating > 6.5 {
            1.0 + 0.035 * rating + rating * (rating - 60.0) * (100.0 - rating) * 7e-6
        } else {
            1.0
        };
        OpinionScore((score * 100.0).round() as u16)
    }

    /// Ie,eff (§7.5): what codec and loss take away.
    fn equipment(&self) -> f64 {
        let (impairment, robustness) = equipment(self.codec);
        let percent = 100.0 * self.loss.clamp(0.0, 1.0);
        let burst_ratio = self.burst_ratio.max(1.0);
        impairment + (95.0 - impairment) * percent / (percent / burst_ratio + robustness)
    }
}

/// Ie and Bpl (G.113 tables I.1 and I.4).
fn equipment(codec: Codec) -> (f64, f64) {
    match codec {
        Codec::Pcmu | Codec::Pcma | Codec::G722 | Codec::Opus | Codec::L16(_) => (0.0, 25.1),
        Codec::G729 => (11.0, 19.0),
    }
}

/// Idte (§7.4): the talker hears himself after `delay` milliseconds.
fn talker_echo(delay: f64) -> f64 {
    let fading = 6.0 * (-0.3 * delay * delay).exp();
    let loudness = TELR - 40.0 * ((1.0 + delay / 10.0) / (1.0 + delay / 150.0)).log10() + fading;
    let (noise, echo) = (-1.5 * (NO - RLR), 80.0 + 2.5 * (loudness - 14.0));
    let half = (noise - echo) / 2.0;
    (half + (half * half + 100.0).sqrt() - 1.0) * (1.0 - (-delay).exp())
}

/// Idle (§7.4): the listener hears the talker again after a round trip of `delay` milliseconds.
fn listener_echo(delay: f64) -> f64 {
    let echo = 10.5 * (WEPL + 7.0) * (delay + 1.0).powf(-0.25);
    let half = (RO - echo) / 2.0;
    half + (half * half + 169.0).sqrt()
}

/// Idd (§7.4): they talk into each other's words, from 100 ms on.
fn absolute_delay(delay: f64) -> f64 {
    if delay <= 100.0 {
        return 0.0;
    }
    let ratio = (delay / 100.0).log2();
    let root = |x: f64| (1.0 + x.powi(6)).powf(1.0 / 6.0);
    25.0 * (root(ratio) - 3.0 * root(ratio / 3.0) + 2.0)
}

/// The burst ratio of `missing` packets out of `all` in so many `runs` (G.107 §7.5): the mean length of a run over that of
/// runs of packets lost each on its own.
pub fn burst_ratio(missing: u64, runs: u64, all: u64) -> f64 {
    if runs == 0 || missing >= all {
        return 1.0;
    }
    let length = missing as f64 / runs as f64;
    let alone = 1.0 / (1.0 - missing as f64 / all as f64);
    (length / alone).max(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(codec: Codec, percent: f64, milliseconds: u64) -> Impairments {
        Impairments { codec, loss: percent / 100.0, burst_ratio: 1.0, delay: Duration::from_millis(milliseconds) }
    }

    #[test]
    fn the_default_values_give_the_recommendations_result() {
        // G.107 §7.7: with all default values R = 93.2; Annex B: MOS 4.41.
        let best = path(Codec::Pcma, 0.0, 0);
        assert!((best.rating() - 93.2).abs() < 0.05, "{}", best.rating());
        assert_eq!(best.opinion().value(), 4.41);
        // Ro and No from the default values, step by step (§7.2).
        let power = |level: f64| 10f64.powf(level / 10.0);
        let pre = 35.0 + 10.0 * (1.0 + power(10.0 - 18.0)).log10();
        let sender = 35.0 - 8.0 - 3.0 - 100.0 + 0.004 * (35.0f64 - 10.0 - 3.0 - 14.0).powi(2);
        let receiver = 2.0 - 121.0 + pre + 0.008 * (pre - 35.0).powi(2);
        let all = 10.0 * (power(-70.0) + power(sender) + power(receiver) + power(-64.0 + 2.0)).log10();
        assert!((all - NO).abs() < 0.005 && (15.0 - 1.5 * (8.0 + all) - RO).abs() < 0.005, "{all}");
        // Is (§7.3).
        let overload = (10.0 + 0.2 * (64.0 + all - 2.0)) / 8.0;
        let loud = 20.0 * ((1.0 + overload.powi(8)).powf(0.125) - overload);
        let gain = 1.07 + 0.258 * 37.0 + 0.0602 * 37.0 * 37.0;
        let steps = 10f64.powf((RO - 100.0) / 15.0 + 46.0 / 8.4 - gain / 9.0) + 10f64.powf(46.0 / 30.0 - gain / 40.0);
        let quantising = 15.0 * (1.0 + steps).log10();
        assert!((RO - loud - quantising - BASIC).abs() < 0.01, "{loud} {quantising}");
    }

    #[test]
    fn ratings_become_the_scores_of_annex_b() {
        // Delay alone sets the rating here; table B.1 gives the score.
        for (rating, score) in [(90.0, 4.34), (80.0, 4.03), (70.0, 3.60), (60.0, 3.10), (50.0, 2.58)] {
            let at = |ms: &u64| path(Codec::Pcmu, 0.0, *ms).rating() <= rating;
            let delay = (0..1_000).find(at).expect("a second of delay is worse than that");
            let found = path(Codec::Pcmu, 0.0, delay).opinion().value();
            assert!((found - score).abs() <= 0.02, "{rating}: {found}");
        }
        assert_eq!(path(Codec::G729, 100.0, 2_000).opinion().value(), 1.0);
    }

    #[test]
    fn delay_costs_what_g113_says() {
        // G.113 table I.1 of 1996: Idd against one-way delay.
        for (delay, cost) in [(100.0, 0.0), (150.0, 0.0), (200.0, 3.0), (250.0, 10.0), (300.0, 15.0), (400.0, 25.0)] {
            assert!((absolute_delay(delay) - cost).abs() < 1.6, "{delay}: {}", absolute_delay(delay));
        }
        // With a talker echo loudness rating of 65 dB, the usual approximation of all of Id (Cole and Rosenbluth 2001).
        for delay in [50.0f64, 100.0, 150.0, 250.0, 350.0] {
            let found = path(Codec::Pcmu, 0.0, 0).rating() - path(Codec::Pcmu, 0.0, delay as u64).rating();
            let expected = 0.024 * delay + 0.11 * (delay - 177.3).max(0.0);
            assert!((found - expected).abs() < 2.5, "{delay}: {found} {expected}");
        }
    }

    #[test]
    fn loss_costs_what_g113_says() {
        // G.113 tables I.2 and I.3: Ie against random loss in percent.
        let g711 = [(0.0, 0.0), (2.0, 7.0), (3.0, 10.0), (5.0, 15.0)];
        let g729 = [(0.0, 11.0), (1.0, 15.0), (2.0, 19.0), (3.0, 23.0), (4.0, 26.0)];
        for (codec, table) in [(Codec::Pcma, &g711[..]), (Codec::G729, &g729[..])] {
            for (percent, impairment) in table {
                let found = path(codec, *percent, 0).equipment();
                assert!((found - impairment).abs() < 1.0, "{codec:?} {percent}: {found}");
            }
        }
    }

    #[test]
    fn bursts_cost_more_than_the_same_loss_alone() {
        let alone = path(Codec::Pcmu, 5.0, 20);
        let bursts = Impairments { burst_ratio: 4.0, ..alone };
        assert!(bursts.rating() < alone.rating() - 1.5 && bursts.opinion() < alone.opinion());
        assert_eq!(burst_ratio(0, 0, 100), 1.0);
        assert_eq!(burst_ratio(100, 1, 100), 1.0);
        // Runs of four, of which one in twenty packets falls victim; alone they would be 1.05 long.
        assert!((burst_ratio(40, 10, 800) - 3.8).abs() < 1e-9);
        assert_eq!(burst_ratio(40, 40, 800), 1.0);
    }

    #[test]
    fn senseless_numbers_give_a_score() {
        let worst = Impairments { codec: Codec::Opus, loss: f64::MAX, burst_ratio: f64::MAX, delay: Duration::MAX };
        assert_eq!(worst.opinion().value(), 1.0);
        assert_eq!(
            Impairments { loss: -1.0, burst_ratio: 0.0, delay: Duration::ZERO, ..worst }.opinion().value(),
            4.41
        );
    }
}
