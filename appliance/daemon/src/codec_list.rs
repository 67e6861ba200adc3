//! The codecs that the box offers, as the administrator writes them: `opus,g722,pcma,pcmu`.

use std::fmt;
use std::str::FromStr;

use media::Codec;
use serde::Deserialize;

/// Codecs that we speak ourselves, best first, each once, at least one.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct CodecList(Vec<Codec>);

impl CodecList {
    /// The codecs.
    pub fn codecs(&self) -> &[Codec] {
        &self.0
    }
}

impl Default for CodecList {
    fn default() -> CodecList {
        CodecList(pbx::settings::CODECS.to_vec())
    }
}

impl FromStr for CodecList {
    type Err = String;

    fn from_str(text: &str) -> Result<CodecList, String> {
        let mut codecs = Vec::new();
        for name in text.split(',').map(str::trim) {
            let codec =
                Codec::from_setting(name).ok_or_else(|| format!("'{name}' is none of opus, g722, pcma, pcmu, l16"))?;
            if !codec.is_ours() {
                return Err(format!("{name} is passed on where both phones have it, and never offered by itself"));
            }
            if codecs.contains(&codec) {
                return Err(format!("{name} stands there twice"));
            }
            codecs.push(codec);
        }
        Ok(CodecList(codecs))
    }
}

impl TryFrom<String> for CodecList {
    type Error = String;

    fn try_from(text: String) -> Result<CodecList, String> {
        text.parse()
    }
}

impl fmt::Display for CodecList {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<String> = self.0.iter().map(|codec| codec.name().to_lowercase()).collect();
        f.write_str(&names.join(","))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_read_in_its_order() {
        let list: CodecList = "PCMA, opus".parse().expect("two codecs");
        assert_eq!(list.codecs(), [Codec::Pcma, Codec::Opus]);
        assert_eq!(list.to_string(), "pcma,opus");
        assert_eq!(CodecList::default().to_string(), "opus,g722,pcma,pcmu");
    }

    #[test]
    fn a_wrong_list_says_what_is_wrong() {
        for (wrong, why) in
            [("", "''"), ("opus,", "''"), ("mp3", "'mp3'"), ("g729", "passed on"), ("opus,OPUS", "twice")]
        {
            let reason = wrong.parse::<CodecList>().expect_err(wrong);
            assert!(reason.contains(why), "{wrong}: {reason}");
        }
    }
}
