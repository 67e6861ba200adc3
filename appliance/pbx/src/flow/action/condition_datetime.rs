//! `condition_datetime`: goes on elsewhere unless it is the time.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::UnixMicros;
use crate::flow::action::{Field, Info, Step, Work, target_of};
use crate::flow::condition::Comparison;
use crate::flow::options::{Fault, Options};
use crate::flow::scope::Scope;
use crate::flow::value::Value;

/// The action.
pub const INFO: Info = Info {
    name: "condition_datetime",
    about: "Compares now with a time, in the time zone of the box. What is left out does not matter; hour and minute are one time of day.",
    options: &[
        Field::new("condition", "==", "`==`, `!=`, `>`, `>=`, `<` or `<=`: now against the options"),
        Field::new("minute", "", "0 to 59"),
        Field::new("hour", "", "0 to 23"),
        Field::new("day", "", "of the month, 1 to 31"),
        Field::new("month", "", "1 to 12"),
        Field::new("weekdays", "[]", "0 is Sunday; empty: any"),
        Field::new("timezone", "", "an IANA name instead of the box's time zone"),
        Field::new("false_target_id", "", "where to go on otherwise"),
    ],
    example: r#"{"condition": ">=", "hour": 9, "minute": 0, "weekdays": [1, 2, 3, 4, 5], "timezone": "Europe/Berlin", "false_target_id": "00000000-0000-0000-0000-000000000003"}"#,
    targets: |options| target_of(options, "false_target_id"),
    work: Work::Step { check, run },
    ..Info::FLOW
};

/// What now is compared with.
struct Moment {
    comparison: Comparison,
    /// Month, day, minute of the day; each as far as it was said.
    month: Option<i64>,
    day: Option<i64>,
    minute: Option<i64>,
    weekdays: Vec<i64>,
    zone: Option<TimeZone>,
}

fn check(options: &Options) -> Result<(), Fault> {
    read(options)?;
    options.needed_id("false_target_id").map(drop)
}

fn run(options: &Options, scope: &mut Scope) -> Result<Step, Fault> {
    let moment = read(options)?;
    let other = options.needed_id("false_target_id")?;
    // A box whose own zone is unknown runs by UTC, as its logs do.
    let of_box = || TimeZone::get(scope.around.zone).unwrap_or(TimeZone::UTC);
    let zone = moment.zone.clone().unwrap_or_else(of_box);
    Ok(if moment.holds(scope.around.at, zone) { Step::Next } else { Step::Goto(other) })
}

impl Moment {
    fn holds(&self, at: UnixMicros, zone: TimeZone) -> bool {
        let Ok(now) = Timestamp::from_microsecond(at.0) else { return false };
        let now = now.to_zoned(zone);
        let weekday = i64::from(now.weekday().to_sunday_zero_offset());
        if !self.weekdays.is_empty() && !self.weekdays.contains(&weekday) {
            return false;
        }
        let minute = i64::from(now.hour()) * 60 + i64::from(now.minute());
        let fields = [(i64::from(now.month()), self.month), (i64::from(now.day()), self.day), (minute, self.minute)];
        let (now, wanted): (Vec<i64>, Vec<i64>) =
            fields.into_iter().filter_map(|(now, wanted)| wanted.map(|wanted| (now, wanted))).unzip();
        self.comparison.holds(&now, &wanted) || (now.is_empty() && self.comparison != Comparison::Different)
    }
}

fn read(options: &Options) -> Result<Moment, Fault> {
    // -1 is VoIPBIN's word for what does not matter.
    let field = |name: &str, most: i64| options.whole(name, -1, -1..=most).map(|n| (n >= 0).then_some(n));
    let (hour, minute) = (field("hour", 23)?, field("minute", 59)?);
    let weekday = |(at, value): (usize, &Value)| match value {
        Value::Whole(day @ 0..=6) => Ok(*day),
        _ => Err(Fault::new(format!("weekdays[{at}]"), "is not a number from 0, Sunday, to 6")),
    };
    let name = options.text("timezone")?;
    let zone = match name.as_str() {
        "" => None,
        draft if draft.contains("${") => None,
        name => Some(TimeZone::get(name).map_err(|_| Fault::new("timezone", "is not the name of a time zone"))?),
    };
    Ok(Moment {
        comparison: Comparison::read(options)?,
        month: field("month", 12)?.filter(|month| *month > 0),
        day: field("day", 31)?.filter(|day| *day > 0),
        minute: match (hour, minute) {
            (None, None) => None,
            (hour, minute) => Some(hour.unwrap_or(0) * 60 + minute.unwrap_or(0)),
        },
        weekdays: options.list("weekdays")?.iter().enumerate().map(weekday).collect::<Result<_, _>>()?,
        zone,
    })
}
