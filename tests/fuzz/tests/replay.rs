//! Every input that was ever worth keeping, through its target.

use fuzz::{Played, TARGETS, corpus, play, play_page, receive};

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

/// The same of what is received: each input is there for the sake of one thing.
#[test]
fn the_received_packets_reach_all_parts_of_the_receiver() {
    let of = |name: &str| {
        let inputs = corpus("receiver");
        let found = inputs.iter().find(|(file, _)| file == name);
        receive(&found.unwrap_or_else(|| panic!("corpus/receiver/{name} is gone")).1)
    };
    let [silence, noise, speech, _] = of("pause_with_noise").ticks;
    assert!(silence <= 3 && noise > 20 && speech > 10, "{:?}", of("pause_with_noise"));
    assert_eq!((of("opus_loss_recovered").recovered, of("opus_loss_recovered").ticks[3]), (3, 0));
    let counts = of("reordered_late_double").packets;
    assert_eq!((counts.reordered, counts.late, counts.duplicate), (2, 1, 1));
    assert_eq!((of("digits").packets.lost, of("codec_changes").packets.lost), (0, 0));
    assert_eq!(of("payloads_lie").malformed, 5);
    assert!(of("numbers_jump").packets.lost > 300 && of("stall_and_burst").packets.overflowed > 10);
}

/// And of what pages say.
#[test]
fn the_scripts_reach_all_parts_of_a_pages_user_agent() {
    let inputs = corpus("page");
    let of = |name: &str| {
        let found = inputs.iter().find(|(file, _)| file == &format!("{name}.txt"));
        play_page(&found.unwrap_or_else(|| panic!("corpus/page/{name}.txt is gone")).1)
    };
    let told = |name: &str| {
        let told = of(name).told;
        // Where the story takes long, REGISTER is asked again, and not answered.
        told.into_iter().filter(|told| told != "error").collect::<Vec<_>>()
    };
    let call = "call_answered_held_and_ended";
    assert_eq!(told(call), ["registered", "ringing", "answer", "progressing", "answer", "hangup"]);
    for asked in ["INFO", "INVITE", "ACK", "BYE"] {
        assert!(of(call).asked.iter().any(|method| method == asked), "{asked}");
    }
    assert_eq!(told("call_refused_and_given_up"), ["ringing", "hangup", "ringing", "hangup"]);
    assert_eq!(told("called_answered_described_anew"), ["call", "progressing", "offer", "hangup"]);
    let busy = told("called_busy_and_canceled");
    assert_eq!(busy[..4], ["call", "hangup", "call", "hangup"].map(str::to_owned), "{busy:?}");
    assert!(of("nonsense").told.iter().filter(|told| *told == "error").count() >= 5);
}
