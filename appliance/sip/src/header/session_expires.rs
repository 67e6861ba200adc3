//! Session-Expires: how long a session lives without a refresh, and who refreshes (RFC 4028 §4).

use bytes::Bytes;

use super::{Fault, HeaderError, Params, TypedHeader};
use crate::message::{
    HeaderName,
    token::{seconds, trim, write_number},
};

/// Who sends the refreshing re-INVITE or UPDATE.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refresher {
    /// Who sent the request that carries or is answered with the header.
    Uac,
    /// Who answers it.
    Uas,
}

/// The life of a session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionExpires {
    /// Seconds.
    pub seconds: u32,
    /// Who refreshes, if it is said.
    pub refresher: Option<Refresher>,
    /// All other parameters.
    pub params: Params,
}

impl SessionExpires {
    /// A life in seconds, refreshed by one side.
    pub fn new(seconds: u32, refresher: Option<Refresher>) -> SessionExpires {
        SessionExpires { seconds, refresher, params: Params::new() }
    }
}

/// Reads `seconds;params`.
pub(super) fn seconds_and_params(value: &Bytes) -> Result<(u32, Params), Fault> {
    let end = value.iter().position(|&b| b == b';').unwrap_or(value.len());
    let seconds = seconds(trim(&value[..end])).ok_or(Fault { offset: 0, reason: "not a number of seconds" })?;
    let params = Params::parse(value.slice(end..)).map_err(|fault| fault.behind(end))?;
    Ok((seconds, params))
}

impl TypedHeader for SessionExpires {
    const NAME: HeaderName = HeaderName::SessionExpires;

    fn parse(value: &Bytes) -> Result<SessionExpires, HeaderError> {
        let (seconds, mut params) = seconds_and_params(value).map_err(|fault| fault.of(Self::NAME))?;
        let refresher = params.take("refresher").and_then(|word| match word.to_ascii_lowercase().as_slice() {
            b"uac" => Some(Refresher::Uac),
            b"uas" => Some(Refresher::Uas),
            _ => None,
        });
        Ok(SessionExpires { seconds, refresher, params })
    }

    fn write(&self, out: &mut Vec<u8>) {
        write_number(out, u64::from(self.seconds));
        match self.refresher {
            None => {}
            Some(Refresher::Uac) => out.extend_from_slice(b";refresher=uac"),
            Some(Refresher::Uas) => out.extend_from_slice(b";refresher=uas"),
        }
        self.params.write(out);
    }
}
