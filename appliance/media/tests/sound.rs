//! Real files, made by other programs (`sounds/make.sh`), read at every rate: the right length, the right sine, at the right time.

#![allow(clippy::disallowed_methods, reason = "the files are the test")]

use std::io::Cursor;
use std::path::PathBuf;

use media::SampleRate;
use media::sound::{Format, RawFormat, SoundError, SoundReader};

fn file(name: &str) -> Vec<u8> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/sounds").join(name);
    std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn open(octets: Vec<u8>, rate: SampleRate) -> Result<SoundReader<Cursor<Vec<u8>>>, SoundError> {
    SoundReader::open(Cursor::new(octets), rate)
}

/// Everything, in pieces of an odd size.
fn read(reader: &mut SoundReader<Cursor<Vec<u8>>>) -> Result<Vec<i16>, SoundError> {
    let (mut sound, mut piece) = (Vec::new(), [0; 777]);
    loop {
        let count = reader.read(&mut piece)?;
        sound.extend_from_slice(&piece[..count]);
        if count < piece.len() {
            assert!(reader.read(&mut piece).unwrap_or(0) == 0, "after the end there is nothing");
            return Ok(sound);
        }
    }
}

/// Where the 1,000 Hz in it are: peak, radians that they are late, and what else is there, in decibels below them.
fn sine(pcm: &[i16], rate: SampleRate) -> (f64, f64, f64) {
    // Whole periods, without the ends, where a codec has nothing to lean on.
    let from = rate.per_ms() * 40;
    let pcm = &pcm[from..from + rate.per_ms() * 200];
    let angle = |at: usize| at as f64 / rate.per_ms() as f64 * std::f64::consts::TAU;
    let (mut cos, mut sin) = (0.0, 0.0);
    for (at, sample) in pcm.iter().enumerate() {
        cos += f64::from(*sample) * angle(at).cos() * 2.0 / pcm.len() as f64;
        sin += f64::from(*sample) * angle(at).sin() * 2.0 / pcm.len() as f64;
    }
    let rest =
        |(at, sample): (usize, &i16)| (f64::from(*sample) - cos * angle(at).cos() - sin * angle(at).sin()).powi(2);
    let noise: f64 = pcm.iter().enumerate().map(rest).sum::<f64>() / pcm.len() as f64;
    (cos.hypot(sin), -cos.atan2(sin), 10.0 * ((cos * cos + sin * sin) / 2.0 / noise).log10())
}

/// Reads `name` at every rate: 0.3 s (or `times` that), half of the greatest peak, at least so many decibels above the rest.
fn check(name: &str, format: Format, ratio: f64, times: usize) {
    for rate in SampleRate::ALL {
        let mut reader = match RawFormat::from_extension(name.rsplit('.').next().unwrap_or_default()) {
            Some(raw) => SoundReader::raw(Cursor::new(file(name)), raw, rate),
            None => open(file(name), rate).unwrap_or_else(|error| panic!("{name}: {error}")),
        };
        assert_eq!((reader.format(), reader.sample_rate()), (format, rate), "{name}");
        let sound = read(&mut reader).unwrap_or_else(|error| panic!("{name}: {error}"));
        let length = rate.per_ms() * 300;
        // 0.3 s of 11,025 Hz are not a whole number of samples.
        assert!((length * times - sound.len()) <= rate.per_ms() / 8, "{name} at {rate}: {}", sound.len());
        for sound in sound.chunks(length) {
            let (peak, late, above) = sine(sound, rate);
            assert!((15_400.0..16_900.0).contains(&peak), "{name} at {rate}: {peak}");
            // The speech mode of Opus, which codes a sine badly, bends its phase too.
            let tolerance = if format == Format::OggOpus { 0.15 } else { 0.02 };
            assert!(late.abs() < tolerance, "{name} at {rate}: {late} radians late");
            assert!(above > ratio, "{name} at {rate}: {above} dB");
        }
    }
}

#[test]
fn every_kind_of_wav() {
    for (name, ratio) in [
        ("u8_8000.wav", 40.0),
        ("s16_8000.wav", 80.0),
        ("s16_11025_stereo.wav", 80.0),
        ("s24_16000.wav", 80.0),
        ("s32_22050.wav", 80.0),
        ("f32_32000.wav", 80.0),
        ("f64_8000.wav", 80.0),
        ("alaw_8000.wav", 33.0),
        ("ulaw_8000.wav", 33.0),
        ("s24_8000_six.wav", 80.0),
        ("streamed_8000.wav", 80.0),
        ("ffmpeg_piped_8000.wav", 80.0),
        ("rf64_8000.wav", 80.0),
    ] {
        check(name, Format::Wav, ratio, 1);
    }
}

