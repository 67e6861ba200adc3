//! Receives packets, to be counted: `receive <streams> <seconds> <pcmu|g722|opus|l16> <percent lost> <off|on>`.
//!
//! `off` does everything but hand the packets to the receivers, so that the difference of two runs under `perf stat` or
//! `valgrind --tool=callgrind` is what the receiving side needs.

#![expect(clippy::disallowed_methods, reason = "a program takes its settings from its arguments")]

use std::time::Duration;

use media::codec::Encoder;
use media::jitter::{ReceivedPacket, Settings};
use media::receiver::Receiver;
use media::{Codec, Format, SampleRate};

fn main() {
    let mut arguments = std::env::args().skip(1);
    let mut number = |otherwise: u64| arguments.next().and_then(|text| text.parse().ok()).unwrap_or(otherwise);
    let (streams, seconds) = (number(100), number(60));
    let codec = match arguments.next().as_deref() {
        Some("g722") => Codec::G722,
        Some("opus") => Codec::Opus,
        Some("l16") => Codec::L16(SampleRate::Khz16),
        _ => Codec::Pcmu,
    };
    let lost: u64 = arguments.next().and_then(|text| text.parse().ok()).unwrap_or(0);
    let is_on = arguments.next().is_none_or(|text| text == "on");
    let format = Format::new(codec, 96);
    let mut encoder = Encoder::new(&format.send).expect("a codec of ours");
    let frame = encoder.sample_rate().frame();
    let packets: Vec<Vec<u8>> = (0..50)
        .map(|number| {
            let pcm: Vec<i16> = (0..frame).map(|sample| (sample % (60 + number)) as i16 * 100 - 4_000).collect();
            let mut payload = vec![0; 2_000];
            let len = encoder.encode(&pcm, &mut payload).expect("a frame of 20 ms").len;
            payload.truncate(len);
            payload
        })
        .collect();
    let units = frame as u32 * codec.clock_rate() / encoder.sample_rate().hz();
    let mut receivers: Vec<Receiver> = (0..streams).map(|_| Receiver::new(&format, Settings::default())).collect();
    let (mut pcm, mut sum) = ([0; 960], 0i64);
    for tick in 0..seconds * 50 {
        for (index, receiver) in receivers.iter_mut().enumerate() {
            let now = Duration::from_micros(tick * 20_000 + (tick * 7_919 + index as u64 * 104_729) % 9_000);
            let payload = packets[(tick % 50) as usize].as_slice();
            let timestamp = tick as u32 * units;
            let packet = ReceivedPacket { sequence: tick, timestamp, payload_type: 96, marker: false, payload };
            if is_on && (tick * 6_364_136 + index as u64 * 1_442_695) / 64 % 100 >= lost {
                receiver.push(now, &packet);
            }
            if is_on {
                receiver.pull(Duration::from_millis(tick * 20 + 10), &mut pcm);
            }
            sum += i64::from(pcm[0]);
        }
    }
    let statistics = receivers.first().map(Receiver::statistics);
    println!("{sum} {statistics:?}");
}
