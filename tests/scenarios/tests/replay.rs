//! The same seed and the same inputs give the same outputs; another seed gives others.

use lab::{Lab, OnInvite, Path};
use scenarios::seconds;

fn busy_minute(seed: u64) -> (u64, String) {
    let mut lab = Lab::new(seed);
    let phones: Vec<_> = (1001..1007).map(|number| lab.phone(&number.to_string())).collect();
    for phone in &phones {
        lab.paths[phone.0] = Path::bad(0.1);
        lab[*phone].manner.on_invite = OnInvite::AnswerAfter(seconds(2));
        lab[*phone].manner.session_expires = Some(90);
        lab[*phone].register();
    }
    lab.run_for(seconds(10));
    for pair in phones.chunks(2) {
        let number = lab[pair[1]].number.clone();
        lab[pair[0]].call(&number);
    }
    lab.run_for(seconds(60));
    for pair in phones.chunks(2) {
        lab[pair[0]].hang_up();
    }
    lab.run_for(seconds(60));
    (lab.fingerprint(), lab.ladder())
}

#[test]
fn the_same_seed_tells_the_same_story() {
    let (first, ladder) = busy_minute(1);
    for _ in 0..3 {
        let (again, same) = busy_minute(1);
        assert_eq!(same, ladder);
        assert_eq!(again, first, "the ladders are alike, but something within the messages is not");
    }
    assert_ne!(busy_minute(2).0, first);
}
