//! Short texts of session descriptions: the usual ones are not copied.

use std::borrow::Cow;

/// A short text.
pub type Word = Cow<'static, str>;

/// The usual words, in the order of the first letter.
const USUAL: [&str; 28] = [
    "-",
    "0 0",
    "0-15",
    "0-16",
    "CN",
    "G722",
    "G729",
    "GSM",
    "L16",
    "PCMA",
    "PCMU",
    "RTP/AVP",
    "RTP/AVPF",
    "RTP/SAVP",
    "RTP/SAVPF",
    "UDP/TLS/RTP/SAVPF",
    "annexb=no",
    "audio",
    "call",
    "image",
    "opus",
    "rtcp-mux",
    "t38",
    "talk",
    "telephone-event",
    "udptl",
    "useinbandfec=1",
    "video",
];

/// The text as a word.
pub(super) fn word(text: &str) -> Word {
    match USUAL.iter().find(|usual| **usual == text) {
        Some(usual) => Cow::Borrowed(usual),
        None => number(text).map_or_else(|| Cow::Owned(text.to_owned()), Cow::Borrowed),
    }
}

/// A payload type as a word.
pub(super) fn number_word(number: u8) -> Word {
    NUMBERS.get(usize::from(number)).map_or_else(|| Cow::Owned(number.to_string()), |word| Cow::Borrowed(*word))
}

/// The same digits, if they are those of a payload type.
fn number(text: &str) -> Option<&'static str> {
    let number: usize = text.parse().ok().filter(|_| text.len() <= 3)?;
    NUMBERS.get(number).copied().filter(|word| *word == text)
}

const NUMBERS: [&str; 128] = [
    "0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11", "12", "13", "14", "15", "16", "17", "18", "19", "20",
    "21", "22", "23", "24", "25", "26", "27", "28", "29", "30", "31", "32", "33", "34", "35", "36", "37", "38", "39",
    "40", "41", "42", "43", "44", "45", "46", "47", "48", "49", "50", "51", "52", "53", "54", "55", "56", "57", "58",
    "59", "60", "61", "62", "63", "64", "65", "66", "67", "68", "69", "70", "71", "72", "73", "74", "75", "76", "77",
    "78", "79", "80", "81", "82", "83", "84", "85", "86", "87", "88", "89", "90", "91", "92", "93", "94", "95", "96",
    "97", "98", "99", "100", "101", "102", "103", "104", "105", "106", "107", "108", "109", "110", "111", "112", "113",
    "114", "115", "116", "117", "118", "119", "120", "121", "122", "123", "124", "125", "126", "127",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_what_they_were() {
        for text in USUAL.into_iter().chain(NUMBERS).chain(["", "128", "007", "+1", "x", "Audio"]) {
            assert_eq!(word(text), text);
        }
        assert!(matches!(word("101"), Cow::Borrowed(_)) && matches!(word("007"), Cow::Owned(_)));
        assert_eq!((number_word(127), number_word(200)), (Word::from("127"), Word::from("200")));
    }
}
