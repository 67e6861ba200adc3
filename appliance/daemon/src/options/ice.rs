//! The servers by which pages find their way to the box.

use std::str::FromStr;

use api::webrtc::ice::check_url;
use serde::Deserialize;

/// More than this no browser asks.
const SERVERS: usize = 8;

/// URLs of STUN and TURN servers, with commas between them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct IceUrls(pub Vec<String>);

impl FromStr for IceUrls {
    type Err = String;

    fn from_str(text: &str) -> Result<IceUrls, String> {
        let urls: Vec<&str> = text.split(',').map(str::trim).filter(|url| !url.is_empty()).collect();
        urls.iter().try_for_each(|url| check_url(url))?;
        match urls.len() <= SERVERS {
            true => Ok(IceUrls(urls.into_iter().map(str::to_owned).collect())),
            false => Err(format!("at most {SERVERS} servers")),
        }
    }
}

impl TryFrom<String> for IceUrls {
    type Error = String;

    fn try_from(text: String) -> Result<IceUrls, String> {
        text.parse()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn servers_stand_between_commas_and_the_wrong_one_is_named() {
        let two: IceUrls = "stun:stun.example, turn:turn.example?transport=tcp".parse().expect("both are");
        assert_eq!(two.0, ["stun:stun.example", "turn:turn.example?transport=tcp"]);
        assert_eq!("".parse(), Ok(IceUrls::default()));
        let wrong = "stun:a,http://b".parse::<IceUrls>().expect_err("the second is none");
        assert!(wrong.starts_with("'http://b' is none of stun:"), "{wrong}");
        assert_eq!("stun:a,".repeat(9).parse::<IceUrls>(), Err("at most 8 servers".to_owned()));
    }
}
