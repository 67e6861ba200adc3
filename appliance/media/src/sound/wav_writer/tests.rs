//! That the file is right whenever somebody looks, however it was left.

use std::io::Cursor;

use super::*;
use crate::SampleRate;
use crate::sound::SoundReader;

fn ramp(len: usize) -> Vec<i16> {
    (0..len).map(|at| (at as i16).wrapping_mul(7)).collect()
}

fn read_all(octets: &[u8], rate: SampleRate) -> Vec<i16> {
    let mut reader = SoundReader::open(Cursor::new(octets), rate).unwrap();
    let mut pcm = vec![0; octets.len()];
    let count = reader.read(&mut pcm).unwrap();
    pcm.truncate(count);
    pcm
}

/// Takes `room` octets, and then no more.
#[derive(Debug)]
struct FullDisk {
    file: Cursor<Vec<u8>>,
    room: u64,
}

impl Write for FullDisk {
    fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        let room = self.room.saturating_sub(self.file.position()) as usize;
        match octets.len().min(room) {
            0 => Err(io::ErrorKind::StorageFull.into()),
            count => self.file.write(&octets[..count]),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Seek for FullDisk {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.file.seek(to)
    }
}

#[test]
fn each_checkpoint_is_a_whole_file() {
    let mut writer = WavWriter::new(Cursor::new(Vec::new()), 8_000, 1).unwrap();
    assert_eq!(read_all(writer.sink().get_ref(), SampleRate::Khz8), []);
    let pcm = ramp(10_000);
    for (at, samples) in pcm.chunks(1_600).enumerate() {
        writer.write(samples).unwrap();
        // Before the checkpoint a player sees what the last one said; without any it sees what there is.
        let seen = if at == 0 { samples.len() } else { at * 1_600 };
        assert!(read_all(writer.sink().get_ref(), SampleRate::Khz8) == pcm[..seen]);
        writer.checkpoint().unwrap();
        assert!(read_all(writer.sink().get_ref(), SampleRate::Khz8) == pcm[..at * 1_600 + samples.len()]);
    }
    assert_eq!(writer.moments(), 10_000);
    assert_eq!(writer.sink().get_ref().len(), 80 + 20_000);
}

#[test]
fn a_full_disk_leaves_whole_moments_and_can_go_on() {
    let pcm = ramp(4_000);
    for room in 80..120 {
        let mut writer = WavWriter::new(FullDisk { file: Cursor::default(), room }, 16_000, 2).unwrap();
        assert_eq!(writer.write(&pcm).unwrap_err().kind(), io::ErrorKind::StorageFull);
        writer.checkpoint().unwrap();
        let moments = (room as usize - 80) / 4;
        assert_eq!(writer.moments(), moments as u64);
        let mono: Vec<i16> = pcm
            .chunks(2)
            .take(moments)
            .map(|pair| ((i32::from(pair[0]) + i32::from(pair[1])) as f32 / 2.0).round_ties_even() as i16)
            .collect();
        assert_eq!(read_all(writer.sink().file.get_ref(), SampleRate::Khz16), mono);
        // Somebody makes room: what comes then stands in the right channel.
        writer.sink.room = 1 << 20;
        writer.write(&pcm[..8]).unwrap();
        writer.checkpoint().unwrap();
        assert_eq!(writer.moments(), moments as u64 + 4);
    }
}

#[test]
fn whatever_is_cut_off_is_repaired() {
    let mut writer = WavWriter::new(Cursor::new(Vec::new()), 8_000, 2).unwrap();
    writer.write(&ramp(400)).unwrap();
    writer.checkpoint().unwrap();
    writer.write(&ramp(400)).unwrap();
    let whole = writer.sink().get_ref().clone();
    for length in 80..whole.len() {
        let mut file = Cursor::new(whole[..length].to_vec());
        let repaired = repair(&mut file).unwrap();
        assert_eq!(repaired.moments, (length as u64 - 80) / 4);
        assert_eq!((repaired.hz, repaired.channels), (8_000, 2));
        assert_eq!(repaired.was_wrong, (length - 80) / 4 != 200);
        assert_eq!(read_all(file.get_ref(), SampleRate::Khz8).len(), (length - 80) / 4);
        assert!(!repair(&mut file).unwrap().was_wrong);
    }
    for length in 0..80 {
        assert!(repair(&mut Cursor::new(whole[..length].to_vec())).is_err(), "{length}");
    }
}

#[test]
fn only_our_own_files_are_repaired() {
    let mut other =
        b"RIFF\x2c\0\0\0WAVEfmt \x10\0\0\0\x01\0\x01\0\x40\x1f\0\0\x80\x3e\0\0\x02\0\x10\0data\x08\0\0\0".to_vec();
    other.extend([1; 12]);
    let before = other.clone();
    let mut file = Cursor::new(other);
    assert_eq!(repair(&mut file).unwrap_err().to_string(), "the WAV file was not written by us");
    assert!(*file.get_ref() == before);
}

#[test]
fn beyond_four_gibibytes_it_is_rf64() {
    let mut writer = WavWriter::new(Cursor::new(Vec::new()), 48_000, 2).unwrap();
    for (written, long) in [(0xFFFF_FFFF - 72 - 3, false), (0xFFFF_FFFF - 72 + 1, true), (10 << 32, true)] {
        // As if so much had been written.
        writer.written = written;
        let head = head(writer.hz, writer.channels, writer.written);
        assert_eq!(&head[..4], if long { b"RF64" } else { b"RIFF" });
        let (format, length) = wav::head(&mut Input::new(Cursor::new(&head[..]))).unwrap();
        assert_eq!((format.hz, format.channels, length), (48_000, 2, Some(written)));
    }
}
