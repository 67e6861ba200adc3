//! Opus in Ogg (RFC 7845).
//!
//! libopus itself makes one channel of two, at the rate that is wanted. Streams that follow one another are played one after the
//! other; of streams side by side the first Opus stream is played. A packet that cannot be decoded is silence of its length.

use std::io::{Read, Seek};

use super::SoundError;
use super::input::Input;
use super::ogg::{Page, Pages};
use crate::codec::Decoder;
use crate::format::{AudioFormat, Codec};
use crate::limits;
use crate::sample_rate::SampleRate;

/// Positions count 48,000 a second, whatever is decoded (RFC 7845 §4).
const PER_MS: usize = 48;

/// Reads packet by packet.
#[derive(Debug)]
pub(super) struct OggOpusReader {
    rate: SampleRate,
    pages: Pages,
    packet: Vec<u8>,
    pcm: Box<[i16]>,
    stream: Stream,
    has_sound: bool,
}

/// One stream, from its first page to its last.
#[derive(Debug)]
struct Stream {
    decoder: Decoder,
    serial: u32,
    gain: f32,
    awaits_tags: bool,
    // All three at 48 kHz: what the first granule position begins at, how far it is decoded, and what is to be left out.
    begin: Option<u64>,
    position: u64,
    pre_skip: u64,
    // Where the last page says that it ends.
    end: Option<u64>,
    is_over: bool,
}

impl OggOpusReader {
    /// Finds the first Opus stream.
    pub fn open<R: Read + Seek>(input: &mut Input<R>, rate: SampleRate) -> Result<OggOpusReader, SoundError> {
        let mut pages = Pages::new(input);
        let mut packet = Vec::new();
        let stream = Stream::find(input, &mut pages, &mut packet, rate)?
            .ok_or_else(|| SoundError::malformed(input.at(), "the Ogg file ends within its head"))?;
        let pcm = vec![0; rate.per_ms() * limits::PACKET_AUDIO_MS].into_boxed_slice();
        Ok(OggOpusReader { rate, pages, packet, pcm, stream, has_sound: false })
    }

    /// Samples a second of what it decodes.
    pub fn hz(&self) -> u32 {
        self.rate.hz()
    }

    /// Samples of the longest packet.
    pub fn piece(&self) -> usize {
        self.pcm.len()
    }

    /// Decodes the next packet; 0 samples are the end.
    pub fn next<R: Read + Seek>(&mut self, input: &mut Input<R>, piece: &mut [f32]) -> Result<usize, SoundError> {
        loop {
            while self.pages.next_packet(input, &mut self.packet)? {
                let count = self.decode(piece);
                if count > 0 {
                    return Ok(count);
                }
            }
            if self.stream.is_over {
                match Stream::find(input, &mut self.pages, &mut self.packet, self.rate)? {
                    Some(stream) => self.stream = stream,
                    None => break,
                }
                continue;
            }
            let Some(page) = self.pages.next_page(input)? else { break };
            if page.serial == self.stream.serial {
                self.enter(input, page)?;
            } else {
                self.pages.leave_out();
            }
        }
        match self.has_sound {
            true => Ok(0),
            false => Err(SoundError::malformed(input.at(), "the Ogg file has no Opus packet that can be decoded")),
        }
    }

    /// Learns from a page where its packets are in time.
    fn enter<R: Read + Seek>(&mut self, input: &mut Input<R>, page: Page) -> Result<(), SoundError> {
        let stream = &mut self.stream;
        stream.is_over = page.ends;
        let Some(granule) = page.granule.filter(|_| !stream.awaits_tags) else { return Ok(()) };
        if stream.begin.is_none() {
            let mut sum = 0;
            self.pages.look(input, |packet| sum += duration(packet).unwrap_or(0))?;
            // The granule position of a last page may cut samples off; it then says nothing about where the stream began.
            stream.begin = Some(if page.ends { 0 } else { granule.saturating_sub(sum) });
        }
        if page.ends {
            stream.end = Some(granule.saturating_sub(stream.begin.unwrap_or(0)));
        }
        Ok(())
    }

