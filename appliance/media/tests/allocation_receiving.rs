//! The receiving side allocates nothing for a packet or a tick: counted by the allocator itself, on the thread of the test.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::time::Duration;

use media::codec::Encoder;
use media::jitter::{ReceivedPacket, Settings};
use media::receiver::{Kind, Receiver};
use media::{Codec, Format, OpusSettings, SampleRate};

struct Counting;

thread_local! {
    static ALLOCATIONS: Cell<u64> = const { Cell::new(0) };
}

fn count() {
    ALLOCATIONS.with(|allocations| allocations.set(allocations.get() + 1));
}

// SAFETY: everything is handed to the system's allocator as it came.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count();
        // SAFETY: the caller keeps the contract of `alloc`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the pointer came from `alloc` above.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count();
        // SAFETY: the pointer came from `alloc` above.
        unsafe { System.realloc(pointer, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// A second of packets of each codec that a phone may use, under the numbers that [`format`] gives them.
fn packets() -> Vec<Vec<Vec<u8>>> {
    let format = format();
    let of = |index: usize| {
        let mut encoder = Encoder::new(&format.receive[index].expect("four codecs")).expect("a codec of ours");
        let frame = encoder.sample_rate().frame();
        let packet = |number: usize| {
            let period = 40 + number % 20;
            let pcm: Vec<i16> = (0..frame).map(|sample| (sample % period) as i16 * 200 - 4_000).collect();
            let mut payload = vec![0; 2_000];
            let len = encoder.encode(&pcm, &mut payload).expect("a frame of 20 ms").len;
            payload.truncate(len);
            payload
        };
        (0..50).map(packet).collect()
    };
    (0..4).map(of).collect()
}

fn format() -> Format {
    let opus = OpusSettings { in_band_fec: true, ..OpusSettings::default() };
    let opus = media::AudioFormat::new(Codec::Opus, 111).with_opus(opus);
    let wide = Codec::L16(SampleRate::Khz16);
    let format = Format::new(Codec::Pcmu, 0).receiving(Codec::G722, 9).receiving_audio(opus).receiving(wide, 97);
    format.with_comfort_noise().with_telephone_event(101)
}

/// What a stream does at `tick`: it changes its codec every ten seconds, pauses every five, loses and delays packets.
fn step(receiver: &mut Receiver, packets: &[Vec<Vec<u8>>], tick: u64, timestamp: &mut u32) {
    let codec = (tick / 500 % 4) as usize;
    *timestamp = timestamp.wrapping_add([160, 160, 960, 320][codec]);
    let is_pause = tick % 250 > 200;
    let payload_type = match tick % 250 {
        201.. => 13,
        100..110 => 101,
        _ => [0, 9, 111, 97][codec],
    };
    if tick % 31 == 30 || (is_pause && !tick.is_multiple_of(5)) {
        return;
    }
    let payload = if payload_type == 13 { &[60][..] } else { &packets[codec][(tick % 50) as usize] };
    let late = if tick % 97 > 90 { 60 } else { tick % 7 };
    let now = Duration::from_millis(tick * 20 + late);
    let packet = ReceivedPacket { sequence: tick, timestamp: *timestamp, payload_type, marker: false, payload };
    receiver.push(now, &packet);
}

#[test]
fn five_minutes_of_packets_allocate_nothing() {
    let packets = packets();
    let mut receivers: Vec<Receiver> = (0..10).map(|_| Receiver::new(&format(), Settings::default())).collect();
    let mut timestamps = [0; 10];
    let (mut kinds, mut pcm) = ([0u64; 4], [0; 960]);
    let mut warm = 0;
    for tick in 0..17_000 {
        // Each codec was heard once.
        if tick == 2_000 {
            warm = ALLOCATIONS.with(Cell::get);
        }
        for (receiver, timestamp) in receivers.iter_mut().zip(&mut timestamps) {
            step(receiver, &packets, tick, timestamp);
            kinds[receiver.pull(Duration::from_millis(tick * 20 + 7), &mut pcm).kind as usize] += 1;
        }
    }
    assert_eq!(ALLOCATIONS.with(Cell::get) - warm, 0);
    let statistics = receivers[0].statistics();
    let counts = statistics.packets;
    assert!(counts.lost > 100 && !statistics.removed.is_zero(), "{statistics:?}");
    assert!(
        statistics.recovered > 10 && !statistics.concealed.is_zero() && !statistics.inserted.is_zero(),
        "{statistics:?}"
    );
    let heard = |kind: Kind| kinds[kind as usize];
    assert!(heard(Kind::Speech) > 50_000 && heard(Kind::ComfortNoise) > 1_000 && heard(Kind::Concealed) > 1_000);
}
