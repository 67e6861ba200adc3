//! Reads a tone as it is written, at compile time too.

use super::{DEPTH, LEVEL, PARTS, Part, Segment, Sound, Tone};
use crate::limits;

/// Why a text is no tone. The number says where, in octets from the beginning.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum ToneError {
    /// A number was expected.
    #[error("a number is missing at octet {0}")]
    Number(usize),
    /// A frequency that nobody hears on a telephone, or no level that fits.
    #[error(
        "the number before octet {0} is out of range: hertz 10–20,000, decibels −50 to 8, milliseconds up to 3,600,000"
    )]
    Range(usize),
    /// More than four frequencies at once.
    #[error("more than {PARTS} frequencies at octet {0}")]
    Parts(usize),
    /// More segments than fit.
    #[error("more than {most} segments at octet {0}", most = limits::TONE_SEGMENTS)]
    Segments(usize),
    /// `!` after a segment without it.
    #[error("the segment at octet {0} sounds once, and stands behind one that is repeated")]
    Order(usize),
    /// Something else than what may follow.
    #[error("unexpected octet {0}")]
    Unexpected(usize),
}

/// How much less than all together each of one to four equal frequencies has, in tenths of a decibel.
const SHARE: [i16; PARTS] = [0, 30, 48, 60];

/// What the sidebands of a modulated tone take from its carrier, in tenths of a decibel: 10 · log₁₀(1 + 0.9² / 2).
const SIDEBANDS: i16 = 15;
const _: () = assert!(DEPTH == 90, "the level of a modulated tone depends on its depth");

struct Reader<'a> {
    text: &'a [u8],
    at: usize,
}

/// Reads a whole tone.
pub(super) const fn parse(text: &str) -> Result<Tone, ToneError> {
    let mut reader = Reader { text: text.as_bytes(), at: 0 };
    let mut tone = Tone { segments: [Segment::NONE; limits::TONE_SEGMENTS], len: 0, once: 0 };
    loop {
        let start = reader.at;
        if tone.len as usize == limits::TONE_SEGMENTS {
            return Err(ToneError::Segments(start));
        }
        if reader.took(b'!') {
            if tone.once != tone.len {
                return Err(ToneError::Order(start));
            }
            tone.once += 1;
        }
        match reader.segment() {
            Ok(segment) => tone.segments[tone.len as usize] = segment,
            Err(error) => return Err(error),
        }
        tone.len += 1;
        if reader.at == reader.text.len() {
            return Ok(tone);
        }
        if !reader.took(b',') {
            return Err(ToneError::Unexpected(reader.at));
        }
    }
}

