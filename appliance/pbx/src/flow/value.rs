//! What the options of an action are made of, in whatever notation they came: a tree of texts, numbers, lists and maps.

use std::borrow::Cow;
use std::fmt;

/// A value. Maps keep the order in which they were written.
#[derive(Debug, Clone, PartialEq, Default)]
pub enum Value {
    /// Nothing.
    #[default]
    Null,
    /// Yes or no.
    Bool(bool),
    /// A whole number.
    Whole(i64),
    /// A number with a fraction, or one too large for [`Value::Whole`].
    Real(f64),
    /// A text.
    Text(String),
    /// Several values.
    List(Vec<Value>),
    /// Named values.
    Map(Vec<(String, Value)>),
}

impl Value {
    /// The value of a name in a map; of a name that stands twice, the last.
    pub fn get(&self, name: &str) -> Option<&Value> {
        match self {
            Value::Map(entries) => entries.iter().rev().find(|(key, _)| key == name).map(|(_, value)| value),
            _ => None,
        }
    }

    /// What it takes in memory, about, in bytes.
    pub fn weight(&self) -> usize {
        match self {
            Value::Null | Value::Bool(_) | Value::Whole(_) | Value::Real(_) => 0,
            Value::Text(text) => text.len(),
            Value::List(values) => values.iter().map(|value| size_of::<Value>() + value.weight()).sum(),
            Value::Map(entries) => {
                let entry = size_of::<(String, Value)>();
                entries.iter().map(|(name, value)| entry + name.len() + value.weight()).sum()
            }
        }
    }

    /// The text that stands for it in a sentence: numbers in decimal, nothing for nothing, no text for lists and maps.
    pub fn text(&self) -> Option<Cow<'_, str>> {
        match self {
            Value::Null => Some(Cow::Borrowed("")),
            Value::Bool(yes) => Some(Cow::Borrowed(if *yes { "true" } else { "false" })),
            Value::Whole(number) => Some(Cow::Owned(number.to_string())),
            Value::Real(number) => Some(Cow::Owned(number.to_string())),
            Value::Text(text) => Some(Cow::Borrowed(text)),
            Value::List(_) | Value::Map(_) => None,
        }
    }

    /// What it is, for people who wrote another thing.
    pub fn kind(&self) -> &'static str {
        match self {
            Value::Null => "nothing",
            Value::Bool(_) => "a boolean",
            Value::Whole(_) | Value::Real(_) => "a number",
            Value::Text(_) => "a string",
            Value::List(_) => "a list",
            Value::Map(_) => "an object",
        }
    }

    /// The same tree with other texts. Names of a map stay as they are.
    pub fn map_texts(&self, change: &mut impl FnMut(&str) -> String) -> Value {
        match self {
            Value::Text(text) => Value::Text(change(text)),
            Value::List(values) => Value::List(values.iter().map(|value| value.map_texts(change)).collect()),
            Value::Map(entries) => {
                Value::Map(entries.iter().map(|(name, value)| (name.clone(), value.map_texts(change))).collect())
            }
            plain => plain.clone(),
        }
    }
}

/// For people: texts without quotes, lists and maps in their brackets.
impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Value::List(values) => {
                f.write_str("[")?;
                for (at, value) in values.iter().enumerate() {
                    write!(f, "{}{value}", if at == 0 { "" } else { ", " })?;
                }
                f.write_str("]")
            }
            Value::Map(entries) => {
                f.write_str("{")?;
                for (at, (name, value)) in entries.iter().enumerate() {
                    write!(f, "{}{name}: {value}", if at == 0 { "" } else { ", " })?;
                }
                f.write_str("}")
            }
            plain => f.write_str(&plain.text().unwrap_or_default()),
        }
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Value {
        Value::Text(text.into())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Value {
        Value::Text(text)
    }
}

impl From<i64> for Value {
    fn from(number: i64) -> Value {
        Value::Whole(number)
    }
}

impl From<bool> for Value {
    fn from(yes: bool) -> Value {
        Value::Bool(yes)
    }
}

impl<V: Into<Value>> From<Vec<V>> for Value {
    fn from(values: Vec<V>) -> Value {
        Value::List(values.into_iter().map(Into::into).collect())
    }
}

impl<const N: usize> From<[(&str, Value); N]> for Value {
    fn from(entries: [(&str, Value); N]) -> Value {
        Value::Map(entries.into_iter().map(|(name, value)| (name.to_string(), value)).collect())
    }
}
