//! The variables of an activeflow: what `${name}` stands for.

use std::borrow::Cow;
use std::collections::BTreeMap;

use crate::flow::value::Value;
use crate::limits;

/// What begins the names that only the exchange itself sets.
pub const RESERVED: &str = "voipbin.";
/// What the phone pressed.
pub const DIGITS: &str = "voipbin.call.digits";

/// Why a variable was not set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// The name is nobody's.
    #[error("a variable needs a name of 1 to 255 characters, without braces")]
    Name,
    /// The name begins with [`RESERVED`].
    #[error("names that begin with voipbin. are set by the exchange only")]
    Reserved,
    /// There are as many as there may be.
    #[error("there are as many variables as an activeflow may have")]
    Keys,
    /// The value is too long.
    #[error("the value is longer than 32 KiB")]
    Value,
    /// All values together are too long.
    #[error("the variables together are longer than 64 KiB")]
    All,
}

/// Names and their texts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Variables {
    texts: BTreeMap<String, String>,
    /// Bytes of names and texts that were set from outside.
    weight: usize,
    /// Names that were set from outside.
    given: usize,
}

impl Variables {
    /// The text of a name.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.texts.get(name).map(String::as_str)
    }

    /// All of them, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.texts.iter().map(|(name, text)| (name.as_str(), text.as_str()))
    }

    /// Sets a variable on behalf of a flow or a program. What is refused leaves everything as it was.
    pub fn set(&mut self, name: &str, text: &str) -> Result<(), Refused> {
        if name.is_empty() || name.len() > limits::VARIABLE_NAME || name.contains(['{', '}']) {
            return Err(Refused::Name);
        }
        if name.starts_with(RESERVED) {
            return Err(Refused::Reserved);
        }
        if text.len() > limits::VARIABLE {
            return Err(Refused::Value);
        }
        let before = self.texts.get(name).map_or(0, |known| name.len() + known.len());
        let weight = self.weight - before + name.len() + text.len();
        if weight > limits::VARIABLES_WEIGHT {
            return Err(Refused::All);
        }
        if before == 0 {
            if self.given >= limits::VARIABLES {
                return Err(Refused::Keys);
            }
            self.given += 1;
        }
        self.weight = weight;
        self.texts.insert(name.into(), text.into());
        Ok(())
    }

    /// Sets a variable of the exchange's own, cut where it is too long.
    pub fn tell(&mut self, name: &'static str, text: impl Into<String>) {
        let mut text = text.into();
        if text.len() > limits::VARIABLE {
            let end = (0..=limits::VARIABLE).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
            text.truncate(end);
        }
        self.texts.insert(name.into(), text);
    }

    /// A text with every `${name}` replaced by its variable's text; an unknown one by nothing. What is not closed stays.
    pub fn fill<'a>(&self, text: &'a str) -> Cow<'a, str> {
        if !text.contains("${") {
            return Cow::Borrowed(text);
        }
        let mut filled = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(start) = rest.find("${") {
            let Some(length) = rest[start + 2..].find('}') else { break };
            let name = rest[start + 2..start + 2 + length].trim();
            filled.push_str(&rest[..start]);
            filled.push_str(self.get(name).unwrap_or_default());
            rest = &rest[start + 2 + length + 1..];
            if filled.len() > limits::FILLED_TEXT {
                rest = "";
            }
        }
        filled.push_str(rest);
        if filled.len() > limits::FILLED_TEXT {
            let end = (0..=limits::FILLED_TEXT).rev().find(|at| filled.is_char_boundary(*at)).unwrap_or(0);
            filled.truncate(end);
        }
        Cow::Owned(filled)
    }

    /// A tree with every text filled in.
    pub fn fill_all(&self, value: &Value) -> Value {
        value.map_texts(&mut |text| self.fill(text).into_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_named_is_filled_in_and_what_is_unknown_is_nothing() {
        let mut variables = Variables::default();
        variables.set("name", "Ada").expect("it fits");
        variables.tell("voipbin.call.id", "7");
        let cases = [
            ("hello ${name}", "hello Ada"),
            ("${name}${name}", "AdaAda"),
            ("${ name } on ${voipbin.call.id}", "Ada on 7"),
            ("${unknown}.", "."),
            ("$name ${", "$name ${"),
            ("${name", "${name"),
            ("é${name}é", "éAdaé"),
        ];
        for (text, filled) in cases {
            assert_eq!(variables.fill(text), filled, "{text}");
        }
    }

    #[test]
    fn a_text_is_not_filled_in_twice() {
        let mut variables = Variables::default();
        variables.set("a", "${b}").expect("it fits");
        variables.set("b", "${a}").expect("it fits");
        assert_eq!(variables.fill("${a}"), "${b}");
    }

    #[test]
    fn what_is_too_much_is_refused_and_changes_nothing() {
        let mut variables = Variables::default();
        assert_eq!(variables.set("", "x"), Err(Refused::Name));
        assert_eq!(variables.set("a}", "x"), Err(Refused::Name));
        assert_eq!(variables.set("voipbin.call.id", "x"), Err(Refused::Reserved));
        assert_eq!(variables.set("a", &"x".repeat(limits::VARIABLE + 1)), Err(Refused::Value));
        variables.set("a", &"x".repeat(limits::VARIABLE)).expect("it fits");
        assert_eq!(variables.set("b", &"x".repeat(limits::VARIABLE)), Err(Refused::All));
        variables.set("a", "").expect("it is shorter");
        for at in 1..limits::VARIABLES {
            variables.set(&format!("k{at}"), "x").expect("it fits");
        }
        assert_eq!(variables.set("one more", "x"), Err(Refused::Keys));
        variables.set("a", "y").expect("it is there already");
        assert_eq!(variables.get("a"), Some("y"));
    }

    #[test]
    fn a_text_that_multiplies_itself_has_an_end() {
        let mut variables = Variables::default();
        variables.set("a", &"x".repeat(limits::VARIABLE)).expect("it fits");
        let filled = variables.fill(&"${a}".repeat(1_000)).into_owned();
        assert_eq!(filled.len(), limits::FILLED_TEXT);
    }
}