impl Reader<'_> {
    const fn segment(&mut self) -> Result<Segment, ToneError> {
        let mut sound = match self.sound() {
            Ok(sound) => sound,
            Err(error) => return Err(error),
        };
        if self.took(b'@') {
            match self.decibels() {
                Ok(decibels) => sound = louder(sound, decibels * 10),
                Err(error) => return Err(error),
            }
        }
        let mut duration_ms = 0;
        if self.took(b'/') {
            duration_ms = match self.number(limits::TONE_SEGMENT.as_millis() as u32) {
                Ok(0) => return Err(ToneError::Range(self.at)),
                Ok(number) => number,
                Err(error) => return Err(error),
            };
        }
        Ok(Segment { sound, duration_ms })
    }

    const fn sound(&mut self) -> Result<Sound, ToneError> {
        let mut frequencies = [0; PARTS];
        let mut count = 0;
        loop {
            if count == PARTS {
                return Err(ToneError::Parts(self.at));
            }
            frequencies[count] = match self.hertz() {
                Ok(hz) => hz,
                Err(error) => return Err(error),
            };
            count += 1;
            if count == 1 && frequencies[0] == 0 {
                return Ok(Sound::Silence);
            }
            if frequencies[count - 1] == 0 {
                return Err(ToneError::Range(self.at));
            }
            if count == 1 && self.took(b'*') {
                let carrier = Part { hz: frequencies[0], level: LEVEL - SIDEBANDS };
                return match self.hertz() {
                    Ok(0) => Err(ToneError::Range(self.at)),
                    Ok(by) => Ok(Sound::Modulated(carrier, by)),
                    Err(error) => Err(error),
                };
            }
            if !self.took(b'+') {
                break;
            }
        }
        let mut parts = [Part { hz: 0, level: 0 }; PARTS];
        let mut at = 0;
        while at < count {
            parts[at] = Part { hz: frequencies[at], level: LEVEL - SHARE[count - 1] };
            at += 1;
        }
        Ok(Sound::Sum(parts))
    }

    /// A frequency, or 0 for silence.
    const fn hertz(&mut self) -> Result<u16, ToneError> {
        match self.number(20_000) {
            Ok(hz) if hz > 0 && hz < 10 => Err(ToneError::Range(self.at)),
            Ok(hz) => Ok(hz as u16),
            Err(error) => Err(error),
        }
    }

    const fn decibels(&mut self) -> Result<i16, ToneError> {
        let quieter = self.took(b'-');
        match self.number(if quieter { 50 } else { 8 }) {
            Ok(number) if quieter => Ok(-(number as i16)),
            Ok(number) => Ok(number as i16),
            Err(error) => Err(error),
        }
    }

    const fn number(&mut self, most: u32) -> Result<u32, ToneError> {
        let start = self.at;
        let mut number: u32 = 0;
        while self.at < self.text.len() && self.text[self.at].is_ascii_digit() {
            number = number.saturating_mul(10).saturating_add((self.text[self.at] - b'0') as u32);
            self.at += 1;
        }
        if self.at == start {
            return Err(ToneError::Number(start));
        }
        if number > most {
            return Err(ToneError::Range(self.at));
        }
        Ok(number)
    }

    const fn took(&mut self, octet: u8) -> bool {
        let is_there = self.at < self.text.len() && self.text[self.at] == octet;
        if is_there {
            self.at += 1;
        }
        is_there
    }
}

const fn louder(sound: Sound, tenths: i16) -> Sound {
    match sound {
        Sound::Silence => Sound::Silence,
        Sound::Sum(mut parts) => {
            let mut at = 0;
            while at < PARTS {
                parts[at].level += tenths;
                at += 1;
            }
            Sound::Sum(parts)
        }
        Sound::Modulated(part, by) => Sound::Modulated(Part { hz: part.hz, level: part.level + tenths }, by),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let tone = parse("!950/330,!0/15,350+440@-10/100,0/200,400*25").unwrap();
        assert_eq!((tone.segments().len(), tone.repeated().len()), (5, 3));
        assert_eq!(tone.segments()[1], Segment { sound: Sound::Silence, duration_ms: 15 });
        let Sound::Sum(parts) = tone.segments()[2].sound else { panic!("{tone:?}") };
        assert_eq!(parts[..2], [Part { hz: 350, level: -260 }, Part { hz: 440, level: -260 }]);
        assert_eq!(tone.segments()[4].sound, Sound::Modulated(Part { hz: 400, level: -145 }, 25));
        assert_eq!(tone.segments()[4].duration_ms, 0);
    }

    #[test]
    fn what_is_no_tone_is_refused_and_where() {
        for (text, error) in [
            ("", ToneError::Number(0)),
            ("425/", ToneError::Number(4)),
            ("425,", ToneError::Number(4)),
            ("425/500;0/500", ToneError::Unexpected(7)),
            ("425 ", ToneError::Unexpected(3)),
            ("5/100", ToneError::Range(1)),
            ("20001", ToneError::Range(5)),
            ("425/0", ToneError::Range(5)),
            ("425/99999999999999999999", ToneError::Range(24)),
            ("425@9", ToneError::Range(5)),
            ("425@-51", ToneError::Range(7)),
            ("425+0", ToneError::Range(5)),
            ("425*0", ToneError::Range(5)),
            ("100+200+300+400+500", ToneError::Parts(16)),
            ("425/500,!0/500", ToneError::Order(8)),
            ("\u{b5}", ToneError::Number(0)),
        ] {
            assert_eq!(parse(text), Err(error), "{text}");
        }
        let long = vec!["425/10"; limits::TONE_SEGMENTS + 1].join(",");
        assert!(matches!(parse(&long), Err(ToneError::Segments(_))));
        assert!(parse(&long[..long.len() - 7]).is_ok());
    }
}
