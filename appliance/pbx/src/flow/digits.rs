//! What the phone presses: before it is asked for, while it is asked for, and beyond that.

use std::time::Duration;

use crate::limits;

/// What [`Digits`] are collected until.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Until {
    /// So many; 0: however many.
    pub length: usize,
    /// Any of these; it counts as a digit.
    pub keys: String,
    /// So long.
    pub duration: Duration,
}

/// The digits of an activeflow: those that were read or may be, and those typed ahead beyond them.
///
/// `digits_receive` takes no more than it asked for: who types `12` into two menus, each of one digit, gets what he wants in both.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Digits {
    /// What the variable `voipbin.call.digits` shows.
    shown: String,
    /// What was pressed after it was full.
    ahead: String,
    /// How many are waited for.
    until: Option<Until>,
}

impl Digits {
    /// What the variable shows.
    pub fn shown(&self) -> &str {
        &self.shown
    }

    /// A key was pressed. `true`: that was what was waited for.
    pub fn press(&mut self, digit: char) -> bool {
        if self.shown.len() + self.ahead.len() >= limits::DIGITS {
            return false;
        }
        match &self.until {
            Some(_) => {
                self.shown.push(digit);
                self.is_enough()
            }
            // Once something waits behind a full variable, what follows waits behind that.
            None if !self.ahead.is_empty() => {
                self.ahead.push(digit);
                false
            }
            None => {
                self.shown.push(digit);
                false
            }
        }
    }

    /// Collects from now on. `true`: what was pressed before is enough.
    pub fn collect(&mut self, until: Until) -> bool {
        let typed = std::mem::take(&mut self.shown) + &std::mem::take(&mut self.ahead);
        self.until = Some(until);
        for (at, digit) in typed.char_indices() {
            self.shown.push(digit);
            if self.is_enough() {
                self.ahead = typed[at + digit.len_utf8()..].into();
                return true;
            }
        }
        false
    }

    /// Whether something was pressed that nobody has read.
    pub fn is_pending(&self) -> bool {
        !self.shown.is_empty() || !self.ahead.is_empty()
    }

    /// Collects no longer: enough came, or the time is over.
    pub fn finish(&mut self) {
        self.until = None;
    }

    /// Empties the variable, as `branch` does after reading it. What was typed ahead of it comes next.
    pub fn clear(&mut self) {
        self.shown = std::mem::take(&mut self.ahead);
    }

    fn is_enough(&self) -> bool {
        let Some(until) = &self.until else { return false };
        let by_length = until.length > 0 && self.shown.len() >= until.length;
        by_length || self.shown.chars().next_back().is_some_and(|last| until.keys.contains(last))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn until(length: usize, keys: &str) -> Until {
        Until { length, keys: keys.into(), duration: Duration::from_secs(5) }
    }

    #[test]
    fn digits_are_collected_until_there_are_enough() {
        let mut digits = Digits::default();
        assert!(!digits.collect(until(3, "")));
        assert_eq!([digits.press('1'), digits.press('2'), digits.press('3')], [false, false, true]);
        assert_eq!(digits.shown(), "123");
    }

    #[test]
    fn a_key_ends_the_collection_and_stays_in_it() {
        let mut digits = Digits::default();
        assert!(!digits.collect(until(0, "#*")));
        assert_eq!([digits.press('1'), digits.press('#')], [false, true]);
        assert_eq!(digits.shown(), "1#");
    }

    #[test]
    fn what_is_typed_ahead_serves_one_menu_after_the_other() {
        let mut digits = Digits::default();
        "12#9".chars().for_each(|digit| assert!(!digits.press(digit)));
        assert!(digits.collect(until(1, "")));
        digits.finish();
        assert_eq!(digits.shown(), "1");
        digits.clear();
        assert!(digits.collect(until(0, "#")));
        digits.finish();
        assert_eq!(digits.shown(), "2#");
        digits.clear();
        assert_eq!(digits.shown(), "9");
        assert!(!digits.collect(until(4, "#")));
        assert!(digits.press('#'));
        assert_eq!(digits.shown(), "9#");
    }

    #[test]
    fn what_is_pressed_while_some_wait_goes_behind_them() {
        let mut digits = Digits::default();
        "12".chars().for_each(|digit| assert!(!digits.press(digit)));
        assert!(digits.collect(until(1, "")));
        digits.finish();
        digits.press('3');
        digits.clear();
        assert_eq!(digits.shown(), "23");
    }

    #[test]
    fn a_flood_is_bounded() {
        let mut digits = Digits::default();
        (0..10 * limits::DIGITS).for_each(|_| {
            digits.press('5');
        });
        assert_eq!(digits.shown().len(), limits::DIGITS);
    }
}
