//! Whether audio is encrypted with an extension or a provider, as the API and the database say it.

use pbx::directory::Encryption as Set;

use crate::word::words;

words! {
    /// Whether audio is encrypted: never, where the other side can, or always, so that who cannot is refused. Empty: as the box
    /// is set (`--encryption`).
    Encryption as "Encryption" { OfTheBox = "", Off = "off", Optional = "optional", Required = "required" }
}

impl From<Option<Set>> for Encryption {
    fn from(set: Option<Set>) -> Encryption {
        match set {
            None => Encryption::OfTheBox,
            Some(Set::Off) => Encryption::Off,
            Some(Set::Optional) => Encryption::Optional,
            Some(Set::Required) => Encryption::Required,
        }
    }
}

impl From<Encryption> for Option<Set> {
    fn from(said: Encryption) -> Option<Set> {
        match said {
            Encryption::OfTheBox => None,
            Encryption::Off => Some(Set::Off),
            Encryption::Optional => Some(Set::Optional),
            Encryption::Required => Some(Set::Required),
        }
    }
}

impl Encryption {
    /// What counts where nothing is said.
    pub fn of_the_box() -> Encryption {
        Encryption::OfTheBox
    }
}
