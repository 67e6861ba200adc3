//! Reads the options of an action, and says where one is not what it should be.

use std::ops::RangeInclusive;
use std::time::Duration;

use uuid::Uuid;

use crate::call::{Address, AddressKind};
use crate::flow::value::Value;
use crate::limits;

/// An option that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{at}: {reason}")]
pub struct Fault {
    /// The option, as a path: `destinations[1].type`.
    pub at: String,
    /// What is wrong.
    pub reason: String,
}

impl Fault {
    /// A fault of one option.
    pub fn new(at: impl Into<String>, reason: impl Into<String>) -> Fault {
        Fault { at: at.into(), reason: reason.into() }
    }
}

/// The options of one action.
#[derive(Debug, Clone, Copy)]
pub struct Options<'a> {
    /// As they were written.
    written: &'a Value,
    /// With their variables filled in.
    filled: &'a Value,
}

impl<'a> Options<'a> {
    /// The options of an action that is about to run.
    pub fn new(written: &'a Value, filled: &'a Value) -> Options<'a> {
        Options { written, filled }
    }

    /// Options that nobody runs yet: where a variable will stand, anything may.
    pub fn draft(written: &'a Value) -> Options<'a> {
        Options { written, filled: written }
    }

    /// An option as it was written, before variables were filled in.
    pub fn written(&self, name: &str) -> &'a str {
        match self.written.get(name) {
            Some(Value::Text(text)) => text,
            _ => "",
        }
    }

    /// An option of any kind.
    pub fn value(&self, name: &str) -> Option<&'a Value> {
        self.filled.get(name).filter(|value| **value != Value::Null)
    }

    /// A text; empty where there is none.
    pub fn text(&self, name: &str) -> Result<String, Fault> {
        let Some(value) = self.value(name) else { return Ok(String::new()) };
        let text = value.text().ok_or_else(|| unexpected(name, "a string", value))?;
        Ok(text.into_owned())
    }

    /// A text that has to be there.
    pub fn needed(&self, name: &str) -> Result<String, Fault> {
        let text = self.text(name)?;
        if text.is_empty() { Err(Fault::new(name, "is missing")) } else { Ok(text) }
    }

    /// Where a web server is.
    pub fn url(&self, name: &str) -> Result<String, Fault> {
        let url = self.needed(name)?;
        let is_web = url.starts_with("http://") || url.starts_with("https://");
        if is_web || is_to_be_filled(&url) { Ok(url) } else { Err(Fault::new(name, "is not an http or https URL")) }
    }

    /// A whole number within bounds.
    pub fn whole(&self, name: &str, default: i64, bounds: RangeInclusive<i64>) -> Result<i64, Fault> {
        let number = match self.value(name) {
            None => default,
            Some(Value::Whole(number)) => *number,
            Some(Value::Text(text)) if text.trim().is_empty() => default,
            Some(Value::Text(text)) if is_to_be_filled(text) => default,
            Some(value @ Value::Text(text)) => {
                text.trim().parse().map_err(|_| unexpected(name, "a whole number", value))?
            }
            Some(value) => return Err(unexpected(name, "a whole number", value)),
        };
        if bounds.contains(&number) {
            return Ok(number);
        }
        Err(Fault::new(name, format!("{number} is not within {} to {}", bounds.start(), bounds.end())))
    }

    /// A time in milliseconds.
    pub fn milliseconds(&self, name: &str, default: i64, bounds: RangeInclusive<i64>) -> Result<Duration, Fault> {
        self.whole(name, default, bounds).map(|number| Duration::from_millis(number as u64))
    }

    /// A time in seconds; `None` for 0.
    pub fn seconds(&self, name: &str, most: Duration) -> Result<Option<Duration>, Fault> {
        let number = self.whole(name, 0, 0..=most.as_secs() as i64)?;
        Ok((number > 0).then(|| Duration::from_secs(number as u64)))
    }

    /// Yes or no; no where nothing is said.
    pub fn flag(&self, name: &str) -> Result<bool, Fault> {
        match self.value(name) {
            None => Ok(false),
            Some(Value::Bool(yes)) => Ok(*yes),
            Some(Value::Text(text)) => match text.trim() {
                "" | "false" | "no" | "0" => Ok(false),
                "true" | "yes" | "1" => Ok(true),
                text if is_to_be_filled(text) => Ok(false),
                _ => Err(Fault::new(name, "is not true or false")),
            },
            Some(value) => Err(unexpected(name, "a boolean", value)),
        }
    }

    /// One of several words; the first where nothing is said.
    pub fn word<T: Copy>(&self, name: &str, words: &[(&'static str, T)]) -> Result<T, Fault> {
        let text = self.text(name)?;
        let (_, first) = words.first().ok_or_else(|| Fault::new(name, "has no values"))?;
        if text.is_empty() || is_to_be_filled(&text) {
            return Ok(*first);
        }
        words.iter().find(|(word, _)| *word == text).map(|(_, value)| *value).ok_or_else(|| {
            let known: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
            Fault::new(name, format!("is not one of {}", known.join(", ")))
        })
    }

    /// An id; none where nothing is said or all its digits are zero.
    pub fn id(&self, name: &str) -> Result<Option<Uuid>, Fault> {
        let text = self.text(name)?;
        if text.is_empty() || is_to_be_filled(&text) {
            return Ok(None);
        }
        let id = Uuid::parse_str(text.trim()).map_err(|_| Fault::new(name, "is not a UUID"))?;
        Ok((!id.is_nil()).then_some(id))
    }

    /// An id that has to be there. Nil in a draft that gets it from a variable.
    pub fn needed_id(&self, name: &str) -> Result<Uuid, Fault> {
        match self.id(name)? {
            Some(id) => Ok(id),
            None if is_to_be_filled(self.written(name)) && self.is_draft() => Ok(Uuid::nil()),
            None => Err(Fault::new(name, "is missing")),
        }
    }

    /// A list.
    pub fn list(&self, name: &str) -> Result<&'a [Value], Fault> {
        match self.value(name) {
            None => Ok(&[]),
            Some(Value::List(values)) => Ok(values),
            Some(value) => Err(unexpected(name, "a list", value)),
        }
    }

    /// A list of texts.
    pub fn texts(&self, name: &str) -> Result<Vec<String>, Fault> {
        let text = |(at, value): (usize, &Value)| match value {
            Value::Text(text) => Ok(text.clone()),
            other => Err(unexpected(&format!("{name}[{at}]"), "a string", other)),
        };
        self.list(name)?.iter().enumerate().map(text).collect()
    }

    /// The entries of an object.
    pub fn entries(&self, name: &str) -> Result<&'a [(String, Value)], Fault> {
        match self.value(name) {
            None => Ok(&[]),
            Some(Value::Map(entries)) => Ok(entries),
            Some(value) => Err(unexpected(name, "an object", value)),
        }
    }

    /// An address, if there is one.
    pub fn address(&self, name: &str) -> Result<Option<Address>, Fault> {
        self.value(name).map(|value| address(name, value)).transpose()
    }

    /// A list of addresses; at least one, and not too many.
    pub fn destinations(&self) -> Result<Vec<Address>, Fault> {
        let name = "destinations";
        let values = self.list(name)?;
        if values.is_empty() {
            return Err(Fault::new(name, "is missing"));
        }
        if values.len() > limits::DESTINATIONS {
            return Err(Fault::new(name, format!("are more than {}", limits::DESTINATIONS)));
        }
        values.iter().enumerate().map(|(at, value)| address(&format!("{name}[{at}]"), value)).collect()
    }

    fn is_draft(&self) -> bool {
        std::ptr::eq(self.written, self.filled)
    }
}

