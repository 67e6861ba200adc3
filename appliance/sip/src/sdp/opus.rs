//! What `a=fmtp` says about Opus (RFC 7587 §6.1).

use std::fmt::Write;

use super::Word;

/// What the author of a description wishes to receive, and what he may send. The default is what holds where nothing is said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct OpusParameters {
    /// `maxplaybackrate`: he plays nothing above half of so many hertz, 8,000–48,000.
    pub max_playback_rate: u32,
    /// `sprop-maxcapturerate`: he sends nothing above half of so many hertz, 8,000–48,000.
    pub max_capture_rate: u32,
    /// `stereo`: he would rather receive two channels.
    pub stereo: bool,
    /// `sprop-stereo`: he is likely to send two channels.
    pub sends_stereo: bool,
    /// `useinbandfec`: he makes use of packets that carry the one before once more.
    pub in_band_fec: bool,
    /// `usedtx`: he would rather receive nothing while nobody speaks.
    pub dtx: bool,
    /// `cbr`: he wants packets of one size.
    pub constant_bit_rate: bool,
    /// `maxaveragebitrate`: the most bits a second he wants, 6,000–510,000.
    pub max_average_bit_rate: Option<u32>,
}

const FULL_RATE: u32 = 48_000;

impl Default for OpusParameters {
    fn default() -> OpusParameters {
        OpusParameters {
            max_playback_rate: FULL_RATE,
            max_capture_rate: FULL_RATE,
            stereo: false,
            sends_stereo: false,
            in_band_fec: false,
            dtx: false,
            constant_bit_rate: false,
            max_average_bit_rate: None,
        }
    }
}

impl OpusParameters {
    /// Reads the settings of a format; what is not understood or out of bounds counts as not said, or as the nearest bound.
    pub fn parse(fmtp: Option<&str>) -> OpusParameters {
        let mut parameters = OpusParameters::default();
        for part in fmtp.unwrap_or_default().split(';') {
            let Some((name, value)) = part.split_once('=') else { continue };
            let (name, Ok(value)) = (name.trim(), value.trim().parse::<u32>()) else { continue };
            parameters.take(name, value);
        }
        parameters
    }

    fn take(&mut self, name: &str, value: u32) {
        let is = |other: &str| name.eq_ignore_ascii_case(other);
        if is("maxplaybackrate") {
            self.max_playback_rate = value.clamp(8_000, FULL_RATE);
        } else if is("sprop-maxcapturerate") {
            self.max_capture_rate = value.clamp(8_000, FULL_RATE);
        } else if is("maxaveragebitrate") {
            self.max_average_bit_rate = Some(value.clamp(6_000, 510_000));
        } else if let Some(flag) = self.flags().into_iter().find_map(|(known, flag)| is(known).then_some(flag)) {
            *flag = value == 1;
        }
    }

    fn flags(&mut self) -> [(&'static str, &mut bool); 5] {
        [
            ("stereo", &mut self.stereo),
            ("sprop-stereo", &mut self.sends_stereo),
            ("useinbandfec", &mut self.in_band_fec),
            ("usedtx", &mut self.dtx),
            ("cbr", &mut self.constant_bit_rate),
        ]
    }

    /// The settings as they are written. `None`: there is nothing to say.
    pub fn to_fmtp(mut self) -> Option<Word> {
        let mut text = String::new();
        let mut say = |name: &str, value: u32| {
            let separator = if text.is_empty() { "" } else { ";" };
            // Writing to a text never fails.
            let _ = write!(text, "{separator}{name}={value}");
        };
        if self.max_playback_rate < FULL_RATE {
            say("maxplaybackrate", self.max_playback_rate);
        }
        if self.max_capture_rate < FULL_RATE {
            say("sprop-maxcapturerate", self.max_capture_rate);
        }
        if let Some(most) = self.max_average_bit_rate {
            say("maxaveragebitrate", most);
        }
        self.flags().into_iter().filter(|(_, flag)| **flag).for_each(|(name, _)| say(name, 1));
        match text.as_str() {
            "" => None,
            "useinbandfec=1" => Some(Word::Borrowed("useinbandfec=1")),
            _ => Some(Word::Owned(text)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The examples of RFC 7587 §7, and what browsers and phones write.
    #[test]
    fn what_is_said_is_read_and_written() {
        let read = |text| OpusParameters::parse(Some(text));
        let rfc = read(
            "maxplaybackrate=16000; sprop-maxcapturerate=16000; maxaveragebitrate=20000; stereo=1; useinbandfec=1; usedtx=0",
        );
        assert_eq!(
            (rfc.max_playback_rate, rfc.max_capture_rate, rfc.max_average_bit_rate),
            (16_000, 16_000, Some(20_000))
        );
        assert!(rfc.stereo && rfc.in_band_fec && !rfc.dtx && !rfc.sends_stereo && !rfc.constant_bit_rate);
        assert_eq!(
            rfc.to_fmtp().as_deref(),
            Some("maxplaybackrate=16000;sprop-maxcapturerate=16000;maxaveragebitrate=20000;stereo=1;useinbandfec=1")
        );
        let browser = read("minptime=10;useinbandfec=1");
        assert_eq!(browser, OpusParameters { in_band_fec: true, ..OpusParameters::default() });
        assert!(matches!(browser.to_fmtp(), Some(Word::Borrowed("useinbandfec=1"))));
        let all = read("CBR=1;UseDTX=1;sprop-stereo=1");
        assert!(all.constant_bit_rate && all.dtx && all.sends_stereo);
        assert_eq!(OpusParameters::parse(all.to_fmtp().as_deref()), all);
    }

    #[test]
    fn nonsense_counts_as_not_said() {
        for nothing in [
            "",
            ";;;",
            "=",
            "useinbandfec",
            "useinbandfec=yes",
            "usedtx=2",
            "maxplaybackrate=-1",
            "x-odd=1",
            "stereo=0",
        ] {
            let parameters = OpusParameters::parse(Some(nothing));
            assert_eq!((parameters, parameters.to_fmtp()), (OpusParameters::default(), None), "{nothing}");
        }
        let absurd =
            OpusParameters::parse(Some("maxplaybackrate=1;sprop-maxcapturerate=4000000000;maxaveragebitrate=1"));
        assert_eq!((absurd.max_playback_rate, absurd.max_capture_rate), (8_000, 48_000));
        assert_eq!(absurd.max_average_bit_rate, Some(6_000));
        assert_eq!(OpusParameters::parse(None), OpusParameters::default());
    }
}
