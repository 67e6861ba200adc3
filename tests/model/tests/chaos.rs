//! Chaos, told by seeds. `MODEL_STORIES` tells more of it, `MODEL_FIRST` begins elsewhere.

use model::Chaos;

#[test]
fn whatever_happens_nothing_is_left_behind() {
    let stories = std::env::var("MODEL_STORIES").ok().and_then(|count| count.parse().ok()).unwrap_or(25);
    let (mut begun, mut answered, mut flows) = (0, 0, 0);
    let first = std::env::var("MODEL_FIRST").ok().and_then(|seed| seed.parse().ok()).unwrap_or(0);
    for seed in first..first + stories {
        println!("seed {seed}");
        let mut chaos = Chaos::new(seed);
        chaos.rage(150);
        begun += chaos.count("call_created");
        answered += chaos.count("call_answered");
        flows += chaos.count("activeflow_created");
        chaos.end();
    }
    assert!(begun > 20 * stories as usize && answered > 5 * stories as usize, "{begun} begun, {answered} answered");
    assert!(flows > 5 * stories as usize, "{flows} calls went through flows");
    println!("{stories} stories, {begun} legs begun, {answered} answered, {flows} flows");
}