/// Reads VoIPBIN's `{type, target, target_name, …}`.
pub fn address(at: &str, value: &Value) -> Result<Address, Fault> {
    if !matches!(value, Value::Map(_)) {
        return Err(unexpected(at, "an address", value));
    }
    let text = |name: &str| match value.get(name) {
        None | Some(Value::Null) => Ok(String::new()),
        Some(Value::Text(text)) => Ok(text.clone()),
        Some(other) => Err(unexpected(&format!("{at}.{name}"), "a string", other)),
    };
    let (word, target, target_name) = (text("type")?, text("target")?, text("target_name")?);
    let kind = match AddressKind::from_name(&word) {
        Some(kind) => kind,
        None if is_to_be_filled(&word) => AddressKind::default(),
        None => return Err(Fault::new(format!("{at}.type"), "is not one of extension, sip, tel, conference, agent")),
    };
    if target.is_empty() {
        return Err(Fault::new(format!("{at}.target"), "is missing"));
    }
    Ok(Address { kind, target, target_name })
}

/// Whether a variable stands in it.
fn is_to_be_filled(text: &str) -> bool {
    text.contains("${")
}

fn unexpected(at: &str, wanted: &str, found: &Value) -> Fault {
    Fault::new(at, format!("is {}, not {wanted}", found.kind()))
}
