//! Enumerations that leave the box as words, and lie in the database as the same words.

/// Makes an enumeration whose public form and whose column is a word. Order is that of the variants.
macro_rules! words {
    ($(#[$meta:meta])* $name:ident as $schema:literal { $($variant:ident = $word:literal),+ $(,)? }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
        #[schema(title = $schema)]
        #[allow(missing_docs)]
        pub enum $name {
            $( #[serde(rename = $word)] $variant ),+
        }

        impl $name {
            /// The API's word.
            pub const fn word(self) -> &'static str {
                match self { $( $name::$variant => $word ),+ }
            }

            /// The value with this word.
            pub fn from_word(word: &str) -> Option<$name> {
                match word { $( $word => Some($name::$variant), )+ _ => None }
            }
        }

        impl rusqlite::ToSql for $name {
            fn to_sql(&self) -> rusqlite::Result<rusqlite::types::ToSqlOutput<'_>> {
                Ok(rusqlite::types::ToSqlOutput::Borrowed(rusqlite::types::ValueRef::Text(self.word().as_bytes())))
            }
        }

        impl rusqlite::types::FromSql for $name {
            fn column_result(value: rusqlite::types::ValueRef<'_>) -> rusqlite::types::FromSqlResult<$name> {
                let word = value.as_str()?;
                $name::from_word(word).ok_or_else(|| {
                    rusqlite::types::FromSqlError::Other(format!("unknown word {word:?} in a column").into())
                })
            }
        }
    };
}

pub(crate) use words;