#[test]
fn raw_samples() {
    for (name, ratio) in [("ulaw_8000.ulaw", 33.0), ("alaw_8000.alaw", 33.0), ("s16_16000.sln16", 80.0)] {
        check(name, Format::Raw, ratio, 1);
    }
    assert_eq!(RawFormat::from_extension("wav"), None);
    // The codec is 22 samples late (ITU-T G.722 §1.2); nothing says so in the file.
    let raw = RawFormat::from_extension("G722").unwrap();
    let mut reader = SoundReader::raw(Cursor::new(file("g722_16000.g722")), raw, SampleRate::Khz16);
    let sound = read(&mut reader).unwrap();
    assert_eq!(sound.len(), 4_800);
    let (peak, _, above) = sine(&sound, SampleRate::Khz16);
    assert!((15_500.0..17_000.0).contains(&peak) && above > 25.0, "{peak} {above}");
}

#[test]
fn mp3_of_every_version() {
    // What LAME wrote says how long it is, to the sample.
    for (name, ratio) in [("cbr_44100_stereo.mp3", 60.0), ("vbr_22050.mp3", 40.0), ("tagged_44100.mp3", 50.0)] {
        check(name, Format::Mp3, ratio, 1);
    }
    check("cbr_8000.mp3", Format::Mp3, 30.0, 1);
}

#[test]
fn mp3_that_says_nothing_of_its_length_is_played_whole() {
    let mut reader = open(file("untagged_44100.mp3"), SampleRate::Khz16).unwrap();
    let sound = read(&mut reader).unwrap();
    // 13 frames of 1,152 samples, with the padding at both ends.
    assert_eq!(sound.len(), (13 * 1_152 * 160_usize).div_ceil(441));
    let (peak, _, above) = sine(&sound, SampleRate::Khz16);
    assert!((15_400.0..16_900.0).contains(&peak) && above > 50.0, "{peak} {above}");
}

#[test]
fn opus_alone_and_in_a_chain() {
    check("mono.opus", Format::OggOpus, 30.0, 1);
    check("stereo.opus", Format::OggOpus, 30.0, 1);
    // Packets of 60 ms, in the speech mode.
    check("ffmpeg.opus", Format::OggOpus, 15.0, 1);
    check("chained.opus", Format::OggOpus, 30.0, 2);
}

#[test]
fn the_gain_of_an_opus_file_is_applied() {
    let mut octets = file("mono.opus");
    // −6.0206 dB, as Q7.8, and a checksum that fits.
    octets[28 + 16..28 + 18].copy_from_slice(&(-1_541_i16).to_le_bytes());
    octets[22..26].copy_from_slice(&[0; 4]);
    let sum = octets[..28 + 19].iter().fold(0_u32, |sum, octet| {
        (0..8).fold(sum ^ u32::from(*octet) << 24, |sum, _| (sum << 1) ^ if sum >> 31 == 1 { 0x04C1_1DB7 } else { 0 })
    });
    octets[22..26].copy_from_slice(&sum.to_le_bytes());
    let sound = read(&mut open(octets, SampleRate::Khz48).unwrap()).unwrap();
    let (peak, ..) = sine(&sound, SampleRate::Khz48);
    assert!((7_900.0..8_450.0).contains(&peak), "{peak}");
}

#[test]
fn what_is_not_read_is_named() {
    for (name, reason) in [
        ("adpcm_8000.wav", "WAV with ADPCM (format tag 0x0002, 4 bits)"),
        ("gsm_8000.wav", "WAV with GSM 06.10 (format tag 0x0031, 0 bits)"),
        ("vorbis.ogg", "Ogg with Vorbis is not supported: Opus is"),
        ("flac.flac", "FLAC is not supported: WAV, MP3 and Ogg Opus are"),
        ("layer2_44100.mp2", "not a sound file: begins with ff fd"),
        ("make.sh", "not a sound file: begins with"),
    ] {
        let error = open(file(name), SampleRate::Khz8).expect_err(name).to_string();
        assert!(error.starts_with(reason), "{name}: {error}");
    }
    let error = open(vec![], SampleRate::Khz8).expect_err("there is nothing").to_string();
    assert_eq!(error, "the file is empty, at octet 0");
}

/// A WAV file with one sample after another of 8 kHz, and what a caller wants wrong with it.
fn wav(chunks: &[(&[u8; 4], u32, &[u8])]) -> Vec<u8> {
    let mut octets = b"RIFF\0\0\0\0WAVE".to_vec();
    for (name, length, body) in chunks {
        octets.extend_from_slice(*name);
        octets.extend_from_slice(&length.to_le_bytes());
        octets.extend_from_slice(body);
    }
    let length = octets.len() as u32 - 8;
    octets[4..8].copy_from_slice(&length.to_le_bytes());
    octets
}

const FMT: &[u8] = &[1, 0, 1, 0, 0x40, 0x1F, 0, 0, 0x80, 0x3E, 0, 0, 2, 0, 16, 0];

