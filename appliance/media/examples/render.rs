//! Writes a tone or the music on hold to standard output, as raw samples of 16 bits for `sox` or `aplay`.
//!
//! ```sh
//! cargo run -q -p media --example render -- de ringing 8000 10 | aplay -f S16_LE -r 8000
//! cargo run -q -p media --example render -- '!950/330,!1400/330,!1800/330' 16000 2 | sox -t s16 -r 16k -c 1 - tone.wav
//! cargo run -q -p media --example render -- music 16000 150 | sox -t s16 -r 16k -c 1 - music.wav
//! ```

#![allow(clippy::disallowed_methods, reason = "an example is run by hand")]

use std::error::Error;
use std::io::Write;

use media::SampleRate;
use media::music::Music;
use media::tone::{Country, Signal, Tone, ToneGenerator};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [what @ .., rate, seconds] = arguments.as_slice() else {
        return Err("what, sample rate, seconds".into());
    };
    let rate = SampleRate::from_hz(rate.parse()?).ok_or("8000, 16000, 24000 or 48000")?;
    let mut pcm = vec![0i16; seconds.parse::<usize>()? * rate.hz() as usize];
    match what {
        [music] if music == "music" => {
            let mut music = Music::new(rate);
            pcm.chunks_mut(rate.frame()).for_each(|frame| music.fill(frame));
        }
        [text] => {
            ToneGenerator::new(&Tone::parse(text)?, rate).fill(&mut pcm);
        }
        [country, signal] => {
            let country = Country::find(country).ok_or("no such country")?;
            let named = |at: &&Signal| format!("{at:?}").eq_ignore_ascii_case(signal);
            let signal = Signal::ALL.iter().find(named).ok_or_else(|| format!("one of {:?}", Signal::ALL))?;
            let tone = country.tone(*signal).ok_or("the country has no such tone")?;
            ToneGenerator::new(&tone, rate).fill(&mut pcm);
        }
        _ => return Err("music, a tone, or a country and a signal".into()),
    }
    let octets: Vec<u8> = pcm.iter().flat_map(|sample| sample.to_le_bytes()).collect();
    Ok(std::io::stdout().lock().write_all(&octets)?)
}