    /// Decodes the packet, and cuts off what is before the beginning and behind the end.
    fn decode(&mut self, piece: &mut [f32]) -> usize {
        let stream = &mut self.stream;
        if std::mem::take(&mut stream.awaits_tags) {
            return 0;
        }
        let per_ms = self.rate.per_ms();
        let count = match stream.decoder.decode(&self.packet, &mut self.pcm) {
            Ok(count) => {
                self.has_sound = true;
                count
            }
            Err(_) => {
                let count = duration(&self.packet).unwrap_or(0) as usize * per_ms / PER_MS;
                self.pcm[..count].fill(0);
                count
            }
        };
        let from = stream.position;
        stream.position += (count * PER_MS / per_ms) as u64;
        let first = stream.pre_skip.max(from);
        let last = stream.end.unwrap_or(u64::MAX).min(stream.position);
        let at = |position: u64| (position.saturating_sub(from) as usize * per_ms / PER_MS).min(count);
        let kept = &self.pcm[at(first)..at(last).max(at(first))];
        piece.iter_mut().zip(kept).for_each(|(sample, pcm)| *sample = f32::from(*pcm) * stream.gain);
        kept.len()
    }
}

impl Stream {
    /// Goes to the next page that begins an Opus stream. `None` at the end of the file.
    fn find<R: Read + Seek>(
        input: &mut Input<R>,
        pages: &mut Pages,
        packet: &mut Vec<u8>,
        rate: SampleRate,
    ) -> Result<Option<Stream>, SoundError> {
        let mut other = None;
        while let Some(page) = pages.next_page(input)? {
            if !page.begins {
                match other {
                    Some(name) => {
                        return Err(SoundError::Unsupported(format!("Ogg with {name} is not supported: Opus is")));
                    }
                    None => continue,
                }
            }
            let at = input.at();
            pages.next_packet(input, packet)?;
            if packet.starts_with(b"OpusHead") {
                return Stream::open(packet, at, page.serial, rate).map(Some);
            }
            other = other.or(Some(name_of(packet)));
            pages.leave_out();
        }
        match other {
            Some(name) => Err(SoundError::Unsupported(format!("Ogg with {name} is not supported: Opus is"))),
            None => Ok(None),
        }
    }

    /// Reads the identification header (RFC 7845 §5.1).
    fn open(head: &[u8], at: u64, serial: u32, rate: SampleRate) -> Result<Stream, SoundError> {
        if head.len() < 19 {
            return Err(SoundError::malformed(at, "the Opus head is too short"));
        }
        let (version, channels, family) = (head[8], head[9], head[18]);
        if version >> 4 != 0 {
            return Err(SoundError::Unsupported(format!("Ogg Opus of version {version} is not supported")));
        }
        if channels == 0 || channels > 2 || family > 1 {
            return Err(SoundError::Unsupported(format!(
                "Ogg Opus with {channels} channels, family {family}; mono and stereo are read"
            )));
        }
        let format = AudioFormat::new(Codec::Opus, 96);
        let decoder = Decoder::at_most(rate, &format).map_err(|error| SoundError::Unsupported(error.to_string()))?;
        let gain = f32::from(i16::from_le_bytes([head[16], head[17]])) / 256.0;
        Ok(Stream {
            decoder,
            serial,
            gain: 10_f32.powf(gain / 20.0),
            awaits_tags: true,
            begin: None,
            position: 0,
            pre_skip: u64::from(u16::from_le_bytes([head[10], head[11]])),
            end: None,
            is_over: false,
        })
    }
}

/// What a stream is whose first packet this is.
fn name_of(packet: &[u8]) -> &'static str {
    let known: [(&[u8], &str); 6] = [
        (b"\x01vorbis", "Vorbis"),
        (b"\x7fFLAC", "FLAC"),
        (b"Speex   ", "Speex"),
        (b"\x80theora", "Theora"),
        (b"fishead\0", "a skeleton"),
        (b"PCM     ", "PCM"),
    ];
    known.iter().find(|(magic, _)| packet.starts_with(magic)).map_or("an unknown codec", |(_, name)| name)
}

/// How long a packet plays, at 48 kHz (RFC 6716 §3.1, §3.2).
fn duration(packet: &[u8]) -> Option<u64> {
    let toc = *packet.first()?;
    let frame = match toc >> 3 {
        config @ 0..12 => [480, 960, 1_920, 2_880][usize::from(config % 4)],
        config @ 12..16 => [480, 960][usize::from(config % 2)],
        config => [120, 240, 480, 960][usize::from(config % 4)],
    };
    let frames = match toc & 3 {
        0 => 1,
        1 | 2 => 2,
        _ => u64::from(packet.get(1)? & 0x3F),
    };
    Some(frame * frames).filter(|duration| *duration <= (PER_MS * limits::PACKET_AUDIO_MS) as u64)
}
