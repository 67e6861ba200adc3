//! An extension: a number, a password, and the phones that register with them.

use uuid::Uuid;

use crate::UnixMicros;

/// An extension as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Extension {
    /// Its id, for ever.
    pub id: Uuid,
    /// The number one dials, and the SIP user name: 1 to 32 of `0-9 a-z A-Z - _ . + * #`.
    pub extension: String,
    /// The SIP password (digest needs it, or its hash).
    pub password: String,
    /// The name shown to those who are called.
    pub name: String,
    /// A remark.
    pub detail: String,
    /// When it was made.
    pub created: UnixMicros,
    /// When it was last changed.
    pub updated: UnixMicros,
    /// When it was deleted, if it is.
    pub deleted: Option<UnixMicros>,
}

/// What [`crate::Command::CreateExtension`] needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewExtension {
    /// See [`Extension::extension`].
    pub extension: String,
    /// See [`Extension::password`].
    pub password: String,
    /// See [`Extension::name`].
    pub name: String,
    /// See [`Extension::detail`].
    pub detail: String,
}

/// What [`crate::Command::UpdateExtension`] changes; `None` leaves as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ExtensionChange {
    /// A new password.
    pub password: Option<String>,
    /// A new name.
    pub name: Option<String>,
    /// A new remark.
    pub detail: Option<String>,
}
