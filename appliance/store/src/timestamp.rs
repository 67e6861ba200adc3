//! Moments as the API writes them: RFC 3339, UTC, microseconds.

use pbx::UnixMicros;
use rusqlite::ToSql;
use rusqlite::types::{FromSql, FromSqlResult, ToSqlOutput, ValueRef};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use time::format_description::well_known::Rfc3339;
use time::{OffsetDateTime, PrimitiveDateTime, UtcOffset};

/// A moment in microseconds since 1970-01-01T00:00:00Z, between the years 0 and 9999.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, utoipa::ToSchema)]
#[schema(value_type = String, format = DateTime, example = "2026-11-22T10:26:00.123456Z")]
pub struct Timestamp(pub i64);

const EARLIEST: i64 = -62_167_219_200_000_000;
const LATEST: i64 = 253_402_300_799_999_999;
const TEXT: usize = "2026-11-22T10:26:00.123456Z".len();

impl Timestamp {
    /// Reads RFC 3339 with any offset, or VoIPBIN's older `YYYY-MM-DD HH:MM:SS.ffffff`, which is UTC.
    pub fn parse(text: &str) -> Option<Timestamp> {
        let older =
            time::macros::format_description!("[year]-[month]-[day] [hour]:[minute]:[second][optional [.[subsecond]]]");
        let moment = OffsetDateTime::parse(text, &Rfc3339)
            .or_else(|_| PrimitiveDateTime::parse(text, older).map(PrimitiveDateTime::assume_utc))
            .ok()?
            .to_offset(UtcOffset::UTC);
        i64::try_from(moment.unix_timestamp_nanos() / 1_000).ok().map(Timestamp)
    }

    /// The text, without allocating: every event carries half a dozen of these.
    fn write(self, out: &mut [u8; TEXT]) -> &str {
        let micros = self.0.clamp(EARLIEST, LATEST);
        let (day, in_day) = (micros.div_euclid(86_400_000_000), micros.rem_euclid(86_400_000_000));
        let (year, month, date) = civil(day);
        let seconds = in_day / 1_000_000;
        *out = *b"0000-00-00T00:00:00.000000Z";
        let mut put = |at: usize, width: usize, mut value: i64| {
            for place in out[at..at + width].iter_mut().rev() {
                *place = b'0' + (value % 10) as u8;
                value /= 10;
            }
        };
        put(0, 4, year);
        put(5, 2, month);
        put(8, 2, date);
        put(11, 2, seconds / 3600);
        put(14, 2, seconds / 60 % 60);
        put(17, 2, seconds % 60);
        put(20, 6, in_day % 1_000_000);
        std::str::from_utf8(out).expect("only ASCII digits were put into an ASCII pattern")
    }
}

/// The civil date of a day counted from 1970-01-01 (the era arithmetic of Hinnant's `civil_from_days`).
fn civil(day: i64) -> (i64, i64, i64) {
    let shifted = day + 719_468;
    let era = shifted.div_euclid(146_097);
    let of_era = shifted.rem_euclid(146_097);
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * of_year + 2) / 153;
    let date = of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    (year_of_era + era * 400 + i64::from(month <= 2), month, date)
}

impl std::fmt::Display for Timestamp {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.write(&mut [0; TEXT]))
    }
}

impl From<UnixMicros> for Timestamp {
    fn from(moment: UnixMicros) -> Timestamp {
        Timestamp(moment.0)
    }
}

impl From<Timestamp> for UnixMicros {
    fn from(moment: Timestamp) -> UnixMicros {
        UnixMicros(moment.0)
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.write(&mut [0; TEXT]))
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Timestamp, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        Timestamp::parse(&text).ok_or_else(|| serde::de::Error::custom("not a date and time as RFC 3339 has them"))
    }
}

impl ToSql for Timestamp {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(self.0.into())
    }
}

impl FromSql for Timestamp {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Timestamp> {
        value.as_i64().map(Timestamp)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn agrees_with_the_time_crate_over_ten_thousand_years() {
        let mut micros = EARLIEST;
        while micros < LATEST {
            let ours = Timestamp(micros).to_string();
            let theirs = OffsetDateTime::parse(&ours, &Rfc3339).expect(&ours);
            assert_eq!(theirs.unix_timestamp_nanos() / 1_000, i128::from(micros), "{ours}");
            micros += 3_123_456_789_123;
        }
    }

    #[test]
    fn reads_both_spellings_and_refuses_others() {
        let moment = Timestamp(1_795_342_560_123_456);
        assert_eq!(moment.to_string(), "2026-11-22T10:16:00.123456Z");
        for text in ["2026-11-22T10:16:00.123456Z", "2026-11-22T11:16:00.123456+01:00", "2026-11-22 10:16:00.123456"] {
            assert_eq!(Timestamp::parse(text), Some(moment), "{text}");
        }
        for text in ["", "yesterday", "2026-13-01T00:00:00Z", "2026-11-22"] {
            assert_eq!(Timestamp::parse(text), None, "{text}");
        }
    }

    #[test]
    fn a_moment_beyond_the_calendar_is_clamped() {
        assert_eq!(Timestamp(i64::MAX).to_string(), "9999-12-31T23:59:59.999999Z");
        assert_eq!(Timestamp(i64::MIN).to_string(), "0000-01-01T00:00:00.000000Z");
    }
}
