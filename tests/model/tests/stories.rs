//! Random stories, on good and on bad networks; the seed of a failure tells it again.

use model::Story;

fn tell(seed: u64, loss: f64, rounds: usize) {
    let mut story = Story::new(seed, loss);
    for _ in 0..rounds {
        story.round();
    }
    story.finish();
}

/// `MODEL_STORIES` tells more of them.
fn tell_all(first: u64, loss: f64) {
    let stories = std::env::var("MODEL_STORIES").ok().and_then(|count| count.parse().ok()).unwrap_or(8);
    for seed in first..first + stories {
        tell(seed, loss, 20);
    }
}

#[test]
fn on_a_good_network() {
    tell_all(0, 0.0);
}

#[test]
fn on_a_network_that_loses_a_little() {
    tell_all(1_000_000, 0.03);
}

#[test]
fn on_a_network_that_loses_much() {
    tell_all(2_000_000, 0.12);
}
