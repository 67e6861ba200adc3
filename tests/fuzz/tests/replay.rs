//! Every input that was ever worth keeping, through its target.

use fuzz::{Played, TARGETS, corpus, play};

#[test]
fn all_corpora_pass() {
    for (name, target) in TARGETS {
        let inputs = corpus(name);
        assert!(!inputs.is_empty(), "corpus/{name} is empty");
        for (file, input) in inputs {
            let passed = std::panic::catch_unwind(|| target(&input));
            assert!(passed.is_ok(), "corpus/{name}/{file} broke its target");
        }
    }
}

/// The scripts are worth something only as long as they get where their names say.
#[test]
fn the_scripts_reach_all_parts_of_the_endpoint() {
    let played: Vec<(String, Played)> =
        corpus("endpoint").into_iter().map(|(name, script)| (name, play(&script))).collect();
    let of = |name: &str| {
        let found = played.iter().find(|(file, _)| file == &format!("{name}.txt"));
        found.unwrap_or_else(|| panic!("corpus/endpoint/{name}.txt is gone")).1
    };
    assert_eq!(
        (of("call_answered_hangup_by_caller").acknowledged, of("call_answered_hangup_by_caller").dialogs),
        (1, 1)
    );
    assert_eq!(of("call_answered_hangup_by_us").responses, 1);
    assert!(of("call_never_acknowledged").statistics.repeated >= 5);
    assert_eq!(of("invite_repeated_and_cancelled").cancelled, 1);
    assert!(of("invite_refused_ack_lost").statistics.repeated >= 5);
    assert_eq!(of("register_refused_repeated").statistics.repetitions_in, 1);
    assert_eq!(of("outgoing_answered").responses, 3);
    assert_eq!(of("outgoing_forked").dialogs, 2);
    assert!(of("outgoing_cancelled").responses >= 2);
    assert_eq!(of("outgoing_silence").statistics.timeouts, 2);
    assert_eq!(of("outgoing_connection_lost").statistics.transport_failures, 2);
    assert_eq!(of("incoming_reliable_provisional").acknowledged, 1);
    assert!(of("malformed").statistics.answered_400 >= 2);
    assert!(of("strays").statistics.refused >= 3 && of("strays").statistics.stray_acks == 1);
    assert_eq!(of("merged_request").statistics.refused, 1);
    assert_eq!(of("ipv6_and_old_branch").statistics.repetitions_in, 1);
}
