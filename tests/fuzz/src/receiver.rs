//! The receiving side: packets of any codec at any time, and what is heard of them.
//!
//! The input is a list of packets, each after a head of seven octets. The first: which payload type (bits 0–2), marker
//! (bit 3), whether the source begins anew (bit 4), how many ticks of 20 ms pass after it (bits 5–7). Then: how many
//! milliseconds pass before it, the step of its number (signed), that of its timestamp in sixteens of units (signed, two
//! octets, big endian), its length (two octets, big endian).

use std::time::Duration;

use media::dtmf::detector::DigitDetector;
use media::jitter::{ReceivedPacket, Settings};
use media::receiver::{Kind, Receiver};
use media::voice_activity::VoiceActivity;
use media::{AudioFormat, Codec, Format, OpusSettings, SampleRate};

/// As many packets as one input may hold.
const PACKETS: usize = 512;

/// What bits 0–2 stand for.
const PAYLOAD_TYPES: [u8; 8] = [0, 9, 111, 97, 13, 101, 8, 77];

/// The format that was agreed on.
pub fn format() -> Format {
    let opus = OpusSettings { in_band_fec: true, rate: SampleRate::Khz16, ..OpusSettings::default() };
    let opus = AudioFormat::new(Codec::Opus, 111).with_opus(opus);
    let wide = Codec::L16(SampleRate::Khz16);
    let format = Format::new(Codec::Pcmu, 0).receiving(Codec::G722, 9).receiving_audio(opus).receiving(wide, 97);
    format.with_comfort_noise().with_telephone_event(101)
}

/// What came of an input.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Received {
    /// Ticks of each kind, silence first.
    pub ticks: [u64; 4],
    /// Packets.
    pub packets: media::jitter::Counts,
    /// Payloads that held no sound.
    pub malformed: u64,
    /// Lost packets that were recovered from the next.
    pub recovered: u64,
}

/// Hands a list of packets to a receiver. Every tick is whole, and in the end there is silence.
pub fn receiver(data: &[u8]) {
    receive(data);
}

/// The same, and what came of it: to be looked at after an input was written.
pub fn receive(data: &[u8]) -> Received {
    let mut ear = Ear::new();
    let (mut sequence, mut timestamp, mut pushed) = (1u64 << 16, 0u32, 0);
    let mut rest = data;
    for _ in 0..PACKETS {
        let Some((&[flags, wait, step, t0, t1, high, low], behind)) = rest.split_first_chunk::<7>() else { break };
        let length = usize::from(u16::from_be_bytes([high, low])).min(behind.len());
        let (payload, behind) = behind.split_at(length);
        rest = behind;
        ear.now += Duration::from_millis(wait.into());
        sequence = sequence.saturating_add_signed((step as i8).into());
        timestamp = timestamp.wrapping_add_signed(i32::from(i16::from_be_bytes([t0, t1])) * 16);
        if flags & 0x10 != 0 {
            ear.receiver.reset();
        }
        let (payload_type, marker) = (PAYLOAD_TYPES[usize::from(flags & 7)], flags & 8 != 0);
        ear.receiver.push(ear.now, &ReceivedPacket { sequence, timestamp, payload_type, marker, payload });
        pushed += 1;
        ear.hear(u32::from(flags >> 5));
    }
    let statistics = ear.receiver.statistics();
    assert_eq!(statistics.packets.received, pushed);
    assert!(statistics.wanted_delay <= Settings::default().maximum);
    assert!(statistics.packets.late + statistics.packets.duplicate <= pushed);
    let received = Received {
        ticks: ear.ticks,
        packets: statistics.packets,
        malformed: statistics.malformed,
        recovered: statistics.recovered,
    };
    // All that waits is played, what conceals fades; only the noise of a pause may last.
    ear.hear(100);
    let last = ear.last;
    assert!(matches!(last, Kind::Silence | Kind::ComfortNoise), "{last:?}");
    received
}

struct Ear {
    receiver: Receiver,
    digits: DigitDetector,
    activity: VoiceActivity,
    now: Duration,
    ticks: [u64; 4],
    last: Kind,
}

impl Ear {
    fn new() -> Ear {
        Ear {
            receiver: Receiver::new(&format(), Settings::default()),
            digits: DigitDetector::default(),
            activity: VoiceActivity::default(),
            now: Duration::from_secs(1),
            ticks: [0; 4],
            last: Kind::Silence,
        }
    }

    fn hear(&mut self, ticks: u32) {
        for _ in 0..ticks {
            let mut pcm = [1; 960];
            let pulled = self.receiver.pull(self.now, &mut pcm);
            let (heard, behind) = pcm.split_at(pulled.samples);
            assert_eq!(pulled.samples, pulled.rate.frame());
            assert!(behind.iter().all(|sample| *sample == 1), "more was written than said");
            assert!(pulled.kind != Kind::Silence || heard.iter().all(|sample| *sample == 0));
            self.activity.hear(heard);
            if pulled.rate == SampleRate::Khz8 {
                self.digits.hear(heard);
                while let Some(digit) = self.digits.poll_digit() {
                    assert!("0123456789*#ABCD".contains(digit.digit) && digit.duration_ms >= 30);
                }
            }
            self.ticks[pulled.kind as usize] += 1;
            self.last = pulled.kind;
            self.now += Duration::from_millis(20);
        }
    }
}
