//! `digits_receive`: waits for digits.

use crate::flow::action::{Field, Info, Work};
use crate::flow::digits::Until;
use crate::flow::options::{Fault, Options};
use crate::flow::order::Order;

/// The action.
pub const INFO: Info = Info {
    name: "digits_receive",
    about: "Collects digits into `voipbin.call.digits`. Those that came before count; those beyond what is asked for wait for the next time.",
    options: &[
        Field::new("duration", "0", "milliseconds to wait at most; 0: five seconds"),
        Field::new("length", "0", "how many are enough; 0: does not matter"),
        Field::new("key", "", "the digits that end it; they stay in the variable"),
    ],
    example: r##"{"duration": 5000, "length": 4, "key": "#"}"##,
    rests: true,
    work: Work::Order(read),
    ..Info::CALL
};

fn read(options: &Options) -> Result<Order, Fault> {
    let keys = options.text("key")?;
    let draft = keys.contains("${");
    if let (Some(other), false) = (keys.chars().find(|key| !"0123456789ABCD*#".contains(*key)), draft) {
        return Err(Fault::new("key", format!("{other:?} is not a key of a telephone")));
    }
    let duration = options.milliseconds("duration", 0, 0..=3_600_000)?;
    let duration = if duration.is_zero() { std::time::Duration::from_secs(5) } else { duration };
    Ok(Order::ReceiveDigits(Until { length: options.whole("length", 0, 0..=100)? as usize, keys, duration }))
}
