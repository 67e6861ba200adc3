//! `condition_datetime`: now against the option, in the box's time zone.

use pbx::UnixMicros;
use pbx::flow::scope::Surroundings;
use pbx::flow::{Outcome, Value};

use crate::world::{NOW, action, around, flow, go_on, mark, target};

fn holds_at<const N: usize>(at: i64, option: [(&str, Value); N]) -> bool {
    let mut condition = action(1, "condition_datetime", option);
    let Value::Map(entries) = &mut condition.option else { panic!("options are an object") };
    entries.push(("false_target_id".into(), target(3)));
    let flow = flow(vec![condition, mark(2), action(4, "stop", []), mark(3)]);
    let around = Surroundings { at: UnixMicros(at), ..around() };
    go_on(flow, around, |_| Outcome::Done).done == [2]
}

fn holds<const N: usize>(option: [(&str, Value); N]) -> bool {
    holds_at(NOW, option)
}

#[test]
fn now_is_compared_with_a_time_of_day() {
    let is = |condition: &str, hour: i64, minute: i64| {
        holds([("condition", condition.into()), ("hour", hour.into()), ("minute", minute.into())])
    };
    assert!(is("==", 9, 30) && is(">=", 9, 30) && is("<=", 9, 30) && !is(">", 9, 30));
    assert!(is(">", 8, 45), "9:30 is after 8:45, though 30 is less than 45");
    assert!(is("<", 10, 0) && !is(">", 10, 0));
}

#[test]
fn what_is_left_out_does_not_matter() {
    assert!(holds([("day", 18.into())]) && holds([("month", 11.into())]) && !holds([("month", 12.into())]));
    assert!(holds([("condition", ">=".into()), ("hour", 9.into())]));
    assert!(holds([]) && holds([("condition", "<".into())]), "nothing was asked for");
}

#[test]
fn weekdays_count_from_sunday() {
    let days = |days: &[i64]| Value::List(days.iter().map(|day| Value::Whole(*day)).collect());
    assert!(holds([("weekdays", days(&[3]))]) && !holds([("weekdays", days(&[0, 1, 2, 4, 5, 6]))]));
    assert!(holds([("weekdays", days(&[1, 2, 3, 4, 5])), ("condition", ">=".into()), ("hour", 9.into())]));
    assert!(!holds([("weekdays", days(&[1, 2, 3, 4, 5])), ("condition", ">=".into()), ("hour", 10.into())]));
}

#[test]
fn the_zone_of_the_option_goes_before_the_one_of_the_box() {
    assert!(holds([("hour", 8.into()), ("minute", 30.into()), ("timezone", "UTC".into())]));
    assert!(holds([("hour", 17.into()), ("minute", 30.into()), ("timezone", "Asia/Tokyo".into())]));
}

#[test]
fn summer_time_is_kept() {
    // 2026-07-15 08:30 UTC is 10:30 in Berlin.
    assert!(holds_at(1_784_104_200_000_000, [("hour", 10.into()), ("minute", 30.into())]));
}

#[test]
fn a_zone_that_is_nowhere_ends_the_flow_and_is_named() {
    let condition =
        action(1, "condition_datetime", [("timezone", "Mars/Olympus".into()), ("false_target_id", target(1))]);
    let run = crate::world::run(vec![condition]);
    assert_eq!(crate::world::reason(&run.end), "timezone: is not the name of a time zone");
}
