//! Sound from files: whatever the format and the rate, what comes out is one channel of 16 bits at a rate of ours.
//!
//! [`SoundReader`] reads from anything that is [`Read`] and [`Seek`] and never needs the whole of it: it looks at the first
//! octets to see what it is (never at a name), and then decodes as much as it is asked for. It belongs on a thread that may
//! wait for a disk.
//!
//! The run loop of the caller: [`SoundReader::read`] into a buffer until it returns 0. A broken file gives what is before
//! the break, then one error that says what is wrong, and at which octet.
//!
//! | format | what is read |
//! | --- | --- |
//! | WAV, RF64 | PCM of 8–32 bits, float, A-law, µ-law, up to 8 channels; a length that is wrong or was never written |
//! | MP3 | MPEG-1, 2, 2.5 layer III, any bit rate, tags left out, the encoder's padding cut off |
//! | Ogg Opus | RFC 7845: mono or stereo, chained, pre-skip, gain, exact end |
//! | raw | G.711, G.722 and linear samples without a header, for those who know what they have ([`RawFormat`]) |
//!
//! Several channels become one by their mean. Other rates are converted by [`rate_converter`], which says how well.
//!
//! Memory of one reader: below 160 KB, half of it for the filter of an unusual rate, or for the longest page that Ogg allows. A
//! raw or WAV file at a rate of ours needs 24 KB.

pub mod input;
mod mp3;
mod ogg;
mod ogg_opus;
mod pcm;
pub mod rate_converter;
mod raw;
mod wav;
pub mod wav_writer;

use std::fmt::Write as _;
use std::io::{self, Read, Seek};

use crate::sample_rate::SampleRate;
use input::Input;
use mp3::Mp3Reader;
use ogg_opus::OggOpusReader;
use pcm::PcmReader;
use rate_converter::RateConverter;

pub use pcm::Encoding;
pub use raw::RawFormat;

/// What kind of file it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Format {
    /// RIFF WAVE, or its big sister RF64.
    Wav,
    /// MPEG audio layer III.
    Mp3,
    /// Opus in Ogg.
    OggOpus,
    /// Samples without a header.
    Raw,
}

/// Why there is no sound, or no more.
#[derive(Debug, thiserror::Error)]
pub enum SoundError {
    /// The file cannot be read.
    #[error("cannot read at octet {at}: {error}")]
    Read {
        /// How far it was read.
        at: u64,
        /// What the system says.
        error: io::Error,
    },
    /// It begins like nothing we know.
    #[error("not a sound file: begins with {0}")]
    Unknown(String),
    /// It is known, but not read here.
    #[error("{0}")]
    Unsupported(String),
    /// It contradicts its format.
    #[error("{what}, at octet {at}")]
    Malformed {
        /// What is wrong.
        what: String,
        /// Where.
        at: u64,
    },
}

impl SoundError {
    fn malformed(at: u64, what: impl Into<String>) -> SoundError {
        SoundError::Malformed { what: what.into(), at }
    }
}

/// Reads one file from its beginning to its end.
#[derive(Debug)]
pub struct SoundReader<R> {
    input: Input<R>,
    decoder: Decoder,
    converter: RateConverter,
    rate: SampleRate,
    // One piece of decoded sound, and how much of it the converter has still to take.
    piece: Box<[f32]>,
    taken: usize,
    filled: usize,
    ended: bool,
    // Found behind sound that was handed out first.
    error: Option<SoundError>,
}

#[derive(Debug)]
enum Decoder {
    Wav(PcmReader),
    Raw(PcmReader),
    Mp3(Box<Mp3Reader>),
    OggOpus(Box<OggOpusReader>),
}

impl<R: Read + Seek> SoundReader<R> {
    /// Looks what `source` is, from where it stands, and gets ready to read it at `rate`.
    pub fn open(source: R, rate: SampleRate) -> Result<SoundReader<R>, SoundError> {
        let mut input = Input::new(source);
        let decoder = match sniff(&mut input)? {
            Format::Wav => Decoder::Wav(wav::open(&mut input)?),
            Format::OggOpus => Decoder::OggOpus(Box::new(OggOpusReader::open(&mut input, rate)?)),
            Format::Mp3 | Format::Raw => Decoder::Mp3(Box::new(Mp3Reader::open(&mut input)?)),
        };
        Ok(SoundReader::new(input, decoder, rate))
    }

    /// Reads samples without a header.
    pub fn raw(source: R, format: RawFormat, rate: SampleRate) -> SoundReader<R> {
        SoundReader::new(Input::new(source), Decoder::Raw(format.reader()), rate)
    }

    fn new(input: Input<R>, decoder: Decoder, rate: SampleRate) -> SoundReader<R> {
        let converter = RateConverter::new(decoder.hz(), rate);
        let piece = vec![0.0; decoder.piece()].into_boxed_slice();
        SoundReader { input, decoder, converter, rate, piece, taken: 0, filled: 0, ended: false, error: None }
    }

