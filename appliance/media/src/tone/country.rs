//! The tones of the telephone networks, country by country.
//!
//! Most rows are from the ITU's list *Various tones used in national networks (according to ITU-T Recommendation E.180)*,
//! edition of 2003; the others from the documents of those who run or regulate the network, as [`Country::source`] says. Where a list
//! names several tones for one signal, the row has the one of digital exchanges. What a country does not define, or only as an
//! announcement, is what E.180 recommends.

use super::{Tone, notation};

/// What a tone tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Signal {
    /// The exchange waits for digits.
    Dial,
    /// The called phone rings.
    Ringing,
    /// The called phone is engaged.
    Busy,
    /// No line was free.
    Congestion,
    /// The call failed for another reason; an announcement often follows.
    SpecialInformation,
    /// Somebody else calls during a call.
    CallWaiting,
    /// The receiver was forgotten off the hook.
    Howler,
}

impl Signal {
    /// Every signal.
    pub const ALL: [Signal; 7] = [
        Signal::Dial,
        Signal::Ringing,
        Signal::Busy,
        Signal::Congestion,
        Signal::SpecialInformation,
        Signal::CallWaiting,
        Signal::Howler,
    ];
}

/// The tones of one country.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Country {
    /// ISO 3166-1, two lower-case letters; `xx` is E.180's own recommendation.
    pub code: &'static str,
    /// In English.
    pub name: &'static str,
    /// Where the row is from.
    pub source: &'static str,
    /// In the order of [`Signal::ALL`], as tones are written; empty: not defined.
    tones: [&'static str; 7],
}

impl Country {
    /// What E.180 recommends to all.
    pub const INTERNATIONAL: &'static Country = &COUNTRIES[0];

    /// The country with this code (ISO 3166-1, two letters), or `uk`.
    pub fn find(code: &str) -> Option<&'static Country> {
        let code = if code.eq_ignore_ascii_case("uk") { "gb" } else { code };
        COUNTRIES.iter().find(|country| country.code.eq_ignore_ascii_case(code))
    }

    /// All there are.
    pub fn all() -> &'static [Country] {
        &COUNTRIES
    }

    /// The tone for a signal: the country's own or, if it has none, the recommended one. Nobody recommends a howler.
    pub fn tone(&self, signal: Signal) -> Option<Tone> {
        let own = self.tones[signal as usize];
        let text = if own.is_empty() { Country::INTERNATIONAL.tones[signal as usize] } else { own };
        // Every row was read at compile time, below; only the empty text of a missing howler is no tone.
        Tone::parse(text).ok()
    }
}

const ITU: &str = "ITU-T E.180, list of 2003";
const SIT: &str = "950/330,1400/330,1800/330,0/1000";

const fn row(code: &'static str, name: &'static str, source: &'static str, tones: [&'static str; 7]) -> Country {
    Country { code, name, source, tones }
}

