//! How an event's JSON lies in the log: packed (LZ4) with the help of a dictionary, since one event is much like another. Flash is
//! written for each, and wears.
//!
//! A blob is the number of the dictionary, the length of the JSON (32 bits, little endian), an LZ4 block. Text is JSON as it is: what
//! packing does not make shorter, and what was written before there was any.

use rusqlite::types::{ToSqlOutput, ValueRef};

use crate::Error;

/// What events have in common. It never changes: what was packed by it is read by it. A better one gets another number.
const DICTIONARY: &[u8] = include_bytes!("dictionary.json");
const NUMBER: u8 = 1;
/// Octets before the block.
const HEAD: usize = 5;
/// Longer JSON has enough in common with itself, and nobody is made to believe that it is longer than this.
const LONGEST: usize = 16 << 20;

/// What is written for an event.
pub(super) fn pack(json: &str) -> ToSqlOutput<'_> {
    let plain = ToSqlOutput::Borrowed(ValueRef::Text(json.as_bytes()));
    if json.len() > LONGEST {
        return plain;
    }
    let block = lz4_flex::block::compress_with_dict(json.as_bytes(), DICTIONARY);
    if block.len() + HEAD >= json.len() {
        return plain;
    }
    let mut packed = Vec::with_capacity(HEAD + block.len());
    packed.push(NUMBER);
    packed.extend_from_slice(&(json.len() as u32).to_le_bytes());
    packed.extend_from_slice(&block);
    ToSqlOutput::Owned(packed.into())
}

/// The JSON of what was written.
pub(crate) fn unpack(value: ValueRef<'_>) -> Result<String, Error> {
    let damaged = || Error::Value("event");
    let octets = match value {
        ValueRef::Text(json) => json.to_vec(),
        ValueRef::Blob([NUMBER, a, b, c, d, block @ ..]) => {
            let length = u32::from_le_bytes([*a, *b, *c, *d]) as usize;
            let whole = Some(length).filter(|length| *length <= LONGEST).ok_or_else(damaged)?;
            let json = lz4_flex::block::decompress_with_dict(block, whole, DICTIONARY).map_err(|_| damaged())?;
            Some(json).filter(|json| json.len() == length).ok_or_else(damaged)?
        }
        _ => return Err(damaged()),
    };
    String::from_utf8(octets).map_err(|_| damaged())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packed(json: &str) -> Vec<u8> {
        match pack(json) {
            ToSqlOutput::Owned(rusqlite::types::Value::Blob(packed)) => packed,
            other => panic!("it is not packed: {other:?}"),
        }
    }

    #[test]
    fn an_event_is_much_shorter_than_its_json() {
        let call = r#"{"id":"6ecdbe6a-24d0-402c-9339-5ab836fbe41e","customer_id":"c1722917-5749-4ae4-b23d-7f1efe15ad80","owner_type":"","owner_id":"00000000-0000-0000-0000-000000000000","flow_id":"00000000-0000-0000-0000-000000000000","activeflow_id":"00000000-0000-0000-0000-000000000000","type":"flow","master_call_id":"1017c87f-e11a-4fe5-b10b-1d22be394505","chained_call_ids":[],"recording_id":"00000000-0000-0000-0000-000000000000","recording_ids":[],"groupcall_id":"717a5b3e-9cb6-4f0a-a6d3-15dfc49090bd","source":{"type":"extension","target":"1025","target_name":"1025","name":"","detail":""},"status":"hangup","tm_hangup":"2026-11-23T00:48:24.099701Z"}"#;
        let packed = packed(call);
        assert!(packed.len() * 5 < call.len() * 2, "{} of {}", packed.len(), call.len());
        assert_eq!(unpack(ValueRef::Blob(&packed)).expect("it is ours"), call);
    }

    #[test]
    fn whatever_json_is_written_is_read() {
        let long = format!(r#"["{}"]"#, "0123456789abcdef".repeat(20_000));
        for json in ["{}", "null", r#"{"source":"192.0.2.1"}"#, "\"ä€𝄞\"", &long] {
            let written = pack(json);
            let read = match &written {
                ToSqlOutput::Borrowed(value) => unpack(*value),
                ToSqlOutput::Owned(value) => unpack(value.into()),
                other => panic!("{other:?}"),
            };
            assert_eq!(read.expect("it is ours"), json);
        }
    }

    #[test]
    fn what_is_damaged_is_told() {
        let good = packed(&r#"{"type":"extension"}"#.repeat(9));
        for end in 0..good.len() {
            assert!(unpack(ValueRef::Blob(&good[..end])).is_err(), "{end} of {}", good.len());
        }
        for at in 0..HEAD {
            let mut bad = good.clone();
            bad[at] ^= 0x80;
            assert!(unpack(ValueRef::Blob(&bad)).is_err(), "octet {at}");
        }
        assert!(unpack(ValueRef::Null).is_err() && unpack(ValueRef::Integer(3)).is_err());
        assert!(unpack(ValueRef::Text(&[0xFF])).is_err());
    }
}