#[test]
fn lengths_that_lie_are_not_believed() {
    let samples: Vec<u8> = (0..100_i16).flat_map(i16::to_le_bytes).collect();
    let plain = |length| wav(&[(b"fmt ", 16, FMT), (b"data", length, &samples)]);
    let count = |octets: Vec<u8>| read(&mut open(octets, SampleRate::Khz8).unwrap()).unwrap().len();
    assert_eq!(count(plain(200)), 100);
    assert_eq!(count(plain(20)), 10);
    assert_eq!(count(plain(201)), 100);
    assert_eq!(count(plain(4_000_000_000)), 100);
    assert_eq!(count(plain(u32::MAX)), 100);
    // A length of 0 is true where the file says that it goes on behind the chunk, and else was never written.
    assert_eq!(count(wav(&[(b"fmt ", 16, FMT), (b"data", 0, &[]), (b"LIST", 4, b"INFO")])), 0);
    let mut unwritten = plain(0);
    unwritten[4..8].copy_from_slice(&36_u32.to_le_bytes());
    assert_eq!(count(unwritten), 100);
    // Chunks of odd length, with and without the padding.
    for padding in [&b"abc\0"[..], b"abc"] {
        let chunks: [(&[u8; 4], u32, &[u8]); 3] = [(b"note", 3, padding), (b"fmt ", 16, FMT), (b"data", 200, &samples)];
        assert_eq!(count(wav(&chunks)), 100);
    }
    // Cut within a sample, and within nothing.
    assert_eq!(count(plain(200)[..44 + 31].to_vec()), 15);
    assert_eq!(count(plain(200)[..44].to_vec()), 0);
}

#[test]
fn a_broken_wav_says_what_and_where() {
    let mut too_many = FMT.to_vec();
    too_many[2] = 9;
    let mut too_slow = FMT.to_vec();
    too_slow[4..8].copy_from_slice(&10_u32.to_le_bytes());
    let nothing: (&[u8; 4], u32, &[u8]) = (b"fact", 0, &[]);
    for (octets, reason) in [
        (wav(&[(b"fmt ", 16, FMT)]), "the WAV file has no data chunk, at octet 36"),
        (wav(&[(b"data", 2, &[1, 2])]), "the data chunk stands before the fmt chunk, at octet 12"),
        (wav(&[]), "the WAV file has neither fmt nor data chunk, at octet 12"),
        (wav(&[(b"fmt ", 8, &FMT[..8])]), "the fmt chunk is too short, at octet 20"),
        (wav(&[(b"fmt ", 16, &too_many)]), "9 channels; 1 to 8 are read"),
        (wav(&[(b"fmt ", 16, &too_slow)]), "10 samples a second; 1000..=384000 are read"),
        (b"RIFF\0\0\0\0AVI LIST".to_vec(), "a RIFF file of the kind “AVI ”, not WAVE, at octet 8"),
        (b"RIFF\0\0\0".to_vec(), "the WAV file ends within its head, at octet 0"),
        (wav(&vec![nothing; 300]), "no sound within 256 chunks, at octet 2060"),
    ] {
        assert_eq!(open(octets, SampleRate::Khz8).expect_err(reason).to_string(), reason);
    }
}

#[test]
fn what_is_before_the_break_is_played_first() {
    // An Opus file whose second half is something else entirely.
    let mut octets = file("stereo.opus");
    let whole = read(&mut open(octets.clone(), SampleRate::Khz16).unwrap()).unwrap();
    octets.extend(std::iter::repeat_n(0x55, 300_000));
    let mut reader = open(octets, SampleRate::Khz16).unwrap();
    let mut sound = vec![0; whole.len() + 100];
    assert_eq!(reader.read(&mut sound).unwrap(), whole.len());
    assert!(sound[..whole.len()] == whole);
    let error = reader.read(&mut sound).expect_err("junk is no page").to_string();
    assert_eq!(error, "no Ogg page with a correct checksum within 256 KiB, at octet 5525");
    assert_eq!(reader.read(&mut sound).unwrap(), 0);
}

#[test]
fn an_mp3_with_junk_inside_loses_only_the_junk() {
    let clean = file("untagged_44100.mp3");
    let whole = read(&mut open(clean.clone(), SampleRate::Khz48).unwrap()).unwrap().len();
    // Between the fifth and the sixth frame (each 208 or 209 octets).
    let at = (5 * 208..5 * 209 + 1).find(|at| clean[*at..].starts_with(&[0xFF, 0xFB])).unwrap();
    let mut dirty = clean.clone();
    dirty.splice(at..at, std::iter::repeat_n(0xFF, 1_000));
    assert_eq!(read(&mut open(dirty, SampleRate::Khz48).unwrap()).unwrap().len(), whole);
    // Behind the head of a tag there is no sound.
    let error = open(b"ID3\x04\0\0\0\0\0\x05hello, world".to_vec(), SampleRate::Khz8).expect_err("a tag is no sound");
    assert_eq!(error.to_string(), "no frame of MPEG layer III within 64 KiB, at octet 15");
}
