//! The button on the box, and what counts as a press.
use core::time::Duration;

use crate::Error;

/// A change of the button.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Edge {
    /// It went down.
    Pressed,
    /// It came up.
    Released,
}

/// A button that remembers its changes until they are read.
pub trait Button {
    /// The oldest change not read yet; never waits.
    fn poll_edge(&mut self) -> Result<Option<Edge>, Error>;
}

/// A contact shorter than this is the bounce of a spring and no finger.
pub const SHORTEST_PRESS: Duration = Duration::from_millis(20);

/// Makes presses of edges.
#[derive(Debug, Default)]
pub struct Presses {
    pressed_at: Option<Duration>,
}

impl Presses {
    /// Takes one change; the end of a press returns how long the button was held.
    ///
    /// A repeated `Pressed` keeps the first time, a `Released` without a `Pressed` is nothing: the button was held when
    /// the box came up.
    pub fn handle_edge(&mut self, now: Duration, edge: Edge) -> Option<Duration> {
        match edge {
            Edge::Pressed => {
                self.pressed_at.get_or_insert(now);
                None
            }
            Edge::Released => {
                let held = now.saturating_sub(self.pressed_at.take()?);
                (held >= SHORTEST_PRESS).then_some(held)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn ms(value: u64) -> Duration {
        Duration::from_millis(value)
    }

    #[test]
    fn a_press_ends_when_the_button_comes_up() {
        let mut presses = Presses::default();
        assert_eq!(presses.handle_edge(ms(1000), Edge::Pressed), None);
        assert_eq!(presses.handle_edge(ms(1100), Edge::Released), Some(ms(100)));
        assert_eq!(presses.handle_edge(ms(1200), Edge::Released), None);
    }

    #[test]
    fn a_bounce_is_no_press() {
        let mut presses = Presses::default();
        for at in [0, 4, 8, 12] {
            assert_eq!(presses.handle_edge(ms(at), Edge::Pressed), None);
            assert_eq!(presses.handle_edge(ms(at + 2), Edge::Released), None);
        }
    }

    #[test]
    fn a_button_held_at_power_on_is_no_press() {
        assert_eq!(Presses::default().handle_edge(ms(3000), Edge::Released), None);
    }

    #[test]
    fn a_second_press_event_does_not_shorten_the_press() {
        let mut presses = Presses::default();
        presses.handle_edge(ms(0), Edge::Pressed);
        presses.handle_edge(ms(990), Edge::Pressed);
        assert_eq!(presses.handle_edge(ms(1000), Edge::Released), Some(ms(1000)));
    }
}
