//! The same stories over links that lose, repeat and delay messages, and over connections that break.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use sip::Transport;

use crate::pair::{Fate, Pair, STORIES, Story};

fn run(story: Story, transport: Transport, fate: impl FnMut(usize) -> Fate + 'static) -> Pair {
    let mut pair = Pair::new(story, transport, fate);
    pair.run();
    pair.assert_nothing_left();
    pair
}

fn undisturbed(story: Story, transport: Transport) -> Pair {
    run(story, transport, |_| Fate::Deliver)
}

/// How each story ends when nothing goes wrong: caller, callee.
fn ending(story: Story) -> [&'static [&'static str]; 2] {
    match story {
        Story::Register => [&["registered"], &[]],
        Story::Call => [&["answered", "ended"], &["up", "ended"]],
        Story::ReliableCall => [&["answered", "ended"], &["up"]],
        Story::Hold => [&["answered", "held", "ended"], &["up", "ended"]],
        Story::BothHangUp => [&["answered", "ended"], &["up"]],
        Story::Busy => [&["refused"], &[]],
        Story::GiveUp => [&["refused"], &["cancelled"]],
        Story::GiveUpTooLate => [&["answered", "ended"], &["up", "ended"]],
    }
}

#[test]
fn the_stories_end_as_they_should() {
    for transport in [Transport::Udp, Transport::Tcp] {
        for story in STORIES {
            let pair = undisturbed(story, transport);
            assert_eq!(pair.diaries(), ending(story), "{story:?} {transport:?}\n{}", pair.ladder.join("\n"));
        }
    }
}

#[test]
fn a_call_takes_the_messages_it_should_and_no_more() {
    let lines = |story, transport| {
        let pair = undisturbed(story, transport);
        pair.ladder.iter().map(|line| line[7..].replace(" Deliver", "")).collect::<Vec<_>>()
    };
    for transport in [Transport::Udp, Transport::Tcp] {
        let call = ["→ INVITE 1", "← 180 INVITE", "← 200 INVITE", "→ ACK 1", "→ BYE 2", "← 200 BYE"];
        assert_eq!(lines(Story::Call, transport), call);
        assert_eq!(lines(Story::Busy, transport), ["→ INVITE 1", "← 486 INVITE", "→ ACK 1"]);
        let given_up = ["→ INVITE 1", "← 180 INVITE", "→ CANCEL 1", "← 200 CANCEL", "← 487 INVITE", "→ ACK 1"];
        assert_eq!(lines(Story::GiveUp, transport), given_up);
        let reliable = lines(Story::ReliableCall, transport);
        let pracks = reliable.iter().filter(|line| line.contains("PRACK")).count();
        assert_eq!((reliable.len(), pracks), (11, 4), "{reliable:#?}");
        let crossing = lines(Story::BothHangUp, transport);
        assert_eq!(crossing.iter().filter(|line| line.contains("BYE")).count(), 4, "{crossing:#?}");
    }
}

#[test]
fn any_one_message_may_be_lost() {
    for story in STORIES {
        let messages = undisturbed(story, Transport::Udp).ladder.len();
        for lost in 0..messages {
            let fate = move |index| if index == lost { Fate::Lose } else { Fate::Deliver };
            let pair = run(story, Transport::Udp, fate);
            assert!(is_told_alike(story, &pair), "{story:?}\n{}\n{:?}", pair.ladder.join("\n"), pair.diaries());
        }
    }
}

#[test]
fn any_two_messages_may_be_lost() {
    for story in STORIES {
        let messages = undisturbed(story, Transport::Udp).ladder.len() + 3;
        for first in 0..messages {
            for second in first + 1..messages {
                let fate = move |index| if index == first || index == second { Fate::Lose } else { Fate::Deliver };
                let pair = run(story, Transport::Udp, fate);
                assert!(is_told_alike(story, &pair), "{story:?}\n{}\n{:?}", pair.ladder.join("\n"), pair.diaries());
            }
        }
    }
}

#[test]
fn any_message_may_come_twice_and_late() {
    for story in STORIES {
        let messages = undisturbed(story, Transport::Udp).ladder.len();
        for twice in 0..messages {
            // A refused INVITE is forgotten T4 after its ACK: no message is supposed to live longer.
            let refused = matches!(story, Story::Busy | Story::GiveUp);
            for delay in [0, 1, 100, 900, if refused { 4_900 } else { 31_000 }] {
                let fate = move |index| if index == twice { Fate::Twice(delay) } else { Fate::Deliver };
                let pair = run(story, Transport::Udp, fate);
                assert!(
                    is_told_alike(story, &pair),
                    "{story:?} {delay}\n{}\n{:?}",
                    pair.ladder.join("\n"),
                    pair.diaries()
                );
            }
            for delay in [15, 450, 2_000] {
                let fate = move |index| if index == twice { Fate::Late(delay) } else { Fate::Deliver };
                let pair = run(story, Transport::Udp, fate);
                assert!(
                    is_told_alike(story, &pair),
                    "{story:?} {delay}\n{}\n{:?}",
                    pair.ladder.join("\n"),
                    pair.diaries()
                );
            }
        }
    }
}

/// Whether the story ended as it does undisturbed. Where a race is the story, or a delay makes one, either outcome will do.
fn is_told_alike(story: Story, pair: &Pair) -> bool {
    let [caller, callee] = pair.diaries();
    let [caller_ends, callee_ends] = ending(story);
    match story {
        Story::GiveUpTooLate | Story::BothHangUp | Story::GiveUp => {
            matches!(caller, ["answered", "ended"] | ["refused"] | ["answered", "refused"])
                && matches!(callee, ["up"] | ["up", "ended"] | ["ended"] | ["cancelled"])
        }
        _ => {
            caller == caller_ends
                && callee
                    .iter()
                    .filter(|word| **word != "ended")
                    .eq(callee_ends.iter().filter(|word| **word != "ended"))
        }
    }
}

#[test]
fn a_bad_link_leaves_nothing_behind() {
    for story in STORIES {
        for seed in 0..200 {
            let mut random = ChaCha8Rng::seed_from_u64(seed);
            let quality = [10, 30, 60, 90][seed as usize % 4];
            run(story, Transport::Udp, move |_| {
                let draw = |random: &mut ChaCha8Rng, end: u32| random.next_u32() % end;
                match draw(&mut random, 100) {
                    chance if chance < quality => match draw(&mut random, 3) {
                        0 => Fate::Twice(u64::from(draw(&mut random, 5_000))),
                        1 => Fate::Late(u64::from(draw(&mut random, 3_000))),
                        _ => Fate::Lose,
                    },
                    _ => Fate::Deliver,
                }
            });
        }
    }
}

#[test]
fn a_link_that_dies_leaves_nothing_behind() {
    for story in STORIES {
        let messages = undisturbed(story, Transport::Udp).ladder.len();
        for last in 0..messages {
            run(story, Transport::Udp, move |index| if index < last { Fate::Deliver } else { Fate::Lose });
        }
    }
}

#[test]
fn a_connection_may_break_before_any_message() {
    for story in STORIES {
        let messages = undisturbed(story, Transport::Tcp).ladder.len();
        for broken in 0..messages {
            let pair =
                run(story, Transport::Tcp, move |index| if index == broken { Fate::Break } else { Fate::Deliver });
            assert!(pair.ladder.len() >= broken);
        }
    }
}