    /// What it turned out to be.
    pub fn format(&self) -> Format {
        match self.decoder {
            Decoder::Wav(_) => Format::Wav,
            Decoder::Raw(_) => Format::Raw,
            Decoder::Mp3(_) => Format::Mp3,
            Decoder::OggOpus(_) => Format::OggOpus,
        }
    }

    /// The rate of the samples it writes.
    pub fn sample_rate(&self) -> SampleRate {
        self.rate
    }

    /// Fills `pcm` with what comes next and says how many samples there were: fewer than `pcm.len()` only at the end, and then
    /// 0. After an error there is nothing more.
    pub fn read(&mut self, pcm: &mut [i16]) -> Result<usize, SoundError> {
        let mut written = 0;
        while written < pcm.len() {
            let count = self.converter.pull(&mut pcm[written..]);
            written += count;
            if count > 0 {
                continue;
            }
            if self.ended {
                return match self.error.take() {
                    Some(error) if written == 0 => Err(error),
                    error => {
                        self.error = error;
                        Ok(written)
                    }
                };
            }
            self.advance();
        }
        Ok(written)
    }

    /// Gives the converter more, or lets it know that there is no more.
    fn advance(&mut self) {
        if self.taken == self.filled {
            match self.decoder.next(&mut self.input, &mut self.piece) {
                Ok(count) => (self.taken, self.filled) = (0, count),
                Err(error) => {
                    (self.taken, self.filled) = (0, 0);
                    self.error = Some(error);
                }
            }
            if self.decoder.hz() != self.converter.from() {
                // Rare enough (files that were joined) to be cut hard.
                self.converter = RateConverter::new(self.decoder.hz(), self.rate);
            }
        }
        if self.filled == 0 {
            self.ended = true;
            return self.converter.end();
        }
        self.taken += self.converter.push(&self.piece[self.taken..self.filled]);
    }
}

impl Decoder {
    /// Samples a second of what it decodes now.
    fn hz(&self) -> u32 {
        match self {
            Decoder::Wav(pcm) | Decoder::Raw(pcm) => pcm.hz(),
            Decoder::Mp3(mp3) => mp3.hz(),
            Decoder::OggOpus(opus) => opus.hz(),
        }
    }

    /// Samples of one piece.
    fn piece(&self) -> usize {
        match self {
            Decoder::Wav(_) | Decoder::Raw(_) => pcm::PIECE,
            Decoder::Mp3(_) => mp3::PIECE,
            Decoder::OggOpus(opus) => opus.piece(),
        }
    }

    /// Decodes one piece, one channel from −32,768 to 32,767; 0 samples are the end.
    fn next<R: Read + Seek>(&mut self, input: &mut Input<R>, piece: &mut [f32]) -> Result<usize, SoundError> {
        match self {
            Decoder::Wav(pcm) | Decoder::Raw(pcm) => pcm.next(input, piece),
            Decoder::Mp3(mp3) => mp3.next(input, piece),
            Decoder::OggOpus(opus) => opus.next(input, piece),
        }
    }
}

/// What others keep sound in, and how it begins.
const FOREIGN: [(usize, &[u8], &str); 9] = [
    (0, b"fLaC", "FLAC"),
    (0, b"FORM", "AIFF"),
    (0, b".snd", "Sun/NeXT audio"),
    (0, b"caff", "Core Audio"),
    (4, b"ftyp", "MP4"),
    (0, b"\x1a\x45\xdf\xa3", "Matroska or WebM"),
    (0, b"#!AMR", "AMR"),
    (0, b"RIFX", "WAV with the octets in big-endian order"),
    (0, b"ADIF", "AAC"),
];

fn sniff<R: Read + Seek>(input: &mut Input<R>) -> Result<Format, SoundError> {
    let head = input.peek(16)?;
    if head.starts_with(b"OggS") {
        return Ok(Format::OggOpus);
    }
    if [&b"RIFF"[..], b"RF64", b"BW64"].iter().any(|magic| head.starts_with(magic)) {
        return Ok(Format::Wav);
    }
    for (at, magic, name) in FOREIGN {
        if head.get(at..).is_some_and(|head| head.starts_with(magic)) {
            return Err(SoundError::Unsupported(format!("{name} is not supported: WAV, MP3 and Ogg Opus are")));
        }
    }
    if head.is_empty() {
        return Err(SoundError::malformed(0, "the file is empty"));
    }
    let shown = shown(head);
    match mp3::is_likely(input)? {
        true => Ok(Format::Mp3),
        false => Err(SoundError::Unknown(shown)),
    }
}

/// Octets for people.
fn shown(octets: &[u8]) -> String {
    let printable = octets.iter().all(|octet| octet.is_ascii_graphic() || *octet == b' ');
    if printable {
        return format!("“{}”", String::from_utf8_lossy(octets));
    }
    octets.iter().fold(String::new(), |mut text, octet| {
        let _ = write!(text, "{}{octet:02x}", if text.is_empty() { "" } else { " " });
        text
    })
}