/// Dial, ringing, busy, congestion, special information, call waiting, howler.
#[rustfmt::skip]
static COUNTRIES: [Country; 49] = [
    row("xx", "International", "ITU-T E.180 (1998)", [
        "425", "425/1000,0/4000", "425/500,0/500", "425/250,0/250", SIT, "425/300,0/10000", ""]),
    row("ae", "United Arab Emirates", ITU, [
        "350+440", "400+450/400,0/200,400+450/400,0/2000", "400/375,0/375", "400/400,0/350,400/225,0/525", "", "", ""]),
    row("al", "Albania", ITU, [
        "425", "425/1000,0/4000", "425/300,0/300", "425/150,0/150", "", "", ""]),
    row("ar", "Argentina", ITU, [
        "425", "425/1000,0/4000", "425/300,0/200", "425/300,0/400", "", "425/300,0/10000", ""]),
    row("at", "Austria", ITU, [
        "420", "420/1000,0/5000", "420/400,0/400", "420/200,0/200", SIT, "420/40,0/1950", ""]),
    row("au", "Australia", "ACIF S002:2001", [
        "413+438", "413+438/400,0/200,413+438/400,0/2000", "425/375,0/375", "425/375,0/375,425@-10/375,0/375",
        "425/2500,0/500", "425/200,0/200,425/200,0/4400", ""]),
    row("aw", "Aruba", ITU, [
        "425", "425/1000,0/4000", "425/500,0/500", "425/250,0/250", SIT, "425/200,0/200,425/200,0/4400", ""]),
    row("be", "Belgium", ITU, [
        "425", "425/1000,0/3000", "425/500,0/500", "425/167,0/167", "900/330,1400/330,1800/330,0/1000",
        "1400/175,0/175,1400/175,0/3500", ""]),
    row("bg", "Bulgaria", ITU, [
        "425", "425/1000,0/4000", "425/500,0/500", "425/250,0/250", SIT, "425/150,0/150,425/150,0/4000", ""]),
    row("br", "Brazil", ITU, [
        "425", "425/1000,0/4000", "425/250,0/250", "425/250,0/250,425/750,0/250", "", "425/50,0/1000", ""]),
    row("ca", "Canada", "Telcordia GR-506-CORE", [
        "350+440", "440+480/2000,0/4000", "480+620/500,0/500", "480+620/250,0/250", SIT, "440/300,0/10000",
        "1400+2060+2450+2600@6/100,0/100"]),
    row("ch", "Switzerland", ITU, [
        "425", "425/1000,0/4000", "425/500,0/500", "425/200,0/200", SIT, "425/200,0/200,425/200,0/4000", ""]),
    row("cl", "Chile", "Telefónica CTC Chile", [
        "400", "400/1000,0/3000", "400/500,0/500", "400/200,0/200", SIT, "400/250,0/8750", ""]),
    row("cn", "China", ITU, [
        "450", "450/1000,0/4000", "450/350,0/350", "450/700,0/700",
        "450/100,0/100,450/100,0/100,450/100,0/100,450/400,0/400", "450/400,0/4000", ""]),
    row("cz", "Czechia", ITU, [
        "425/330,0/330,425/660,0/660", "425/1000,0/4000", "425/330,0/330", "425/165,0/165",
        "950/330,0/30,1400/330,0/30,1800/330,0/1000", "425/330,0/9000", ""]),
    row("de", "Germany", ITU, [
        "425", "425/1000,0/4000", "425/480,0/480", "425/240,0/240", SIT, "425/200,0/200,425/200,0/5000", ""]),
    row("dk", "Denmark", ITU, [
        "425", "425/1000,0/4000", "425/500,0/500", "425/200,0/200", SIT, "425/200,0/600,425/200,0/3000", ""]),
    row("ee", "Estonia", ITU, [
        "425", "425/1000,0/4000", "425/300,0/300", "425/200,0/200", "", "", ""]),
    row("es", "Spain", ITU, [
        "425", "425/1500,0/3000", "425/200,0/200", "425/200,0/200,425/200,0/200,425/200,0/600", SIT,
        "425/175,0/175,425/175,0/3500", ""]),
    row("fi", "Finland", ITU, [
        "425", "425/1000,0/4000", "425/300,0/300", "425/200,0/200", "", "425/150,0/150,425/150,0/8000", ""]),
    row("fr", "France", ITU, [
        "440", "440/1500,0/3500", "440/500,0/500", "440/250,0/250", SIT, "440/300,0/10000", ""]),
    row("gb", "United Kingdom", "BT SIN 350", [
        "350+440", "400+450/400,0/200,400+450/400,0/2000", "400/375,0/375", "400/400,0/350,400/225,0/525",
        "950/330,0/15,1400/330,0/15,1800/330,0/1000", "400/100,0/4000", ""]),
    row("gr", "Greece", ITU, [
        "425/200,0/300,425/700,0/800", "425/1000,0/4000", "425/300,0/300", "425/200,0/200", SIT,
        "425/150,0/150,425/150,0/8000", ""]),
    row("hu", "Hungary", ITU, [
        "425", "425/1250,0/3750", "425/300,0/300", "425/300,0/300", SIT, "425/40,0/1960", ""]),
    row("id", "Indonesia", ITU, [
        "425", "425/1000,0/4000", "425/500,0/500", "425/250,0/250", SIT, "425/150,0/150,425/150,0/10000", ""]),
    row("il", "Israel", ITU, [
        "414", "414/1000,0/3000", "414/500,0/500", "414/250,0/250", "1000/330,1400/330,1800/330,0/1000",
        "414/100,0/100,414/100,0/100,414/600,0/3000", ""]),
    row("in", "India", ITU, [
        "400*25", "400*25/400,0/200,400*25/400,0/2000", "400/750,0/750", "400/250,0/250", "",
        "400/200,0/100,400/200,0/7500", ""]),
    row("it", "Italy", ITU, [
        "425/200,0/200,425/600,0/1000", "425/1000,0/4000", "425/500,0/500", "425/200,0/200", SIT,
        "425/400,0/100,425/250,0/100,425/150,0/14000", ""]),
    row("jp", "Japan", ITU, [
        "400", "400*16/1000,0/2000", "400/500,0/500", "400/500,0/500", "", "400*16/500,0/8000", ""]),
    row("lt", "Lithuania", ITU, [
        "425", "425/1000,0/4000", "425/350,0/350", "425/200,0/200", SIT, "425/150,0/150,425/150,0/4000", ""]),
    row("mx", "Mexico", ITU, [
        "425", "425/1000,0/4000", "425/250,0/250", "425/250,0/250", "950/330,0/30,1400/330,0/30,1800/330,0/1000",
        "425/200,0/600,425/200,0/10000", ""]),
    row("my", "Malaysia", ITU, [
        "425", "425/400,0/200,425/400,0/2000", "425/500,0/500", "425/500,0/500", "", "", ""]),
    row("nl", "Netherlands", ITU, [
        "425", "425/1000,0/4000", "425/500,0/500", "425/250,0/250", SIT, "425/500,0/9500", ""]),
    row("no", "Norway", ITU, [
        "425", "425/1000,0/4000", "425/500,0/500", "425/200,0/200", SIT, "425/200,0/600,425/200,0/10000", ""]),
    row("nz", "New Zealand", "Telecom New Zealand TNA 102", [
        "400", "400+450/400,0/200,400+450/400,0/2000", "400/500,0/500", "400/250,0/250",
        "400/750,0/100,400/750,0/100,400/750,0/100,400/750,0/400",
        "!400/200,!0/3000,!400/200,!0/3000,!400/200,!0/3000,!400/200", ""]),
    row("ph", "Philippines", ITU, [
        "425", "425+480/1000,0/4000", "480+620/500,0/500", "480+620/250,0/250", "", "440/300,0/10000", ""]),
    row("pl", "Poland", ITU, [
        "425", "425/1000,0/4000", "425/500,0/500", "425/500,0/500", SIT, "425/150,0/150,425/150,0/4000", ""]),
    row("pt", "Portugal", ITU, [
        "425", "425/1000,0/5000", "425/500,0/500", "425/200,0/200", SIT, "440/300,0/10000", ""]),
    row("ru", "Russia", "GOST 45.223-2001", [
        "425", "425/1000,0/4000", "425/350,0/350", "425/175,0/175", SIT, "425/200,0/5000", ""]),
    row("se", "Sweden", ITU, [
        "425", "425/1000,0/5000", "425/250,0/250", "425/250,0/750", "950/332,0/24,1400/332,0/24,1800/332,0/2024",
        "425/200,0/500,425/200,0/9100", ""]),
    row("sg", "Singapore", "IDA TS PSTN1", [
        "425", "425*24/400,0/200,425*24/400,0/2000", "425/750,0/750", "425/250,0/250", SIT,
        "425*24/300,0/200,425*24/300,0/3200", ""]),
    row("th", "Thailand", ITU, [
        "400*50", "400/1000,0/4000", "400/500,0/500", "400/300,0/300", SIT, "400/400,0/10000", ""]),
    row("tn", "Tunisia", ITU, [
        "425", "425/1200,0/4600", "425/250,0/250", "425/167,0/167", "", "", ""]),
    row("tr", "Türkiye", ITU, [
        "450", "450/2000,0/4000", "450/500,0/500", "450/200,0/200,450/200,0/200,450/200,0/200,450/600,0/200",
        "950/300,1400/300,1800/300,0/1000", "", ""]),
    row("tt", "Trinidad and Tobago", ITU, [
        "350+440", "440+480/2000,0/4000", "480+620/500,0/500", "480+620/300,0/200", "", "440/300,0/10000", ""]),
    row("tw", "Taiwan", "published by exchange makers", [
        "350+440", "440+480/1000,0/2000", "480+620/500,0/500", "480+620/250,0/250", "",
        "350+440/250,0/250,350+440/250,0/3250", ""]),
    row("us", "United States", "Telcordia GR-506-CORE", [
        "350+440", "440+480/2000,0/4000", "480+620/500,0/500", "480+620/250,0/250", SIT, "440/300,0/10000",
        "1400+2060+2450+2600@6/100,0/100"]),
    row("ve", "Venezuela", ITU, [
        "425", "425/1000,0/4000", "425/500,0/500", "425/250,0/250", "950/330,1440/330,1800/330,0/1000",
        "400+450/300,0/6000", ""]),
    row("za", "South Africa", ITU, [
        "400*33", "400*33/400,0/200,400*33/400,0/2000", "400/500,0/500", "400/250,0/250",
        "950/330,1400/330,1800/330,0/330", "400*33/250,0/250,400*33/250,0/250,400*33/250,0/250,400*33/250,0/250", ""]),
];

