//! No payload makes a decoder panic, write past what it says, or stop decoding what comes after it.

use media::codec::{Decoder, Encoder};
use media::{AudioFormat, limits};

use crate::{Random, formats};

const MARK: i16 = 0x5A5A;

/// Decodes, recovers and conceals what it is given, in any order, into room of any size.
fn feed(decoder: &mut Decoder, random: &mut Random, payload: &[u8]) {
    let most = decoder.sample_rate().per_ms() * limits::PACKET_AUDIO_MS;
    let room = if random.below(4) == 0 { random.below(most) } else { most };
    let mut pcm = vec![MARK; room + 8];
    match random.below(8) {
        0 => assert!(decoder.recover(payload, &mut pcm[..room]) <= room),
        1 => {
            decoder.conceal(&mut pcm[..room]);
        }
        _ => {
            if let Ok(written) = decoder.decode(payload, &mut pcm[..room]) {
                assert!(written <= room, "{written} samples in room for {room}");
                assert!(written > 0 && !payload.is_empty());
            }
        }
    }
    assert!(pcm[room..].iter().all(|sample| *sample == MARK), "written past the end");
}

fn still_decodes(decoder: &mut Decoder, format: &AudioFormat) {
    let mut encoder = Encoder::at_most(decoder.sample_rate(), format).expect("a codec of ours");
    let frame = encoder.sample_rate().frame();
    let (mut payload, mut pcm) = ([0; 2_000], vec![0; frame]);
    let encoded = encoder.encode(&vec![1_000; frame], &mut payload).expect("a frame of 20 ms");
    assert_eq!(decoder.decode(&payload[..encoded.len], &mut pcm), Ok(frame), "{format:?}");
}

#[test]
fn octets_without_meaning() {
    for (index, format) in formats().into_iter().enumerate() {
        let mut decoder = Decoder::new(&format).expect("a codec of ours");
        let mut random = Random(0x7A4D_E003 + index as u64);
        for _ in 0..5_000 {
            let payload = random.octets();
            feed(&mut decoder, &mut random, &payload);
        }
        still_decodes(&mut decoder, &format);
    }
}

#[test]
fn packets_with_flaws() {
    for (index, format) in formats().into_iter().enumerate() {
        let mut encoder = Encoder::new(&format).expect("a codec of ours");
        let mut decoder = Decoder::new(&format).expect("a codec of ours");
        let mut random = Random(0x7A4D_E004 + index as u64);
        for _ in 0..2_000 {
            let pcm = random.noise(encoder.sample_rate().frame());
            let mut payload = vec![0; 2_000];
            let encoded = encoder.encode(&pcm, &mut payload).expect("a frame of 20 ms");
            payload.truncate(encoded.len);
            for _ in 0..random.below(4) {
                let place = random.below(payload.len().max(1));
                match random.below(3) {
                    0 => payload.truncate(place),
                    1 => payload.insert(place.min(payload.len()), random.next() as u8),
                    _ => payload.iter_mut().skip(place).take(1).for_each(|octet| *octet = random.next() as u8),
                }
            }
            feed(&mut decoder, &mut random, &payload);
        }
        still_decodes(&mut decoder, &format);
    }
}

#[test]
fn every_payload_of_one_octet_and_of_two() {
    for format in formats() {
        let mut decoder = Decoder::new(&format).expect("a codec of ours");
        let mut pcm = vec![0; decoder.sample_rate().per_ms() * limits::PACKET_AUDIO_MS];
        for octets in 0..=u16::MAX {
            let payload = octets.to_be_bytes();
            if let Ok(written) = decoder.decode(&payload, &mut pcm) {
                assert!(written <= pcm.len());
            }
            if payload[1] == 0 {
                let _ = decoder.decode(&payload[..1], &mut pcm);
                assert!(decoder.recover(&payload[..1], &mut pcm) <= 5_760);
            }
        }
        still_decodes(&mut decoder, &format);
    }
}
