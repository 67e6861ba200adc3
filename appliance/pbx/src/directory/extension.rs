//! An extension: a number, a password, and the phones that register with them.

use sip::sdp::Encryption;
use uuid::Uuid;

use crate::UnixMicros;
use crate::command::Rejection;

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
    /// Whether its audio is encrypted; `None`: as the exchange does it.
    pub encryption: Option<Encryption>,
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
    /// See [`Extension::encryption`].
    pub encryption: Option<Encryption>,
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
    /// Whether its audio is encrypted from now on; within: `None`, as the exchange does it.
    pub encryption: Option<Option<Encryption>>,
}

impl NewExtension {
    /// Whether every field can be.
    pub fn validate(&self) -> Result<(), Rejection> {
        validate_number("extension", &self.extension)?;
        if self.password == self.extension {
            return Err(Rejection::Invalid { field: "password", reason: "must not be the extension's number" });
        }
        validate_password(&self.password)?;
        validate_text("name", &self.name)?;
        validate_text("detail", &self.detail)
    }
}

impl ExtensionChange {
    /// Whether every field can be.
    pub fn validate(&self) -> Result<(), Rejection> {
        self.password.as_deref().map_or(Ok(()), validate_password)?;
        self.name.as_deref().map_or(Ok(()), |name| validate_text("name", name))?;
        self.detail.as_deref().map_or(Ok(()), |detail| validate_text("detail", detail))
    }
}

/// Whether a password can be one.
pub fn validate_password(password: &str) -> Result<(), Rejection> {
    let field = "password";
    if password.len() < 6 || password.len() > 128 {
        return Err(Rejection::Invalid { field, reason: "must be 6 to 128 bytes long" });
    }
    if password.chars().any(char::is_control) {
        return Err(Rejection::Invalid { field, reason: "must not contain control characters" });
    }
    Ok(())
}

/// Whether a number can be dialled, and be a SIP user name.
pub fn validate_number(field: &'static str, number: &str) -> Result<(), Rejection> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || "-_.+*#".contains(c);
    if number.is_empty() || number.len() > 32 || !number.chars().all(allowed) {
        return Err(Rejection::Invalid { field, reason: "must be 1 to 32 characters of 0-9 a-z A-Z - _ . + * #" });
    }
    Ok(())
}

/// Whether a text can be shown.
pub fn validate_text(field: &'static str, text: &str) -> Result<(), Rejection> {
    if text.len() > 255 {
        return Err(Rejection::Invalid { field, reason: "must be at most 255 bytes long" });
    }
    if text.chars().any(char::is_control) {
        return Err(Rejection::Invalid { field, reason: "must not contain control characters" });
    }
    Ok(())
}
