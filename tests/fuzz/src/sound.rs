//! Sound files, whatever is in them.

use std::io::Cursor;

use media::SampleRate;
use media::sound::{SoundReader, wav_writer};

/// Samples after which a file is long enough.
const ENOUGH: usize = 2_000_000;

/// A file as it is; then what would be if we had written it ourselves and died.
pub fn sound_wav(data: &[u8]) {
    play(data);
    let mut file = Cursor::new(data.to_vec());
    match wav_writer::repair(&mut file) {
        Ok(repaired) => {
            let moments = (data.len() as u64 - wav_writer::HEAD) / u64::from(repaired.channels * 2);
            assert_eq!(repaired.moments, moments);
            assert!(wav_writer::repair(&mut file).is_ok_and(|again| !again.was_wrong));
        }
        Err(_) => assert_eq!(file.get_ref(), data, "what is not repaired is left alone"),
    }
}

/// A file as it is.
pub fn sound_mp3(data: &[u8]) {
    play(data);
}

/// A file as it is, and with checksums that are right, so that more than the search for pages is tried.
pub fn sound_ogg(data: &[u8]) {
    play(data);
    play(&with_checksums(data));
}

/// Reads all there is. What was read depends on nothing but the file, and after the end there is nothing.
fn play(data: &[u8]) {
    let rate = SampleRate::ALL[data.len() % 4];
    let Ok(mut reader) = SoundReader::open(Cursor::new(data), rate) else { return };
    let mut pcm = vec![0; 1 + data.len() % 4_000];
    let mut total = 0;
    while total < ENOUGH {
        match reader.read(&mut pcm) {
            Ok(count) if count == pcm.len() => total += count,
            Ok(count) => {
                assert!(count < pcm.len());
                // Behind the end is an error at most, and then nothing.
                let _ = reader.read(&mut pcm);
                assert!(matches!(reader.read(&mut pcm), Ok(0)));
                return;
            }
            Err(error) => {
                assert!(!error.to_string().is_empty());
                assert!(matches!(reader.read(&mut pcm), Ok(0)));
                return;
            }
        }
    }
}

fn with_checksums(data: &[u8]) -> Vec<u8> {
    let mut data = data.to_vec();
    let mut at = 0;
    while let Some(found) = data[at..].windows(4).position(|octets| octets == b"OggS") {
        at += found;
        let Some(segments) = data.get(at + 26).map(|count| usize::from(*count)) else { break };
        let lacing = data.get(at + 27..at + 27 + segments).unwrap_or_default();
        let length = 27 + segments + lacing.iter().map(|octet| usize::from(*octet)).sum::<usize>();
        let Some(page) = data.get_mut(at..at + length) else { break };
        page[22..26].fill(0);
        let sum = page.iter().fold(0_u32, |sum, octet| {
            (0..8)
                .fold(sum ^ u32::from(*octet) << 24, |sum, _| (sum << 1) ^ if sum >> 31 == 1 { 0x04C1_1DB7 } else { 0 })
        });
        page[22..26].copy_from_slice(&sum.to_le_bytes());
        at += 4;
    }
    data
}
