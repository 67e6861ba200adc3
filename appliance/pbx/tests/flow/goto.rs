//! `goto`: there, so many times.

use pbx::flow::End;

use crate::world::{action, id, mark, reason, run, target};

#[test]
fn it_jumps_as_often_as_it_counts() {
    for count in 0..4_i64 {
        let goto = action(2, "goto", [("target_id", target(1)), ("loop_count", count.into())]);
        let run = run(vec![mark(1), goto, mark(3)]);
        let times = 1 + count as usize;
        assert_eq!(run.done, [vec![1; times], vec![3]].concat(), "{count}");
        assert_eq!(run.end, End::Finished);
    }
}

#[test]
fn each_goto_counts_for_itself() {
    let goto =
        |number, to: u32, count: i64| action(number, "goto", [("target_id", target(to)), ("loop_count", count.into())]);
    let run = run(vec![mark(1), goto(2, 1, 1), goto(3, 1, 1)]);
    assert_eq!(run.done, [1, 1, 1], "once by the first, once by the second; the first is spent");
}

#[test]
fn without_a_count_it_never_jumps() {
    assert_eq!(run(vec![mark(1), action(2, "goto", [("target_id", target(1))]), mark(3)]).done, [1, 3]);
}

#[test]
fn a_target_that_is_not_there_ends_the_flow() {
    let goto = action(2, "goto", [("target_id", target(9)), ("loop_count", 1.into())]);
    let run = run(vec![mark(1), goto, mark(3)]);
    assert_eq!(run.done, [1]);
    assert_eq!(reason(&run.end), format!("there is no action {} to go on at", id(9)));
}

#[test]
fn a_count_that_is_no_number_ends_the_flow_and_is_named() {
    let goto = action(2, "goto", [("target_id", target(1)), ("loop_count", "often".into())]);
    assert_eq!(reason(&run(vec![mark(1), goto]).end), "loop_count: is a string, not a whole number");
}
