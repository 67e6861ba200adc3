//! What the options of an action are made of, as JSON: names stay in the order in which they were written.

use std::fmt;

use pbx::flow::Value;
use serde::de::{DeserializeSeed, Error as _, MapAccess, SeqAccess, Visitor};
use serde::ser::{SerializeMap, SerializeSeq};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::limits;

/// A value that is read from JSON, and written as JSON. What was read is written again as it was, but for whole numbers
/// beyond 64 bits, which become the nearest that a double can hold. A name that stands twice in an object is refused, and
/// so is what is nested deeper than [`limits::VALUE_DEPTH`].
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Tree(pub Value);

/// The same, lent: what is only written need not be copied.
#[derive(Debug, Clone, Copy)]
struct Lent<'a>(&'a Value);

impl Serialize for Tree {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Lent(&self.0).serialize(serializer)
    }
}

impl Serialize for Lent<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Value::Null => serializer.serialize_unit(),
            Value::Bool(yes) => serializer.serialize_bool(*yes),
            Value::Whole(number) => serializer.serialize_i64(*number),
            Value::Real(number) => serializer.serialize_f64(*number),
            Value::Text(text) => serializer.serialize_str(text),
            Value::List(values) => {
                let mut list = serializer.serialize_seq(Some(values.len()))?;
                values.iter().try_for_each(|value| list.serialize_element(&Lent(value)))?;
                list.end()
            }
            Value::Map(entries) => {
                let mut map = serializer.serialize_map(Some(entries.len()))?;
                entries.iter().try_for_each(|(name, value)| map.serialize_entry(name, &Lent(value)))?;
                map.end()
            }
        }
    }
}

impl<'de> Deserialize<'de> for Tree {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Tree, D::Error> {
        Growing { room: limits::VALUE_DEPTH }.deserialize(deserializer).map(Tree)
    }
}

/// A value that is being read.
#[derive(Debug, Clone, Copy)]
struct Growing {
    /// How many lists and objects may be within each other from here.
    room: usize,
}

impl Growing {
    fn deeper<E: serde::de::Error>(self) -> Result<Growing, E> {
        let too_deep = || E::custom(format_args!("nested deeper than {}", limits::VALUE_DEPTH));
        self.room.checked_sub(1).map(|room| Growing { room }).ok_or_else(too_deep)
    }
}

impl<'de> DeserializeSeed<'de> for Growing {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Growing {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, yes: bool) -> Result<Value, E> {
        Ok(Value::Bool(yes))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Value, E> {
        Ok(Value::Whole(number))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Value, E> {
        Ok(i64::try_from(number).map_or(Value::Real(number as f64), Value::Whole))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Value, E> {
        Ok(Value::Real(number))
    }

    fn visit_str<E>(self, text: &str) -> Result<Value, E> {
        Ok(Value::Text(text.to_owned()))
    }

    fn visit_string<E>(self, text: String) -> Result<Value, E> {
        Ok(Value::Text(text))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Value, A::Error> {
        let deeper = self.deeper()?;
        let mut values = Vec::new();
        while let Some(value) = list.next_element_seed(deeper)? {
            values.push(value);
        }
        Ok(Value::List(values))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let deeper = self.deeper()?;
        let mut entries: Vec<(String, Value)> = Vec::new();
        while let Some(name) = map.next_key::<String>()? {
            entries.push((name, map.next_value_seed(deeper)?));
        }
        match twice(&entries) {
            Some(name) => Err(A::Error::custom(format_args!("the name {name:?} stands twice"))),
            None => Ok(Value::Map(entries)),
        }
    }
}

/// A name that stands twice.
fn twice(entries: &[(String, Value)]) -> Option<&str> {
    let mut names: Vec<&str> = entries.iter().map(|(name, _)| name.as_str()).collect();
    names.sort_unstable();
    names.windows(2).find(|pair| pair[0] == pair[1]).map(|pair| pair[0])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> Result<Value, String> {
        serde_json::from_str(json).map(|Tree(value)| value).map_err(|error| error.to_string())
    }

    fn write(value: Value) -> String {
        serde_json::to_string(&Tree(value)).expect("a value can be written")
    }

    #[test]
    fn what_is_read_is_written_again_as_it_was() {
        for json in [
            "null",
            "true",
            "-9223372036854775808",
            "9223372036854775807",
            "0.1",
            "1.0",
            "-0.0",
            "2.2250738585072014e-308",
            "1.7976931348623157e308",
            "9007199254740993.5e-3",
            r#""ü \" \\ \n \u0000 ${voipbin.call.digits} 😀""#,
            "[]",
            "{}",
            r#"{"z":1,"a":[{"":null},[[]]],"m":{"b":false,"a":2.5}}"#,
        ] {
            let value = read(json).expect(json);
            let written = write(value.clone());
            assert_eq!(read(&written), Ok(value), "{json} became {written}");
            if !json.contains("e-3") {
                let same: serde_json::Value = serde_json::from_str(json).expect(json);
                assert_eq!(serde_json::from_str::<serde_json::Value>(&written).expect("JSON"), same);
            }
        }
        assert_eq!(write(read(r#"{"z":1,"a":2,"m":3}"#).expect("an object")), r#"{"z":1,"a":2,"m":3}"#, "in order");
        assert_eq!(write(read("1.0").expect("a number")), "1.0", "a whole number and a real one stay apart");
    }

    #[test]
    fn a_number_that_is_too_large_is_the_nearest_or_refused() {
        assert_eq!(read("9223372036854775808"), Ok(Value::Real(9_223_372_036_854_775_808.0)));
        assert_eq!(read("-9223372036854775809"), Ok(Value::Real(-9_223_372_036_854_775_808.0)));
        assert_eq!(read("123456789012345678901234567890"), Ok(Value::Real(123456789012345678901234567890.0)));
        for json in ["1e400", "-1e999"] {
            assert!(read(json).is_err_and(|error| error.contains("number out of range")), "{json}");
        }
        assert!(read("NaN").is_err());
        assert_eq!(write(Value::Real(f64::INFINITY)), "null", "what JSON has no word for");
    }

    #[test]
    fn depth_has_an_end_and_a_name_stands_once() {
        let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        assert!(read(&nested(limits::VALUE_DEPTH)).is_ok());
        for depth in [limits::VALUE_DEPTH + 1, 127, 1_000, 100_000] {
            let error = read(&nested(depth)).expect_err("too deep");
            assert!(error.contains("nested deeper than 64"), "{error}");
        }
        let objects = format!("{}1{}", r#"{"a":"#.repeat(1_000), "}".repeat(1_000));
        assert!(read(&objects).is_err_and(|error| error.contains("nested deeper than 64")));
        let error = read(r#"{"a":1,"b":2,"a":3}"#).expect_err("twice");
        assert!(error.contains("the name \"a\" stands twice"), "{error}");
    }
}
