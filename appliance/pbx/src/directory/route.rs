//! A route: which numbers go through which provider.

use uuid::Uuid;

use super::extension::validate_text;
use super::table::{Entry, Kept, Table};
use crate::command::Rejection;
use crate::limits;

/// A route as it is kept.
pub type Route = Entry<RouteData>;

/// The routes.
pub type Routes = Table<RouteData>;

/// What is set of a route.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RouteData {
    /// Its name.
    pub name: String,
    /// A remark.
    pub detail: String,
    /// Through whom.
    pub provider_id: Uuid,
    /// Of several for the same numbers, the lowest is tried first.
    pub priority: i32,
    /// What the numbers begin with, as `+49`; `all`: any number.
    pub target: String,
}

impl RouteData {
    /// How many characters of a number the route names; `None` where it is not for the number.
    fn fits(&self, number: &str) -> Option<usize> {
        match self.target.as_str() {
            "all" => Some(0),
            prefix => number.starts_with(prefix).then_some(prefix.len()),
        }
    }
}

impl Kept for RouteData {
    const NAME: &'static str = "route";
    const LIMIT: usize = limits::ROUTES;

    fn validate(&self) -> Result<(), Rejection> {
        validate_text("name", &self.name)?;
        validate_text("detail", &self.detail)?;
        if self.target != "all" && !is_prefix(&self.target) {
            return Err(Rejection::Invalid { field: "target", reason: "must be all, or + and a country code" });
        }
        if !(0..=10_000).contains(&self.priority) {
            return Err(Rejection::Invalid { field: "priority", reason: "must be 0 to 10000" });
        }
        Ok(())
    }

    fn clashes(&self, other: &RouteData) -> bool {
        self.provider_id == other.provider_id && self.target == other.target
    }
}

impl Routes {
    /// The providers for a number, in the order in which they are tried: the longest prefix first, then the lowest priority.
    pub fn providers(&self, number: &str) -> Vec<Uuid> {
        let fitting = self.iter().filter_map(|route| Some((route.data.fits(number)?, route)));
        let mut fitting: Vec<_> = fitting.collect();
        fitting.sort_by_key(|(length, route)| (std::cmp::Reverse(*length), route.data.priority, route.id));
        let mut providers = Vec::new();
        for (_, route) in fitting {
            if !providers.contains(&route.data.provider_id) {
                providers.push(route.data.provider_id);
            }
        }
        providers
    }
}

/// Whether a number can begin so: a country code behind `+`, or digits that are dialled without one.
pub fn is_prefix(text: &str) -> bool {
    let digits = text.strip_prefix('+').unwrap_or(text);
    (1..=15).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit())
}

/// A dialled number without what only eyes need: `+49 (30) 12-34` is `+49301234`. `None` where it is no telephone number.
pub fn telephone_number(text: &str) -> Option<String> {
    let number: String = text.chars().filter(|c| !" -./()".contains(*c)).collect();
    let digits = number.strip_prefix('+').unwrap_or(&number);
    let dialable = |c: char| c.is_ascii_digit() || (c == '*' || c == '#') && !number.starts_with('+');
    ((1..=32).contains(&digits.len()) && digits.chars().all(dialable)).then_some(number)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::UnixMicros;

    #[test]
    fn the_longest_prefix_comes_first_and_then_the_priority() {
        let mut routes = Routes::default();
        let provider = |n: u128| Uuid::from_u128(n);
        for (n, target, priority) in
            [(1, "all", 0), (2, "+49", 5), (3, "+49", 1), (4, "+4930", 9), (5, "+1", 0), (3, "all", 7)]
        {
            let data = RouteData { provider_id: provider(n), priority, target: target.into(), ..RouteData::default() };
            let id = Uuid::from_u128(routes.len() as u128 + 100);
            routes.create(id, data, UnixMicros(0)).expect("a route");
        }
        assert_eq!(routes.providers("+493012"), [4, 3, 2, 1].map(provider));
        assert_eq!(routes.providers("+1555"), [5, 1, 3].map(provider));
        assert_eq!(routes.providers("110"), [1, 3].map(provider));
        let twice = RouteData { provider_id: provider(1), target: "all".into(), ..RouteData::default() };
        let refused = routes.create(Uuid::from_u128(1), twice, UnixMicros(0));
        assert_eq!(refused, Err(Rejection::AlreadyExists("route")));
    }

    #[test]
    fn what_is_no_telephone_number_goes_nowhere() {
        assert_eq!(telephone_number("+49 (30) 12-34").as_deref(), Some("+49301234"));
        assert_eq!(telephone_number("*31#110").as_deref(), Some("*31#110"));
        for wrong in ["", "+", "alice", "12a", "+*1", "٣", "1+2"] {
            assert_eq!(telephone_number(wrong), None, "{wrong}");
        }
        for wrong in ["", "+", "+49a", "ALL", "+1234567890123456"] {
            let route = RouteData { target: wrong.into(), ..RouteData::default() };
            assert!(matches!(route.validate(), Err(Rejection::Invalid { field: "target", .. })), "{wrong}");
        }
    }
}
