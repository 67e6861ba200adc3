//! What counts for every call beyond the box, whichever provider it goes over: where it may go, with which codecs, as whom.

use media::Codec;
use uuid::Uuid;

use super::extension::validate_text;
use super::route::is_prefix;
use crate::command::Rejection;
use crate::{UnixMicros, limits};

/// The one configuration of calls beyond the box.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OutboundConfig {
    /// Its name.
    pub name: String,
    /// A remark.
    pub detail: String,
    /// What the numbers that may be called begin with, as `+49`; empty: any number may.
    pub destination_whitelist: Vec<String>,
    /// The codecs that are offered where a provider does not say which, the preferred one first; empty: those of the exchange.
    pub codecs: Vec<Codec>,
    /// The number that calls come from whose caller has none, where a provider does not say which.
    pub default_outgoing_source_number_id: Option<Uuid>,
    /// When it was last changed, if it ever was.
    pub updated: Option<UnixMicros>,
}

/// What [`crate::Command::UpdateOutboundConfig`] changes; `None` leaves as it is, `Some(None)` sets no number.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OutboundConfigChange {
    /// A new name.
    pub name: Option<String>,
    /// A new remark.
    pub detail: Option<String>,
    /// What the numbers that may be called begin with.
    pub destination_whitelist: Option<Vec<String>>,
    /// Which codecs are offered.
    pub codecs: Option<Vec<Codec>>,
    /// Which number calls come from.
    pub default_outgoing_source_number_id: Option<Option<Uuid>>,
}

impl OutboundConfig {
    /// Whether a number may be called.
    pub fn allows(&self, number: &str) -> bool {
        let list = &self.destination_whitelist;
        list.is_empty() || list.iter().any(|prefix| number.starts_with(prefix.as_str()))
    }

    /// Takes a change, or nothing of it.
    pub fn update(&mut self, change: OutboundConfigChange, at: UnixMicros) -> Result<(), Rejection> {
        change.validate()?;
        let OutboundConfigChange { name, detail, destination_whitelist, codecs, default_outgoing_source_number_id } =
            change;
        let known = std::mem::take(self);
        *self = OutboundConfig {
            name: name.unwrap_or(known.name),
            detail: detail.unwrap_or(known.detail),
            destination_whitelist: destination_whitelist.map_or(known.destination_whitelist, in_order),
            codecs: codecs.unwrap_or(known.codecs),
            default_outgoing_source_number_id: default_outgoing_source_number_id
                .unwrap_or(known.default_outgoing_source_number_id),
            updated: Some(at),
        };
        Ok(())
    }
}

/// A list without what it says twice.
fn in_order(mut list: Vec<String>) -> Vec<String> {
    list.sort_unstable();
    list.dedup();
    list
}

impl OutboundConfigChange {
    fn validate(&self) -> Result<(), Rejection> {
        self.name.as_deref().map_or(Ok(()), |name| validate_text("name", name))?;
        self.detail.as_deref().map_or(Ok(()), |detail| validate_text("detail", detail))?;
        let field = "destination_whitelist";
        let list = self.destination_whitelist.as_deref().unwrap_or_default();
        if list.len() > limits::DESTINATION_WHITELIST {
            return Err(Rejection::Invalid { field, reason: "must be at most 500 beginnings of numbers" });
        }
        if !list.iter().all(|prefix| is_prefix(prefix)) {
            return Err(Rejection::Invalid { field, reason: "must be + and a country code each, as +49" });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(list: &[&str]) -> OutboundConfigChange {
        let list = list.iter().map(ToString::to_string).collect();
        OutboundConfigChange { destination_whitelist: Some(list), ..OutboundConfigChange::default() }
    }

    #[test]
    fn an_empty_list_denies_nothing_and_any_other_all_else() {
        let mut config = OutboundConfig::default();
        assert!(config.allows("+8813") && config.allows("110"));
        config.update(with(&["+49", "110", "+49"]), UnixMicros(7)).expect("it is taken");
        assert_eq!(config.destination_whitelist, ["+49", "110"]);
        assert!(config.allows("+4930") && config.allows("110"));
        for denied in ["+48", "4930", "112", "*110", "+1900", "0049"] {
            assert!(!config.allows(denied), "{denied}");
        }
        config.update(with(&[]), UnixMicros(8)).expect("it is taken");
        assert!(config.allows("+48"));
    }

    #[test]
    fn a_list_that_cannot_be_is_named_and_changes_nothing() {
        let mut config = OutboundConfig::default();
        config.update(with(&["+49"]), UnixMicros(7)).expect("it is taken");
        for wrong in ["", "+", "all", "Germany", "+49a", "+1234567890123456", " +49"] {
            let refused = config.update(with(&["+48", wrong]), UnixMicros(8));
            assert!(matches!(refused, Err(Rejection::Invalid { field: "destination_whitelist", .. })), "{wrong:?}");
        }
        let many: Vec<String> = (0..=limits::DESTINATION_WHITELIST).map(|n| format!("+{n}")).collect();
        let many = OutboundConfigChange { destination_whitelist: Some(many), ..OutboundConfigChange::default() };
        assert!(config.update(many, UnixMicros(8)).is_err());
        assert_eq!(
            (config.destination_whitelist.as_slice(), config.updated),
            (&["+49".to_string()][..], Some(UnixMicros(7)))
        );
    }
}