/// A row that is no tone does not compile.
const _: () = {
    let mut at = 0;
    while at < COUNTRIES.len() {
        let mut signal = 0;
        while signal < Signal::ALL.len() {
            let text = COUNTRIES[at].tones[signal];
            assert!(text.is_empty() || notation::parse(text).is_ok(), "a row of COUNTRIES is not written as tones are");
            signal += 1;
        }
        at += 1;
    }
};

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::tone::Sound;

    #[test]
    fn every_country_has_every_tone_but_the_howler() {
        let codes: BTreeSet<&str> = Country::all().iter().map(|country| country.code).collect();
        assert_eq!(codes.len(), Country::all().len());
        for country in Country::all() {
            assert_eq!(Country::find(&country.code.to_uppercase()), Some(country));
            for signal in Signal::ALL {
                let tone = country.tone(signal);
                assert_eq!(tone.is_some(), signal != Signal::Howler || ["us", "ca"].contains(&country.code));
                let sounds = tone.iter().flat_map(|tone| tone.segments()).any(|part| part.sound != Sound::Silence);
                assert!(sounds || signal == Signal::Howler, "{} {signal:?}", country.name);
            }
        }
        assert_eq!(Country::find("uk").map(|country| country.name), Some("United Kingdom"));
        assert_eq!(Country::find("atlantis"), None);
    }

    #[test]
    fn tones_lie_where_e180_accepts_them() {
        for country in Country::all() {
            for signal in [Signal::Dial, Signal::Ringing, Signal::Busy, Signal::Congestion] {
                let tone = country.tone(signal).unwrap();
                let hertz = tone.segments().iter().flat_map(|segment| match segment.sound {
                    Sound::Silence => vec![],
                    Sound::Sum(parts) => parts.iter().map(|part| part.hz).filter(|hz| *hz > 0).collect(),
                    Sound::Modulated(carrier, _) => vec![carrier.hz],
                });
                for hz in hertz {
                    assert!((340..=620).contains(&hz), "{} {signal:?}: {hz} Hz", country.name);
                }
                // A cadence of these signals comes round within eight seconds; a dial tone may go on for ever.
                let round: u32 = tone.repeated().iter().map(|segment| segment.duration_ms).sum();
                assert!(round <= 8_000 && (round > 0 || signal == Signal::Dial), "{} {signal:?}", country.name);
            }
        }
    }
}
